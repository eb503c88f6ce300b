package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// normBlock is how many rows one partial sum of the scale's gradient covers. It
// is part of the meaning of that sum: changing it changes bits.
const normBlock = 64

func (c *call) rmsNorm(op compute.RMSNorm) {
	x, y := c.in[0].F, c.out[0].F
	w, done := c.shifted(c.in[1].F, op.Offset)
	defer done()
	cols := len(w)
	c.dev.work.each(len(x)/cols, 2*cols, func(first, end int) {
		for at := first * cols; at < end*cols; at += cols {
			kernel.RMSNorm(y[at:at+cols], x[at:at+cols], w, op.Eps)
		}
	})
}

// shifted returns w + offset, and what gives its memory back.
func (c *call) shifted(w []float32, offset float32) (sum []float32, done func()) {
	if offset == 0 {
		return w, func() {}
	}
	sum, done = c.dev.scratch(len(w))
	for i, v := range w {
		sum[i] = v + offset
	}
	return sum, done
}

func (c *call) layerNorm(op compute.LayerNorm) {
	x, w, b, y := c.in[0].F, c.in[1].F, c.in[2].F, c.out[0].F
	cols := len(w)
	c.dev.work.each(len(x)/cols, 4*cols, func(first, end int) {
		for at := first * cols; at < end*cols; at += cols {
			normRow(y[at:at+cols], x[at:at+cols], w, b, float64(op.Eps))
		}
	})
}

// normRow is a LayerNorm of one row.
func normRow(y, x, w, b []float32, eps float64) {
	y, w, b = y[:len(x)], w[:len(x)], b[:len(x)]
	var sum, square float64
	for _, v := range x {
		sum += float64(v)
	}
	n := float64(len(x))
	mean := sum / n
	for _, v := range x {
		d := float64(v) - mean
		square += d * d
	}
	by := 1 / math.Sqrt(square/n+eps)
	for i, v := range x {
		y[i] = float32((float64(v)-mean)*by)*w[i] + b[i]
	}
}

// normBlocks is how many partial sums the gradient of a scale has.
func normBlocks(rows int) int { return (rows + normBlock - 1) / normBlock }

func (c *call) rmsNormBack(op compute.RMSNormBack) {
	x, dy, dx := c.in[0].F, c.in[2].F, c.out[0].F
	w, release := c.shifted(c.in[1].F, op.Offset)
	defer release()
	cols := len(w)
	rows := len(x) / cols
	blocks := normBlocks(rows)
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
				kernel.RMSNormBack(dx[at:at+cols], dw, x[at:at+cols], w, dy[at:at+cols], op.Eps)
			}
		}
	})
	if op.Scale {
		dw := c.out[1].F
		clear(dw)
		for b := range blocks {
			kernel.Add(dw, dw, parts[b*cols:][:cols])
		}
	}
}
