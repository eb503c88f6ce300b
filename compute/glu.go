package compute

import "math"

// Activation names the nonlinearity of an MLP.
type Activation uint8

// The activations that models use, by their Hugging Face names.
const (
	SiLU     Activation = iota // "silu": x / (1 + e^-x)
	GELUTanh                   // "gelu_pytorch_tanh": the tanh approximation of GELU
	GELU                       // "gelu": x * (1 + erf(x/√2)) / 2
)

// value and slope return the activation and its derivative at x.
func (a Activation) value(x float64) float64 {
	switch a {
	case GELUTanh:
		return 0.5 * x * (1 + math.Tanh(geluArg(x)))
	case GELU:
		return 0.5 * x * math.Erfc(-x/math.Sqrt2)
	default: // SiLU
		return x / (1 + math.Exp(-x))
	}
}

func (a Activation) slope(x float64) float64 {
	switch a {
	case GELUTanh:
		t := math.Tanh(geluArg(x))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
	case GELU:
		return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	default: // SiLU
		s := 1 / (1 + math.Exp(-x))
		return s * (1 + x*(1-s))
	}
}

func geluArg(x float64) float64 { return math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }

// Activate applies an activation to every element: y = act(x), the middle of an MLP
// without a gate.
type Activate struct{ Act Activation }

// Name implements [Op].
func (Activate) Name() string { return "Activate" }

// Results implements [Op].
func (op Activate) Results(in []Spec) []Spec {
	want(op, in, 1)
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op Activate) Reference(out, in []View) {
	for i, x := range in[0].F {
		out[0].F[i] = float32(op.Act.value(float64(x)))
	}
}

// GLU gates one projection with another: y = act(gate) * up.
type GLU struct{ Act Activation }

// Name implements [Op].
func (GLU) Name() string { return "GLU" }

// Results implements [Op].
func (op GLU) Results(in []Spec) []Spec {
	want(op, in, 2)
	same(op, in[1], in[0])
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op GLU) Reference(out, in []View) {
	for i, g := range in[0].F {
		out[0].F[i] = float32(op.Act.value(float64(g)) * float64(in[1].F[i]))
	}
}

// Saves implements [Differentiable].
func (GLU) Saves() (in, out uint) { return 0b11, 0 }

// Gradient implements [Differentiable].
func (op GLU) Gradient(o Ops, n Node) []*Tensor {
	d := o.Apply(GLUBack(op), n.In[0], n.In[1], n.Grad[0])
	return wanted(n, func(i int) *Tensor { return d[i].Retain() })
}

// GLUBack is the gradient of [GLU]: inputs gate, up, dy; results dgate, dup.
type GLUBack struct{ Act Activation }

// Name implements [Op].
func (GLUBack) Name() string { return "GLUBack" }

// Results implements [Op].
func (op GLUBack) Results(in []Spec) []Spec {
	want(op, in, 3)
	same(op, in[1], in[0])
	same(op, in[2], in[0])
	return []Spec{in[0], in[0]}
}

// Reference implements [Op].
func (op GLUBack) Reference(out, in []View) {
	for i, g := range in[0].F {
		dy := float64(in[2].F[i])
		out[0].F[i] = float32(dy * float64(in[1].F[i]) * op.Act.slope(float64(g)))
		out[1].F[i] = float32(dy * op.Act.value(float64(g)))
	}
}
