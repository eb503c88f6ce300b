package kernel

import "fmt"

// quantised is the part of an engine that multiplies by octets.
type quantised struct {
	// round writes the records of n runs.
	round func(n int, x *float32, y *byte)

	// dot multiplies by octets that follow each other, by grain; see dotOctetsGo.
	// dotTwo, which may be nil, multiplies by as many again, which lie apart bytes
	// after the first and follow them in c.
	dot, dotTwo [grains]dotFunc

	// spread widens units of an octet, by grain, and asks for the memory that many
	// bytes ahead. See spreadGo.
	spread [grains]spreadFunc

	// tile adds products of spread runs to c, by grain and rows-1. See
	// spreadTileGo.
	tile [grains][]roundedTileFunc

	// pair holds tiles of two panels, by grain and rows-1. May be empty.
	pair [grains][]roundedTileFunc
}

// A dotFunc multiplies one rounded row by octets: eight numbers of c for each, added to c
// where add is not zero.
type dotFunc func(octets, units int, w *byte, apart int, x *byte, c *float32, add int)

// A spreadFunc widens so many units of an octet.
type spreadFunc func(units, ahead int, w, dst *byte)

// A roundedTileFunc adds the product of rounded rows, ldx bytes apart, and n spread
// runs to sixteen columns of c, whose rows are ldc numbers apart; of two panels the
// second's runs lie apart bytes after the first's, and its columns follow in c.
type roundedTileFunc func(n int, x *byte, ldx int, w *byte, apart int, c *float32, ldc int)

// Spread runs are what tiles multiply: 32 columns of sixteen rows, which two octets
// hold, as eight groups of [16][4] bytes; then float32 steps of the sixteen rows,
// and their minima or the steps of the second half of the run. Bytes are levels
// whose zero is 16, but 32 for Q6K, and for Q8_0 0 or, where the engine multiplies
// bytes without sign, 128.
const (
	spreadSteps = Run * Lanes
	spreadMore  = spreadSteps + 4*Lanes
)

// spreadBytes returns the size of a spread run.
func (g Grain) spreadBytes() int {
	if layouts[g].minimum || g == Q6K {
		return spreadMore + 4*Lanes
	}
	return spreadMore
}

// spreadRuns is the most runs of a panel that are spread at once, half as many of two:
// they leave room for the records of a tile's rows in a first-level cache of 32 KB. Its
// half divides a chunk and is a multiple of the runs of each grain.
const spreadRuns = 32

// MatMulOctets computes C [m, N] = X * W^T, or adds it to C, for rows i0 to i0+m of
// x and panels p0 to p1 of w, which are columns 16*p0 to min(16*p1, N) of C. Rows of
// c are ldc numbers apart; the first is row i0's. Nothing else of c is touched.
//
// An element is one chain of fused multiply-adds, from zero or what c held, over
// the runs in ascending order: of the exact sum of a run's products of levels with
// the rounded product of both scales, then of the minimum with the scaled sum of the
// activations. Q6K does so for each half of a run. Its bits depend on row and
// column alone.
func MatMulOctets(c []float32, ldc int, x *Rounded, i0, m int, w *Octets, p0, p1 int, accumulate bool, s *Scratch) {
	w.check()
	x.check()
	if p0 < 0 || p1 > PanelCount(w.N) || i0 < 0 || i0+m > x.M || x.K != w.K {
		panic(fmt.Sprintf("kernel: rows %d to %d of [%d, %d] by panels %d to %d of [%d, %d]", i0, i0+m, x.M, x.K, p0, p1, w.N, w.K))
	}
	if m <= 0 || p0 >= p1 {
		return
	}
	checkMatrix("c", c, ldc, m, min(p1*Lanes, w.N))
	switch {
	case w.K == 0:
		zeroColumns(c, ldc, m, p0*Lanes, min(p1*Lanes, w.N), accumulate)
	case m == 1:
		oneRow(c, x, i0, w, p0, p1, accumulate)
	default:
		if !accumulate {
			zeroColumns(c, ldc, m, p0*Lanes, min(p1*Lanes, w.N), false)
		}
		for i, rows := range rowBlocks(m) {
			manyRows(c[i*ldc:], ldc, x, i0+i, rows, w, p0, p1, s)
		}
	}
}

// oneRow multiplies row i by octets as they are stored.
func oneRow(c []float32, x *Rounded, i int, w *Octets, p0, p1 int, accumulate bool) {
	first, last := 2*p0, min(2*p1, w.octets())
	whole := max(first, min(last, w.N/OctetRows))
	var edge [OctetRows]float32
	copy(edge[:], c[whole*OctetRows:min(last*OctetRows, w.N)])
	dot, two := active.quant.dot[w.Grain], active.quant.dotTwo[w.Grain]
	for u := 0; u < w.units(); {
		units := len(w.from(0, u)) / w.Grain.unit()
		size := units * w.Grain.unit()
		record := &x.Data[i*x.stride()+u*layouts[w.Grain].runs*recordBytes]
		add := flag(accumulate || u > 0)
		// At most a megabyte at a time, so that the scheduler is never held up.
		most := max(1, 1<<20/size)
		for o := first; o < whole; {
			n := min(most, whole-o)
			if two != nil && n > 1 {
				n &^= 1
				two(n/2, units, &w.from(o, u)[0], n/2*size, record, &c[o*OctetRows], add)
			} else {
				dot(n, units, &w.from(o, u)[0], 0, record, &c[o*OctetRows], add)
			}
			o += n
		}
		if whole < last {
			dot(1, units, &w.from(whole, u)[0], 0, record, &edge[0], add)
		}
		u += units
	}
	copy(c[whole*OctetRows:min(last*OctetRows, w.N)], edge[:])
}

