package source

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine/source/csv"
)

// ErrColumn says that two columns of a table, or keys of an object, have the
// same name.
var ErrColumn = errors.New("name comes twice")

// table turns the rows of a table into items.
type table struct {
	rd    *reader
	about Item
	name  string // of the sheet
	// row names a row by its number, page a piece of the table by its number
	// from 1.
	row, page func(n int) string
	header    []string
	text      strings.Builder // Markdown, for Options.Sheets
	pages     int
}

// add takes the next row, whose number is n. The first is the header.
func (t *table) add(n int, cells []string) error {
	if t.rd.o.Sheets {
		return t.line(cells)
	}
	if t.header == nil {
		header, err := columns(cells)
		t.header = header
		return err
	}
	if len(cells) > len(t.header) {
		return fmt.Errorf("%d cells under %d columns", len(cells), len(t.header))
	}
	it := t.about
	it.Path, it.MediaType, it.Fields = t.row(n), Row, make([]Field, len(cells))
	for i, c := range cells {
		it.Fields[i] = Field{Name: t.header[i], Value: c}
	}
	it.Raw = digestFields(it.Fields)
	return t.rd.emit(it)
}

// columns names the columns of a table by its first row.
func columns(cells []string) ([]string, error) {
	seen := map[string]bool{}
	names := make([]string, len(cells))
	for i, c := range cells {
		if c = strings.TrimSpace(c); c == "" {
			c = fmt.Sprintf("column %d", i+1)
		}
		if seen[c] {
			return nil, fmt.Errorf("column %q: %w", c, ErrColumn)
		}
		seen[c] = true
		names[i] = c
	}
	return names, nil
}

// line adds a row to a Markdown table, and begins another piece of the table
// where the limit on items is reached.
func (t *table) line(cells []string) error {
	row := markdownRow(cells)
	if t.header == nil {
		t.header = []string{row, "|" + strings.Repeat(" --- |", len(cells)) + "\n"}
		row = ""
	}
	limit := int(t.rd.o.Limits.Item)
	if head := len(t.header[0]) + len(t.header[1]); head+len(row) > limit {
		return tooLarge(int64(head+len(row)), t.rd.o.Limits.Item)
	}
	if t.text.Len()+len(row) > limit {
		if err := t.flush(); err != nil {
			return err
		}
	}
	if t.text.Len() == 0 {
		t.text.WriteString(t.header[0] + t.header[1])
	}
	t.text.WriteString(row)
	return nil
}

// flush emits the piece of the table that was gathered. A nil table has none.
func (t *table) flush() error {
	if t == nil || t.text.Len() == 0 {
		return nil
	}
	t.pages++
	it := t.about
	it.Path, it.MediaType, it.Charset, it.Body = t.page(t.pages), Markdown, "utf-8", []byte(t.text.String())
	it.Raw = troika.Sum(it.Body)
	t.text.Reset()
	return t.rd.emit(it)
}

// cellEscapes keep a cell within its cell.
var cellEscapes = strings.NewReplacer("|", `\|`, "\r\n", "<br>", "\n", "<br>", "\r", "<br>")

func markdownRow(cells []string) string {
	var b strings.Builder
	b.WriteByte('|')
	for _, c := range cells {
		b.WriteString(" " + cellEscapes.Replace(strings.TrimSpace(c)) + " |")
	}
	b.WriteByte('\n')
	return b.String()
}

// digestFields hashes names and values with their lengths before them, so that
// no two rows share a digest.
func digestFields(fields []Field) troika.Digest {
	h := sha256.New()
	var b []byte
	for _, f := range fields {
		b = binary.AppendUvarint(b[:0], uint64(len(f.Name)))
		b = append(b, f.Name...)
		b = binary.AppendUvarint(b, uint64(len(f.Value)))
		b = append(b, f.Value...)
		h.Write(b)
	}
	return troika.DigestOf(h)
}

// csv reads a table of lines.
func (rd *reader) csv(b blob) error {
	in, err := asUTF8(b.r, b.about.Charset)
	if err != nil {
		return err
	}
	comma := byte('\t')
	if b.kind == commaTable {
		if comma, err = sniffComma(in); err != nil {
			return err
		}
	}
	about := b.about
	about.Charset = ""
	t := &table{
		rd: rd, about: about,
		row:  func(n int) string { return part(b.path, n) },
		page: func(n int) string { return pagePath(b.path, n) },
	}
	for rec, err := range csv.Records(in, comma, rd.o.Limits.Line) {
		line := rec.Line
		if bad, ok := errors.AsType[*csv.Error](err); ok {
			line, err = bad.Line, bad.Err
		} else if err != nil {
			return rd.partly(t, err)
		}
		if err == nil {
			if err = t.add(line, rec.Cells); errors.Is(err, ErrColumn) {
				return err
			}
		}
		if err != nil {
			if err := rd.fail(b.path, line, err); err != nil {
				return err
			}
		}
	}
	return t.flush()
}

// pagePath names piece n of a table, counting from 1: most have one.
func pagePath(path string, n int) string {
	if n == 1 {
		return path
	}
	return part(path, n)
}

// partly ends a table that broke off: what was read of it is used.
func (rd *reader) partly(t *table, err error) error {
	if flushed := t.flush(); flushed != nil {
		return flushed
	}
	return cutOff(err)
}

func sniffComma(in *bufio.Reader) (byte, error) {
	head, err := in.Peek(sampleSize)
	if err != nil && err != io.EOF && len(head) == 0 {
		return 0, err
	}
	return csv.Sniff(head), nil
}
