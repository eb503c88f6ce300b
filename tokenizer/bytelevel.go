package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// GPT-2's byte alphabet gives each byte a printable character: ASCII and
// Latin-1 graphic characters stand for themselves, the other 68 bytes for
// U+0100 onwards.
// Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py

func byteIsGraphic(b byte) bool {
	return '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xac || 0xae <= b
}

// byteRunes is the alphabet, and runeBytes its inverse plus one.
var byteRunes, runeBytes = func() (runes [256]rune, back [256 + 68]uint16) {
	n := rune(256)
	for i := range 256 {
		c := rune(i)
		if !byteIsGraphic(byte(i)) {
			c = n
			n++
		}
		runes[i], back[c] = c, uint16(i)+1
	}
	return
}()

// toByteLevel spells the bytes of s in the alphabet.
func toByteLevel(s string) string {
	var out strings.Builder
	out.Grow(2 * len(s))
	for i := range len(s) {
		out.WriteRune(byteRunes[s[i]])
	}
	return out.String()
}

// appendFromByteLevel appends the bytes that s spells, or reports that some
// character of s is not of the alphabet.
func appendFromByteLevel(dst []byte, s string) ([]byte, bool) {
	n := len(dst)
	for _, c := range s {
		if int(c) >= len(runeBytes) || runeBytes[c] == 0 {
			return dst[:n], false
		}
		dst = append(dst, byte(runeBytes[c]-1))
	}
	return dst, true
}

// replaceInvalid returns text with each maximal ill-formed part replaced by
// U+FFFD, as Python's bytes.decode("utf-8", errors="replace") and Rust's
// from_utf8_lossy do.
func replaceInvalid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	out.Grow(len(text) + len(text)/4)
	for text != "" {
		c, w := utf8.DecodeRuneInString(text)
		if c == utf8.RuneError && w == 1 {
			w = illFormed(text)
			out.WriteRune(utf8.RuneError)
		} else {
			out.WriteString(text[:w])
		}
		text = text[w:]
	}
	return out.String()
}

// illFormed returns the length of the maximal ill-formed part at the start of
// s: the longest prefix of some well-formed character, or one byte
// (Unicode 16, section 3.9, U+FFFD substitution of maximal subparts).
func illFormed(s string) int {
	n, low, high := 0, byte(0x80), byte(0xbf)
	switch b := s[0]; {
	case 0xc2 <= b && b <= 0xdf:
		n = 1
	case 0xe0 <= b && b <= 0xef:
		n = 2
		switch b {
		case 0xe0:
			low = 0xa0
		case 0xed:
			high = 0x9f
		}
	case 0xf0 <= b && b <= 0xf4:
		n = 3
		switch b {
		case 0xf0:
			low = 0x90
		case 0xf4:
			high = 0x8f
		}
	}
	i := 1
	for ; i <= n && i < len(s) && low <= s[i] && s[i] <= high; i++ {
		low, high = 0x80, 0xbf
	}
	return i
}

// incomplete returns the length of the unfinished character at the end of s,
// which more bytes could make whole; 0 where s ends cleanly or in bytes that
// nothing can save.
func incomplete(s []byte) int {
	for n := 1; n <= min(3, len(s)); n++ {
		b := s[len(s)-n]
		if b < 0x80 {
			return 0
		}
		if b >= 0xc0 {
			tail := string(s[len(s)-n:])
			if !utf8.FullRuneInString(tail) && illFormed(tail) == n {
				return n
			}
			return 0
		}
	}
	return 0
}