// manyRows adds the product of rows from i on.
func manyRows(c []float32, ldc int, x *Rounded, i, m int, w *Octets, p0, p1 int, s *Scratch) {
	unitRuns, size := layouts[w.Grain].runs, w.Grain.spreadBytes()
	if s.spread == nil {
		s.spread = asBytes(aligned(spreadRuns * (spreadMore + 4*Lanes) / 4))
	}
	tiles, pairs := active.quant.tile[w.Grain], active.quant.pair[w.Grain]
	most := spreadRuns
	if len(pairs) > 0 {
		most /= 2
	}
	for g := p0; g < p1; g += groupPanels {
		for u := 0; u < w.units(); {
			units := min(most/unitRuns, len(w.from(0, u))/w.Grain.unit())
			runs := units * unitRuns
			from := x.Data[i*x.stride()+u*unitRuns*recordBytes:]
			b := right{at: &s.spread[0], apart: runs * size}
			for p, n := range inTurn(g, min(g+groupPanels, p1), 1, len(pairs) > 0) {
				for q := range n {
					w.spreadPanel(s.spread[q*b.apart:][:b.apart], p+q, u, units)
				}
				cols := min(n*Lanes, w.N-p*Lanes)
				if cols == 2*Lanes {
					spreadBlock(pairs, c[p*Lanes:], ldc, from, x.stride(), m, runs, b, Lanes, s)
					continue
				}
				for q := range n {
					spreadBlock(tiles, c[(p+q)*Lanes:], ldc, from, x.stride(), m, runs, b.panel(q), min(Lanes, cols-q*Lanes), s)
				}
			}
			u += units
		}
	}
}

// spreadPanel widens some units of a panel's two octets. The lanes of an octet that
// does not exist are left as they were: nothing reads their sums.
func (w *Octets) spreadPanel(dst []byte, p, u, units int) {
	_, n := w.chunk(u)
	ahead := 2 * n * w.Grain.unit() // where the next panel has these units: in time
	for h := range 2 {
		if o := 2*p + h; o < w.octets() {
			active.quant.spread[w.Grain](units, ahead, &w.from(o, u)[0], &dst[h*32])
		}
	}
}

// spreadBlock multiplies m rows by what the tiles take. Rows are dealt evenly to as few
// tiles as hold them; cols is the number of columns that exist of the last panel.
func spreadBlock(tile []roundedTileFunc, c []float32, ldc int, x []byte, ldx, m, runs int, b right, cols int, s *Scratch) {
	tiles := (m + len(tile) - 1) / len(tile)
	for t, i := 0, 0; t < tiles; t++ {
		n := (m - i) / (tiles - t)
		if cols == Lanes {
			tile[n-1](runs, &x[i*ldx], ldx, b.at, b.apart, &c[i*ldc], ldc)
		} else {
			for r := range n {
				copy(s.edge[r*Lanes:][:Lanes], c[(i+r)*ldc:][:cols])
			}
			tile[n-1](runs, &x[i*ldx], ldx, b.at, b.apart, &s.edge[0], Lanes)
			for r := range n {
				copy(c[(i+r)*ldc:][:cols], s.edge[r*Lanes:])
			}
		}
		i += n
	}
}

// MatMulTOctets computes C [m, K] = A [m, N] * W, or adds it to C, for columns k0
// to k1 of W, whole runs, which are the same columns of C; nothing else of c is
// touched. It is the product that carries gradients back: A is not rounded, and the
// bits are those of MatMulT by the same values.
func MatMulTOctets(c []float32, ldc int, a []float32, lda, m int, w *Octets, k0, k1 int, accumulate bool, s *Scratch) {
	w.check()
	if k0 < 0 || k1 > w.K || k0%Run != 0 || k1%Run != 0 {
		panic(fmt.Sprintf("kernel: columns %d to %d of %d", k0, k1, w.K))
	}
	if m <= 0 || k0 >= k1 {
		return
	}
	checkMatrix("c", c, ldc, m, k1)
	checkMatrix("a", a, lda, m, w.N)
	if w.N == 0 {
		zeroColumns(c, ldc, m, k0, k1, accumulate)
		return
	}
	for n0 := 0; n0 < w.N; n0 += BlockDepth {
		depth := min(BlockDepth, w.N-n0)
		for k := k0; k < k1; k += Run {
			w.wideColumns(s.panel(0, depth), s.panel(1, depth), n0, k/Run)
			for i, rows := range rowBlocks(m) {
				multiplyPanels(F32, c[i*ldc+k:], ldc, a[i*lda+n0:], lda, rows, depth, s.packed(), Run, accumulate || n0 > 0, s)
			}
		}
	}
}

// wideColumns writes the values of rows n0.. in one run: sixteen columns of each to one
// panel, the other sixteen to another.
func (w *Octets) wideColumns(first, second []float32, n0, run int) {
	l := &layouts[w.Grain]
	var v lane
	for n := range len(first) / Lanes {
		v.read(w.Grain, w.unit((n0+n)/OctetRows, run/l.runs), run%l.runs, (n0+n)%OctetRows)
		low, up := first[n*Lanes:][:Lanes], second[n*Lanes:][:Lanes]
		for i := range Lanes {
			low[i], up[i] = v.value(i), v.value(Lanes+i)
		}
	}
}
