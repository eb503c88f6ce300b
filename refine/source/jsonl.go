package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
)

// jsonl reads JSONL: an object a line.
func (rd *reader) jsonl(b blob) error {
	in, err := asUTF8(b.r, b.about.Charset)
	if err != nil {
		return err
	}
	for line, err := range refine.Lines(in, rd.o.Limits.Line) {
		if err == nil && len(bytes.TrimSpace(line.Bytes)) == 0 {
			continue
		}
		var fields []Field
		if err == nil {
			fields, err = object(line.Bytes)
		}
		if err == nil {
			it := b.about
			it.Path, it.MediaType = b.path+"#"+strconv.Itoa(line.Number), Row
			it.Fields, it.Raw = fields, troika.Sum(line.Bytes)
			err = rd.emit(it)
		}
		if err != nil {
			if err := rd.fail(b.path, line.Number, cutOff(err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// object returns the fields of a JSON object in their order. A key that comes
// twice, at any depth, is an error: readers disagree which of the two counts.
func object(line []byte) ([]Field, error) {
	var raw json.RawMessage
	if err := refine.DecodeLine(line, &raw); err != nil {
		return nil, err
	}
	s := &scanner{b: raw}
	var fields []Field
	err := s.object(func(key string, value []byte) error {
		f := Field{Name: key, JSON: value[0] != '"'}
		var err error
		if f.JSON {
			f.Value = string(value)
		} else {
			f.Value, err = unquote(value)
		}
		fields = append(fields, f)
		return err
	})
	return fields, err
}

// unquote returns what a valid JSON string says. Those with nothing but short
// escapes, which most texts are, need no decoder.
func unquote(quoted []byte) (string, error) {
	body := quoted[1 : len(quoted)-1]
	plain := utf8.Valid(body)
	out := make([]byte, 0, len(body))
	for plain {
		k := bytes.IndexByte(body, '\\')
		if k < 0 {
			return string(append(out, body...)), nil
		}
		escape := shortEscapes[body[k+1]]
		plain = escape != 0
		out, body = append(append(out, body[:k]...), escape), body[k+2:]
	}
	var s string
	err := json.Unmarshal(quoted, &s)
	return s, err
}

// shortEscapes are the characters that a backslash and a byte stand for in JSON.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// scanner walks JSON that is known to be valid.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() byte {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\r' || s.b[s.i] == '\n') {
		s.i++
	}
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// errBroken stands for JSON that was promised to be valid and is not.
var errBroken = errors.New("broken JSON")

// str skips a string and returns it with its quotes.
func (s *scanner) str() ([]byte, error) {
	from := s.i
	for s.i++; ; s.i++ {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			return nil, errBroken
		}
		s.i += n
		escapes := 0 // backslashes right before the quote
		for s.b[s.i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 { // the string's own quote ends the search for more
			s.i++
			return s.b[from:s.i], nil
		}
	}
}

// object walks an object and hands out its members.
func (s *scanner) object(member func(key string, value []byte) error) error {
	if s.space() != '{' {
		return errBroken
	}
	s.i++
	seen := map[string]bool{}
	for {
		switch s.space() {
		case '}':
			s.i++
			return nil
		case ',':
			s.i++
			s.space()
		}
		quoted, err := s.str()
		if err != nil {
			return err
		}
		key, err := unquote(quoted)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q: %w", key, ErrColumn)
		}
		seen[key] = true
		s.space()
		s.i++ // the colon
		s.space()
		from := s.i
		if err := s.value(); err != nil {
			return err
		}
		if err := member(key, s.b[from:s.i]); err != nil {
			return err
		}
	}
}

// value skips a value; objects within it are walked for keys that come twice.
// The depth is bounded by encoding/json, which refuses more than 10,000 levels.
func (s *scanner) value() error {
	switch s.space() {
	case '"':
		_, err := s.str()
		return err
	case '{':
		return s.object(func(string, []byte) error { return nil })
	case '[':
		s.i++
		for {
			switch s.space() {
			case ']':
				s.i++
				return nil
			case ',':
				s.i++
			case 0:
				return errBroken
			default:
				if err := s.value(); err != nil {
					return err
				}
			}
		}
	default:
		for s.i < len(s.b) && bytes.IndexByte([]byte(" \t\r\n,]}"), s.b[s.i]) < 0 {
			s.i++
		}
		return nil
	}
}
