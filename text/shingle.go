package text

import (
	"slices"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// Shingles returns the set of hashes of n words in a row, sorted. A text of
// fewer than n words has one shingle, of all its words; a text without words
// has none. Fold s first. n must be at least 1.
func Shingles(s string, n int) []uint64 {
	var sh Shingler
	sh.reset(len(s))
	for w := range Words(s) {
		sh.word(w)
	}
	set := sh.hashes(nil, n)
	slices.Sort(set)
	return slices.Compact(set)
}

// Shingler hashes texts one after the other in the same memory. The zero value
// is ready. It is for one goroutine.
type Shingler struct {
	words []byte // each with a 0 behind it
	ends  []int  // of the words and their zeros
}

// Append appends to dst the hashes of n folded words in a row, in the order of
// s and with repeats: as a set they are Shingles(Fold(s), n). It also returns
// the number of words. n must be at least 1.
func (sh *Shingler) Append(dst []uint64, s string, n int) (shingles []uint64, words int) {
	sh.reset(len(s))
	for len(s) > 0 {
		size := sh.plain(s)
		s = s[size:]
		// What is not plain is folded up to the next ASCII space: Unicode composes
		// nothing across it.
		end := 0
		for end < len(s) && class[s[end]] != classSpace {
			end++
		}
		if end > 0 {
			for w := range Words(Fold(s[:end])) {
				sh.word(w)
			}
		}
		s = s[end:]
	}
	return sh.hashes(dst, n), len(sh.ends)
}

// Classes of ASCII bytes; letters stand for their lower case.
const (
	classOther = iota // separates words
	classSpace        // separates words and what Fold must see together
	classGone         // control characters that Fold drops
	classJoint        // joins words where it stands alone between them
)

// class maps the ASCII bytes of words to their lower case, which is above the
// classes, and other bytes to their class.
var class = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case '0' <= b && b <= '9', 'a' <= b && b <= 'z':
			t[c] = b
		case 'A' <= b && b <= 'Z':
			t[c] = b | 0x20
		case b == '\'' || b == '_':
			t[c] = classJoint
		case b == ' ' || '\t' <= b && b <= '\r':
			t[c] = classSpace
		case b < ' ' || b == 0x7f:
			t[c] = classGone
		}
	}
	return t
}()

// plain takes the words of the longest beginning of s that needs no tables: it
// holds printable ASCII, Han characters and common Chinese punctuation alone and
// ends at an ASCII space or with s. It returns that beginning's length.
func (sh *Shingler) plain(s string) int {
	safe, keep := 0, len(sh.ends) // s[:safe] may be cut off, with so many words
	open := false                 // a word was begun
	i := 0
	for i < len(s) {
		c := s[i]
		k := class[c]
		switch {
		case k > classJoint:
			sh.words, open = append(sh.words, k), true
			i++
			continue
		case c >= utf8.RuneSelf:
			kind := wide(s[i:])
			if kind == wideOther {
				return sh.back(safe, keep)
			}
			open = sh.close(open)
			if kind == wideHan {
				sh.words = append(sh.words, s[i], s[i+1], s[i+2])
				sh.close(true)
			}
			i += 3
			continue
		case k == classGone, k == classJoint && open && i+1 < len(s) && s[i+1] >= utf8.RuneSelf:
			return sh.back(safe, keep)
		case k == classJoint && open && i+1 < len(s) && class[s[i+1]] > classJoint:
			sh.words = append(sh.words, c)
			i++
			continue
		}
		open = sh.close(open)
		i++
		if k == classSpace {
			safe, keep = i, len(sh.ends)
		}
	}
	sh.close(open)
	return i
}

// close ends the word that is open, if one is, and returns false.
func (sh *Shingler) close(open bool) bool {
	if open {
		sh.words = append(sh.words, 0)
		sh.ends = append(sh.ends, len(sh.words))
	}
	return false
}

// back keeps the first words alone and returns size.
func (sh *Shingler) back(size, keep int) int {
	end := 0
	if keep > 0 {
		end = sh.ends[keep-1]
	}
	sh.words, sh.ends = sh.words[:end], sh.ends[:keep]
	return size
}

// Kinds of characters of three bytes.
const (
	wideOther = iota
	wideHan
	widePunctuation
)

// wide tells the kind of the character that s begins with. Han characters of the
// basic block are words that fold to themselves; the punctuation separates
// words, whatever it folds to, and composes with nothing.
func wide(s string) int {
	if len(s) < 3 || s[1]&0xC0 != 0x80 || s[2]&0xC0 != 0x80 {
		return wideOther
	}
	switch r := rune(s[0]&0x0F)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F); {
	case s[0]&0xF0 != 0xE0:
		return wideOther
	case 0x4E00 <= r && r <= 0x9FA5:
		return wideHan
	case r == 0x3001, r == 0x3002, 0x3008 <= r && r <= 0x3011, // 、 。 brackets
		r == 0xFF0C, r == 0xFF1A, r == 0xFF1B, r == 0xFF01, r == 0xFF1F, r == 0xFF08, r == 0xFF09, // ， ： ； ！ ？ （ ）
		r == 0x201C, r == 0x201D: // “ ”
		return widePunctuation
	}
	return wideOther
}

func (sh *Shingler) reset(size int) {
	sh.words, sh.ends = slices.Grow(sh.words[:0], size+size/4), sh.ends[:0]
}

func (sh *Shingler) word(w string) {
	sh.words = append(append(sh.words, w...), 0)
	sh.ends = append(sh.ends, len(sh.words))
}

func (sh *Shingler) hashes(dst []uint64, n int) []uint64 {
	if len(sh.ends) == 0 {
		return dst
	}
	n = min(max(n, 1), len(sh.ends))
	start := 0
	for i, end := range sh.ends[n-1:] {
		dst = append(dst, xxh3.Hash(sh.words[start:end]))
		start = sh.ends[i]
	}
	return dst
}
