package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/source/pdf"
)

// Walk yields every item of the inputs: List, and Read for each file. The
// error, where there is one, is a [refine.Failure] of an item or file that
// could not be read, and the walk goes on after it; an error of the context
// comes as it is and ends the walk.
func Walk(ctx context.Context, inputs []string, o Options) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for f, err := range List(ctx, inputs, o) {
			if err != nil {
				if !yield(Item{}, err) {
					return
				}
				continue
			}
			for item, err := range Read(ctx, f, o) {
				if !yield(item, err) || err != nil && ctx.Err() != nil {
					return
				}
			}
		}
	}
}

// Read yields the items of one listed file, with errors as Walk has them. It
// uses no state but the file and may run for several files at once. Where the
// file is not what was listed, before or after, the last error wraps
// ErrChanged; a file of a single item then yields none.
func Read(ctx context.Context, f File, o Options) iter.Seq2[Item, error] {
	o.Limits = o.Limits.withDefaults()
	return func(yield func(Item, error) bool) {
		rd := &reader{ctx: ctx, o: o, yield: yield}
		if rd.o.PDF == nil {
			rd.o.PDF = pdf.New("", 1)
			defer rd.o.PDF.Close() //nolint:errcheck,contextcheck // it was only read from, and frees what it holds
		}
		rd.budget.allowed = min(o.Limits.Expand, max(ratioFloor, o.Limits.Ratio*f.Size))
		switch err := rd.file(f); {
		case err == nil, errors.Is(err, errStop):
		case ctx.Err() != nil:
			yield(Item{}, ctx.Err())
		default:
			yield(Item{}, refine.Failure{Path: f.Name, Err: reason(err)})
		}
	}
}

// ErrBomb says that a compressed file holds more than its limits allow.
var ErrBomb = errors.New("expands too far")

// errStop ends reading on the caller's wish; errFile gives a file up after its
// failure was told.
var (
	errStop = errors.New("stop")
	errFile = errors.New("file given up")
)

// reader reads one file.
type reader struct {
	ctx    context.Context
	o      Options
	yield  func(Item, error) bool
	budget budget
	// held is the last item, kept back until it is known whether the file
	// changed meanwhile.
	held *Item
}

// file reads f from beginning to end.
func (rd *reader) file(f File) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // the file is only read
	if err := unchanged(f, in); err != nil {
		return err
	}
	err = rd.blob(blob{path: f.Name, name: f.Name, at: in, size: f.Size})
	if err != nil && !errors.Is(err, errFile) {
		return err
	}
	if err := unchanged(f, in); err != nil {
		return err
	}
	if !f.Digest.IsZero() {
		now, err := digestFile(rd.ctx, f.Path)
		if err != nil {
			return err
		}
		if now != f.Digest {
			return fmt.Errorf("%w: was %s, is %s", ErrChanged, f.Digest, now)
		}
	}
	return rd.release()
}

// unchanged compares size and time, of the open file and of its name.
func unchanged(f File, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(f.Path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrChanged, reason(err))
	case !info.Mode().IsRegular():
		return ErrIrregular
	case !os.SameFile(info, named):
		return fmt.Errorf("%w: another file has its name", ErrChanged)
	case info.Size() != f.Size:
		return fmt.Errorf("%w: %d bytes became %d", ErrChanged, f.Size, info.Size())
	case !info.ModTime().Equal(f.ModTime):
		return fmt.Errorf("%w: it was written to", ErrChanged)
	}
	return nil
}

// emit hands an item on, one behind.
func (rd *reader) emit(it Item) error {
	if err := rd.release(); err != nil {
		return err
	}
	rd.held = &it
	return nil
}

func (rd *reader) release() error {
	if err := rd.ctx.Err(); err != nil {
		return err
	}
	if it := rd.held; it != nil {
		rd.held = nil
		if !rd.yield(*it, nil) {
			return errStop
		}
	}
	return nil
}

