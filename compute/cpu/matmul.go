package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// rowsPerTask bounds the rows that pass by a packed panel in one task: their
// block of the depth then fits the second-level cache. It is a multiple of the
// rows of a tile.
const rowsPerTask = 516

// grid cuts a product of rows by units (panels of columns) into tasks.
type grid struct {
	rows, units       int
	rowStep, unitStep int
}

// newGrid chooses the cut. perUnit is the time in nanoseconds that a unit takes
// whatever the rows, perRow the time that each row of it adds; few is the least
// number of units that work well together.
func (d *Device) newGrid(rows, units int, perUnit, perRow float64, few int) grid {
	if kernel.Engine() == "go" {
		perRow *= 16
	}
	g := grid{rows: rows, units: units, rowStep: rows, unitStep: units}
	total := float64(units) * (perUnit + perRow*float64(rows))
	if d.work.threads == 1 {
		total = 0
	}
	if rows > rowsPerTask {
		g.rowStep = evenly(rows, rowsPerTask)
	}
	if total < worthSharing {
		return g
	}
	block := min(2*blockTime, total/float64(8*d.work.threads))
	unit := perUnit + perRow*float64(g.rowStep)
	g.unitStep = max(1, min(units, int(block/unit)/few*few), min(few, units))
	if tasks := g.tasks(); tasks < 2*d.work.threads && rows > 48 {
		parts := (2*d.work.threads + tasks - 1) / tasks
		g.rowStep = max(48, ((g.rowStep+parts-1)/parts+5)/6*6)
	}
	return g
}

func (g grid) tasks() int {
	return ((g.rows + g.rowStep - 1) / g.rowStep) * ((g.units + g.unitStep - 1) / g.unitStep)
}

// task returns the ranges of one task.
func (g grid) task(i int) (r0, r1, u0, u1 int) {
	across := (g.units + g.unitStep - 1) / g.unitStep
	r0, u0 = i/across*g.rowStep, i%across*g.unitStep
	return r0, min(r0+g.rowStep, g.rows), u0, min(u0+g.unitStep, g.units)
}

// overGrid runs fn for each task of g.
func (d *Device) overGrid(g grid, fn func(r0, r1, u0, u1 int, s *scratch)) {
	if g.rows == 0 || g.units == 0 {
		return
	}
	d.work.share(g.tasks(), 1, func(first, end int) {
		s := d.scratches.get()
		defer d.scratches.put(s)
		for i := first; i < end; i++ {
			r0, r1, u0, u1 := g.task(i)
			fn(r0, r1, u0, u1, s)
		}
	})
}

// multiply computes y = x Wᵀ of rows, or with back y = x W, or adds it to y.
func (d *Device) multiply(w matrix, y, x []float32, rows int, back, add bool) {
	width, from := w.Dims()
	if back {
		width = from
	}
	o, done := w.takes(x, rows, back)
	defer done()
	d.overGrid(w.cut(rows, back), func(r0, r1, u0, u1 int, s *scratch) {
		w.part(y[r0*width:r1*width], o, r0, r1, u0, u1, back, add, s)
	})
}

// product implements [matrix].
func (w *weight) product(y, x []float32, rows int, add bool) {
	w.dev.multiply(w, y, x, rows, false, add)
}

// productBack implements [matrix].
func (w *weight) productBack(y, x []float32, rows int, add bool) {
	w.dev.multiply(w, y, x, rows, true, add)
}

// takes implements [matrix].
func (*weight) takes(x []float32, _ int, _ bool) (o operand, done func()) {
	return operand{rows: x}, func() {}
}

// cut implements [matrix].
func (w *weight) cut(rows int, back bool) grid {
	n, k := w.panels.N, w.panels.K
	if back {
		size := float64(n * w.panels.Format.Bytes())
		return w.dev.newGrid(rows, (k+kernel.Lanes-1)/kernel.Lanes, 2*size, 0.4*float64(n), 4)
	}
	size := float64(k * w.panels.Format.Bytes())
	return w.dev.newGrid(rows, kernel.PanelCount(n), size, 0.4*float64(k), 4)
}

// part implements [matrix].
func (w *weight) part(y []float32, x operand, r0, r1, u0, u1 int, back, add bool, s *scratch) {
	n, k := w.panels.N, w.panels.K
	if back {
		kernel.MatMulT(y, k, x.rows[r0*n:r1*n], n, r1-r0, &w.panels, u0*kernel.Lanes, min(u1*kernel.Lanes, k), add, &s.kernel)
		return
	}
	kernel.MatMul(y, n, x.rows[r0*k:r1*k], k, r1-r0, &w.panels, u0, u1, add, &s.kernel)
}

func (c *call) linear(op compute.Linear) bool {
	w, ok := op.W.(matrix)
	if !ok {
		return false // prepared by another device
	}
	rows, _ := c.in[0].Rows()
	add := c.begin(1)
	if op.Transpose {
		w.productBack(c.out[0].F, c.in[0].F, rows, add)
	} else {
		w.product(c.out[0].F, c.in[0].F, rows, add)
	}
	return true
}

// begin copies input i, if there is one, to the result that a product is added to.
func (c *call) begin(i int) (add bool) {
	if len(c.in) <= i {
		return false
	}
	dst, src := c.out[0].F, c.in[i].F
	c.dev.work.each(len(dst), 1, func(first, end int) { copy(dst[first:end], src[first:end]) })
	return true
}

func (c *call) matMul(op compute.MatMul) {
	m, n, k := op.Dims(c.in[0].Spec, c.in[1].Spec)
	a, b := dense(c.in[0], op.TransA), dense(c.in[1], op.TransB)
	y := c.out[0].F
	add := c.begin(2)
	g := c.dev.newGrid(m, (n+kernel.Lanes-1)/kernel.Lanes, 8*float64(k), 0.4*float64(k), 4)
	c.dev.overGrid(g, func(r0, r1, u0, u1 int, s *scratch) {
		j0, j1 := u0*kernel.Lanes, min(u1*kernel.Lanes, n)
		if k == 0 {
			kernel.Gemm(y[r0*n+j0:], n, a, b, r1-r0, j1-j0, 0, op.Factor(), add, &s.kernel)
			return
		}
		kernel.Gemm(y[r0*n+j0:], n, a.From(r0, 0), b.From(0, j0), r1-r0, j1-j0, k, op.Factor(), add, &s.kernel)
	})
}

func dense(v compute.View, transposed bool) kernel.Dense {
	_, cols := v.Rows()
	return kernel.Dense{Data: v.F, Stride: cols, Transposed: transposed}
}
