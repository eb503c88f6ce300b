package tokenizer

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of tokenizer.json. Real files nest about eight
// levels.
const maxDepth = 64

var errShort = errors.New("unexpected end of JSON")

// cursor reads JSON in place. It exists because a vocabulary is a few hundred
// thousand strings in one object, where encoding/json spends most of the time
// a tokenizer takes to load; small components go through encoding/json.
// The input must be valid UTF-8.
type cursor struct {
	data []byte
	pos  int
	buf  []byte // the last string that held escapes
}

func (c *cursor) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d: %w", c.pos, fmt.Errorf(format, args...))
}

// peek skips white space and returns the next byte, or 0 at the end.
func (c *cursor) peek() byte {
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *cursor) expect(b byte) error {
	switch got := c.peek(); {
	case c.pos == len(c.data):
		return c.errorf("want %q: %w", b, errShort)
	case got != b:
		return c.errorf("want %q, have %q", b, got)
	}
	c.pos++
	return nil
}

// more is called after each element of an object or array that closes with
// end: it reports whether another follows, and consumes the separator.
func (c *cursor) more(end byte) (bool, error) {
	switch b := c.peek(); {
	case c.pos == len(c.data):
		return false, c.errorf("want ',' or %q: %w", end, errShort)
	case b == ',':
		c.pos++
		return true, nil
	case b == end:
		c.pos++
		return false, nil
	default:
		return false, c.errorf("want ',' or %q, have %q", end, b)
	}
}

// object calls f with each key, positioned at its value, which f must consume.
// The key is valid only until f reads another string.
func (c *cursor) object(f func(key []byte) error) error {
	if err := c.expect('{'); err != nil {
		return err
	}
	if c.peek() == '}' {
		c.pos++
		return nil
	}
	for {
		key, err := c.str()
		if err != nil {
			return err
		}
		if err := c.expect(':'); err != nil {
			return err
		}
		if err := f(key); err != nil {
			return err
		}
		if again, err := c.more('}'); err != nil || !again {
			return err
		}
	}
}

// array calls f at each element, which f must consume.
func (c *cursor) array(f func() error) error {
	if err := c.expect('['); err != nil {
		return err
	}
	if c.peek() == ']' {
		c.pos++
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		if again, err := c.more(']'); err != nil || !again {
			return err
		}
	}
}

// str reads a string. The result is valid until the next call.
func (c *cursor) str() ([]byte, error) {
	if err := c.expect('"'); err != nil {
		return nil, err
	}
	start := c.pos
	for i := start; i < len(c.data); i++ {
		switch b := c.data[i]; {
		case b == '"':
			c.pos = i + 1
			return c.data[start:i], nil
		case b == '\\':
			c.pos = i
			return c.escaped(c.data[start:i])
		case b < ' ':
			c.pos = i
			return nil, c.errorf("control character %#02x in a string", b)
		}
	}
	c.pos = len(c.data)
	return nil, c.errorf("string without an end: %w", errShort)
}

// escaped reads the rest of a string from its first backslash on.
func (c *cursor) escaped(head []byte) ([]byte, error) {
	out := append(c.buf[:0], head...)
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; {
		case b == '"':
			c.pos++
			c.buf = out
			return out, nil
		case b < ' ':
			return nil, c.errorf("control character %#02x in a string", b)
		case b != '\\':
			out = append(out, b)
			c.pos++
			continue
		}
		r, err := c.escape()
		if err != nil {
			return nil, err
		}
		out = utf8.AppendRune(out, r)
	}
	return nil, c.errorf("string without an end: %w", errShort)
}

// escape reads one escape sequence, a surrogate pair included.
func (c *cursor) escape() (rune, error) {
	if c.pos+1 >= len(c.data) {
		return 0, c.errorf("escape without an end: %w", errShort)
	}
	b := c.data[c.pos+1]
	switch b {
	case '"', '\\', '/':
		c.pos += 2
		return rune(b), nil
	case 'b', 'f', 'n', 'r', 't':
		c.pos += 2
		return map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[b], nil
	case 'u':
		r, err := c.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if c.pos+1 < len(c.data) && c.data[c.pos] == '\\' && c.data[c.pos+1] == 'u' {
			low, err := c.hex4()
			if err != nil {
				return 0, err
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, c.errorf("half of a surrogate pair in a string")
	default:
		return 0, c.errorf("unknown escape \\%c", b)
	}
}

// hex4 reads \uXXXX.
func (c *cursor) hex4() (rune, error) {
	if c.pos+6 > len(c.data) {
		return 0, c.errorf("escape without an end: %w", errShort)
	}
	n, err := strconv.ParseUint(string(c.data[c.pos+2:c.pos+6]), 16, 16)
	if err != nil {
		return 0, c.errorf("%q is not a hexadecimal escape", c.data[c.pos:c.pos+6])
	}
	c.pos += 6
	return rune(n), nil
}

// integer reads a non-negative decimal integer of at most nine digits.
func (c *cursor) integer() (int, error) {
	c.peek()
	start, n := c.pos, 0
	for c.pos < len(c.data) && '0' <= c.data[c.pos] && c.data[c.pos] <= '9' {
		n = n*10 + int(c.data[c.pos]-'0')
		c.pos++
		if c.pos-start > 9 {
			return 0, c.errorf("integer of more than 9 digits")
		}
	}
	digits := c.data[start:c.pos]
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' {
		return 0, c.errorf("want a non-negative integer")
	}
	return n, nil
}

// raw skips one value and returns its bytes.
func (c *cursor) raw() ([]byte, error) {
	c.peek()
	start := c.pos
	err := c.skip(0)
	return c.data[start:c.pos], err
}

// skip consumes one value. Literals and numbers are checked loosely: what is
// kept goes through encoding/json afterwards.
func (c *cursor) skip(depth int) error {
	if depth > maxDepth {
		return c.errorf("nested deeper than %d", maxDepth)
	}
	switch b := c.peek(); {
	case b == '{':
		return c.object(func([]byte) error { return c.skip(depth + 1) })
	case b == '[':
		return c.array(func() error { return c.skip(depth + 1) })
	case b == '"':
		_, err := c.str()
		return err
	case c.pos == len(c.data):
		return c.errorf("want a value: %w", errShort)
	}
	start := c.pos
	for c.pos < len(c.data) {
		b := c.data[c.pos]
		if !isAlphanumeric(rune(b)) && b != '-' && b != '+' && b != '.' {
			break
		}
		c.pos++
	}
	if c.pos == start {
		return c.errorf("want a value, have %q", c.data[c.pos])
	}
	return nil
}
