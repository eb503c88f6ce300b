package compute

import (
	"math/bits"
)

// Philox is the counter-based generator Philox4x32-10 (Salmon et al., "Parallel
// Random Numbers: As Easy as 1, 2, 3", SC 2011): four words for each counter,
// with no state, so that any element can be drawn on any device in any order.
func Philox(key [2]uint32, counter [4]uint32) [4]uint32 {
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, counter[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, counter[2])
		counter = [4]uint32{hi1 ^ counter[1] ^ key[0], lo1, hi0 ^ counter[3] ^ key[1], lo0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

// Dropout zeroes elements of x with probability P and scales the others by
// 1/(1-P). Element i of the tensor draws word i%4 of counter (i/4, Stream): the
// same Seed and Stream always drop the same elements.
type Dropout struct {
	P      float32
	Seed   uint64
	Stream uint64 // which use: a step and a module, for example
}

// Name implements [Op].
func (Dropout) Name() string { return "Dropout" }

// Results implements [Op].
func (op Dropout) Results(in []Spec) []Spec {
	want(op, in, 1)
	if op.P < 0 || op.P >= 1 {
		Fail(op.Name(), "probability %g is not in [0, 1)", op.P)
	}
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op Dropout) Reference(out, in []View) {
	op.Range(out[0].F, in[0].F, 0)
}

// Factors returns what kept elements are multiplied by, and the least random word of
// those that are kept.
func (op Dropout) Factors() (keep float32, border uint32) {
	return 1 / (1 - op.P), uint32(float64(op.P) * (1 << 32))
}

// Range applies the dropout to elements from first on; first is a multiple of 4.
func (op Dropout) Range(dst, src []float32, first int) {
	key := [2]uint32{uint32(op.Seed), uint32(op.Seed >> 32)}
	keep, border := op.Factors()
	var r [4]uint32
	for i, x := range src {
		if i%4 == 0 {
			n := uint64(first+i) / 4
			r = Philox(key, [4]uint32{uint32(n), uint32(n >> 32), uint32(op.Stream), uint32(op.Stream >> 32)})
		}
		dst[i] = 0
		if r[i%4] >= border {
			dst[i] = x * keep
		}
	}
}

// Saves implements [Differentiable].
func (Dropout) Saves() (in, out uint) { return 0, 0 }

// Gradient implements [Differentiable]: the same elements are dropped again.
func (op Dropout) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(int) *Tensor { return Do(o, op, n.Grad[0]).Retain() })
}
