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

// ropeTables is how many tables are kept: one for each kind of layer that a model has,
// and those of a second model.
const ropeTables = 4

// ropeCache keeps the tables of the latest frequencies: a model asks for the same
// ones in each layer.
type ropeCache struct{ tables atomic.Pointer[[]*ropeTable] } // the newest first

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
	var tables []*ropeTable
	if p := rc.tables.Load(); p != nil {
		tables = *p
	}
	width := 2 * len(op.Freqs)
	at := slices.IndexFunc(tables, func(t *ropeTable) bool {
		return t.factor == op.Factor && slices.Equal(t.freqs, op.Freqs)
	})
	if at >= 0 && int(last+1)*width <= len(tables[at].cosSin) {
		return tables[at]
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
	if at >= 0 {
		known = copy(t.cosSin, tables[at].cosSin) / width
	}
	forward := op
	forward.Inverse = false
	for pos := known; pos < n; pos++ {
		angles(t.cosSin[pos*width:][:width], forward, int32(pos))
	}
	kept := []*ropeTable{t}
	for i, other := range tables {
		if i != at && len(kept) < ropeTables {
			kept = append(kept, other)
		}
	}
	rc.tables.Store(&kept)
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
