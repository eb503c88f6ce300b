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
			geluRange(y[first:end], gate[first:end], up[first:end])
			return
		}
		kernel.SiLUMul(y[first:end], gate[first:end], up[first:end])
	})
	return true
}

// activate has code for what encoders use.
func (c *call) activate(op compute.Activate) bool {
	if op.Act != compute.GELU {
		return false
	}
	x, y := c.in[0].F, c.out[0].F
	c.dev.work.each(len(y), 12, func(first, end int) {
		for i, v := range x[first:end] {
			y[first+i] = float32(0.5 * float64(v) * math.Erfc(-float64(v)/math.Sqrt2))
		}
	})
	return true
}

// geluArg is the argument of tanh in the approximation of GELU.
func geluArg(x float64) float64 { return math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }

func geluRange(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for i, g := range gate {
		y[i] = float32(0.5*float64(g)*(1+math.Tanh(geluArg(float64(g))))) * up[i]
	}
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
			back = geluBack
		}
		back(dgate[first:end], dup[first:end], gate[first:end], up[first:end], dy[first:end])
	})
	return true
}

func geluBack(dgate, dup, gate, up, dy []float32) {
	n := len(dgate)
	dup, gate, up, dy = dup[:n], gate[:n], up[:n], dy[:n]
	for i, g := range gate {
		x := float64(g)
		t := math.Tanh(geluArg(x))
		slope := 0.5*(1+t) + 0.5*x*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
		dup[i] = dy[i] * float32(0.5*x*(1+t))
		dgate[i] = dy[i] * up[i] * float32(slope)
	}
}
