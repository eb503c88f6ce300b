package parquet

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Options bound reading.
type Options struct {
	// MaxPage bounds the bytes of a page, decompressed, and of the footer.
	MaxPage int64
	// MaxRow bounds the bytes of a row as text.
	MaxRow int
}

// Row is a row of a table.
type Row struct {
	// Number counts from 1 through all row groups.
	Number int
	// Fields are the values that are not null, in the order of the schema.
	Fields []Field
}

// Field is a value of a row.
type Field struct {
	Name  string
	Value string
	// JSON says that Value is the JSON of something that is no string.
	JSON bool
}

// The reasons for which files and rows are refused.
var (
	ErrCut       = errors.New("not a whole Parquet file")
	ErrEncrypted = errors.New("encrypted")
	ErrTooLarge  = errors.New("too large")
	ErrBroken    = errors.New("broken")
)

// RowError says that one row cannot be used. The rows after it follow.
type RowError struct {
	Number int
	Err    error
}

// Error renders row N: reason.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %v", e.Number, e.Err) }

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Err }

// batch is how many rows are decoded at a time.
const batch = 16

// Rows yields the rows of a file of size bytes. An error that is a *RowError
// concerns one row; any other is the last.
func Rows(r io.ReaderAt, size int64, o Options) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if err := rows(r, size, o, yield); err != nil {
			yield(Row{}, err)
		}
	}
}

func rows(r io.ReaderAt, size int64, o Options, yield func(Row, error) bool) error {
	f, err := open(r, size, o)
	if err != nil {
		return err
	}
	reader := pq.NewGenericReader[any](f)
	defer guarded(reader.Close) //nolint:errcheck // only read
	columns := f.Schema().Fields()
	buf := make([]any, batch)
	for number := 1; ; {
		var n int
		err := guarded(func() (err error) {
			clear(buf)
			n, err = reader.Read(buf)
			return err
		})
		for _, v := range buf[:n] {
			row := Row{Number: number}
			var bad error
			if row.Fields, bad = fields(columns, v, o.MaxRow); bad != nil {
				row, bad = Row{}, &RowError{number, bad}
			}
			if !yield(row, bad) {
				return nil
			}
			number++
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w after row %d: %w", ErrBroken, number-1, err)
		case n == 0:
			return fmt.Errorf("%w after row %d: no more rows where more are said to be", ErrBroken, number-1)
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

// open reads the footer and looks at all page headers.
func open(r io.ReaderAt, size int64, o Options) (*pq.File, error) {
	var tail [8]byte
	if size < 12 {
		return nil, fmt.Errorf("%w: %d bytes", ErrCut, size)
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	switch string(tail[4:]) {
	case "PAR1":
	case "PARE":
		return nil, ErrEncrypted
	default:
		return nil, fmt.Errorf("%w: its end is missing", ErrCut)
	}
	if footer := int64(binary.LittleEndian.Uint32(tail[:])); footer > o.MaxPage || footer > size-12 {
		return nil, fmt.Errorf("%w: footer of %d bytes in a file of %d", ErrBroken, footer, size)
	}
	var f *pq.File
	err := guarded(func() (err error) {
		f, err = pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true), pq.ReadBufferSize(64<<10))
		return err
	})
	if err == nil {
		err = guarded(func() error { return checkPages(r, size, f.Metadata(), o) })
	}
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	return f, nil
}

// fields turns a decoded row into text.
func fields(columns []pq.Field, row any, limit int) ([]Field, error) {
	values, ok := row.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: a row of type %T", ErrBroken, row)
	}
	out := make([]Field, 0, len(columns))
	size := 0
	for _, c := range columns {
		v := values[c.Name()]
		if v == nil {
			continue
		}
		text, isJSON, err := render(c, v)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name(), err)
		}
		if size += len(c.Name()) + len(text); size > limit {
			return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
		}
		out = append(out, Field{c.Name(), text, isJSON})
	}
	return out, nil
}

// render writes a value as text.
func render(c pq.Node, v any) (text string, isJSON bool, err error) {
	if c.Leaf() && !c.Repeated() {
		if t, ok := logical(c.Type().LogicalType(), v); ok {
			return t, false, nil
		}
	}
	switch v := v.(type) {
	case string:
		return clean(v), false, nil
	case []byte:
		return clean(string(v)), false, nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32), true, nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true, nil
	default:
		b, err := json.Marshal(v)
		if err != nil || len(b) == 0 || b[0] != '"' {
			return string(b), true, err
		}
		return text, false, json.Unmarshal(b, &text) // decimals, UUIDs
	}
}

// clean returns bytes that are no UTF-8 in base64.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

// logical renders dates and times, which are stored as numbers.
func logical(t *format.LogicalType, v any) (string, bool) {
	var n int64
	switch v := v.(type) {
	case int32:
		n = int64(v)
	case int64:
		n = v
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano), true
	default:
		return "", false
	}
	if t == nil {
		return "", false
	}
	switch kind := t.Value.(type) {
	case *format.DateType:
		return time.Unix(n*24*60*60, 0).UTC().Format(time.DateOnly), true
	case *format.TimestampType:
		layout := time.RFC3339Nano
		if !kind.IsAdjustedToUTC {
			layout = "2006-01-02T15:04:05.999999999" // a local time, nobody says where
		}
		return stamp(n, kind.Unit).Format(layout), true
	case *format.TimeType:
		return stamp(n, kind.Unit).Format("15:04:05.999999999"), true
	}
	return "", false
}

func stamp(n int64, unit format.TimeUnit) time.Time {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(n).UTC()
	case *format.MicroSeconds:
		return time.UnixMicro(n).UTC()
	default:
		return time.Unix(0, n).UTC()
	}
}