// fail tells a failure and returns what the reader of the failed thing is to
// return: nil where the rest goes on. Errors that are no failures are passed on.
func (rd *reader) fail(path string, line int, err error) error {
	switch {
	case errors.Is(err, errStop), errors.Is(err, errFile):
		return err
	case rd.ctx.Err() != nil:
		return rd.ctx.Err()
	}
	if err := rd.release(); err != nil {
		return err
	}
	if !rd.yield(Item{}, refine.Failure{Path: path, Line: line, Err: reason(err)}) {
		return errStop
	}
	if errors.Is(err, ErrBomb) {
		return errFile
	}
	return nil
}

func (rd *reader) skip(path, why string) {
	if rd.o.Skipped != nil {
		rd.o.Skipped(path, why)
	}
}

// budget counts what compressed data expanded to.
type budget struct{ used, allowed int64 }

// metered counts what is read from r and ends it where the budget does.
type metered struct {
	r io.Reader
	b *budget
}

func (m metered) Read(p []byte) (int, error) {
	if m.b.used > m.b.allowed {
		return 0, fmt.Errorf("%w: over %d bytes came out of it", ErrBomb, m.b.allowed)
	}
	n, err := m.r.Read(p)
	m.b.used += int64(n)
	return n, err
}

// blob is a file, a member or a payload, before its format is told.
type blob struct {
	path  string // in items and failures
	name  string // its ending tells the format
	kind  kind   // where something better than the name told it
	r     io.Reader
	at    io.ReaderAt // of size bytes; nil where there is only r
	size  int64
	depth int
	about Item // what is known besides: Charset, URL, Date
}

// headSize is how much of a file is looked at to tell its format.
const headSize = 512

// blob tells the format of b and reads it. What is wrong with b alone is told
// and is no error.
func (rd *reader) blob(b blob) error {
	if err := rd.ctx.Err(); err != nil {
		return err
	}
	if b.at != nil {
		b.r = io.NewSectionReader(b.at, 0, b.size)
	}
	in := bufio.NewReaderSize(ctxReader{rd.ctx, b.r}, 64<<10)
	head, err := in.Peek(headSize)
	if err != nil && err != io.EOF {
		return rd.fail(b.path, 0, cutOff(err))
	}
	b.r = in
	if b.kind == unknown {
		b.kind = kindOf(b.name, head)
	}
	if err := rd.format(b, head); err != nil {
		return rd.fail(b.path, 0, cutOff(err))
	}
	return nil
}

// format reads b by its kind.
func (rd *reader) format(b blob, head []byte) error {
	switch b.kind {
	case htmlPage:
		return rd.body(b, HTML)
	case markdownText:
		return rd.body(b, Markdown)
	case plainText:
		return rd.body(b, Plain)
	case jsonLines:
		return rd.jsonl(b)
	case commaTable, tabTable:
		return rd.csv(b)
	case warcFile:
		return rd.warc(b)
	case parquetFile:
		return rd.parquet(b)
	case pdfFile:
		return rd.pdf(b)
	case docxFile, xlsxFile:
		if foreignName(head) != "" {
			return unreadable(b, head)
		}
		if b.kind == docxFile {
			return rd.docx(b)
		}
		return rd.xlsx(b)
	case zipFile:
		return rd.zip(b)
	case tarFile:
		return rd.tar(b)
	case gzipped, zstdPacked, bzipped:
		return rd.unpack(b)
	default:
		return unreadable(b, head)
	}
}

// body emits the bytes of a page or text.
func (rd *reader) body(b blob, media string) error {
	all, err := rd.whole(b, rd.o.Limits.Item)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(all, []byte("\xef\xbb\xbf")) {
		all, b.about.Charset = all[3:], "utf-8"
	}
	it := b.about
	it.Path, it.MediaType, it.Body, it.Raw = b.path, media, all, troika.Sum(all)
	return rd.emit(it)
}

// whole reads all of b, at most limit bytes.
func (rd *reader) whole(b blob, limit int64) ([]byte, error) {
	if b.at != nil && b.size > limit {
		return nil, tooLarge(b.size, limit)
	}
	all, err := io.ReadAll(io.LimitReader(b.r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(all)) > limit:
		return nil, tooLarge(0, limit)
	}
	return all, nil
}

func tooLarge(size, limit int64) error {
	if size == 0 {
		return fmt.Errorf("more than %d bytes, which is the limit", limit)
	}
	return fmt.Errorf("%d bytes, the limit is %d", size, limit)
}
