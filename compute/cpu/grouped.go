package cpu

import (
	"reflect"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// groupedMatMul brings the rows of a group together, so that one pass over a matrix
// serves all of them. Matrices of several kinds, which no model has, are left to the
// reference.
func (c *call) groupedMatMul(op compute.GroupedMatMul) bool {
	from, to := op.Dims()
	ids := c.in[1].I
	checkIDs(op, ids, len(op.W))
	for _, w := range op.W {
		if _, ok := w.(matrix); !ok || reflect.TypeOf(w) != reflect.TypeOf(op.W[0]) {
			return false
		}
	}
	if len(ids) == 0 || from == 0 {
		clear(c.out[0].F)
		return true
	}
	each := len(ids) * from / len(c.in[0].F) // pairs that share a row
	order, starts := byGroup(ids, len(op.W))
	x, doneX := c.dev.scratch(len(ids) * from)
	defer doneX()
	y, doneY := c.dev.scratch(len(ids) * to)
	defer doneY()
	c.dev.work.each(len(ids), from/4, func(first, end int) {
		for i := first; i < end; i++ {
			copy(x[i*from:][:from], c.in[0].F[int(order[i])/each*from:])
		}
	})
	c.groups(op, y, x, starts)
	c.dev.work.each(len(ids), to/4, func(first, end int) {
		for i := first; i < end; i++ {
			copy(c.out[0].F[int(order[i])*to:][:to], y[i*to:])
		}
	})
	return true
}

// groupTask is a task of the product of one group's rows.
type groupTask struct {
	w              matrix
	r0, r1, u0, u1 int // rows among those of all groups
}

// groups multiplies rows that lie by groups, group g from starts[g] on. The tasks of all
// groups are shared at once: most groups of a short batch have one row.
func (c *call) groups(op compute.GroupedMatMul, y, x []float32, starts []int) {
	rows, width := starts[len(op.W)], len(y)/starts[len(op.W)]
	o, done := op.W[0].(matrix).takes(x, rows, op.Transpose)
	defer done()
	var tasks []groupTask
	for g, w := range op.W {
		w, first := w.(matrix), starts[g]
		if starts[g+1] == first {
			continue
		}
		cut := w.cut(starts[g+1]-first, op.Transpose)
		for i := range cut.tasks() {
			r0, r1, u0, u1 := cut.task(i)
			tasks = append(tasks, groupTask{w, first + r0, first + r1, u0, u1})
		}
	}
	c.dev.work.share(len(tasks), 1, func(first, end int) {
		s := c.dev.scratches.get()
		defer c.dev.scratches.put(s)
		for _, t := range tasks[first:end] {
			t.w.part(y[t.r0*width:t.r1*width], o, t.r0, t.r1, t.u0, t.u1, op.Transpose, false, s)
		}
	})
}

// byGroup returns the numbers of pairs in ascending order of their groups, and where
// each group starts among them.
func byGroup(ids []int32, groups int) (order []int32, starts []int) {
	next := make([]int, groups+2)
	for _, g := range ids {
		next[g+2]++
	}
	for g := range groups {
		next[g+2] += next[g+1]
	}
	order = make([]int32, len(ids))
	for i, g := range ids { // which moves the starts to the places of the groups before
		order[next[g+1]] = int32(i)
		next[g+1]++
	}
	return order, next[:groups+1]
}

func (c *call) moeRoute(op compute.MoERoute) {
	logits, weights, ids := c.in[0], c.out[0], c.out[1].I
	rows, experts := logits.Rows()
	c.dev.work.each(rows, 20*experts, func(first, end int) {
		for t := first; t < end; t++ {
			op.Row(weights.Row(t), ids[t*op.Experts:][:op.Experts], logits.Row(t))
		}
	})
}

func (c *call) moeRouteBack(op compute.MoERouteBack) {
	logits, ids := c.in[0], c.in[1].I
	rows, experts := logits.Rows()
	checkIDs(op, ids, experts)
	c.dev.work.each(rows, 20*experts, func(first, end int) {
		for t := first; t < end; t++ {
			op.Row(c.out[0].Row(t), logits.Row(t), ids[t*op.Experts:][:op.Experts], c.in[2].Row(t))
		}
	})
}

func (c *call) weightedSum() {
	groups, cols := c.in[0].Shape[1], c.in[0].Shape[2]
	c.dev.work.each(c.in[0].Shape[0], groups*cols, func(first, end int) {
		for t := first; t < end; t++ {
			y := c.out[0].F[t*cols:][:cols]
			clear(y)
			for j := range groups {
				w := float32(1)
				if len(c.in) == 2 {
					w = c.in[1].F[t*groups+j]
				}
				kernel.AddScaled(y, w, c.in[0].F[(t*groups+j)*cols:][:cols])
			}
		}
	})
}

func (c *call) weightedSumBack() {
	groups, cols := c.in[0].Shape[1], c.in[0].Shape[2]
	x, dy := c.in[0].F, c.in[len(c.in)-1].F
	c.dev.work.each(len(x)/max(1, cols), cols, func(first, end int) {
		for pair := first; pair < end; pair++ {
			d, w := dy[pair/groups*cols:][:cols], float32(1)
			if len(c.in) == 3 {
				w = c.in[1].F[pair]
				c.out[1].F[pair] = kernel.Dot(d, x[pair*cols:][:cols])
			}
			kernel.ScaleTo(c.out[0].F[pair*cols:][:cols], w, d)
		}
	})
}
