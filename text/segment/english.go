package segment

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// English appends the words of s as spaCy's English tokenizer finds them
// (v3.8, blank pipeline), without its white-space tokens. One difference is
// known: smileys that follow one another across a space stay whole here, while
// spaCy leaves some of them apart.
func English(dst []Word, s string) []Word {
	t := englishTables()
	for i := 0; i < len(s); {
		start := i
		marks := 0 // how many characters are no ASCII letters
		for i < len(s) {
			k := kinds[s[i]]
			if k < kindSpace {
				marks += int(k)
				i++
				continue
			}
			if k == kindSpace {
				break
			}
			r, size := utf8.DecodeRuneInString(s[i:])
			if IsSpace(r) {
				break
			}
			marks += 2
			i += size
		}
		if i > start {
			dst = t.appendChunk(dst, s[start:i], marks)
		}
		i += spaces(s[i:])
	}
	return dst
}

// Kinds of bytes; those below kindSpace are what they count for among the marks of
// a chunk.
const (
	kindLetter = iota // of ASCII
	kindMark          // what else is neither white space nor a letter of ASCII
	kindSpace
	kindWide // of a character beyond ASCII
)

// kinds holds the kind of each byte.
var kinds = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= utf8.RuneSelf:
			t[c] = kindWide
		case IsSpace(rune(b)):
			t[c] = kindSpace
		case 'a' > b|0x20 || b|0x20 > 'z':
			t[c] = kindMark
		}
	}
	return t
}()

// appendChunk appends the words of a chunk that has at most one character that is
// no ASCII letter where marks is 1, and none where it is 0. Those are most: their
// words are known without a search for affixes.
func (t *english) appendChunk(dst []Word, chunk string, marks int) []Word {
	switch {
	case marks > 1 || t.mayBeSpecial(chunk):
		return t.chunk(dst, chunk)
	case marks == 0:
		return append(dst, Word{chunk, len(chunk)})
	}
	// A mark alone, or one before or behind a word. No letter is an affix.
	last := len(chunk) - 1
	switch stem := chunk[:last]; {
	case last == 0:
		return append(dst, Word{chunk, 1})
	case kinds[chunk[last]] == kindMark && !t.mayBeSpecial(stem) && t.prefix(chunk) == 0 && t.suffix(chunk) == 1:
		return append(dst, Word{stem, last}, Word{chunk[last:], 1})
	case kinds[chunk[0]] == kindMark && !t.mayBeSpecial(chunk[1:]) && t.prefix(chunk) == 1:
		return append(dst, Word{chunk[:1], 1}, Word{chunk[1:], last})
	}
	return t.chunk(dst, chunk)
}

// spaces returns the bytes of the white space that s begins with.
func spaces(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !asciiSpace[c] {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !IsSpace(r) {
			return i
		}
		i += size
	}
	return len(s)
}

// asciiSpace is IsSpace for ASCII.
var asciiSpace = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = 0x1C <= c && c <= 0x1F || unicode.IsSpace(rune(c))
	}
	return t
}()

// IsSpace reports what Python's str.isspace does: besides Unicode's white space, the
// four information separators.
func IsSpace(r rune) bool {
	if uint32(r) < utf8.RuneSelf {
		return asciiSpace[r]
	}
	return r <= lastSpace && unicode.IsSpace(r)
}

// lastSpace is the greatest character that is white space to Unicode.
const lastSpace = 0x3000

// mayBeSpecial is false for most strings that are no specials.
func (t *english) mayBeSpecial(s string) bool {
	return len(s) <= t.longest && t.sketch[sketchOf(s)]
}

// sketchOf maps s to a place in the sketch of the specials.
func sketchOf(s string) uint16 {
	return (uint16(s[0])*31 + uint16(s[len(s)-1])*7 + uint16(s[len(s)/2])*131 + uint16(len(s))*1009) % sketchSize
}

// special returns the pieces of s where it is split in a way of its own.
func (t *english) special(s string) ([]Word, bool) {
	if s == "" || !t.mayBeSpecial(s) {
		return nil, false
	}
	pieces, ok := t.specials[s]
	return pieces, ok
}

