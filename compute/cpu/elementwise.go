package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// sumBlock is how many elements one partial sum covers. It is part of the
// meaning of a sum: changing it changes bits.
const sumBlock = 1 << 14

// target returns where an operator that may work in place writes.
func (c *call) target(inPlace bool) []float32 {
	if inPlace {
		return c.in[0].F
	}
	return c.out[0].F
}

func (c *call) add(op compute.Add) {
	y, a, b := c.target(op.InPlace), c.in[0].F, c.in[1].F
	c.dev.work.each(len(y), 1, func(first, end int) {
		kernel.Add(y[first:end], a[first:end], b[first:end])
	})
}

func (c *call) addBias() {
	x, y, b := c.in[0], c.out[0], c.in[1].F
	rows, cols := x.Rows()
	c.dev.work.each(rows, cols, func(first, end int) {
		for r := first; r < end; r++ {
			kernel.Add(y.F[r*cols:][:cols], x.F[r*cols:][:cols], b)
		}
	})
}

func (c *call) sumRows() {
	x, y := c.in[0].F, c.out[0].F
	rows, cols := c.in[0].Rows()
	const width = 64
	c.dev.work.each((cols+width-1)/width, rows*width, func(first, end int) {
		for b := first; b < end; b++ {
			var sum [width]float64
			at, n := b*width, min(width, cols-b*width)
			for r := range rows {
				for i, v := range x[r*cols+at:][:n] {
					sum[i] += float64(v)
				}
			}
			for i, s := range sum[:n] {
				y[at+i] = float32(s)
			}
		}
	})
}

func (c *call) scale(op compute.Scale) {
	y, x := c.target(op.InPlace), c.in[0].F
	c.dev.work.each(len(y), 1, func(first, end int) { kernel.ScaleTo(y[first:end], op.By, x[first:end]) })
}

func (c *call) scaleRows() {
	x, y, s := c.in[0].F, c.out[0].F, c.in[1].F
	rows, cols := c.in[0].Rows()
	c.dev.work.each(rows, cols, func(first, end int) {
		for r := first; r < end; r++ {
			kernel.ScaleTo(y[r*cols:][:cols], s[r], x[r*cols:][:cols])
		}
	})
}

func (c *call) fill(op compute.Fill) {
	x := c.in[0].F
	c.dev.work.each(len(x), 1, func(first, end int) {
		part := x[first:end]
		for i := range part {
			part[i] = op.Value
		}
	})
}

func (c *call) sumSquares() {
	x := c.in[0].F
	parts := make([]float64, (len(x)+sumBlock-1)/sumBlock)
	c.dev.work.each(len(parts), sumBlock, func(first, end int) {
		for b := first; b < end; b++ {
			parts[b] = kernel.SumSquares(x[b*sumBlock : min((b+1)*sumBlock, len(x))])
		}
	})
	var sum float64
	for _, s := range parts {
		sum += s
	}
	c.out[0].F[0] = float32(sum)
}

func (c *call) dropout(op compute.Dropout) {
	x, y := c.in[0].F, c.out[0].F
	quads := (len(x) + 3) / 4 // one draw of the generator each
	keep, border := op.Factors()
	c.dev.work.each(quads, 8, func(first, end int) {
		at, to := 4*first, min(4*end, len(x))
		at += kernel.Drop(y[at:to], x[at:to], keep, border, op.Seed, op.Stream, uint64(first))
		op.Range(y[at:to], x[at:to], at)
	})
}

func (c *call) adamW(op compute.AdamW) {
	p, g, m, v := c.in[0].F, c.in[1].F, c.in[2].F, c.in[3].F
	u := kernel.Update(op.Factors())
	c.dev.work.each(len(p), 8, func(first, end int) {
		kernel.AdamW(p[first:end], m[first:end], v[first:end], g[first:end], u)
	})
}
