package filter

import (
	"sync"
	"unicode"
)

// marks are the punctuation marks of datatrove's PUNCTUATION_SET that are
// neither sentence ends nor control characters.
const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"

// What characters are.
const (
	markClass = 1 << iota // isMark
	endClass              // endsSentence
)

// classes holds the answers for the Basic Multilingual Plane.
var classes = sync.OnceValue(func() *[1 << 16]uint8 {
	t := new([1 << 16]uint8)
	for r := range rune(len(t)) {
		control := r < 32 || 127 <= r && r < 160
		if control && r != '\t' && r != '\n' {
			t[r] = markClass
		}
		if isTerminal(r) {
			t[r] = markClass | endClass
		}
	}
	for _, r := range marks {
		t[r] |= markClass
	}
	return t
})

// isMark reports whether r is a punctuation mark or a control character to the
// Gopher rules: it is in datatrove's PUNCTUATION_SET.
func isMark(r rune) bool {
	if r < 1<<16 {
		return classes()[r]&markClass != 0
	}
	return isTerminal(r)
}

// endsSentence reports whether r ends a sentence in some script: Unicode's
// property Sentence_Terminal and five Khmer signs that datatrove adds, 159
// characters.
func endsSentence(r rune) bool {
	if r < 1<<16 {
		return classes()[r]&endClass != 0
	}
	return isTerminal(r)
}

// isTerminal is endsSentence without a table.
func isTerminal(r rune) bool {
	switch r {
	case '។', '៕', '៖', '៙', '៚':
		return true
	}
	return unicode.Is(unicode.STerm, r)
}
