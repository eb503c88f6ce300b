package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

var simpleEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b",
	'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape resolves the escapes of a string literal as Python's
// unicode-escape codec does after non-ASCII characters were written as
// backslash escapes: an unknown escape keeps its backslash.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, err := unescapeOne(&b, s[i+1:])
		if err != nil {
			return "", err
		}
		i += 1 + n
	}
	return b.String(), nil
}

// unescapeOne handles what follows a backslash and returns how much of it was
// used.
func unescapeOne(b *strings.Builder, s string) (int, error) {
	c := s[0]
	if text, ok := simpleEscapes[c]; ok {
		b.WriteString(text)
		return 1, nil
	}
	switch {
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(s[:n], 8, 32)
		b.WriteRune(rune(code))
		return n, nil
	case c == 'x':
		return hexEscape(b, s, 2)
	case c == 'u':
		return hexEscape(b, s, 4)
	case c == 'U':
		return hexEscape(b, s, 8)
	case c == 'N':
		return 0, fail(SyntaxError, "\\N escapes are not supported")
	case c >= utf8.RuneSelf:
		// The character became an escape of its own before this one was read.
		r, n := utf8.DecodeRuneInString(s)
		b.WriteByte('\\')
		switch {
		case r <= 0xff:
			b.WriteString("x" + pad(strconv.FormatInt(int64(r), 16), 2))
		case r <= 0xffff:
			b.WriteString("u" + pad(strconv.FormatInt(int64(r), 16), 4))
		default:
			b.WriteString("U" + pad(strconv.FormatInt(int64(r), 16), 8))
		}
		return n, nil
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return 1, nil
}

func hexEscape(b *strings.Builder, s string, digits int) (int, error) {
	if len(s) < 1+digits {
		return 0, fail(SyntaxError, "truncated \\%c escape", s[0])
	}
	code, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil {
		return 0, fail(SyntaxError, "truncated \\%c escape", s[0])
	}
	if !utf8.ValidRune(rune(code)) || code > utf8.MaxRune {
		return 0, fail(SyntaxError, "illegal Unicode character in \\%c escape", s[0])
	}
	b.WriteRune(rune(code))
	return 1 + digits, nil
}

func pad(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return strings.Repeat("0", width-len(s)) + s
}
