package compute

import "math"

// RoPE rotates pairs of channels by an angle that grows with the position:
// x [T, H, D] with positions [T]. Pairs are (i, i+len(Freqs)), the half-rotation
// of Hugging Face checkpoints; channels from 2*len(Freqs) on are left alone.
type RoPE struct {
	Freqs   []float32 // angle of pair i for each position, len <= D/2
	Factor  float32   // multiplies sine and cosine (YaRN); zero means 1
	Inverse bool      // rotate backwards: the gradient
}

// Name implements [Op].
func (RoPE) Name() string { return "RoPE" }

// Results implements [Op].
func (op RoPE) Results(in []Spec) []Spec {
	want(op, in, 2)
	rank(op, in[0], 3)
	if t := indices(op, in[1]); t != in[0].Shape[0] || 2*len(op.Freqs) > in[0].Shape[2] {
		Fail(op.Name(), "input is %v, positions %v, %d frequencies", in[0], in[1], len(op.Freqs))
	}
	return []Spec{in[0]}
}

// SinCos returns sine and cosine of pair i at a position. The angle is rounded
// to float32 first, as Hugging Face computes it.
func (op RoPE) SinCos(pos int32, i int) (sin, cos float32) {
	s, c := math.Sincos(float64(float32(pos) * op.Freqs[i]))
	sin, cos = float32(s), float32(c)
	if op.Factor != 0 {
		sin, cos = sin*op.Factor, cos*op.Factor
	}
	if op.Inverse {
		sin = -sin
	}
	return sin, cos
}

// Reference implements [Op].
func (op RoPE) Reference(out, in []View) {
	heads, dim := in[0].Shape[1], in[0].Shape[2]
	half := len(op.Freqs)
	for t, pos := range in[1].I {
		for h := range heads {
			x := in[0].F[(t*heads+h)*dim:][:dim]
			y := out[0].F[(t*heads+h)*dim:][:dim]
			copy(y, x)
			for i := range half {
				s, c := op.SinCos(pos, i)
				y[i] = x[i]*c - x[half+i]*s
				y[half+i] = x[half+i]*c + x[i]*s
			}
		}
	}
}

// Saves implements [Differentiable].
func (RoPE) Saves() (in, out uint) { return 0b10, 0 }

// Gradient implements [Differentiable].
func (op RoPE) Gradient(o Ops, n Node) []*Tensor {
	op.Inverse = !op.Inverse
	return wanted(n, func(int) *Tensor { return Do(o, op, n.Grad[0], n.In[1]).Retain() })
}
