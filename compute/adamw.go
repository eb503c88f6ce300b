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
func (op AdamW) Reference(_, in []View) { op.Range(in[0].F, in[1].F, in[2].F, in[3].F) }

// Range updates slices of equal length.
func (op AdamW) Range(p, g, m, v []float32) {
	c1 := 1 - math.Pow(float64(op.Beta1), float64(op.Step))
	c2 := 1 - math.Pow(float64(op.Beta2), float64(op.Step))
	decay := 1 - op.LR*op.WeightDecay
	step := float32(float64(op.LR) / c1)
	root := float32(1 / c2)
	for i, x := range g {
		x *= op.GradScale
		m[i] += (1 - op.Beta1) * (x - m[i])
		v[i] += (1 - op.Beta2) * (x*x - v[i])
		p[i] = p[i]*decay - step*m[i]/(float32(math.Sqrt(float64(v[i]*root)))+op.Eps)
	}
}
