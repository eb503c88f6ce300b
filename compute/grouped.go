package compute

import "github.com/troikaml/troika/tensor"

// GroupedMatMul multiplies each row by the frozen matrix of its group: with J groups a
// row, y[t, j] = x[t, j] W[g]ᵀ for g = ids[t, j], where all W are [N, K]. Inputs are x
// [T, J, K], or [T, K] for rows that all their groups share, and ids [T, J]; the result
// is y [T, J, N]. With Transpose rows of N become rows of K. The bits are those of a
// [Linear] by the same matrix, whatever rows share it. An id outside W is the caller's
// mistake and panics.
type GroupedMatMul struct {
	W         []Weight
	Transpose bool
}

// Name implements [Op].
func (GroupedMatMul) Name() string { return "GroupedMatMul" }

// Dims returns the widths of the rows that op takes and makes.
func (op GroupedMatMul) Dims() (from, to int) {
	if len(op.W) == 0 {
		Fail(op.Name(), "no matrices")
	}
	n, k := op.W[0].Dims()
	for i, w := range op.W {
		if a, b := w.Dims(); a != n || b != k {
			Fail(op.Name(), "matrix %d is [%d %d], the first [%d %d]", i, a, b, n, k)
		}
	}
	if op.Transpose {
		return n, k
	}
	return k, n
}

// Results implements [Op].
func (op GroupedMatMul) Results(in []Spec) []Spec {
	want(op, in, 2)
	from, to := op.Dims()
	x, ids := in[0].Shape, in[1].Shape
	if in[1].DType != tensor.I32 || len(ids) != 2 {
		Fail(op.Name(), "groups are %v, want I32 of rank 2", in[1])
	}
	if !in[0].Equal(Float(ids[0], from)) && !in[0].Equal(Float(ids[0], ids[1], from)) {
		Fail(op.Name(), "rows are %v for groups %v and matrices that take %d", Spec{in[0].DType, x}, in[1], from)
	}
	return []Spec{Float(ids[0], ids[1], to)}
}

// Reference implements [Op].
func (op GroupedMatMul) Reference(out, in []View) {
	from, to := op.Dims()
	n, k := op.W[0].Dims()
	each := len(in[1].I) / max(1, len(in[0].F)/from) // pairs that share a row
	w, sum := make([]float32, k), make([]float64, to)
	for pair, g := range in[1].I {
		if g < 0 || int(g) >= len(op.W) {
			Fail(op.Name(), "group %d of %d", g, len(op.W))
		}
		clear(sum)
		x := in[0].Row(pair / each)
		for j := range n {
			op.W[g].Row(w, j)
			if op.Transpose {
				axpy(sum, float64(x[j]), w)
			} else {
				sum[j] = dot(x, w)
			}
		}
		for i, s := range sum {
			out[0].F[pair*to+i] = float32(s)
		}
	}
}

// Saves implements [Differentiable].
func (GroupedMatMul) Saves() (in, out uint) { return 0b10, 0 }

// Gradient implements [Differentiable]: the matrices are frozen, and groups have none.
func (op GroupedMatMul) Gradient(o Ops, n Node) []*Tensor {
	dx := Do(o, GroupedMatMul{W: op.W, Transpose: !op.Transpose}, n.Grad[0], n.In[1])
	if len(n.In[0].Shape) == 2 { // the groups shared the row
		dx = Do(o, WeightedSum{}, dx)
	}
	return []*Tensor{dx.Retain(), nil}
}
