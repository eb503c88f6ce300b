package compute

import "github.com/troikaml/troika/tensor"

// want fails unless op was given n inputs.
func want(op Op, in []Spec, n int) {
	if len(in) != n {
		Fail(op.Name(), "%d inputs, want %d", len(in), n)
	}
}

// same fails unless both specs are equal.
func same(op Op, got, want Spec) {
	if !got.Equal(want) {
		Fail(op.Name(), "input is %v, want %v", got, want)
	}
}

// rank fails unless s is an F32 tensor with n extents.
func rank(op Op, s Spec, n int) {
	if s.DType != tensor.F32 || len(s.Shape) != n {
		Fail(op.Name(), "input is %v, want F32 of rank %d", s, n)
	}
}

// indices fails unless s is a vector of I32 indices, and returns its length.
func indices(op Op, s Spec) int {
	if s.DType != tensor.I32 || len(s.Shape) != 1 {
		Fail(op.Name(), "indices are %v, want I32 of rank 1", s)
	}
	return s.Shape[0]
}

// wanted calls grad for each input whose gradient is wanted.
func wanted(n Node, grad func(i int) *Tensor) []*Tensor {
	g := make([]*Tensor, len(n.In))
	for i := range g {
		if n.Want[i] {
			g[i] = grad(i)
		}
	}
	return g
}
