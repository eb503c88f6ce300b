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
type Sampling struct {
	Temperature float64 // 0: greedy
	TopK        int     // keep the K most likely; 0: all
	TopP        float64 // keep the smallest set of this probability; 0 or 1: all
	Seed        uint64  // the same seed draws the same tokens
}

// Check reports values out of range.
func (s Sampling) Check() error {
	switch {
	case !(s.Temperature >= 0 && s.Temperature <= 100):
		return fmt.Errorf("temperature is %g, want 0 to 100", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top_k is %d, want at least 0", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("top_p is %g, want 0 to 1", s.TopP)
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
// logits, the seed and the position. logits is not kept.
func (s Sampling) Draw(logits []float32, position int) int32 {
	if s.Temperature == 0 {
		return Greedy(logits)
	}
	kept := s.candidates(logits)
	peak := float64(kept[0].logit)
	var sum float64
	for i := range kept {
		kept[i].p = math.Exp((float64(kept[i].logit) - peak) / s.Temperature)
		sum += kept[i].p
	}
	kept = nucleus(kept, sum, s.TopP)
	sum = 0
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
	return kept[len(kept)-1].id
}

type candidate struct {
	id    int32
	logit float32
	p     float64
}

// candidates returns tokens by falling logit, then rising id, at most TopK.
func (s Sampling) candidates(logits []float32) []candidate {
	order := func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
	}
	if s.TopK > 0 && s.TopK < len(logits) {
		// A short sorted list beats sorting the vocabulary.
		kept := make([]candidate, 0, s.TopK+1)
		for i, v := range logits {
			c := candidate{id: int32(i), logit: v}
			if len(kept) == s.TopK && order(c, kept[len(kept)-1]) >= 0 {
				continue
			}
			at, _ := slices.BinarySearchFunc(kept, c, order)
			kept = slices.Insert(kept, at, c)
			kept = kept[:min(len(kept), s.TopK)]
		}
		return kept
	}
	kept := make([]candidate, len(logits))
	for i, v := range logits {
		kept[i] = candidate{id: int32(i), logit: v}
	}
	slices.SortFunc(kept, order)
	return kept
}

// nucleus keeps the most likely candidates until their share reaches p.
func nucleus(c []candidate, sum, p float64) []candidate {
	if p == 0 || p == 1 {
		return c
	}
	var share float64
	for i := range c {
		share += c[i].p / sum
		if share >= p {
			return c[:i+1]
		}
	}
	return c
}
