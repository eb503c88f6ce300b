package toolcall

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pythonScanner finds the end of a call as in Python.
type pythonScanner struct {
	text   []byte
	quote  byte // of the string that is open, or 0
	escape bool
	depth  int // brackets that are open
}

// pythonCall takes a byte of a call as in Python. The call is told of once it is whole.
func (p *Parser) pythonCall(b byte) {
	s := &p.python
	s.text = append(s.text, b)
	switch {
	case s.escape:
		s.escape = false
	case s.quote != 0:
		s.escape = b == '\\'
		if b == s.quote {
			s.quote = 0
		}
	case s.depth == 0 && b != '(':
		if !isName(b) {
			p.refuse()
		}
	case b == '"' || b == '\'':
		s.quote = b
	case b == '(' || b == '[' || b == '{':
		if s.depth++; s.depth > maxDepth || s.depth == 1 && !p.names[string(s.text[:len(s.text)-1])] {
			p.refuse()
		}
	case b == ')' || b == ']' || b == '}':
		if s.depth--; s.depth > 0 {
			return
		}
		name, arguments, err := parsePython(string(s.text))
		if err != nil {
			p.refuse()
			return
		}
		if p.begin(name) {
			p.arguments(arguments...)
			p.end()
		}
	}
}

// parsePython reads name(key=literal, …) and returns the arguments as JSON.
func parsePython(text string) (name string, arguments []byte, err error) {
	r := pythonReader{text: text}
	name = r.word()
	if !r.skip('(') {
		return "", nil, r.fail()
	}
	out := []byte{'{'}
	for !r.skip(')') {
		if len(out) > 1 {
			if !r.skip(',') {
				return "", nil, r.fail()
			}
			if r.skip(')') {
				break
			}
			out = append(out, ", "...)
		}
		key := r.word()
		if key == "" || !r.skip('=') {
			return "", nil, r.fail()
		}
		out = append(appendText(out, key), ": "...)
		if out, err = r.literal(out); err != nil {
			return "", nil, err
		}
	}
	return name, append(out, '}'), nil
}

// pythonReader reads literals. How deep they are nested was bounded by pythonScanner.
type pythonReader struct {
	text string
	at   int
}

func (r *pythonReader) fail() error { return fmt.Errorf("no call as in Python at byte %d", r.at) }

// skip passes over white space, and over b if it is next.
func (r *pythonReader) skip(b byte) bool {
	for r.at < len(r.text) && isSpace(r.text[r.at]) {
		r.at++
	}
	if r.at < len(r.text) && r.text[r.at] == b {
		r.at++
		return true
	}
	return false
}

func (r *pythonReader) word() string {
	r.skip(0)
	start := r.at
	for r.at < len(r.text) && (isName(r.text[r.at]) || r.text[r.at] == '+') {
		r.at++
	}
	return r.text[start:r.at]
}

// literal appends the next value as JSON.
func (r *pythonReader) literal(out []byte) ([]byte, error) {
	switch {
	case r.skip('"'):
		return r.quoted(out, '"')
	case r.skip('\''):
		return r.quoted(out, '\'')
	case r.skip('['):
		return r.items(out, '[', ']')
	case r.skip('('):
		return r.items(out, '(', ')')
	case r.skip('{'):
		return r.items(out, '{', '}')
	}
	word := r.word()
	switch word {
	case "True", "true":
		return append(out, "true"...), nil
	case "False", "false":
		return append(out, "false"...), nil
	case "None", "null":
		return append(out, "null"...), nil
	}
	if json.Valid([]byte(word)) { // a number, as it came
		return append(out, word...), nil
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(word, "xXpP_nN") {
		return nil, r.fail()
	}
	return strconv.AppendFloat(out, n, 'g', -1, 64), nil
}

// items appends a list, tuple or dict, whose bracket was passed.
func (r *pythonReader) items(out []byte, open, end byte) ([]byte, error) {
	first, last := byte('['), byte(']')
	if open == '{' {
		first, last = '{', '}'
	}
	out = append(out, first)
	for n := 0; !r.skip(end); n++ {
		if n > 0 {
			if !r.skip(',') {
				return nil, r.fail()
			}
			if r.skip(end) {
				break
			}
			out = append(out, ", "...)
		}
		var err error
		if open == '{' {
			if r.skip(0); r.at >= len(r.text) || r.text[r.at] != '"' && r.text[r.at] != '\'' {
				return nil, r.fail()
			}
			if out, err = r.literal(out); err != nil {
				return nil, err
			}
			if !r.skip(':') {
				return nil, r.fail()
			}
			out = append(out, ": "...)
		}
		if out, err = r.literal(out); err != nil {
			return nil, err
		}
	}
	return append(out, last), nil
}

// simple are Python's escapes of one letter.
var simple = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v',
}

// quoted appends a string whose first quote was passed.
func (r *pythonReader) quoted(out []byte, quote byte) ([]byte, error) {
	var text []byte
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == quote:
			if !utf8.Valid(text) {
				return nil, errors.New("a string is not UTF-8")
			}
			return appendText(out, string(text)), nil
		case c == '\n':
			return nil, r.fail()
		case c != '\\':
			text = append(text, c)
		default:
			var err error
			if text, err = r.escape(text); err != nil {
				return nil, err
			}
		}
	}
	return nil, r.fail()
}

// escape appends what follows a backslash. One that is unknown stays, as in Python.
func (r *pythonReader) escape(text []byte) ([]byte, error) {
	if r.at == len(r.text) {
		return nil, r.fail()
	}
	c := r.text[r.at]
	r.at++
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if b, ok := simple[c]; ok {
		return append(text, b), nil
	}
	if digits == 0 {
		return append(text, '\\', c), nil
	}
	if r.at+digits > len(r.text) {
		return nil, r.fail()
	}
	n, err := strconv.ParseUint(r.text[r.at:r.at+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return nil, r.fail()
	}
	r.at += digits
	return utf8.AppendRune(text, rune(n)), nil
}

// appendText appends a JSON string, of which no character is escaped that need not be.
func appendText(out []byte, s string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be encoded
	return append(out, strings.TrimSuffix(b.String(), "\n")...)
}
