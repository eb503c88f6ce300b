package csv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Record is a row of a table.
type Record struct {
	// Line is the line on which it begins, counting from 1.
	Line int
	// Cells are its cells, without their quotes.
	Cells []string
	// Raw is the record as it was found, without the last line end. It is valid
	// until the next step.
	Raw []byte
}

// Error says which record cannot be read. The records after it follow.
type Error struct {
	Line int
	Err  error
}

// Error renders line N: reason.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// The reasons for which records cannot be read.
var (
	ErrQuote = errors.New("a quote is not closed")
	ErrLong  = errors.New("record too long")
	ErrUTF8  = errors.New("not UTF-8")
	ErrNUL   = errors.New("holds a NUL byte")
)

// commas are the separators that Sniff knows, the likeliest first.
var commas = []byte{',', '\t', ';', '|'}

// Sniff returns the separator of a table that begins with head: the one that
// cuts the greatest share of its first 50 records into the same number of
// cells, more than one, without tearing quotes apart. It is a comma where none
// does.
func Sniff(head []byte) byte {
	best, bestScore := commas[0], 0
	for _, comma := range commas {
		widths := map[int]int{}
		n := 0
		// The head ends anywhere: what its last record looks like tells nothing.
		cut := bytes.LastIndexByte(head, '\n')
		if cut < 0 {
			cut = len(head)
		}
		for rec, err := range Records(bytes.NewReader(head[:cut]), comma, len(head)+1) {
			if n++; n > 50 {
				break
			}
			if err == nil && len(rec.Cells) > 1 && !slices.ContainsFunc(rec.Cells, torn) {
				widths[len(rec.Cells)]++
			}
		}
		score := 0
		for _, count := range widths {
			score = max(score, 1000*count/n)
		}
		if score > bestScore {
			best, bestScore = comma, score
		}
	}
	return best
}

// torn reports a cell with one of two quotes in it.
func torn(cell string) bool { return strings.Count(cell, `"`)%2 == 1 }

// Records yields the records of r. Empty lines are no records. An error that is
// an *Error concerns one record; any other is r's and the last. A record of
// more than limit bytes is one error. Where a quote is not closed within limit
// bytes or before the end, its first line is an error and the lines after it
// are read as records of one line each.
func Records(r io.Reader, comma byte, limit int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		p := &parser{in: bufio.NewReaderSize(r, 64<<10), comma: comma, limit: limit, line: 1}
		for {
			rec, err := p.next()
			if err == io.EOF { //nolint:errorlint // next returns io.EOF itself
				return
			}
			_, one := errors.AsType[*Error](err)
			if !yield(rec, err) || err != nil && !one {
				return
			}
		}
	}
}

type parser struct {
	in    *bufio.Reader
	comma byte
	limit int
	line  int // of the next line to read
	// again holds lines that were read as part of an open quote and are to be
	// read a second time, each by itself.
	again []byte
	// longNext says that after them comes a line that was over the limit.
	longNext bool
	buf      []byte
	// failed is an error of the input, kept until what came before it is used.
	failed error
}

// fill reads one more line onto buf, with its line end. A line over the limit
// is read and left out.
func (p *parser) fill() (long bool, err error) {
	if len(p.again) > 0 {
		n := bytes.IndexByte(p.again, '\n') + 1
		if n == 0 {
			n = len(p.again)
		}
		p.buf = append(p.buf, p.again[:n]...)
		p.again = p.again[n:]
		p.line++
		return false, nil
	}
	if p.longNext {
		p.longNext = false
		p.line++
		return true, nil
	}
	if p.failed != nil {
		return false, p.failed
	}
	begin, some := len(p.buf), false
	for {
		part, err := p.in.ReadSlice('\n')
		some = some || len(part) > 0
		if long = long || len(p.buf)-begin+len(part) > p.limit+2; !long {
			p.buf = append(p.buf, part...)
		}
		if err == bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			continue
		}
		if err != nil {
			p.failed = err
		}
		if !some {
			return false, err
		}
		if long {
			p.buf = p.buf[:begin]
		}
		p.line++
		return long, nil
	}
}

// next reads one record.
func (p *parser) next() (Record, error) {
	for {
		p.buf = p.buf[:0]
		at, alone := p.line, len(p.again) > 0
		long, err := p.fill()
		if err != nil {
			return Record{}, err
		}
		if long {
			return Record{}, &Error{at, fmt.Errorf("%w: the limit is %d bytes", ErrLong, p.limit)}
		}
		first := len(p.buf)
		scan := quoteScan{comma: p.comma, start: true}
		for scan.open(p.buf) {
			if alone {
				return Record{}, &Error{at, ErrQuote}
			}
			long, err := p.fill()
			if p.longNext = long; err != nil || long || len(p.buf) > p.limit+2 {
				p.again, p.line = bytes.Clone(p.buf[first:]), at+1
				return Record{}, &Error{at, ErrQuote}
			}
		}
		raw := bytes.TrimSuffix(bytes.TrimSuffix(p.buf, []byte("\n")), []byte("\r"))
		switch {
		case len(bytes.TrimSpace(raw)) == 0:
			continue
		case !utf8.Valid(raw):
			return Record{}, &Error{at, ErrUTF8}
		case bytes.IndexByte(raw, 0) >= 0:
			return Record{}, &Error{at, ErrNUL}
		}
		return Record{Line: at, Cells: p.cells(raw), Raw: raw}, nil
	}
}

// quoteScan follows the quotes of a record that grows line by line.
type quoteScan struct {
	comma  byte
	at     int
	start  bool // at the beginning of a cell
	quoted bool
}

// open looks at what was added to rec and reports whether it ends in quotes.
func (s *quoteScan) open(rec []byte) bool {
	for ; s.at < len(rec); s.at++ {
		c := rec[s.at]
		switch {
		case s.quoted && c == '"':
			if s.at+1 < len(rec) && rec[s.at+1] == '"' {
				s.at++
			} else {
				s.quoted = false
			}
		case s.quoted:
		case c == '"' && s.start:
			s.quoted = true
			s.start = false
		default:
			s.start = c == s.comma
		}
	}
	return s.quoted
}

// cells splits a record. A quote that does not begin a cell stands for itself.
func (p *parser) cells(raw []byte) []string {
	var cells []string
	for {
		var cell []byte
		rest := raw
		if len(rest) > 0 && rest[0] == '"' {
			cell, rest = unquote(rest[1:])
		}
		end := bytes.IndexByte(rest, p.comma)
		if end < 0 {
			return append(cells, string(append(cell, rest...)))
		}
		cells = append(cells, string(append(cell, rest[:end]...)))
		raw = rest[end+1:]
	}
}

// unquote returns the text up to the closing quote and what follows it.
func unquote(b []byte) (cell, rest []byte) {
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return append(cell, b...), nil
		}
		cell = append(cell, b[:i]...)
		if i+1 == len(b) || b[i+1] != '"' {
			return cell, b[i+1:]
		}
		cell = append(cell, '"')
		b = b[i+2:]
	}
}
