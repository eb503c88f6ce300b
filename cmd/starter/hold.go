package main

import (
	"slices"

	"github.com/troikaml/troika/text"
)

const (
	// holdShingle is how many words in a row count as a repetition.
	holdShingle = 6
	// holdShare of a held-out text's shingles in a document rule the document out.
	holdShare = 0.5
)

// hold is a set of texts that no document may repeat.
type hold struct {
	texts [][]uint64       // shingles of each text, sorted
	index map[uint64][]int // shingle -> texts
}

func newHold() *hold { return &hold{index: map[uint64][]int{}} }

func (h *hold) add(s string) {
	shingles := text.Shingles(text.Fold(s), holdShingle)
	for _, x := range shingles {
		h.index[x] = append(h.index[x], len(h.texts))
	}
	h.texts = append(h.texts, shingles)
}

// covers reports whether s contains enough of any held-out text.
func (h *hold) covers(s string) bool {
	hits := map[int]int{}
	shingles := slices.Compact(text.Shingles(text.Fold(s), holdShingle))
	for _, x := range shingles {
		for _, i := range h.index[x] {
			hits[i]++
		}
	}
	for i, n := range hits {
		if float64(n) >= holdShare*float64(len(h.texts[i])) {
			return true
		}
	}
	return false
}
