package filter

import (
	"sync"
	"unicode"
)

// marks are the punctuation marks of datatrove's PUNCTUATION_SET that are
// neither sentence ends nor control characters.
const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"

// marked holds the answers of isMark for the Basic Multilingual Plane.
var marked = sync.OnceValue(func() *[1 << 16]bool {
	t := new([1 << 16]bool)
	for r := range rune(len(t)) {
		control := r < 32 || 127 <= r && r < 160
		t[r] = control && r != '\t' && r != '\n' || endsSentence(r)
	}
	for _, r := range marks {
		t[r] = true
	}
	return t
})

// isMark reports whether r is a punctuation mark or a control character to the
// Gopher rules: it is in datatrove's PUNCTUATION_SET.
func isMark(r rune) bool {
	if r < 1<<16 {
		return marked()[r]
	}
	return endsSentence(r)
}

// endsSentence reports whether r ends a sentence in some script: Unicode's
// property Sentence_Terminal and five Khmer signs that datatrove adds, 159
// characters.
func endsSentence(r rune) bool {
	switch r {
	case '។', '៕', '៖', '៙', '៚':
		return true
	}
	return unicode.Is(unicode.STerm, r)
}
