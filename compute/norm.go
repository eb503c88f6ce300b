package compute

import "math"

// RMSNorm scales every row of x [..., C] to unit root mean square, then by
// w [C]: y = x * r * (w + Offset) with r = 1/sqrt(mean(x²) + Eps). When x has more
// columns than w, each group of len(w) columns is a row of its own: the head norms of
// Qwen3 are RMSNorm over [T, H*D] with w [D].
type RMSNorm struct {
	Eps    float32
	Offset float32 // one in Gemma; the sum is rounded to float32
}

// Name implements [Op].
func (RMSNorm) Name() string { return "RMSNorm" }

// Results implements [Op].
func (op RMSNorm) Results(in []Spec) []Spec {
	want(op, in, 2)
	rank(op, in[1], 1)
	if _, c := in[0].Rows(); in[1].Shape[0] == 0 || c%in[1].Shape[0] != 0 {
		Fail(op.Name(), "input is %v, the scale %v", in[0], in[1])
	}
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op RMSNorm) Reference(out, in []View) {
	w := shifted(in[1].F, op.Offset)
	for at := 0; at < len(in[0].F); at += len(w) {
		x, y := in[0].F[at:at+len(w)], out[0].F[at:at+len(w)]
		r := rms(x, op.Eps)
		for i, v := range x {
			y[i] = float32(float64(v) * r * float64(w[i]))
		}
	}
}

// shifted returns w + offset.
func shifted(w []float32, offset float32) []float32 {
	if offset == 0 {
		return w
	}
	sum := make([]float32, len(w))
	for i, v := range w {
		sum[i] = v + offset
	}
	return sum
}

func rms(x []float32, eps float32) float64 {
	return 1 / math.Sqrt(dot(x, x)/float64(len(x))+float64(eps))
}

// Saves implements [Differentiable].
func (RMSNorm) Saves() (in, out uint) { return 0b11, 0 }

// Gradient implements [Differentiable].
func (op RMSNorm) Gradient(o Ops, n Node) []*Tensor {
	g := make([]*Tensor, 2)
	back := RMSNormBack{Eps: op.Eps, Offset: op.Offset, Scale: n.Want[1]}
	d := o.Apply(back, n.In[0], n.In[1], n.Grad[0])
	if n.Want[0] {
		g[0] = d[0].Retain()
	}
	if n.Want[1] {
		g[1] = d[1].Retain()
	}
	return g
}

// RMSNormBack is the gradient of [RMSNorm]: inputs x, w, dy; results dx and, with
// Scale, dw [len(w)], summed over rows in ascending order.
type RMSNormBack struct {
	Eps, Offset float32
	Scale       bool
}

// Name implements [Op].
func (RMSNormBack) Name() string { return "RMSNormBack" }

// Results implements [Op].
func (op RMSNormBack) Results(in []Spec) []Spec {
	want(op, in, 3)
	RMSNorm{}.Results(in[:2])
	same(op, in[2], in[0])
	if op.Scale {
		return []Spec{in[0], in[1]}
	}
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op RMSNormBack) Reference(out, in []View) {
	w := shifted(in[1].F, op.Offset)
	c := len(w)
	dw := make([]float64, c)
	for at := 0; at < len(in[0].F); at += c {
		x, dy, dx := in[0].F[at:at+c], in[2].F[at:at+c], out[0].F[at:at+c]
		r := rms(x, op.Eps)
		var s float64 // sum of dy*w*x
		for i, v := range x {
			s += float64(dy[i]) * float64(w[i]) * float64(v)
		}
		for i, v := range x {
			dx[i] = float32(r*float64(dy[i])*float64(w[i]) - r*r*r*s/float64(c)*float64(v))
			dw[i] += float64(dy[i]) * float64(v) * r
		}
	}
	if op.Scale {
		for i, v := range dw {
			out[1].F[i] = float32(v)
		}
	}
}

// LayerNorm brings every row of x [..., C] to mean zero and variance one, then scales
// it by w [C] and shifts it by b [C]: y = (x - mean) / sqrt(variance + Eps) * w + b. The
// variance is that of the row, not an estimate from it.
type LayerNorm struct{ Eps float32 }

// Name implements [Op].
func (LayerNorm) Name() string { return "LayerNorm" }

// Results implements [Op].
func (op LayerNorm) Results(in []Spec) []Spec {
	want(op, in, 3)
	_, c := in[0].Rows()
	same(op, in[1], Float(c))
	same(op, in[2], Float(c))
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op LayerNorm) Reference(out, in []View) {
	rows, c := in[0].Rows()
	for r := range rows {
		x, y := in[0].Row(r), out[0].Row(r)
		var mean, square float64
		for _, v := range x {
			mean += float64(v)
		}
		mean /= float64(c)
		for _, v := range x {
			square += (float64(v) - mean) * (float64(v) - mean)
		}
		by := 1 / math.Sqrt(square/float64(c)+float64(op.Eps))
		for i, v := range x {
			y[i] = float32((float64(v)-mean)*by*float64(in[1].F[i]) + float64(in[2].F[i]))
		}
	}
}
