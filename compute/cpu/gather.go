package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// checkIDs fails unless every id names one of n rows.
func checkIDs(op compute.Op, ids []int32, n int) {
	for i, id := range ids {
		if id < 0 || int(id) >= n {
			compute.Fail(op.Name(), "index %d is %d, outside of %d rows", i, id, n)
		}
	}
}

func (c *call) embed(op compute.Embed) {
	ids, y := c.in[0].I, c.out[0].F
	vocab, cols := op.W.Dims()
	checkIDs(op, ids, vocab)
	c.dev.work.each(len(ids), 2*cols, func(first, end int) {
		for t := first; t < end; t++ {
			op.W.Row(y[t*cols:][:cols], int(ids[t]))
		}
	})
}

func (c *call) gatherRows(op compute.GatherRows) {
	x, ids, y := c.in[0].F, c.in[1].I, c.out[0].F
	rows, cols := c.in[0].Rows()
	checkIDs(op, ids, rows)
	c.dev.work.each(len(ids), cols/4, func(first, end int) {
		for t := first; t < end; t++ {
			copy(y[t*cols:][:cols], x[int(ids[t])*cols:])
		}
	})
}

func (c *call) scatterRows(op compute.ScatterRows) {
	x, rows, ids := c.in[0].F, c.in[1].F, c.in[2].I
	n, cols := c.in[0].Rows()
	checkIDs(op, ids, n)
	c.dev.work.each(len(ids), cols/4, func(first, end int) {
		for s := first; s < end; s++ {
			copy(x[int(ids[s])*cols:][:cols], rows[s*cols:])
		}
	})
}

// scatterAddRows cuts the columns, so that each sum keeps its ascending order.
func (c *call) scatterAddRows(op compute.ScatterAddRows) {
	x, ids, y := c.in[0].F, c.in[1].I, c.out[0].F
	rows, cols := c.in[0].Rows()
	checkIDs(op, ids, op.Rows)
	c.dev.work.each(op.Rows, cols/4, func(first, end int) { clear(y[first*cols : end*cols]) })
	const width = 64
	c.dev.work.each((cols+width-1)/width, rows*width, func(first, end int) {
		from, to := first*width, min(end*width, cols)
		for t, id := range ids[:rows] {
			at := y[int(id)*cols:][from:to]
			kernel.Add(at, at, x[t*cols:][from:to])
		}
	})
}
