package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

func TestDrop(t *testing.T) {
	if kernel.Engine() == "go" {
		t.Skip("no kernel to compare")
	}
	x := make([]float32, 1<<17+77)
	for i := range x {
		x[i] = float32(i%1000) - 300
	}
	for _, n := range []int{0, 31, 32, 33, 96, 1000, len(x)} {
		for _, first := range []uint64{0, 1, 7, 1<<32 - 3, 1<<60 + 5} {
			op := compute.Dropout{P: 0.3, Seed: 0x9e3779b97f4a7c15, Stream: 0xfedcba9876543210 + first}
			got, want := make([]float32, n), make([]float32, n)
			done := kernel.Drop(got, x[:n], 1/(1-op.P), uint32(float64(op.P)*(1<<32)), op.Seed, op.Stream, first)
			if done != n/32*32 {
				t.Fatalf("took %d of %d elements", done, n)
			}
			op.Range(want, x[:n], int(4*first))
			for i := range done {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("element %d of %d from counter %d is %g, want %g", i, n, first, got[i], want[i])
				}
			}
			if slices.ContainsFunc(got[done:], func(v float32) bool { return v != 0 }) {
				t.Fatalf("elements after %d of %d were written", done, n)
			}
		}
	}
}
