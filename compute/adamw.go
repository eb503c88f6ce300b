package compute

import (
	"math"

	"github.com/troikaml/troika/tensor"
)

// AdamW updates a parameter in place with decoupled weight decay (Loshchilov and
// Hutter, ICLR 2019): inputs p, g, m, v of equal shape; p, m and v change. Step
// counts from 1. The gradient is first multiplied by GradScale (clipping and
// averaging).
type AdamW struct {
	LR, Beta1, Beta2, Eps, WeightDecay float32
	GradScale                          float32
	Step                               int
}

// Name implements [Op].
func (AdamW) Name() string { return "AdamW" }

// Results implements [Op].
func (op AdamW) Results(in []Spec) []Spec {
	want(op, in, 4)
	for _, s := range in {
		same(op, s, Spec{DType: tensor.F32, Shape: in[0].Shape})
	}
	if op.Step < 1 {
		Fail(op.Name(), "step %d counts from 1", op.Step)
	}
	return nil
}

// Reference implements [Op].
func (op AdamW) Reference(_, in []View) {
	p, g, m, v := in[0].F, in[1].F, in[2].F, in[3].F
	f := op.Factors()
	for i, x := range g {
		x *= f.Scale
		m[i] += f.Grow1 * (x - m[i])
		v[i] += f.Grow2 * (x*x - v[i])
		p[i] = p[i]*f.Decay - f.Step*m[i]/(float32(math.Sqrt(float64(v[i]*f.Root)))+f.Eps)
	}
}

// AdamWFactors are the numbers that an update needs beside its vectors: with
// x = Scale*g, m grows by Grow1*(x-m) and v by Grow2*(x*x-v), and p becomes
// Decay*p - Step*m/(sqrt(v*Root)+Eps).
type AdamWFactors struct {
	Scale, Grow1, Grow2, Decay, Step, Root, Eps float32
}

// Factors returns the factors of this step.
func (op AdamW) Factors() AdamWFactors {
	c1 := 1 - math.Pow(float64(op.Beta1), float64(op.Step))
	c2 := 1 - math.Pow(float64(op.Beta2), float64(op.Step))
	return AdamWFactors{
		Scale: op.GradScale,
		Grow1: 1 - op.Beta1, Grow2: 1 - op.Beta2,
		Decay: 1 - op.LR*op.WeightDecay,
		Step:  float32(float64(op.LR) / c1),
		Root:  float32(1 / c2),
		Eps:   op.Eps,
	}
}
