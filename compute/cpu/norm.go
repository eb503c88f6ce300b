package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
)

// normBlock is how many rows one partial sum of the scale's gradient covers. It
// is part of the meaning of that sum: changing it changes bits.
const normBlock = 64

func (c *call) rmsNorm(op compute.RMSNorm) {
	x, w, y := c.in[0].F, c.in[1].F, c.out[0].F
	cols := len(w)
	c.dev.work.each(len(x)/cols, 2*cols, func(first, end int) {
		for at := first * cols; at < end*cols; at += cols {
			normRow(y[at:at+cols], x[at:at+cols], w, op.Eps)
		}
	})
}

func rootMean(x []float32, eps float32) float32 {
	return float32(1 / math.Sqrt(squares(x)/float64(len(x))+float64(eps)))
}

func normRow(y, x, w []float32, eps float32) {
	r := rootMean(x, eps)
	x, w = x[:len(y)], w[:len(y)]
	for i := range y {
		y[i] = x[i] * r * w[i]
	}
}

func (c *call) rmsNormBack(op compute.RMSNormBack) {
	x, w, dy, dx := c.in[0].F, c.in[1].F, c.in[2].F, c.out[0].F
	cols := len(w)
	rows := len(x) / cols
	blocks := (rows + normBlock - 1) / normBlock
	var parts []float32
	if op.Scale {
		var done func()
		parts, done = c.dev.scratch(blocks * cols)
		defer done()
	}
	c.dev.work.each(blocks, 4*normBlock*cols, func(first, end int) {
		for b := first; b < end; b++ {
			var dw []float32
			if op.Scale {
				dw = parts[b*cols:][:cols]
				clear(dw)
			}
			for r := b * normBlock; r < min((b+1)*normBlock, rows); r++ {
				at := r * cols
				normRowBack(dx[at:at+cols], dw, x[at:at+cols], w, dy[at:at+cols], op.Eps)
			}
		}
	})
	if op.Scale {
		dw := c.out[1].F
		clear(dw)
		for b := range blocks {
			addTo(dw, dw, parts[b*cols:][:cols])
		}
	}
}

// normRowBack writes dx and, unless dw is nil, adds this row's part to it.
func normRowBack(dx, dw, x, w, dy []float32, eps float32) {
	r := rootMean(x, eps)
	n := len(dx)
	x, w, dy = x[:n], w[:n], dy[:n]
	var s float64 // sum of dy*w*x
	for i := range x {
		s += float64(dy[i] * w[i] * x[i])
	}
	k := float32(float64(r) * float64(r) * float64(r) * s / float64(n))
	for i := range dx {
		dx[i] = r*dy[i]*w[i] - k*x[i]
	}
	if dw != nil {
		for i := range dx {
			dw[i] += dy[i] * x[i] * r
		}
	}
}
