package compute

import (
	"math"

	"github.com/troikaml/troika/tensor"
)

// MoERoute chooses for each row the Experts best of E and their weights: inputs are
// logits [T, E], results weights [T, Experts] and ids [T, Experts], in descending order
// of logits and, among equals, in ascending order of ids. Weights are the softmax over
// all E, or with Normalize over the chosen.
type MoERoute struct {
	Experts   int
	Normalize bool
}

// Name implements [Op].
func (MoERoute) Name() string { return "MoERoute" }

// Results implements [Op].
func (op MoERoute) Results(in []Spec) []Spec {
	want(op, in, 1)
	rank(op, in[0], 2)
	if e := in[0].Shape[1]; op.Experts < 1 || op.Experts > e {
		Fail(op.Name(), "%d of %d experts", op.Experts, e)
	}
	return []Spec{Float(in[0].Shape[0], op.Experts), Int(in[0].Shape[0], op.Experts)}
}

// Reference implements [Op].
func (op MoERoute) Reference(out, in []View) {
	for t := range in[0].Shape[0] {
		op.Row(out[0].Row(t), out[1].I[t*op.Experts:][:op.Experts], in[0].Row(t))
	}
}

// Row computes one row. A row of logits that are not all numbers has such weights too;
// its ids are in range.
func (op MoERoute) Row(weights []float32, ids []int32, logits []float32) {
	n := 0 // how many are chosen so far, in order
	for e, l := range logits {
		at := n
		for at > 0 && !(l <= logits[ids[at-1]]) {
			at--
		}
		if at == len(ids) {
			continue
		}
		n = min(n+1, len(ids))
		copy(ids[at+1:n], ids[at:])
		ids[at] = int32(e)
	}
	peak := float64(logits[ids[0]])
	var sum float64
	if op.Normalize {
		for _, e := range ids {
			sum += math.Exp(float64(logits[e]) - peak)
		}
	} else {
		for _, l := range logits {
			sum += math.Exp(float64(l) - peak)
		}
	}
	for j, e := range ids {
		weights[j] = float32(math.Exp(float64(logits[e])-peak) / sum)
	}
}

// Saves implements [Differentiable].
func (MoERoute) Saves() (in, out uint) { return 0b1, 0b10 }

// Gradient implements [Differentiable]: of the weights; which experts are chosen is a
// constant.
func (op MoERoute) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(int) *Tensor { return Do(o, MoERouteBack(op), n.In[0], n.Out[1], n.Grad[0]).Retain() })
}

// MoERouteBack is the gradient of [MoERoute]: inputs logits [T, E], ids [T, Experts] and
// dweights [T, Experts]; the result is dlogits [T, E].
type MoERouteBack MoERoute

// Name implements [Op].
func (MoERouteBack) Name() string { return "MoERouteBack" }

// Results implements [Op].
func (op MoERouteBack) Results(in []Spec) []Spec {
	want(op, in, 3)
	specs := MoERoute(op).Results(in[:1])
	same(op, in[1], specs[1])
	same(op, in[2], specs[0])
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op MoERouteBack) Reference(out, in []View) {
	for t := range in[0].Shape[0] {
		op.Row(out[0].Row(t), in[0].Row(t), in[1].I[t*op.Experts:][:op.Experts], in[2].Row(t))
	}
}

// Row computes one row.
func (op MoERouteBack) Row(dlogits, logits []float32, ids []int32, dweights []float32) {
	peak := float64(logits[ids[0]])
	weight := func(e int32) float64 { return math.Exp(float64(logits[e]) - peak) }
	var sum, mean float64
	for j, e := range ids {
		if op.Normalize {
			sum += weight(e)
		}
		mean += weight(e) * float64(dweights[j])
	}
	clear(dlogits)
	if !op.Normalize {
		for _, l := range logits {
			sum += math.Exp(float64(l) - peak)
		}
		for e := range dlogits {
			dlogits[e] = float32(-weight(int32(e)) / sum * mean / sum)
		}
	}
	for j, e := range ids {
		dlogits[e] = float32(weight(e) / sum * (float64(dweights[j]) - mean/sum))
	}
}

// WeightedSum adds the rows of each group, in ascending order: inputs are x [T, J, C]
// and weights [T, J], or x alone for weights of one; the result is y [T, C].
type WeightedSum struct{}

// Name implements [Op].
func (WeightedSum) Name() string { return "WeightedSum" }

// Results implements [Op].
func (op WeightedSum) Results(in []Spec) []Spec {
	if len(in) != 1 {
		want(op, in, 2)
	}
	rank(op, in[0], 3)
	s := in[0].Shape
	if len(in) == 2 {
		same(op, in[1], Float(s[0], s[1]))
	}
	return []Spec{Float(s[0], s[2])}
}

// Reference implements [Op].
func (WeightedSum) Reference(out, in []View) {
	groups, c := in[0].Shape[1], in[0].Shape[2]
	sum := make([]float64, c)
	for t := range in[0].Shape[0] {
		clear(sum)
		for j := range groups {
			w := float32(1)
			if len(in) == 2 {
				w = in[1].F[t*groups+j]
			}
			axpy(sum, float64(w), in[0].Row(t*groups+j))
		}
		for i, s := range sum {
			out[0].F[t*c+i] = float32(s)
		}
	}
}

// Saves implements [Differentiable].
func (WeightedSum) Saves() (in, out uint) { return 0b11, 0 }

// Gradient implements [Differentiable].
func (WeightedSum) Gradient(o Ops, n Node) []*Tensor {
	d := o.Apply(WeightedSumBack{}, append(append([]*Tensor(nil), n.In...), n.Grad[0])...)
	return wanted(n, func(i int) *Tensor { return d[i].Retain() })
}

// WeightedSumBack is the gradient of [WeightedSum]: its inputs, then dy [T, C]; the
// results are the gradients of those inputs.
type WeightedSumBack struct{}

// Name implements [Op].
func (WeightedSumBack) Name() string { return "WeightedSumBack" }

// Results implements [Op].
func (op WeightedSumBack) Results(in []Spec) []Spec {
	if len(in) != 2 {
		want(op, in, 3)
	}
	last := len(in) - 1
	if in[0].DType != tensor.F32 {
		Fail(op.Name(), "input is %v, want F32", in[0])
	}
	same(op, in[last], WeightedSum{}.Results(in[:last])[0])
	return append([]Spec(nil), in[:last]...)
}

// Reference implements [Op].
func (WeightedSumBack) Reference(out, in []View) {
	groups := in[0].Shape[1]
	for pair := range in[0].Shape[0] * groups {
		dy, w := in[len(in)-1].Row(pair/groups), float32(1)
		if len(in) == 3 {
			w = in[1].F[pair]
			out[1].F[pair] = float32(dot(dy, in[0].Row(pair)))
		}
		for i, v := range dy {
			out[0].Row(pair)[i] = w * v
		}
	}
}
