package source

import (
	"crypto/sha256"
	"errors"
	"io"
	"strconv"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine/source/docx"
	"github.com/troikaml/troika/refine/source/parquet"
	"github.com/troikaml/troika/refine/source/pdf"
	"github.com/troikaml/troika/refine/source/xlsx"
)

// docx reads a Word document as Markdown.
func (rd *reader) docx(b blob) error {
	if err := rd.needWhole(&b); err != nil {
		return err
	}
	doc, err := docx.Read(b.at, b.size, docx.Options{
		MaxPart: rd.o.Limits.Whole, MaxText: rd.o.Limits.Item, Wrap: rd.meter,
	})
	if err != nil {
		return err
	}
	return rd.made(b, doc.Title, doc.Markdown)
}

// pdf reads the text of a PDF document as Markdown.
func (rd *reader) pdf(b blob) error {
	all, err := rd.whole(b, rd.o.Limits.Whole)
	if err != nil {
		return err
	}
	doc, err := rd.o.PDF.Read(rd.ctx, all, pdf.Options{
		MaxText: rd.o.Limits.Item, MaxPages: rd.o.Limits.Pages, Seconds: rd.o.Limits.Seconds,
	})
	if err != nil {
		return err
	}
	b.about.Raw = troika.Sum(all)
	return rd.made(b, doc.Title, doc.Markdown)
}

// made emits the Markdown that a reader made of b.
func (rd *reader) made(b blob, title, markdown string) error {
	it := b.about
	it.Path, it.MediaType, it.Charset, it.Title, it.Body = b.path, Markdown, "utf-8", title, []byte(markdown)
	if it.Raw.IsZero() {
		digest, err := sumAt(b.at, b.size)
		if err != nil {
			return err
		}
		it.Raw = digest
	}
	return rd.emit(it)
}

// sumAt hashes a file that is in memory.
func sumAt(r io.ReaderAt, size int64) (troika.Digest, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, size)); err != nil {
		return troika.Digest{}, err
	}
	return troika.DigestOf(h), nil
}

// xlsx reads the sheets of a workbook, each a table.
func (rd *reader) xlsx(b blob) error {
	if err := rd.needWhole(&b); err != nil {
		return err
	}
	o := xlsx.Options{MaxParts: rd.o.Limits.Whole, MaxFile: 4 * rd.o.Limits.Whole, MaxRow: rd.o.Limits.Line}
	var t *table
	refused := "" // the sheet whose header cannot be used
	for row, err := range xlsx.Rows(b.at, b.size, o) {
		if bad, ok := errors.AsType[*xlsx.Error](err); ok {
			err = rd.fail(b.path+"#"+bad.Sheet, bad.Number, bad.Err)
		} else if err == nil && row.Sheet != refused {
			if t == nil || t.name != row.Sheet {
				if err := t.flush(); err != nil {
					return err
				}
				t = rd.sheet(b, row.Sheet)
			}
			if err = t.add(row.Number, row.Cells); errors.Is(err, ErrColumn) {
				refused = row.Sheet
				err = rd.fail(b.path+"#"+row.Sheet, 0, err)
			} else if err != nil {
				err = rd.fail(b.path+"#"+row.Sheet, row.Number, err)
			}
		}
		if err != nil {
			return err
		}
	}
	return t.flush()
}

// sheet begins the table of a sheet.
func (rd *reader) sheet(b blob, name string) *table {
	path := b.path + "#" + name
	return &table{
		rd: rd, about: b.about, name: name,
		row:  func(n int) string { return path + ":" + strconv.Itoa(n) },
		page: func(n int) string { return pagePath(path, n) },
	}
}

// parquet reads the rows of a Parquet file.
func (rd *reader) parquet(b blob) error {
	if err := rd.needAt(&b); err != nil {
		return err
	}
	o := parquet.Options{MaxPage: rd.o.Limits.Whole, MaxRow: rd.o.Limits.Line}
	for row, err := range parquet.Rows(b.at, b.size, o) {
		if bad, ok := errors.AsType[*parquet.RowError](err); ok {
			err = rd.fail(b.path, bad.Number, bad.Err)
		} else if err == nil {
			it := b.about
			it.Path, it.MediaType = part(b.path, row.Number), Row
			it.Fields = make([]Field, len(row.Fields))
			for i, f := range row.Fields {
				it.Fields[i] = Field(f)
			}
			it.Raw = digestFields(it.Fields)
			err = rd.emit(it)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
