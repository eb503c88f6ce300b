package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// MaxMemory bounds what the engine holds for one document, the file included.
const MaxMemory = 256 << 20

// wasmPage is the unit in which WebAssembly counts memory.
const wasmPage = 64 << 10

// The reasons for which documents are refused.
var (
	ErrEncrypted = errors.New("encrypted")
	ErrBroken    = errors.New("broken or cut off")
	ErrTooLarge  = errors.New("too large")
	ErrTime      = errors.New("takes too long")
	ErrNoText    = errors.New("holds no text: perhaps pictures of pages")
)

// Document is what a file says.
type Document struct {
	// Title is the title among the document's properties; often empty.
	Title string
	// Markdown is the text.
	Markdown string
}

// Options bound reading. A zero field means no bound.
type Options struct {
	// MaxText bounds the bytes of the text.
	MaxText int64
	// MaxPages bounds the pages.
	MaxPages int
	// Seconds bounds the time, that for waiting until the engine is free and for
	// starting it aside.
	Seconds int
}

// Engine reads documents. It starts at the first one. It is safe for concurrent
// use, and reads as many documents at a time as New was told.
type Engine struct {
	cache string
	most  int

	start sync.Mutex
	pool  pdfium.Pool
	code  wazero.CompilationCache
	slots chan struct{}
}

// New returns an engine that reads so many documents at a time. Cache is a
// folder in which it keeps its compiled code, so that it starts in half a second
// instead of some ten the next time; where it is empty, the engine is interpreted:
// it starts in two seconds and reads several times slower. The text is the same.
func New(cache string, most int) *Engine {
	most = max(most, 1)
	return &Engine{cache: cache, most: most, slots: make(chan struct{}, most)}
}

// Close frees the engine. Nothing may be read any more.
func (e *Engine) Close() error {
	e.start.Lock()
	defer e.start.Unlock()
	var err error
	if e.pool != nil {
		err = e.pool.Close()
		e.pool = nil
	}
	if e.code != nil {
		err = errors.Join(err, e.code.Close(context.Background()))
		e.code = nil
	}
	return err
}

// running starts the engine if it is not.
func (e *Engine) running() (pdfium.Pool, error) {
	e.start.Lock()
	defer e.start.Unlock()
	if e.pool != nil {
		return e.pool, nil
	}
	c := wazero.NewRuntimeConfigInterpreter()
	if e.cache != "" {
		code, err := wazero.NewCompilationCacheWithDir(e.cache)
		if err != nil {
			return nil, fmt.Errorf("start the PDF engine: %w", err)
		}
		e.code = code
		c = wazero.NewRuntimeConfig().WithCompilationCache(code)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context: context.Background(), MaxTotal: e.most,
		RuntimeConfig: c.WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
			WithCloseOnContextDone(true).WithMemoryLimitPages(MaxMemory / wasmPage),
		FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard, RandomSource: zeros{},
	})
	if err != nil {
		return nil, fmt.Errorf("start the PDF engine: %w", err)
	}
	e.pool = pool
	return pool, nil
}

// zeros are random bytes that are the same every time.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// Read reads a document. The error is the context's, or wraps one of the reasons
// above, or is about the engine, which then reads nothing at all.
func (e *Engine) Read(ctx context.Context, file []byte, o Options) (Document, error) {
	if !bytes.Contains(file[:min(len(file), headSize)], []byte("%PDF-")) {
		return Document{}, fmt.Errorf("%w: it does not begin as a PDF", ErrBroken)
	}
	if len(file) > MaxMemory/2 {
		return Document{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(file), MaxMemory/2)
	}
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return Document{}, context.Cause(ctx)
	}
	pool, err := e.running()
	if err != nil {
		return Document{}, err
	}
	one, err := pool.GetInstance(time.Minute)
	if err != nil {
		return Document{}, fmt.Errorf("start the PDF engine: %w", err)
	}
	timed, cancel := limit(ctx, o.Seconds)
	defer cancel()
	killed := make(chan struct{})
	stop := context.AfterFunc(timed, func() {
		defer close(killed)
		_ = one.Kill() // a document that hangs goes with its instance
	})
	pages, title, err := read(one, file, o)
	if stop() {
		_ = one.Close() // each document has an instance of its own
	} else {
		<-killed
	}
	switch {
	case ctx.Err() != nil:
		return Document{}, context.Cause(ctx)
	case timed.Err() != nil:
		return Document{}, fmt.Errorf("%w: over %d seconds", ErrTime, o.Seconds)
	case err != nil:
		return Document{}, err
	}
	doc := Document{Title: title, Markdown: markdown(pages)}
	if doc.Markdown == "" {
		return Document{}, ErrNoText
	}
	return doc, nil
}