// chunk appends the words of a chunk: affixes are taken off both ends until a
// special or a plain core is left; the core is split at its infixes.
func (t *english) chunk(dst []Word, s string) []Word {
	first, whole := len(dst), s
	var suffixes [4]string // from the last to the first; more go to the heap
	tail := suffixes[:0]
	for last := -1; s != "" && len(s) != last; {
		if _, ok := t.special(s); ok {
			break
		}
		last = len(s)
		pre := t.prefix(s)
		if pre > 0 {
			if _, ok := t.special(s[pre:]); ok {
				dst = appendWord(dst, s[:pre])
				s = s[pre:]
				break
			}
		}
		suf := t.suffix(s[pre:])
		if suf > 0 {
			if _, ok := t.special(s[:len(s)-suf]); ok {
				tail = append(tail, s[len(s)-suf:])
				s = s[:len(s)-suf]
				break
			}
		}
		// s[pre:] holds the suffix, so both always fit.
		if pre > 0 {
			dst = appendWord(dst, s[:pre])
		}
		if suf > 0 {
			tail = append(tail, s[len(s)-suf:])
		}
		s = s[pre : len(s)-suf]
	}
	if s != "" {
		dst = t.core(dst, s)
	}
	for _, suffix := range slices.Backward(tail) {
		dst = appendWord(dst, suffix)
	}
	if len(dst)-first > 1 {
		dst = t.rejoin(dst, first, whole)
	}
	return dst
}

func appendWord(dst []Word, s string) []Word {
	return append(dst, Word{s, utf8.RuneCountInString(s)})
}

// core appends the words of a chunk without affixes.
func (t *english) core(dst []Word, s string) []Word {
	if pieces, ok := t.special(s); ok {
		// Substrings of s, so that the specials' own strings are not kept alive by
		// chance and all words lie in the text.
		at := 0
		for _, p := range pieces {
			dst = append(dst, Word{s[at : at+len(p.Text)], p.Runes})
			at += len(p.Text)
		}
		return dst
	}
	if t.isURL(s) {
		return appendWord(dst, s)
	}
	start := 0
	for at := 0; at < len(s); {
		n := t.infix(s, at)
		if n == 0 {
			at += runeLen(s, at)
			continue
		}
		if at > 0 {
			if at > start {
				dst = appendWord(dst, s[start:at])
			}
			dst = appendWord(dst, s[at:at+n])
			start = at + n
		}
		at += n
	}
	if start < len(s) {
		dst = appendWord(dst, s[start:])
	}
	return dst
}

// runeLen returns the length of the character at s[at].
func runeLen(s string, at int) int {
	if s[at] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRuneInString(s[at:])
	return size
}

// prefix returns the length of the mark that s begins with, or 0.
func (t *english) prefix(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == '+':
		if len(s) > 1 && isDigit(s[1]) {
			return 0
		}
		return 1
	case r == '.':
		return dots(s)
	case t.is(r, isPrefix):
		return size
	case strings.HasPrefix(s, "US$"):
		return 3
	case strings.HasPrefix(s, "C$"), strings.HasPrefix(s, "A$"):
		return 2
	}
	return 0
}

