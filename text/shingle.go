package text

import (
	"slices"

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
	for w := range Words(Fold(s)) {
		sh.word(w)
	}
	return sh.hashes(dst, n), len(sh.ends)
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
