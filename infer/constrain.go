package infer

import (
	"math"
	"math/bits"
	"slices"
)

// Constraint says which tokens may come next in one answer. It is asked and told by
// one goroutine at a time; package grammar's Matcher is one.
type Constraint interface {
	// Mask returns the tokens that may come next, id i in bit i%64 of word i/64. It holds
	// until the next Accept. Tokens beyond it may not come.
	Mask() []uint64
	// Done reports whether the answer may end here.
	Done() bool
	// Accept goes on by a token.
	Accept(id int32) error
}

// Allow forbids every token that is neither in mask nor in also: it changes their
// logits to minus infinity.
func Allow(logits []float32, mask []uint64, also []int32) {
	never := float32(math.Inf(-1))
	kept := make([]float32, len(also))
	for i, id := range also {
		kept[i] = never
		if id >= 0 && int(id) < len(logits) {
			kept[i] = logits[id]
		}
	}
	for at := 0; at < len(logits); at += 64 {
		word := uint64(0)
		if at/64 < len(mask) {
			word = mask[at/64]
		}
		some := logits[at:min(at+64, len(logits))]
		for not := ^word; not != 0; not &= not - 1 {
			if i := bits.TrailingZeros64(not); i < len(some) {
				some[i] = never
			}
		}
	}
	for i, id := range also {
		if id >= 0 && int(id) < len(logits) {
			logits[id] = kept[i]
		}
	}
}

// constrain forbids what must not come next in s.
func (s *sequence) constrain(logits []float32) {
	if s.Constraint == nil {
		return
	}
	var end []int32
	if s.Constraint.Done() {
		end = s.End
	}
	Allow(logits, s.Constraint.Mask(), end)
}

// complete reports whether the constraint lets nothing follow.
func (s *sequence) complete() bool {
	return s.Constraint != nil && s.Constraint.Done() &&
		!slices.ContainsFunc(s.Constraint.Mask(), func(word uint64) bool { return word != 0 })
}
