package computetest

import (
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/tensor"
)

// slope is an operator with inputs, small enough to move each element.
type slope struct {
	name string
	op   func(p *place) compute.Op
	in   []values1
	want []bool // inputs with a gradient
	// lossOnly looks at the first result alone: the others are not functions to
	// differentiate.
	lossOnly bool
}

func slopes() []slope {
	s := newSource("slopes")
	var list []slope
	add := func(name, want string, op func(p *place) compute.Op, in ...values1) *slope {
		w := make([]bool, len(in))
		for i := range w {
			w[i] = want[i] == '1'
		}
		list = append(list, slope{name: name, op: op, in: in, want: w})
		return &list[len(list)-1]
	}
	x, y, c := s.floats(3, 5), s.floats(3, 5), s.floats(5)
	add("Add", "11", fixed(compute.Add{}), x, y)
	add("AddBias", "11", fixed(compute.AddBias{}), x, c)
	add("Scale", "1", fixed(compute.Scale{By: -2}), x)
	add("Dropout", "1", fixed(compute.Dropout{P: 0.4, Seed: 9}), x)
	add("GLU/silu", "11", fixed(compute.GLU{}), x, y)
	add("GLU/gelu", "11", fixed(compute.GLU{Act: compute.GELUTanh}), x, y)
	add("GLU/gelu_erf", "11", fixed(compute.GLU{Act: compute.GELU}), x, y)
	add("RMSNorm", "11", fixed(compute.RMSNorm{Eps: 1e-5}), x, c)
	add("RMSNorm/heads", "11", fixed(compute.RMSNorm{Eps: 1e-5}), s.floats(3, 8), s.floats(4))
	add("RMSNorm/offset", "11", fixed(compute.RMSNorm{Eps: 1e-5, Offset: 1}), x, c)
	add("RMSNorm/input", "10", fixed(compute.RMSNorm{Eps: 1e-5}), x, c)
	add("RMSNorm/scale", "01", fixed(compute.RMSNorm{Eps: 1e-5}), x, c)
	add("RoPE", "10", fixed(compute.RoPE{Freqs: freqs(2), Factor: 1.2}), s.floats(3, 2, 5), s.ids(3, 50))
	add("GatherRows", "10", fixed(compute.GatherRows{}), x, values1{shape: []int{4}, i: []int32{2, 0, 2, 2}})
	add("CrossEntropy", "100", fixed(compute.CrossEntropy{}), x, s.ids(3, 5), s.positive(3))
	w := s.matrix(tensor.F32, 6, 5)
	add("Linear", "1", func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }, x)
	add("Linear/back", "1", func(p *place) compute.Op { return compute.Linear{W: p.weight(w), Transpose: true} }, s.floats(3, 6))
	add("Linear/add", "11", func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }, x, s.floats(3, 6))
	add("HeadLoss", "100", func(p *place) compute.Op { return compute.HeadLoss{W: p.weight(w)} }, x, s.ids(3, 6), s.positive(3)).lossOnly = true
	ws := s.matrices(tensor.F32, 4, 6, 5)
	add("GroupedMatMul", "10", grouped(ws, false), x, s.groups(3, 2, 4))
	add("GroupedMatMul/apart", "10", grouped(ws, false), s.floats(3, 2, 5), s.groups(3, 2, 4))
	add("GroupedMatMul/back", "10", grouped(ws, true), s.floats(3, 2, 6), s.groups(3, 2, 4))
	add("MoERoute", "1", fixed(compute.MoERoute{Experts: 2}), x).lossOnly = true
	add("MoERoute/normalized", "1", fixed(compute.MoERoute{Experts: 3, Normalize: true}), x).lossOnly = true
	add("WeightedSum", "11", fixed(compute.WeightedSum{}), s.floats(3, 2, 5), s.floats(3, 2))
	add("WeightedSum/ones", "1", fixed(compute.WeightedSum{}), s.floats(3, 2, 5))
	a, at, b, bt := s.floats(3, 4), s.floats(4, 3), s.floats(4, 2), s.floats(2, 4)
	add("MatMul", "11", fixed(compute.MatMul{Alpha: 0.7}), a, b)
	add("MatMul/nt", "111", fixed(compute.MatMul{TransB: true, Alpha: 2}), a, bt, s.floats(3, 2))
	add("MatMul/tn", "11", fixed(compute.MatMul{TransA: true, Alpha: 2}), at, b)
	add("MatMul/tt", "11", fixed(compute.MatMul{TransA: true, TransB: true}), at, bt)
	for _, c := range []attentionShape{
		{name: "causal", lens: []int{4, 3}, heads: 4, groups: 2, dim: 3},
		{name: "window", lens: []int{6}, heads: 2, groups: 1, dim: 4, window: 3},
		{name: "full", lens: []int{3}, heads: 2, groups: 2, dim: 5, full: true},
	} {
		n := c.rows()
		in := []values1{s.floats(n, c.heads, c.dim), s.floats(n, c.groups, c.dim), s.floats(n, c.groups, c.dim)}
		add("Attention/"+c.name, "111", fixed(c.plain()), in...).lossOnly = true
	}
	return list
}

