package recipe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine"
)

// entry is one item of a chunk file: a document with its decision, a document
// that was dropped, an item that failed, or the end of an input file.
type entry struct {
	// ID comes first and is read alone to name twins.
	ID string
	// File is the place of the input in the plan.
	File int
	// Doc is nil once the document is dropped.
	Doc *refine.Document
	// Decision is about Doc; its zero ID says that there is none.
	Decision Decision
	// Map gives the lines of Doc.Text their numbers in the extracted text; nil
	// is the identity.
	Map []int32
	// Class says how the document came through the first steps; 0 if it did not.
	Class int
	// Before is the extracted text of the few documents that a report may show.
	Before string
	// Excerpt is the beginning of a dropped document.
	Excerpt string
	// Failure is an item that could not be read.
	Failure *failure
	// End closes an input file.
	End *inputEnd
}

// failure is an item that could not be read: a line of failures.jsonl.
type failure struct {
	Source string `json:"source"`
	Line   int    `json:"line,omitempty"`
	Error  string `json:"error"`
}

// inputEnd is what is known about an input file after it was read: a line of
// inputs.jsonl.
type inputEnd struct {
	Name      string        `json:"name"`
	Size      int64         `json:"size"`
	Digest    troika.Digest `json:"digest"`
	Documents int           `json:"documents"`
	Failed    int           `json:"failed"`
}

func (e *entry) drop(d Drop, excerpt string) {
	e.Decision.Drop, e.Decision.Kept = &d, false
	e.Excerpt = excerpt
	e.Doc, e.Map = nil, nil
}

// refuse turns a document into a failure.
func (e *entry) refuse(why string) {
	e.Failure = &failure{Source: e.Decision.Source, Error: why}
	e.Doc, e.Map, e.Decision = nil, nil, Decision{}
}

const (
	// maxEntries bounds the entries of a chunk: a document's number is its
	// chunk's number times this plus its place in it.
	maxEntries = 1 << 16
	// footer is the bytes after the offsets: their count.
	footer = 4
)

// chunkWriter writes a chunk file: entries (see encoder), then the offset of each as
// 4 bytes little endian, then their count as 4 bytes.
type chunkWriter struct {
	pending *fsx.Pending
	w       *bufio.Writer
	buf     encoder
	at      int64
	offsets []byte
}

func createChunk(name string) (*chunkWriter, error) {
	p, err := fsx.Create(name, 0o644)
	if err != nil {
		return nil, err
	}
	return &chunkWriter{pending: p, w: bufio.NewWriterSize(p, 64<<10)}, nil
}

func (c *chunkWriter) write(e *entry) error {
	c.buf.b = c.buf.b[:0]
	if err := c.buf.entry(e); err != nil {
		return err
	}
	if c.at > 1<<32-1 {
		return errors.New("a chunk grew over 4 GiB")
	}
	c.offsets = binary.LittleEndian.AppendUint32(c.offsets, uint32(c.at))
	c.at += int64(len(c.buf.b))
	_, err := c.w.Write(c.buf.b)
	return err
}

func (c *chunkWriter) commit() error {
	c.offsets = binary.LittleEndian.AppendUint32(c.offsets, uint32(len(c.offsets)/4))
	if _, err := c.w.Write(c.offsets); err != nil {
		return err
	}
	if err := c.w.Flush(); err != nil {
		return err
	}
	return c.pending.Commit()
}

// chunkReader reads entries of a chunk file in any order.
type chunkReader struct {
	f       *os.File
	n       int
	offsets []byte
	end     int64 // of the entries
}

func openChunk(name string) (*chunkReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := &chunkReader{f: f}
	if err := r.readFooter(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return r, nil
}

func (r *chunkReader) readFooter() error {
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	var count [footer]byte
	if _, err := r.f.ReadAt(count[:], info.Size()-footer); err != nil {
		return fmt.Errorf("read the number of entries: %w", err)
	}
	r.n = int(binary.LittleEndian.Uint32(count[:]))
	r.end = info.Size() - footer - 4*int64(r.n)
	if r.n > maxEntries || r.end < 0 {
		return fmt.Errorf("%d entries in %d bytes", r.n, info.Size())
	}
	r.offsets = make([]byte, 4*r.n)
	_, err = r.f.ReadAt(r.offsets, r.end)
	return err
}

func (r *chunkReader) close() { _ = r.f.Close() }

// span returns where entry i stands.
func (r *chunkReader) span(i int) (from, to int64) {
	from, to = int64(binary.LittleEndian.Uint32(r.offsets[4*i:])), r.end
	if i+1 < r.n {
		to = int64(binary.LittleEndian.Uint32(r.offsets[4*i+4:]))
	}
	return from, to
}

// id returns the ID of entry i alone.
func (r *chunkReader) id(i int) (string, error) {
	if i < 0 || i >= r.n {
		return "", fmt.Errorf("entry %d of %d", i, r.n)
	}
	from, to := r.span(i)
	var head [binary.MaxVarintLen64]byte
	n, err := r.f.ReadAt(head[:min(int64(len(head)), to-from)], from)
	if err != nil {
		return "", err
	}
	size, n := binary.Uvarint(head[:n])
	if n <= 0 || size > uint64(to-from) {
		return "", errShort
	}
	id := make([]byte, size)
	_, err = r.f.ReadAt(id, from+int64(n))
	return string(id), err
}

// all yields the entries in order, or no more of them than their documents, as
// decoder.entry says.
func (r *chunkReader) all(documentsAlone bool) iter.Seq2[*entry, error] {
	return func(yield func(*entry, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(r.f, 0, r.end), 256<<10)
		var b []byte
		names := map[string]string{}
		for i := range r.n {
			from, to := r.span(i)
			b = slices.Grow(b[:0], int(to-from))[:to-from]
			e := &entry{}
			_, err := io.ReadFull(in, b)
			if err == nil {
				d := decoder{b: b, names: names}
				err = d.entry(e, documentsAlone)
			}
			if err != nil {
				err = fmt.Errorf("read %s: entry %d: %w", r.f.Name(), i, err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// entry returns entry i.
func (r *chunkReader) entry(i int) (*entry, error) {
	if i < 0 || i >= r.n {
		return nil, fmt.Errorf("entry %d of %d", i, r.n)
	}
	from, to := r.span(i)
	b := make([]byte, to-from)
	if _, err := r.f.ReadAt(b, from); err != nil {
		return nil, fmt.Errorf("read %s: entry %d: %w", r.f.Name(), i, err)
	}
	e := &entry{}
	d := decoder{b: b, names: map[string]string{}}
	if err := d.entry(e, false); err != nil {
		return nil, fmt.Errorf("read %s: entry %d: %w", r.f.Name(), i, err)
	}
	return e, nil
}

// exists reports whether a file is there.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// chunkName is the file of chunk c of task t.
func chunkName(dir string, t, c int) string {
	return filepath.Join(dir, fmt.Sprintf("%06d", t/1000), fmt.Sprintf("%06d-%06d", t, c))
}
