package compute

import "slices"

// LowRank adds, in place, what several adapters contribute to a layer, each to rows of its
// own: y [T, Out] += (x [T, In] Aᵀ) Bᵀ for the rows of each group. A row has the bits that
// two [Linear] give it alone.
type LowRank struct{ Groups []LowRankGroup }

// LowRankGroup is an adapter with its rows.
type LowRankGroup struct {
	Rows []int32 // ascending
	A    Weight  // [Rank, In]
	B    Weight  // [Out, Rank]
}

// Name implements [Op].
func (LowRank) Name() string { return "LowRank" }

// Results implements [Op]: it works in place on y, the first input.
func (op LowRank) Results(in []Spec) []Spec {
	want(op, in, 2)
	rows, out := in[0].Rows()
	xRows, width := in[1].Rows()
	if xRows != rows {
		Fail(op.Name(), "%v and %v differ in rows", in[0], in[1])
	}
	for _, g := range op.Groups {
		rank, k := g.A.Dims()
		n, r := g.B.Dims()
		if k != width || n != out || r != rank {
			Fail(op.Name(), "matrices [%d, %d] and [%d, %d] for %v and %v", rank, k, n, r, in[0], in[1])
		}
		if !slices.IsSorted(g.Rows) || len(g.Rows) > 0 && (g.Rows[0] < 0 || int(g.Rows[len(g.Rows)-1]) >= rows) {
			Fail(op.Name(), "rows %v of %d", g.Rows, rows)
		}
	}
	return nil
}

// Reference implements [Op].
func (op LowRank) Reference(_, in []View) {
	for _, g := range op.Groups {
		rank, width := g.A.Dims()
		out, _ := g.B.Dims()
		a, b, u := make([]float32, width), make([]float32, rank), make([]float32, rank)
		for _, r := range g.Rows {
			x, y := in[1].Row(int(r)), in[0].Row(int(r))
			for i := range u {
				g.A.Row(a, i)
				u[i] = float32(dot(x, a))
			}
			for i := range out {
				g.B.Row(b, i)
				y[i] += float32(dot(u, b))
			}
		}
	}
}