// gradients compares each operator's gradient with finite differences of its
// reference, for a loss that weighs the results at random.
func gradients(t *testing.T, open Maker) {
	dev := open(t, Setup{Guard: true})
	for _, s := range slopes() {
		t.Run(s.name, func(t *testing.T) {
			p := newPlace(t, dev)
			defer p.close()
			op := s.op(p)
			if !dev.Supports(op) {
				t.Logf("%s is not supported on %s", s.name, dev.Name())
				return
			}
			weigh := s.loss(t)
			got := s.gradient(p, op, weigh)
			for i, want := range s.differences(t, weigh) {
				if want != nil {
					near(t, "gradient of input "+size(i), got[i], want, 2e-3, 0)
				}
			}
		})
	}
	checkMemory(t, dev, compute.Stats{})
}

// loss draws the weight of each element of the results.
func (s slope) loss(t testing.TB) [][]float32 {
	p := newPlace(t, ref.New())
	defer p.close()
	r := newSource(s.name)
	var weigh [][]float32
	for i, y := range p.apply(s.op(p), s.in, 0) {
		if i > 0 && s.lossOnly {
			weigh = append(weigh, nil)
			continue
		}
		weigh = append(weigh, r.floats(len(y)).f)
	}
	return weigh
}

// gradient runs the operator and its gradient on a device.
func (s slope) gradient(p *place, op compute.Op, weigh [][]float32) [][]float32 {
	p.tb.Helper()
	ops := compute.NewEager(p.dev)
	defer ops.Close()
	n := compute.Node{Want: s.want}
	for _, v := range s.in {
		n.In = append(n.In, p.put(v))
	}
	n.Out = ops.Apply(op, n.In...)
	for i, y := range n.Out {
		if weigh[i] == nil {
			n.Grad = append(n.Grad, nil)
			continue
		}
		n.Grad = append(n.Grad, ops.Own(compute.FromFloats(p.dev, weigh[i], y.Shape...)))
	}
	d := op.(compute.Differentiable)
	savedIn, savedOut := d.Saves()
	n.In, n.Out = hide(n.In, savedIn), hide(n.Out, savedOut)
	var got [][]float32
	for i, g := range d.Gradient(ops, n) {
		if (g != nil) != s.want[i] {
			p.tb.Fatalf("input %d: wanted %v, got a gradient %v", i, s.want[i], g != nil)
		}
		if g == nil {
			got = append(got, nil)
			continue
		}
		if !g.Equal(n.In[i].Spec) {
			p.tb.Errorf("the gradient of input %d is %v, the input %v", i, g.Spec, n.In[i].Spec)
		}
		got = append(got, compute.Floats(p.dev, g))
		p.dev.Free(g)
	}
	return got
}

// hide takes the memory away from what an operator says it does not save.
func hide(ts []*compute.Tensor, saved uint) []*compute.Tensor {
	out := make([]*compute.Tensor, len(ts))
	for i, t := range ts {
		out[i] = t
		if saved>>i&1 == 0 {
			out[i] = &compute.Tensor{Spec: t.Spec}
		}
	}
	return out
}

// differences returns the central differences of the weighed loss.
func (s slope) differences(t testing.TB, weigh [][]float32) [][]float32 {
	t.Helper()
	p := newPlace(t, ref.New())
	defer p.close()
	op := s.op(p)
	loss := func() float64 {
		q := newPlace(t, p.dev)
		defer q.close()
		var sum float64
		for i, y := range q.apply(op, s.in, 0) {
			for j, w := range weigh[i] {
				sum += float64(w) * float64(y[j])
			}
		}
		return sum
	}
	const step = 1.0 / 256
	out := make([][]float32, len(s.in))
	for i, v := range s.in {
		if !s.want[i] {
			continue
		}
		out[i] = make([]float32, len(v.f))
		for j, x := range v.f {
			v.f[j] = x + step
			up, high := loss(), v.f[j]
			v.f[j] = x - step
			down, low := loss(), v.f[j]
			v.f[j] = x
			out[i][j] = float32((up - down) / (float64(high) - float64(low)))
		}
	}
	return out
}
