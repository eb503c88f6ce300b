package safetensors

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of values that are skipped.
const maxDepth = 64

// scanner is a strict pull parser for the little JSON that a header and an
// index contain. encoding/json is not used for the structure because it lets
// repeated keys pass, which is how one file can mean two things to two readers.
type scanner struct {
	b   []byte
	pos int
}

func (s *scanner) fail(format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrHeader, s.pos, fmt.Sprintf(format, args...))
}

func (s *scanner) space() {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos == len(s.b) {
		return 0
	}
	return s.b[s.pos]
}

func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c {
		if got == 0 {
			return s.fail("want %q, found the end", c)
		}
		return s.fail("want %q, found %q", c, got)
	}
	s.pos++
	return nil
}

// end checks that only white space is left.
func (s *scanner) end() error {
	if c := s.peek(); c != 0 || s.pos != len(s.b) {
		return s.fail("unexpected %q after the value", c)
	}
	return nil
}

// list walks the items between open and end, calling item at the start of each.
func (s *scanner) list(first, last byte, item func() error) error {
	if err := s.expect(first); err != nil {
		return err
	}
	if s.peek() == last {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() != ',' {
			return s.expect(last)
		}
		s.pos++
	}
}

// object walks an object; field is called at the start of each value. A key
// that comes twice is an error that wraps ErrDuplicate.
func (s *scanner) object(field func(key string) error) error {
	seen := map[string]struct{}{}
	return s.list('{', '}', func() error {
		key, err := s.str()
		if err != nil {
			return err
		}
		if _, ok := seen[key]; ok {
			return fmt.Errorf("%w: byte %d: %q", ErrDuplicate, s.pos, key)
		}
		seen[key] = struct{}{}
		if err := s.expect(':'); err != nil {
			return err
		}
		return field(key)
	})
}

// str reads a string. Text that is not UTF-8, or that escapes half a surrogate
// pair, is refused: it would not survive a round trip.
func (s *scanner) str() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	start, escaped := s.pos, false
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			raw := s.b[start:s.pos]
			s.pos++
			if !utf8.Valid(raw) {
				return "", s.fail("text is not UTF-8")
			}
			if !escaped {
				return string(raw), nil
			}
			var text string
			if err := json.Unmarshal(s.b[start-1:s.pos], &text); err != nil {
				return "", s.fail("bad escape in a string")
			}
			if strings.ContainsRune(text, utf8.RuneError) {
				return "", s.fail("escape of half a surrogate pair")
			}
			return text, nil
		case c == '\\':
			escaped = true
			s.pos += 2
		case c < ' ':
			return "", s.fail("control character in a string")
		default:
			s.pos++
		}
	}
	s.pos = len(s.b)
	return "", s.fail("string is cut")
}

// uint reads a non-negative integer that fits an int64, without a fraction or
// an exponent.
func (s *scanner) uint() (int64, error) {
	c := s.peek()
	start, n := s.pos, uint64(0)
	for s.pos < len(s.b) && s.b[s.pos] >= '0' && s.b[s.pos] <= '9' {
		d := uint64(s.b[s.pos] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, fmt.Errorf("%w: byte %d: the number does not fit 63 bits", ErrOverflow, s.pos)
		}
		n = n*10 + d
		s.pos++
	}
	switch {
	case s.pos == start:
		return 0, s.fail("want a non-negative integer, found %q", c)
	case s.pos-start > 1 && s.b[start] == '0':
		return 0, s.fail("integer with a leading zero")
	case s.pos < len(s.b) && (s.b[s.pos] == '.' || s.b[s.pos] == 'e' || s.b[s.pos] == 'E'):
		return 0, s.fail("want an integer, found a fraction")
	}
	return int64(n), nil
}

// uints reads an array of non-negative integers.
func (s *scanner) uints() ([]int64, error) {
	out := []int64{}
	err := s.list('[', ']', func() error {
		n, err := s.uint()
		out = append(out, n)
		return err
	})
	return out, err
}

// skip passes over any value.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return s.fail("nested deeper than %d", maxDepth)
	}
	switch c := s.peek(); c {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.list('[', ']', func() error { return s.skip(depth + 1) })
	case '"':
		_, err := s.str()
		return err
	default:
		start := s.pos
		for s.pos < len(s.b) && !strings.ContainsRune(" \t\r\n,]}", rune(s.b[s.pos])) {
			s.pos++
		}
		if !json.Valid(s.b[start:s.pos]) {
			return s.fail("not a JSON value")
		}
		return nil
	}
}
