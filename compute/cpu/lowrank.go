package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// lowRankRows is how many rows of an adapter make a task: they pass by its matrices
// together.
const lowRankRows = 48

// piece is a run of neighbouring rows of one group.
type piece struct {
	a, b  *weight
	first int
	rows  int
}

// lowRank works on the groups' rows where they lie: a piece multiplies its rows by both
// matrices in one go, and pieces are shared among the workers.
func (c *call) lowRank(op compute.LowRank) bool {
	var pieces []piece
	cost := 0.0
	for _, g := range op.Groups {
		a, okA := g.A.(*weight)
		b, okB := g.B.(*weight)
		if !okA || !okB {
			return false // of another device, or quantised
		}
		for i := 0; i < len(g.Rows); {
			n := 1
			for i+n < len(g.Rows) && n < lowRankRows && g.Rows[i+n] == g.Rows[i]+int32(n) {
				n++
			}
			pieces = append(pieces, piece{a: a, b: b, first: int(g.Rows[i]), rows: n})
			// A tenth of a nanosecond for each byte, and the products of more rows.
			cost += 0.1*float64(len(a.panels.Data)+len(b.panels.Data)) + 0.05*float64(n*a.panels.N*(a.panels.K+b.panels.N))
			i += n
		}
	}
	y, x := c.in[0].F, c.in[1].F
	run := func(first, end int) {
		s := c.dev.scratches.get()
		defer c.dev.scratches.put(s)
		for _, p := range pieces[first:end] {
			rank, k, n := p.a.panels.N, p.a.panels.K, p.b.panels.N
			u := s.floats(p.rows * rank)
			kernel.MatMul(u, rank, x[p.first*k:][:p.rows*k], k, p.rows, &p.a.panels, 0, kernel.PanelCount(rank), false, &s.kernel)
			kernel.MatMul(y[p.first*n:][:p.rows*n], n, u, rank, p.rows, &p.b.panels, 0, kernel.PanelCount(n), true, &s.kernel)
		}
	}
	if cost < worthSharing {
		run(0, len(pieces))
	} else {
		c.dev.work.share(len(pieces), 1, run)
	}
	return true
}
