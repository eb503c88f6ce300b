package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A pattern finds what a pre-tokenizer splits on.
type pattern interface {
	// find returns the first match that starts at i or later, or start -1.
	// A match is never empty.
	find(s string, i int) (start, end int)
}

// scanner is a hand-written pattern that matches at every place: it returns
// the end of the match that starts at i. The patterns of GPT-2 and its
// successors are of this kind, and they look ahead, which Go's regexp cannot.
type scanner struct {
	scan func(t *classTable, s string, i int) int
	t    *classTable
}

func (p scanner) find(s string, i int) (start, end int) { return i, p.scan(p.t, s, i) }

// literal matches a fixed, non-empty string.
type literal string

func (p literal) find(s string, i int) (start, end int) {
	at := strings.Index(s[i:], string(p))
	if at < 0 {
		return -1, -1
	}
	return i + at, i + at + len(p)
}

// runeFunc matches one character.
type runeFunc func(c rune) bool

func (p runeFunc) find(s string, i int) (start, end int) {
	for at, c := range s[i:] {
		if p(c) {
			return i + at, i + at + utf8.RuneLen(c)
		}
	}
	return -1, -1
}

// runs matches the longest runs of characters of one kind, as \w+|[^\w\s]+
// does for two kinds.
type runs []runeFunc

func (p runs) find(s string, i int) (start, end int) {
	for at, c := range s[i:] {
		for _, f := range p {
			if f(c) {
				start = i + at
				return start, start + runOf(s[start:], f)
			}
		}
	}
	return -1, -1
}

// runOf returns the length of the leading run of f's characters.
func runOf(s string, f runeFunc) int {
	for at, c := range s {
		if !f(c) {
			return at
		}
	}
	return len(s)
}

const (
	patternGPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}` + patternTail
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + patternTail
	patternTail   = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	// patternCL100K is tiktoken's own spelling, with possessive quantifiers
	// that change nothing here: no character can serve both sides of one.
	patternCL100K = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`

	// patternQwen35 counts marks among the letters.
	patternQwen35 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scanners are the patterns that have a hand-written splitter.
var scanners = map[string]func(t *classTable, s string, i int) int{
	patternGPT2:   scanGPT2,
	patternLlama3: func(t *classTable, s string, i int) int { return scanCL100K(t, s, i, 3, classL) },
	patternCL100K: func(t *classTable, s string, i int) int { return scanCL100K(t, s, i, 3, classL) },
	patternQwen2:  func(t *classTable, s string, i int) int { return scanCL100K(t, s, i, 1, classL) },
	patternQwen35: func(t *classTable, s string, i int) int { return scanCL100K(t, s, i, 1, classL|classM) },
}

// scanGPT2 is patternGPT2.
func scanGPT2(t *classTable, s string, i int) int {
	j := i
	switch s[i] {
	case '\'':
		if n := contraction(s[i+1:], false); n > 0 {
			return i + 1 + n
		}
	case ' ':
		if i+1 < len(s) {
			j++
		}
	}
	bits, w := t.at(s, j)
	switch {
	case bits&classSpace != 0:
		return scanSpace(t, s, i)
	case bits&classL != 0:
		return t.run(s, j+w, classL)
	case bits&classN != 0:
		return t.run(s, j+w, classN)
	default:
		return t.runNot(s, j+w, classSpace|classL|classN)
	}
}

// scanCL100K is the family of patternLlama3: letters holds the classes that
// make a word, and digits is the longest number.
func scanCL100K(t *classTable, s string, i, digits int, letters uint8) int {
	if s[i] == '\'' {
		if n := contraction(s[i+1:], true); n > 0 {
			return i + 1 + n
		}
	}
	bits, w := t.at(s, i)
	j := i + w
	switch {
	case bits&letters != 0:
		return t.run(s, j, letters)
	case bits&classN != 0:
		for ; digits > 1 && j < len(s); digits-- {
			bits, w := t.at(s, j)
			if bits&classN == 0 {
				break
			}
			j += w
		}
		return j
	case bits&classNL == 0 && letterAt(t, s, j, letters):
		return t.run(s, j, letters)
	}
	other := classSpace | classN | letters
	if s[i] == ' ' && j < len(s) {
		bits, w = t.at(s, j)
		j += w
	}
	if bits&other == 0 {
		return t.run(s, t.runNot(s, j, other), classNL)
	}
	return scanLines(t, s, i)
}

func letterAt(t *classTable, s string, j int, letters uint8) bool {
	if j == len(s) {
		return false
	}
	bits, _ := t.at(s, j)
	return bits&letters != 0
}

// run returns the end of the run of characters in any of the classes.
func (t *classTable) run(s string, i int, in uint8) int {
	for i < len(s) {
		bits, w := t.at(s, i)
		if bits&in == 0 {
			break
		}
		i += w
	}
	return i
}

// runNot returns the end of the run of characters in none of the classes.
func (t *classTable) runNot(s string, i int, out uint8) int {
	for i < len(s) {
		bits, w := t.at(s, i)
		if bits&out != 0 {
			break
		}
		i += w
	}
	return i
}

// scanSpace is \s+(?!\S)|\s+ at white space: a run gives its last character
// to the word that follows, unless it has no other.
func scanSpace(t *classTable, s string, i int) int {
	last, end := i, i
	for end < len(s) {
		bits, w := t.at(s, end)
		if bits&classSpace == 0 {
			if last > i {
				return last
			}
			return end
		}
		last = end
		end += w
	}
	return end
}

// scanLines is \s*[\r\n]+|\s+(?!\S)|\s+ at white space: a run is cut after
// its last line end.
func scanLines(t *classTable, s string, i int) int {
	line, end := 0, i
	for end < len(s) {
		bits, w := t.at(s, end)
		if bits&classSpace == 0 {
			break
		}
		end += w
		if bits&classNL != 0 {
			line = end
		}
	}
	if line > 0 {
		return line
	}
	return scanSpace(t, s, i)
}

// contraction returns the length of s, t, re, ve, m, ll or d at the start of
// what follows an apostrophe, or 0. Under (?i) the long s counts as s.
func contraction(s string, fold bool) int {
	if s == "" {
		return 0
	}
	var next byte
	if len(s) > 1 {
		next = s[1]
	}
	b := s[0]
	if fold {
		if strings.HasPrefix(s, "\u017f") {
			return len("\u017f")
		}
		b, next = lowerASCII(b), lowerASCII(next)
	}
	switch b {
	case 's', 't', 'm', 'd':
		return 1
	case 'r', 'v':
		if next == 'e' {
			return 2
		}
	case 'l':
		if next == 'l' {
			return 2
		}
	}
	return 0
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}
