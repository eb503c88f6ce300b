package cpu

import "github.com/troikaml/troika/compute"

// matMul brings both inputs into the form of dot products, a [M, K] and b [N, K].
func (c *call) matMul(op compute.MatMul) {
	a, b, y := c.in[0], c.in[1], c.out[0].F
	m, n, k := op.Dims(a.Spec, b.Spec)
	left, right := a.F, b.F
	if op.TransA {
		t, done := c.dev.scratch(m * k)
		defer done()
		transpose(t, left, k, m)
		left = t
	}
	if !op.TransB {
		t, done := c.dev.scratch(n * k)
		defer done()
		transpose(t, right, k, n)
		right = t
	}
	factor := op.Factor()
	c.dev.work.each(m, n*k, func(first, end int) {
		for i := first; i < end; i++ {
			for j := range n {
				s := factor * dot(left[i*k:][:k], right[j*k:][:k])
				if len(c.in) == 3 {
					s += c.in[2].F[i*n+j]
				}
				y[i*n+j] = s
			}
		}
	})
}

// transpose writes dst [cols, rows] from src [rows, cols].
func transpose(dst, src []float32, rows, cols int) {
	for r := range rows {
		for i, v := range src[r*cols:][:cols] {
			dst[i*rows+r] = v
		}
	}
}
