package xlsx

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/troikaml/troika/refine/source/archive"
)

const (
	// maxInMemory is the size from which a sheet is unpacked to a file.
	maxInMemory = 4 << 20
	// maxRows and maxColumns are Excel's own.
	maxRows, maxColumns = 1 << 20, 1 << 14
)

// Options bound reading.
type Options struct {
	// MaxParts bounds the decompressed bytes of everything but the sheets and
	// their texts.
	MaxParts int64
	// MaxFile bounds the decompressed bytes in all.
	MaxFile int64
	// MaxRow bounds the bytes of a row.
	MaxRow int
	// Temp is the folder for large sheets; empty means the system's.
	Temp string
}

// Row is a row that holds a value.
type Row struct {
	// Sheet is the sheet's name.
	Sheet string
	// Number counts from 1 as Excel does.
	Number int
	// Cells are the values up to the last that is not empty.
	Cells []string
}

// Error says that a row, or a whole sheet where Number is 0, cannot be read. What
// comes after it follows.
type Error struct {
	Sheet  string
	Number int
	Err    error
}

// Error renders sheet NAME, row N: reason.
func (e *Error) Error() string {
	if e.Number == 0 {
		return fmt.Sprintf("sheet %q: %v", e.Sheet, e.Err)
	}
	return fmt.Sprintf("sheet %q, row %d: %v", e.Sheet, e.Number, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// The reasons for which workbooks and rows are refused.
var (
	ErrTooLarge = errors.New("too large")
	ErrBroken   = errors.New("broken workbook")
)

// Rows yields the rows of a workbook of size bytes. An error that is an *Error
// concerns a row or sheet; any other is the last.
func Rows(r io.ReaderAt, size int64, o Options) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		f, err := open(r, size, o)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer guarded(f.Close) //nolint:errcheck // only read
		for _, name := range f.GetSheetList() {
			if !sheet(f, name, o, yield) {
				return
			}
		}
	}
}

// guarded turns a panic of the decoder into an error: it trusts more of a file
// than foreign bytes deserve.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrBroken, p)
		}
	}()
	return f()
}

func open(r io.ReaderAt, size int64, o Options) (*excelize.File, error) {
	var all, parts int64
	book := false
	for m, err := range archive.Zip(r, size) {
		if err != nil {
			return nil, err
		}
		book = book || strings.HasPrefix(m.Name, "xl/")
		all += min(m.Size, o.MaxFile+1)
		if !strings.HasPrefix(m.Name, "xl/worksheets/") && m.Name != "xl/sharedStrings.xml" || m.Size <= maxInMemory {
			parts += min(m.Size, o.MaxParts+1)
		}
		switch {
		case all > o.MaxFile:
			return nil, fmt.Errorf("%w: expands to more than %d bytes", ErrTooLarge, o.MaxFile)
		case parts > o.MaxParts:
			return nil, fmt.Errorf("%w: its parts expand to more than %d bytes", ErrTooLarge, o.MaxParts)
		}
	}
	if !book {
		return nil, fmt.Errorf("%w: no parts of one", ErrBroken)
	}
	var f *excelize.File
	err := guarded(func() (err error) {
		f, err = excelize.OpenReader(io.NewSectionReader(r, 0, size), excelize.Options{
			UnzipSizeLimit: max(o.MaxFile, maxInMemory), UnzipXMLSizeLimit: maxInMemory, TmpDir: o.Temp,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open workbook: %w", err)
	}
	return f, nil
}

// sheet yields the rows of one sheet and reports whether to go on.
func sheet(f *excelize.File, name string, o Options, yield func(Row, error) bool) bool {
	var rows *excelize.Rows
	err := guarded(func() (err error) {
		rows, err = f.Rows(name)
		return err
	})
	if errors.As(err, new(excelize.ErrSheetNotExist)) {
		return true // a chart sheet has no rows
	}
	if err != nil {
		return yield(Row{}, &Error{Sheet: name, Err: err})
	}
	defer guarded(rows.Close) //nolint:errcheck // only read
	for n := 1; ; n++ {
		more := false
		var cells []string
		err := guarded(func() (err error) {
			if more = rows.Next() && n <= maxRows; more {
				cells, err = rows.Columns()
			}
			return errors.Join(err, rows.Error())
		})
		if err != nil {
			return yield(Row{}, &Error{Sheet: name, Number: n, Err: err})
		}
		if !more {
			return true
		}
		cells, err = trim(cells, o.MaxRow)
		switch {
		case err != nil:
			if !yield(Row{}, &Error{Sheet: name, Number: n, Err: err}) {
				return false
			}
		case len(cells) > 0:
			if !yield(Row{name, n, cells}, nil) {
				return false
			}
		}
	}
}

// trim cuts empty cells off the end and checks the size of the rest.
func trim(cells []string, limit int) ([]string, error) {
	size, used := 0, 0
	for i, c := range cells {
		cells[i] = strings.ToValidUTF8(c, "\uFFFD")
		if size += len(c); strings.TrimSpace(c) != "" {
			used = i + 1
		}
	}
	if size > limit || used > maxColumns {
		return nil, fmt.Errorf("%w: %d bytes in %d cells", ErrTooLarge, size, used)
	}
	return cells[:used], nil
}
