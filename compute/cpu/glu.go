package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

func (c *call) glu(op compute.GLU) bool {
	if op.Act == compute.GELU {
		return false // no model gates with it
	}
	gate, up, y := c.in[0].F, c.in[1].F, c.out[0].F
	c.dev.work.each(len(y), 6, func(first, end int) {
		if op.Act == compute.GELUTanh {
			kernel.GELUMul(y[first:end], gate[first:end], up[first:end])
			return
		}
		kernel.SiLUMul(y[first:end], gate[first:end], up[first:end])
	})
	return true
}

// activate has code for what encoders use.
func (c *call) activate(op compute.Activate) bool {
	x, y := c.in[0].F, c.out[0].F
	switch op.Act {
	case compute.GELU:
	case compute.GELUTanh:
		c.dev.work.each(len(y), 6, func(first, end int) { kernel.GELU(y[first:end], x[first:end]) })
		return true
	default:
		return false
	}
	c.dev.work.each(len(y), 12, func(first, end int) {
		for i, v := range x[first:end] {
			y[first+i] = float32(0.5 * float64(v) * math.Erfc(-float64(v)/math.Sqrt2))
		}
	})
	return true
}

func (c *call) gluBack(op compute.GLUBack) bool {
	if op.Act == compute.GELU {
		return false
	}
	gate, up, dy := c.in[0].F, c.in[1].F, c.in[2].F
	dgate, dup := c.out[0].F, c.out[1].F
	c.dev.work.each(len(dy), 8, func(first, end int) {
		back := kernel.SiLUMulBack
		if op.Act == compute.GELUTanh {
			back = kernel.GELUMulBack
		}
		back(dgate[first:end], dup[first:end], gate[first:end], up[first:end], dy[first:end])
	})
	return true
}