// dots returns the length of the run of two or more points that s begins with.
func dots(s string) int {
	n := 0
	for n < len(s) && s[n] == '.' {
		n++
	}
	if n < 2 {
		return 0
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// suffix returns the length of the longest mark that s ends with, or 0.
func (t *english) suffix(s string) int {
	if s == "" {
		return 0
	}
	r, size := utf8.DecodeLastRuneInString(s)
	before := s[:len(s)-size]
	switch r {
	case '.':
		return t.finalPoint(s)
	case 's', 'S':
		if strings.HasSuffix(before, "'") {
			return 2
		}
		if strings.HasSuffix(before, "’") {
			return size + len("’")
		}
	case '…':
		if strings.HasSuffix(before, "…") {
			return 2 * size
		}
	case '+':
		if before != "" && isDigit(before[len(before)-1]) {
			return 1
		}
		return 0
	}
	if n := t.amount(s); n > 0 {
		return n
	}
	if t.is(r, isSuffix) || t.is(r, isMoney) && before != "" && isDigit(before[len(before)-1]) {
		return size
	}
	return 0
}

// finalPoint returns the length of the mark at the end of s, which ends with a
// point: a run of points, or a point after what cannot be an abbreviation.
func (t *english) finalPoint(s string) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '.' {
		n++
	}
	if n > 1 {
		return n
	}
	before := s[:len(s)-1]
	r, size := utf8.DecodeLastRuneInString(before)
	if before == "" {
		return 0
	}
	if t.is(r, isEnds) {
		return 1
	}
	if r == 'F' || r == 'f' || r == 'C' || r == 'c' || r == 'K' || r == 'k' {
		if strings.HasSuffix(before[:len(before)-size], "°") {
			return 1
		}
	}
	if t.is(r, isUpper) && size < len(before) {
		if r, _ := utf8.DecodeLastRuneInString(before[:len(before)-size]); t.is(r, isUpper) {
			return 1
		}
	}
	return 0
}

// amount returns the length of the unit or currency that ends s right after a
// digit, or 0.
func (t *english) amount(s string) int {
	for at := len(s) - 1; at >= 0 && at >= len(s)-1-t.longestUnit; at-- {
		if isDigit(s[at]) { // the text after the last digit must be a unit as a whole
			if rest := s[at+1:]; rest != "" && t.units[rest] {
				return len(rest)
			}
			break
		}
	}
	return 0
}

// infix returns the length of the mark at s[at:] that splits a core, or 0.
func (t *english) infix(s string, at int) int {
	c := s[at]
	if 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) {
		return 0
	}
	r, size := utf8.DecodeRuneInString(s[at:])
	if r == '.' {
		if n := dots(s[at:]); n > 0 {
			return n
		}
	}
	if r == '…' || t.is(r, isIcon) {
		return size
	}
	if at == 0 || at+size == len(s) {
		return 0 // the other marks need a neighbour on either side
	}
	prev, _ := utf8.DecodeLastRuneInString(s[:at])
	next, _ := utf8.DecodeRuneInString(s[at+size:])
	digit := '0' <= prev && prev <= '9'
	switch r {
	case '+', '-', '*', '^':
		if digit && ('0' <= next && next <= '9' || next == '-') {
			return size
		}
	case '.':
		if t.is(prev, isJoin) && t.is(next, isJoined) {
			return size
		}
	case ',':
		if t.is(prev, isAlpha) && t.is(next, isAlpha) {
			return size
		}
	case ':', '<', '>', '=', '/':
		if (digit || t.is(prev, isAlpha)) && t.is(next, isAlpha) {
			return size
		}
	}
	if (digit || t.is(prev, isAlpha)) && isHyphen(r) {
		return t.hyphens(s[at:])
	}
	return 0
}

func isHyphen(r rune) bool { return r == '-' || r == '–' || r == '—' || r == '~' }

// hyphens returns the length of the hyphens that s begins with where a letter
// follows them: up to three "-" or two "—".
func (t *english) hyphens(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	most := 1
	switch r {
	case '-':
		most = 3
	case '—':
		most = 2
	}
	for n := 1; n <= most; n++ {
		next, width := utf8.DecodeRuneInString(s[n*size:])
		if t.is(next, isAlpha) {
			return n * size
		}
		if next != r || width == 0 {
			return 0
		}
	}
	return 0
}

// rejoin gives neighbouring words of a chunk that together are a special, such
// as ":" and ")", the special's own pieces: longer runs first, then earlier.
// chunk is the text of dst[first:].
func (t *english) rejoin(dst []Word, first int, chunk string) []Word {
	words := dst[first:]
	var found []joint
	var taken []bool
	for n := min(len(words), t.mostPieces); n >= 2; n-- {
		start := 0
		for at := 0; at+n <= len(words); at++ {
			end := start
			for _, w := range words[at : at+n] {
				end += len(w.Text)
			}
			one := joint{at, n, chunk[start:end]}
			start += len(words[at].Text)
			if taken != nil && (taken[at] || taken[at+n-1]) || !t.isSplit(one.text, words[at:at+n]) {
				continue
			}
			if taken == nil {
				taken = make([]bool, len(words))
			}
			for i := at; i < at+n; i++ {
				taken[i] = true
			}
			found = append(found, one)
		}
	}
	if found == nil {
		return dst
	}
	slices.SortFunc(found, func(a, b joint) int { return a.at - b.at })
	out := make([]Word, 0, len(words)+t.mostPieces)
	at := 0
	for _, m := range found {
		out = append(out, words[at:m.at]...)
		out = t.core(out, m.text)
		at = m.at + m.n
	}
	return append(dst[:first], append(out, words[at:]...)...)
}

// joint is n words from a place on that together are a special.
type joint struct {
	at, n int
	text  string
}

// isSplit reports whether s is a special that falls into these words where
// nothing is special.
func (t *english) isSplit(s string, words []Word) bool {
	if !t.mayBeSpecial(s) {
		return false
	}
	pieces := t.splits[s]
	return len(pieces) == len(words) && slices.Equal(pieces, words)
}
