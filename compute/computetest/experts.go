package computetest

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// matrices draws n frozen matrices.
func (s source) matrices(d tensor.DType, n, rows, cols int) []tensor.Tensor {
	var ms []tensor.Tensor
	for range n {
		ms = append(ms, s.matrix(d, rows, cols))
	}
	return ms
}

// groups draws the groups of each row, which differ from each other.
func (s source) groups(rows, each, limit int) values1 {
	v := values1{shape: []int{rows, each}}
	for range rows {
		v.i = append(v.i, s.distinct(each, limit).i...)
	}
	return v
}

// grouped is a product by matrices that are prepared where it runs.
func grouped(ms []tensor.Tensor, transpose bool) func(*place) compute.Op {
	return func(p *place) compute.Op {
		op := compute.GroupedMatMul{Transpose: transpose}
		for _, m := range ms {
			op.W = append(op.W, p.weight(m))
		}
		return op
	}
}

// experts adds what a mixture of experts is made of.
func (j *join) experts() {
	for _, m := range j.shapes() {
		rows, n, k := m[0], m[1], m[2]
		j.grouped(tensor.F32, rows, n, k, min(3, rows))
		if n > 60 {
			j.grouped(tensor.F16, rows, n, k, 2)
			j.grouped(tensor.BF16, rows, n, k, 2)
		}
		s, name := newSource(size(rows, n, k)), size(rows, n, k)
		x, w := s.floats(rows, 3, n), s.floats(rows, 3)
		j.add(sums, 0, compute.WeightedSum{}, name, x, w)
		j.add(sums, 0, compute.WeightedSum{}, name+"/ones", x)
		j.add(sums, 0, compute.WeightedSumBack{}, name, x, w, s.floats(rows, n))
		j.add(sums, 0, compute.WeightedSumBack{}, name+"/ones", x, s.floats(rows, n))
		few := min(n, 4)
		logits, ids, dw := s.floats(rows, n), s.groups(rows, few, n), s.floats(rows, few)
		for title, normalize := range map[string]bool{"": false, "/normalized": true} {
			j.add(curves, 0, compute.MoERoute{Experts: few, Normalize: normalize}, name+title, logits)
			j.add(curves, 0, compute.MoERouteBack{Experts: few, Normalize: normalize}, name+title, logits, ids, dw)
		}
	}
	even := values1{shape: []int{2, 5}, f: []float32{1, 3, 3, 3, 0, -200, 500, 499, 500, -1e30}}
	j.add(curves, 0, compute.MoERoute{Experts: 3}, "even", even)
	for _, d := range blockFormats {
		for _, m := range blockShapes(d, j.short) {
			j.grouped(d, m[0], m[1], m[2], 2)
		}
	}
}

// grouped adds the products by five matrices of a dtype, of which some have no rows.
func (j *join) grouped(d tensor.DType, rows, n, k, each int) {
	name := "GroupedMatMul/" + size(rows, n, k) + "/" + d.String()
	s := newSource(name)
	ws, ids := s.matrices(d, 5, n, k), s.groups(rows, each, 4)
	forward := func(title string, x values1) {
		if d.Quantized() {
			j.rounded(grouped(ws, false), name+title, k, x, ids)
			return
		}
		j.with(sums, 0, grouped(ws, false), name+title, x, ids)
	}
	forward("", s.floats(rows, k))
	forward("/apart", s.floats(rows, each, k))
	j.with(sums, 0, grouped(ws, true), name+"/back", s.floats(rows, each, n), ids)
	j.with(sums, 0, grouped(ws, true), name+"/back/shared", s.floats(rows, n), ids)
}
