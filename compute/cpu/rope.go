package cpu

import (
	"slices"
	"sync/atomic"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// ropeCacheRows bounds the table that is kept; positions past it are computed in
// each call.
const ropeCacheRows = 8192

// ropeCache keeps the table of the latest frequencies: a model asks for the same
// one in each layer.
type ropeCache struct{ table atomic.Pointer[ropeTable] }

// ropeTable holds, for each position, the cosines of all pairs and then the
// sines. It is immutable.
type ropeTable struct {
	freqs  []float32
	factor float32
	cosSin []float32
}

// rows returns the cached table if it serves op up to position last, growing it
// if need be.
func (rc *ropeCache) rows(op compute.RoPE, last int32) *ropeTable {
	old := rc.table.Load()
	width := 2 * len(op.Freqs)
	matches := old != nil && old.factor == op.Factor && slices.Equal(old.freqs, op.Freqs)
	if matches && int(last+1)*width <= len(old.cosSin) {
		return old
	}
	if last >= ropeCacheRows || width == 0 {
		return nil
	}
	n := 64
	for n <= int(last) {
		n *= 2
	}
	t := &ropeTable{freqs: slices.Clone(op.Freqs), factor: op.Factor, cosSin: make([]float32, n*width)}
	known := 0
	if matches {
		known = copy(t.cosSin, old.cosSin) / width
	}
	forward := op
	forward.Inverse = false
	for pos := known; pos < n; pos++ {
		angles(t.cosSin[pos*width:][:width], forward, int32(pos))
	}
	rc.table.Store(t)
	return t
}

// angles writes the cosines and then the sines of a position.
func angles(dst []float32, op compute.RoPE, pos int32) {
	half := len(op.Freqs)
	for i := range half {
		dst[half+i], dst[i] = op.SinCos(pos, i)
	}
}

func (c *call) rotate(op compute.RoPE) {
	x, y, positions := c.in[0].F, c.out[0].F, c.in[1].I
	heads, dim := c.in[0].Shape[1], c.in[0].Shape[2]
	half := len(op.Freqs)
	var table *ropeTable
	if len(positions) > 0 && slices.Min(positions) >= 0 {
		table = c.dev.rope.rows(op, slices.Max(positions))
	}
	c.dev.work.each(len(positions), 2*heads*dim, func(first, end int) {
		var own []float32
		if table == nil {
			own = make([]float32, 2*half)
		}
		for t := first; t < end; t++ {
			cosSin := own
			if table == nil {
				forward := op
				forward.Inverse = false
				angles(own, forward, positions[t])
			} else {
				cosSin = table.cosSin[int(positions[t])*2*half:][:2*half]
			}
			for h := range heads {
				at := (t*heads + h) * dim
				rotateHead(y[at:at+dim], x[at:at+dim], cosSin[:half], cosSin[half:], op.Inverse)
			}
		}
	})
}

// rotateHead turns the pairs (i, half+i) of one head and copies the rest.
func rotateHead(y, x, cos, sin []float32, inverse bool) {
	half := len(cos)
	x1, x2, y1, y2 := x[:half], x[half:][:half], y[:half], y[half:][:half]
	if inverse {
		kernel.RotateBack(y1, y2, x1, x2, cos, sin)
	} else {
		kernel.Rotate(y1, y2, x1, x2, cos, sin)
	}
	copy(y[2*half:], x[2*half:])
}
