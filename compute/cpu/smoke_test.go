package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
)

func TestSmoke(t *testing.T) {
	fast, slow := cpu.New(cpu.Options{Threads: 3}), ref.New()
	defer fast.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	floats := func(shape ...int) []float32 {
		v := make([]float32, compute.Float(shape...).Len())
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	const T, C = 70, 1030
	x, y, z, w := floats(T, C), floats(T, C), floats(T, C), floats(C)
	type in struct {
		v     []float32
		shape []int
	}
	big := func(v []float32) in { return in{v, []int{T, C}} }
	for _, c := range []struct {
		op compute.Op
		in []in
	}{
		{compute.Add{}, []in{big(x), big(y)}},
		{compute.AddBias{}, []in{big(x), {w, []int{C}}}},
		{compute.SumRows{}, []in{big(x)}},
		{compute.Scale{By: 3}, []in{big(x)}},
		{compute.SumSquares{}, []in{big(x)}},
		{compute.Dropout{P: 0.3, Seed: 5, Stream: 7}, []in{big(x)}},
		{compute.GLU{}, []in{big(x), big(y)}},
		{compute.GLU{Act: compute.GELUTanh}, []in{big(x), big(y)}},
		{compute.GLUBack{}, []in{big(x), big(y), big(z)}},
		{compute.GLUBack{Act: compute.GELUTanh}, []in{big(x), big(y), big(z)}},
		{compute.RMSNorm{Eps: 1e-6}, []in{big(x), {w, []int{C}}}},
		{compute.RMSNormBack{Eps: 1e-6, Scale: true}, []in{big(x), {w, []int{C}}, big(z)}},
		{compute.MatMul{TransB: true}, []in{big(x), big(y)}},
		{compute.MatMul{TransA: true, Alpha: 2}, []in{big(x), big(y)}},
	} {
		run := func(d compute.Device) [][]float32 {
			var ts []*compute.Tensor
			for _, i := range c.in {
				ts = append(ts, compute.FromFloats(d, i.v, i.shape...))
			}
			var r [][]float32
			for _, o := range d.Run(c.op, ts) {
				r = append(r, compute.Floats(d, o))
				d.Free(o)
			}
			for _, o := range ts {
				d.Free(o)
			}
			return r
		}
		got, want := run(fast), run(slow)
		for i := range want {
			for j := range want[i] {
				if e := math.Abs(float64(got[i][j] - want[i][j])); e > 2e-4*(1+math.Abs(float64(want[i][j]))) {
					t.Fatalf("%T %+v result %d element %d: %g, want %g", c.op, c.op, i, j, got[i][j], want[i][j])
				}
			}
		}
	}
	if s := fast.Stats(); s.Live != 0 {
		t.Errorf("%d bytes live", s.Live)
	}
}
