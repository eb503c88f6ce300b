package compute_test

import (
	"math"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
)

// Golden values: testdata/generate.py, torch.optim.AdamW.
func TestAdamWEqualsTorch(t *testing.T) {
	dev := ref.New()
	p := compute.FromFloats(dev, []float32{0.5, -1.25, 2, 0}, 4)
	m, v := compute.FromFloats(dev, make([]float32, 4), 4), compute.FromFloats(dev, make([]float32, 4), 4)
	for i, s := range []struct{ grad, want []float32 }{
		{[]float32{1, -2, 0.5, 0}, []float32{0.4895000159740448, -1.2387499809265137, 1.9880000352859497, 0}},
		{[]float32{0.25, 3, -0.5, 1e-6}, []float32{0.4806878864765167, -1.2399861812591553, 1.9865384101867676, -0.0073213172145187855}},
		{[]float32{-1, 0.125, 0.75, 2}, []float32{0.4800514578819275, -1.2408841848373413, 1.9801870584487915, -0.01367340050637722}},
	} {
		for j := range s.grad {
			s.grad[j] *= 4 // GradScale takes it back
		}
		g := compute.FromFloats(dev, s.grad, 4)
		op := compute.AdamW{LR: 0.01, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1, GradScale: 0.25, Step: i + 1}
		dev.Run(op, []*compute.Tensor{p, g, m, v})
		for j, x := range compute.Floats(dev, p) {
			if math.Abs(float64(x-s.want[j])) > 3e-7 {
				t.Errorf("step %d element %d: %v, want %v", i+1, j, x, s.want[j])
			}
		}
	}
}

// The vectors are those of Random123's kat_vectors for philox4x32-10.
func TestPhilox(t *testing.T) {
	for _, c := range []struct {
		key     [2]uint32
		counter [4]uint32
		want    [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := compute.Philox(c.key, c.counter); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.key, c.counter, got, c.want)
		}
	}
}

func TestDropoutRate(t *testing.T) {
	const n = 100_000
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	compute.Dropout{P: 0.3, Seed: 1, Stream: 2}.Range(y, x, 0)
	kept := 0
	for _, v := range y {
		if v != 0 {
			kept++
		}
	}
	if rate := float64(kept) / n; math.Abs(rate-0.7) > 0.006 { // four standard deviations
		t.Errorf("kept %g of the elements, want 0.7", rate)
	}
}