func limit(ctx context.Context, seconds int) (context.Context, context.CancelFunc) {
	if seconds == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
}

// headSize is how far from the beginning the mark of a PDF may stand.
const headSize = 1024

// read returns the lines of all pages.
func read(one pdfium.Pdfium, file []byte, o Options) (pages [][]line, title string, err error) {
	opened, err := one.OpenDocument(&requests.OpenDocument{File: &file})
	if err != nil {
		return nil, "", refused(err)
	}
	count, err := one.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if o.MaxPages > 0 && count.PageCount > o.MaxPages {
		return nil, "", fmt.Errorf("%w: %d pages, the limit is %d", ErrTooLarge, count.PageCount, o.MaxPages)
	}
	r := reader{one: one, room: o.MaxText}
	if r.room == 0 {
		r.room = MaxMemory
	}
	for i := range count.PageCount {
		lines, err := r.page(requests.Page{ByIndex: &requests.PageByIndex{Document: opened.Document, Index: i}})
		if errors.Is(err, ErrTooLarge) {
			return nil, "", fmt.Errorf("%w: over %d bytes of text", err, o.MaxText)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w: page %d: %w", ErrBroken, i+1, err)
		}
		pages = append(pages, lines)
	}
	// Many documents have no properties: that is no error of theirs.
	if meta, err := one.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: opened.Document, Tag: "Title"}); err == nil {
		title = meta.Value
	}
	return pages, title, nil
}

// refused names why a document cannot be opened.
func refused(err error) error {
	switch {
	case errors.Is(err, pdferrors.ErrPassword), errors.Is(err, pdferrors.ErrSecurity):
		return ErrEncrypted
	case errors.Is(err, pdferrors.ErrFormat), errors.Is(err, pdferrors.ErrFile):
		return ErrBroken
	default:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
}

// reader reads pages through one instance of the engine.
type reader struct {
	one  pdfium.Pdfium
	room int64 // bytes of text that may still come
}

// page returns the lines of a page, as the engine finds them.
func (r *reader) page(p requests.Page) (lines []line, err error) {
	opened, err := r.one.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: p})
	if err != nil {
		return nil, err
	}
	text := opened.TextPage
	defer func() {
		_, closed := r.one.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text})
		err = errors.Join(err, closed)
	}()
	count, err := r.one.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text})
	if err != nil {
		return nil, err
	}
	var l gathering
	for i := range count.Count {
		u, err := r.one.FPDFText_GetUnicode(&requests.FPDFText_GetUnicode{TextPage: text, Index: i})
		if err != nil {
			return nil, err
		}
		if c := rune(u.Unicode); c != '\n' && c != '\r' {
			l.add(i, c)
			continue
		}
		if lines, err = r.flush(lines, &l, requests.FPDFText_GetLooseCharBox{TextPage: text}); err != nil {
			return nil, err
		}
	}
	return r.flush(lines, &l, requests.FPDFText_GetLooseCharBox{TextPage: text})
}

// flush ends the line that is gathered, and measures it at its ends.
func (r *reader) flush(lines []line, l *gathering, ask requests.FPDFText_GetLooseCharBox) ([]line, error) {
	defer l.reset()
	one := line{text: l.text()}
	if one.text == "" {
		return lines, nil
	}
	if r.room -= int64(len(one.text)); r.room < 0 {
		return nil, ErrTooLarge
	}
	for _, at := range []int{l.first, l.last} {
		ask.Index = at
		box, err := r.one.FPDFText_GetLooseCharBox(&ask)
		if err != nil {
			return nil, err
		}
		if at == l.first {
			one.left, one.bottom, one.size = float64(box.Rect.Left), float64(box.Rect.Bottom), float64(box.Rect.Top-box.Rect.Bottom)
		}
		one.right = float64(box.Rect.Right)
	}
	return append(lines, one), nil
}

// gathering is a line while its characters come.
type gathering struct {
	chars       []rune
	first, last int // the characters at its ends that are no spaces
}

func (l *gathering) reset() { l.chars = l.chars[:0] }

func (l *gathering) add(i int, c rune) {
	if c == 0 || len(l.chars) == 0 && isSpace(c) {
		return
	}
	if len(l.chars) == 0 {
		l.first = i
	}
	if !isSpace(c) {
		l.last = i
	}
	l.chars = append(l.chars, c)
}

func (l *gathering) text() string {
	n := len(l.chars)
	for n > 0 && isSpace(l.chars[n-1]) {
		n--
	}
	return string(l.chars[:n])
}

func isSpace(c rune) bool { return c == ' ' || c == '\t' || c == 0xA0 || c == 0x3000 }
