package compute

import (
	"math"

	"github.com/troikaml/troika/tensor"
)

// CrossEntropy is the negative log-likelihood of labels under logits: x [T, V],
// labels [T], weights [T]; result loss [T], weights included. A row of weight 0
// has loss 0 whatever its label.
type CrossEntropy struct{}

// Name implements [Op].
func (CrossEntropy) Name() string { return "CrossEntropy" }

// Results implements [Op].
func (op CrossEntropy) Results(in []Spec) []Spec {
	want(op, in, 3)
	rank(op, in[0], 2)
	t := in[0].Shape[0]
	same(op, in[1], Int(t))
	same(op, in[2], Float(t))
	return []Spec{Float(t)}
}

// Reference implements [Op].
func (CrossEntropy) Reference(out, in []View) {
	for t, w := range in[2].F {
		out[0].F[t] = 0
		if w != 0 {
			x := in[0].Row(t)
			out[0].F[t] = float32(float64(w) * (logSumExp(x) - float64(x[in[1].I[t]])))
		}
	}
}

func logSumExp(x []float32) float64 {
	peak := math.Inf(-1)
	for _, v := range x {
		peak = max(peak, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - peak)
	}
	return peak + math.Log(sum)
}

// Saves implements [Differentiable].
func (CrossEntropy) Saves() (in, out uint) { return 0b111, 0 }

// Gradient implements [Differentiable].
func (CrossEntropy) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(int) *Tensor {
		return Do(o, CrossEntropyBack{}, n.In[0], n.In[1], n.In[2], n.Grad[0]).Retain()
	})
}

// CrossEntropyBack is the gradient of [CrossEntropy]: inputs x, labels, weights,
// dloss [T]; result dx [T, V] = dloss * weight * (softmax(x) - onehot(label)).
type CrossEntropyBack struct{}

// Name implements [Op].
func (CrossEntropyBack) Name() string { return "CrossEntropyBack" }

// Results implements [Op].
func (op CrossEntropyBack) Results(in []Spec) []Spec {
	want(op, in, 4)
	same(op, in[3], CrossEntropy{}.Results(in[:3])[0])
	return []Spec{in[0]}
}

// Reference implements [Op].
func (CrossEntropyBack) Reference(out, in []View) {
	for t, w := range in[2].F {
		x, dx := in[0].Row(t), out[0].Row(t)
		g := float64(w) * float64(in[3].F[t])
		if g == 0 {
			clear(dx)
			continue
		}
		lse := logSumExp(x)
		for i, v := range x {
			dx[i] = float32(g * math.Exp(float64(v)-lse))
		}
		dx[in[1].I[t]] -= float32(g)
	}
}

// HeadLoss joins the output projection and [CrossEntropy] for a frozen head
// W [V, C], so that the logits of all rows never exist at once: inputs h [T, C],
// labels [T], weights [T]; results loss [T] and dh [T, C], the gradient of the
// sum of the losses.
type HeadLoss struct{ W Weight }

// Name implements [Op].
func (HeadLoss) Name() string { return "HeadLoss" }

// Results implements [Op].
func (op HeadLoss) Results(in []Spec) []Spec {
	want(op, in, 3)
	rank(op, in[0], 2)
	if _, c := op.W.Dims(); in[0].Shape[1] != c {
		Fail(op.Name(), "input is %v, the head takes rows of %d", in[0], c)
	}
	t := in[0].Shape[0]
	same(op, in[1], Int(t))
	same(op, in[2], Float(t))
	return []Spec{Float(t), in[0]}
}

// Reference implements [Op].
func (op HeadLoss) Reference(out, in []View) {
	rows := in[0].Shape[0]
	vocab, _ := op.W.Dims()
	make2 := func(cols int) View {
		return View{Spec: Float(rows, cols), F: make([]float32, rows*cols)}
	}
	x, dx := make2(vocab), make2(vocab)
	one := View{Spec: Float(rows), F: make([]float32, rows)}
	for i := range one.F {
		one.F[i] = 1
	}
	Linear{W: op.W}.Reference([]View{x}, in[:1])
	CrossEntropy{}.Reference(out[:1], []View{x, in[1], in[2]})
	CrossEntropyBack{}.Reference([]View{dx}, []View{x, in[1], in[2], one})
	Linear{W: op.W, Transpose: true}.Reference(out[1:], []View{dx})
}

// Saves implements [Differentiable].
func (HeadLoss) Saves() (in, out uint) { return 0, 0b10 }

// Gradient implements [Differentiable]: dh holds the gradient of each row's own
// loss, so it only needs to be scaled.
func (HeadLoss) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(int) *Tensor {
		return Do(o, ScaleRows{}, n.Out[1], n.Grad[0]).Retain()
	})
}

// ScaleRows multiplies row t of x [T, C] by s[t].
type ScaleRows struct{}

// Name implements [Op].
func (ScaleRows) Name() string { return "ScaleRows" }

// Results implements [Op].
func (op ScaleRows) Results(in []Spec) []Spec {
	want(op, in, 2)
	rank(op, in[0], 2)
	same(op, in[1], Spec{DType: tensor.F32, Shape: in[0].Shape[:1]})
	return []Spec{in[0]}
}

// Reference implements [Op].
func (ScaleRows) Reference(out, in []View) {
	for t, s := range in[1].F {
		y := out[0].Row(t)
		for i, v := range in[0].Row(t) {
			y[i] = v * s
		}
	}
}
