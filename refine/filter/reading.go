package filter

import (
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/text/segment"
)

// reading is a document as the filters see it. What is costly is measured when
// the first filter asks for it. The buffers serve the next document.
type reading struct {
	text string

	runes     int // characters of text, -1 until counted
	words     []segment.Word
	wordsLang string // the language that words were found for
	haveWords bool
	split     segment.Splitter // of wordsLang
	err       error            // why words could not be found
	lines     []string
	haveLines bool

	// scratch of single measurements
	pieces []string
	chars  []rune
	counts []int32
	table  table
	grams  grams
	kept   []segment.Word
}

// reset makes r the reading of text.
func (r *reading) reset(text string) {
	r.text, r.runes, r.haveWords, r.haveLines, r.err = text, -1, false, false, nil
}

// length returns the number of characters of the text.
func (r *reading) length() int {
	if r.runes < 0 {
		r.runes = utf8.RuneCountInString(r.text)
	}
	return r.runes
}

// wordsIn returns the words of the text in the language. Where the program has
// no dictionary of it err says so.
func (r *reading) wordsIn(lang string) []segment.Word {
	if !r.haveWords || r.wordsLang != lang {
		split, err := segment.For(lang)
		if err != nil {
			r.err, split = err, segment.English // what is measured is not used
		}
		r.split, r.words = split, split(r.words[:0], r.text)
		r.haveWords, r.wordsLang = true, lang
	}
	return r.words
}

// splitLines returns the lines as Python's str.splitlines does.
func (r *reading) splitLines() []string {
	if !r.haveLines {
		r.lines, r.haveLines = appendLines(r.lines[:0], r.text), true
	}
	return r.lines
}

// appendLines appends the lines of s without their ends. Besides LF, CR and
// CR LF, lines end at VT, FF, U+001C to U+001E, U+0085, U+2028 and U+2029. The
// end of the last line makes no further line.
func appendLines(dst []string, s string) []string {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !mayEndLine[c] {
			i++
			continue
		}
		size := 0
		switch {
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
			size = 2
		case '\n' <= c && c <= '\r' || 0x1C <= c && c <= 0x1E:
			size = 1
		case c == 0xC2 && i+1 < len(s) && s[i+1] == 0x85:
			size = 2
		case c == 0xE2 && (strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029")):
			size = 3
		}
		if size == 0 {
			i++
			continue
		}
		dst = append(dst, s[start:i])
		i += size
		start = i
	}
	if start < len(s) {
		dst = append(dst, s[start:])
	}
	return dst
}

// mayEndLine marks the first bytes of what ends lines.
var mayEndLine = func() (t [256]bool) {
	for _, c := range []byte("\n\v\f\r\x1C\x1D\x1E\xC2\xE2") {
		t[c] = true
	}
	return t
}()

func trim(s string) string { return trimRight(trimLeft(s)) }

func trimLeft(s string) string {
	for s != "" && s[0] < utf8.RuneSelf {
		if !segment.IsSpace(rune(s[0])) {
			return s
		}
		s = s[1:]
	}
	return strings.TrimLeftFunc(s, segment.IsSpace)
}

func trimRight(s string) string {
	for s != "" && s[len(s)-1] < utf8.RuneSelf {
		if !segment.IsSpace(rune(s[len(s)-1])) {
			return s
		}
		s = s[:len(s)-1]
	}
	return strings.TrimRightFunc(s, segment.IsSpace)
}

// isBlank reports whether s is white space alone.
func isBlank(s string) bool { return trimLeft(s) == "" }
