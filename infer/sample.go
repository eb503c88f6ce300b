package infer

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/troikaml/troika/compute"
)

// Sampling says how the next token is drawn. The zero value is greedy: the most
// likely token, the lowest id among equals.
//
// What changes logits comes first, in this order: Bias, Repetition, Frequency and
// Presence; then the temperature; then TopK, MinP and TopP leave tokens out. This is
// the order of vLLM.
type Sampling struct {
	Temperature float64 // 0: greedy
	TopK        int     // keep the K most likely; 0: all
	TopP        float64 // keep the smallest set of this probability; 0 or 1: all
	MinP        float64 // keep what has this share of the most likely token's probability; 0: all
	Seed        uint64  // the same seed draws the same tokens

	// Repetition divides the positive logits, and multiplies the negative ones, of
	// tokens that the prompt or the answer has; 0 or 1: none.
	Repetition float64
	// Frequency is taken from a token's logit for each time that the answer has it,
	// Presence once if it has it at all.
	Frequency, Presence float64
	// Bias is added to the logits of tokens. The map must not change.
	Bias map[int32]float32
}

// Check reports values out of range.
func (s Sampling) Check() error {
	for _, v := range []struct {
		name          string
		x, least, top float64
	}{
		{"temperature", s.Temperature, 0, 100},
		{"top_k", float64(s.TopK), 0, math.MaxInt32},
		{"top_p", s.TopP, 0, 1},
		{"min_p", s.MinP, 0, 1},
		{"repetition_penalty", s.Repetition, 0, 100},
		{"frequency_penalty", s.Frequency, -100, 100},
		{"presence_penalty", s.Presence, -100, 100},
	} {
		if !(v.x >= v.least && v.x <= v.top) {
			return fmt.Errorf("%s is %g, want %g to %g", v.name, v.x, v.least, v.top)
		}
	}
	for id, b := range s.Bias {
		if !(b >= -100 && b <= 100) {
			return fmt.Errorf("logit_bias of token %d is %g, want -100 to 100", id, b)
		}
	}
	return nil
}

// Greedy returns the index of the largest logit, the lowest among equals. A NaN is
// never larger.
func Greedy(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return int32(best)
}

// Draw picks the token at a position of a sequence. The draw is a function of the
// logits, the seed and the position. logits is not kept; bias and penalties are for
// [Sampling.Adjust].
func (s Sampling) Draw(logits []float32, position int) int32 {
	best := Greedy(logits)
	if s.Temperature == 0 {
		return best
	}
	kept := s.candidates(logits, float64(logits[best]))
	var sum float64
	for _, c := range kept {
		sum += c.p
	}
	r := compute.Philox([2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)}, [4]uint32{uint32(position), 0, 0, 0x53414d50})
	u := (float64(uint64(r[0])<<21|uint64(r[1])>>11) + 0.5) / (1 << 53) * sum
	for _, c := range kept {
		if u -= c.p; u < 0 {
			return c.id
		}
	}
	return best // only where no logit is a number, or by rounding of the last
}

// candidate is a token with its probability in units of the most likely one's.
type candidate struct {
	id int32
	p  float64
}

// likelier orders by falling probability, then rising id.
func likelier(a, b candidate) int { return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id)) }

// candidates returns the tokens to draw from.
func (s Sampling) candidates(logits []float32, peak float64) []candidate {
	all := make([]candidate, 0, len(logits))
	var sum float64
	for i, v := range logits {
		if p := math.Exp((float64(v) - peak) / s.Temperature); p >= s.MinP && p > 0 {
			all = append(all, candidate{int32(i), p})
			sum += p
		}
	}
	if s.TopK > 0 && s.TopK < len(all) {
		all = largest(all, s.TopK)
		sum = 0
		for _, c := range all {
			sum += c.p
		}
	}
	if s.TopP == 0 || s.TopP == 1 {
		return all
	}
	// Tokens below this weight have less than 1-TopP in all, so that none of them can
	// be of the nucleus: sorting the others is enough. The half is for rounding.
	floor := (1 - s.TopP) * sum / float64(len(all)) / 2
	all = slices.DeleteFunc(all, func(c candidate) bool { return c.p < floor })
	slices.SortFunc(all, likelier)
	var share float64
	for i, c := range all {
		if share += c.p; share >= s.TopP*sum {
			return all[:i+1]
		}
	}
	return all
}

// largest returns the k likeliest candidates in order.
func largest(all []candidate, k int) []candidate {
	// A short sorted list beats sorting the vocabulary.
	kept := make([]candidate, 0, k+1)
	for _, c := range all {
		if len(kept) == k && likelier(c, kept[k-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(kept, c, likelier)
		kept = slices.Insert(kept, at, c)
		kept = kept[:min(len(kept), k)]
	}
	return kept
}
