package kernel

import (
	"math/big"
	"testing"
)

// chain computes one element in the order that the package promises, rounding
// as the active engine does: once for each term where multiply-adds are fused,
// twice in plain Go.
func chain(depth int, a, b func(i int) float32) float32 {
	var sum float32
	for i0 := 0; i0 < depth; i0 += BlockDepth {
		var block float32
		for i := i0; i < min(i0+BlockDepth, depth); i++ {
			if active == &portable {
				block += float32(a(i) * b(i))
			} else {
				block = fused(a(i), b(i), block)
			}
		}
		if i0 == 0 {
			sum = block
		} else {
			sum += block
		}
	}
	return sum
}

// fused returns a*b+c rounded once, from exact arithmetic. No operand of these
// tests comes near the ends of the range.
func fused(a, b, c float32) float32 {
	exact := new(big.Float).SetPrec(1000)
	exact.Mul(big.NewFloat(float64(a)), big.NewFloat(float64(b)))
	exact.Add(exact, big.NewFloat(float64(c)))
	f, _ := exact.Float32()
	return f
}

// The order of summation is part of the interface: every product gives the
// bits of the chain, for few rows and many.
func TestOrderOfSummation(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const n, k = 35, 2*BlockDepth + 9
		w, values := newPanels(f, n, k, 80)
		var s Scratch
		for _, m := range []int{1, 2, 5, 140} {
			a, y := random(81, m*k), random(82, m*n)
			c, dx := make([]float32, m*n), make([]float32, m*k)
			MatMul(c, n, a, k, m, w, 0, PanelCount(n), false, &s)
			MatMulT(dx, k, y, n, m, w, 0, k, false, &s)
			dense := make([]float32, m*n)
			Gemm(dense, n, Dense{a, k, false}, Dense{values, k, true}, m, n, k, 1, false, &s)
			sameBits(t, "Gemm", dense, n, c, n, m, n)
			for _, i := range []int{0, m / 2, m - 1} {
				for j := range n {
					want := chain(k, func(x int) float32 { return a[i*k+x] }, func(x int) float32 { return values[j*k+x] })
					sameBits(t, "MatMul", c[i*n+j:], n, []float32{want}, 1, 1, 1)
				}
				for j := 0; j < k; j += 37 {
					want := chain(n, func(x int) float32 { return y[i*n+x] }, func(x int) float32 { return values[x*k+j] })
					sameBits(t, "MatMulT", dx[i*k+j:], k, []float32{want}, 1, 1, 1)
				}
			}
		}
	})
}
