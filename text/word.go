package text

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

// unspaced are the scripts that write words without spaces between them.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai,
	unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// Words yields the words of s in order, as substrings of s: runs of letters,
// digits and marks, joined by a single apostrophe or underscore between them
// (don't, max_tokens), and each character of an unspaced script by itself.
// Punctuation, symbols and spaces separate words and are not yielded.
func Words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			start, end := nextWord(s)
			if end == start {
				return
			}
			if !yield(s[start:end]) {
				return
			}
			s = s[end:]
		}
	}
}

// nextWord returns the bounds of the first word of s; equal bounds say that
// there is none.
func nextWord(s string) (start, end int) {
	for start < len(s) {
		r, size := utf8.DecodeRuneInString(s[start:])
		if IsUnspaced(r) {
			return start, start + size + marks(s[start+size:])
		}
		if isWordRune(r) {
			break
		}
		start += size
	}
	end = start
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		switch {
		case isWordRune(r) && !IsUnspaced(r):
			end += size
		case isJoint(r) && end+size < len(s) && startsWord(s[end+size:]):
			end += size
		default:
			return start, end
		}
	}
	return start, end
}

// marks returns how many bytes of combining marks s starts with.
func marks(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.IsMark(r) {
			break
		}
		n += size
	}
	return n
}

func startsWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isWordRune(r) && !IsUnspaced(r)
}

func isJoint(r rune) bool { return r == '\'' || r == '’' || r == '_' }

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// IsUnspaced reports whether r is a letter of a script that writes words
// without spaces between them.
func IsUnspaced(r rune) bool {
	return r >= 0x0E00 && unicode.IsLetter(r) && unicode.In(r, unspaced...)
}

// Terms yields the features of s for counting: every word of a spaced script,
// and for unspaced scripts each pair of neighbouring characters, or the
// character alone where it has no such neighbour. Fold s first to compare
// without regard to case and width.
func Terms(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		pos, prev, paired := 0, -1, false // prev: where an unspaced word that touches pos began
		for {
			start, end := nextWord(s[pos:])
			start, end = pos+start, pos+end
			r, _ := utf8.DecodeRuneInString(s[start:])
			single := end > start && IsUnspaced(r)
			adjacent := single && prev >= 0 && start == pos
			if prev >= 0 && !adjacent && !paired && !yield(s[prev:pos]) {
				return
			}
			if end == start || !single && !yield(s[start:end]) || adjacent && !yield(s[prev:end]) {
				return
			}
			paired = adjacent
			prev = -1
			if single {
				prev = start
			}
			pos = end
		}
	}
}
