package kernel

import (
	"fmt"
	"unsafe"
)

// BlockDepth is the number of terms that one chain of fused multiply-adds sums.
// It is part of every result's bits. A float32 panel of this depth is 28 KB and
// stays in a 32 KB first-level cache while all rows pass by it.
const BlockDepth = 448

const (
	// tileRows by sixteen lanes fill twelve of the sixteen vector registers.
	tileRows = 6

	// groupPanels is how many panels pass over a block of A, which then stays
	// in the second-level cache, before the next block of the depth is taken.
	groupPanels = 8
)

// Scratch is the working memory of one goroutine; the zero value is ready. It
// grows to what calls need and keeps it.
type Scratch struct {
	panel []float32 // one widened, transposed or packed panel
	rows  []float32 // a block of a transposed left operand
	edge  [tileRows * Lanes]float32
}

// MatMul computes C [m, N] = A [m, K] * W^T, or adds it to C, for panels p0 to
// p1 of w, which are columns 16*p0 to min(16*p1, N) of C. a and c are row-major
// with rows lda and ldc numbers apart; nothing else of c is touched. A product
// of depth zero is zero.
func MatMul(c []float32, ldc int, a []float32, lda, m int, w *Panels, p0, p1 int, accumulate bool, s *Scratch) {
	w.check()
	if p0 < 0 || p1 > PanelCount(w.N) {
		panic(fmt.Sprintf("kernel: panels %d to %d of %d", p0, p1, PanelCount(w.N)))
	}
	if m <= 0 || p0 >= p1 {
		return
	}
	checkMatrix("c", c, ldc, m, min(p1*Lanes, w.N))
	checkMatrix("a", a, lda, m, w.K)
	if w.K == 0 {
		zeroColumns(c, ldc, m, p0*Lanes, min(p1*Lanes, w.N), accumulate)
		return
	}
	if m <= active.directRows[w.Format] {
		for p := p0; p < p1; {
			p += direct(c, ldc, a, lda, m, w, p, p1, accumulate, s)
		}
		return
	}
	for g := p0; g < p1; g += groupPanels {
		for k0 := 0; k0 < w.K; k0 += BlockDepth {
			depth := min(BlockDepth, w.K-k0)
			for p := g; p < min(g+groupPanels, p1); p++ {
				b := w.at(p, k0)
				if w.Format != F32 {
					dst := s.panelOf(depth)
					active.widen[w.Format](depth, b, &dst[0])
					b = raw(dst)
				}
				block(&active.tile[F32], c[p*Lanes:], ldc, a[k0:], lda, m, depth, b, min(Lanes, w.N-p*Lanes), accumulate || k0 > 0, s)
			}
		}
	}
}

// direct computes the columns of panel p, or of several from p on where a tile
// for so few rows takes them, and returns how many. Panels are read as stored,
// once for all rows.
func direct(c []float32, ldc int, a []float32, lda, m int, w *Panels, p, p1 int, accumulate bool, s *Scratch) int {
	whole := min(p1, w.N/Lanes) - p // panels that have all sixteen columns
	if wide := active.wide[w.Format]; m <= len(wide) && whole >= wide[m-1].panels {
		t := wide[m-1]
		for k0 := 0; k0 < w.K; k0 += BlockDepth {
			t.run(min(BlockDepth, w.K-k0), &a[k0], lda, w.at(p, k0), w.stride(), &c[p*Lanes], ldc, flag(accumulate || k0 > 0))
		}
		return t.panels
	}
	for k0 := 0; k0 < w.K; k0 += BlockDepth {
		block(&active.tile[w.Format], c[p*Lanes:], ldc, a[k0:], lda, m, min(BlockDepth, w.K-k0),
			w.at(p, k0), min(Lanes, w.N-p*Lanes), accumulate || k0 > 0, s)
	}
	return 1
}

// block multiplies m rows of a by one block of a panel. Rows are dealt evenly
// to as few tiles as hold them; cols is the number of columns that exist.
func block(tile *[tileRows]tileFunc, c []float32, ldc int, a []float32, lda, m, depth int, b *byte, cols int, add bool, s *Scratch) {
	tiles := (m + tileRows - 1) / tileRows
	rows, longer := m/tiles, m%tiles
	for t, i := 0, 0; t < tiles; t++ {
		n := rows
		if t < longer {
			n++
		}
		if cols == Lanes {
			tile[n-1](depth, &a[i*lda], lda, b, 0, &c[i*ldc], ldc, flag(add))
		} else {
			edge(tile[n-1], c[i*ldc:], ldc, a[i*lda:], lda, n, depth, b, cols, add, s)
		}
		i += n
	}
}

// edge runs a tile beside C, for the last panel where C has fewer columns.
func edge(tile tileFunc, c []float32, ldc int, a []float32, lda, rows, depth int, b *byte, cols int, add bool, s *Scratch) {
	for r := range rows {
		copy(s.edge[r*Lanes:], c[r*ldc:][:cols])
	}
	tile(depth, &a[0], lda, b, 0, &s.edge[0], Lanes, flag(add))
	for r := range rows {
		copy(c[r*ldc:][:cols], s.edge[r*Lanes:])
	}
}

// MatMulT computes C [m, K] = A [m, N] * W, or adds it to C, for columns k0 to
// k1 of W, the same columns of C; nothing else of c is touched. It is the
// product that carries gradients back through MatMul.
func MatMulT(c []float32, ldc int, a []float32, lda, m int, w *Panels, k0, k1 int, accumulate bool, s *Scratch) {
	w.check()
	if k0 < 0 || k1 > w.K {
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
	const group = groupPanels * Lanes
	for g := k0; g < k1; g += group {
		for n0 := 0; n0 < w.N; n0 += BlockDepth {
			depth := min(BlockDepth, w.N-n0)
			for k := g; k < min(g+group, k1); k += Lanes {
				cols := min(Lanes, k1-k)
				dst := s.panelOf(PanelCount(depth) * Lanes)
				readColumns(dst, w, n0/Lanes, k, cols)
				block(&active.tile[F32], c[k:], ldc, a[n0:], lda, m, depth, raw(dst), cols, accumulate || n0 > 0, s)
			}
		}
	}
}

// readColumns fills dst [rows][16] with columns k to k+cols of w, from panel p
// on, as float32.
func readColumns(dst []float32, w *Panels, p, k, cols int) {
	panels := len(dst) / (Lanes * Lanes)
	if cols == Lanes {
		active.columns[w.Format](panels, w.at(p, k), w.stride(), &dst[0])
		return
	}
	for i := range panels {
		columnsRest(w.Format, w.Data[(p+i)*w.stride()+k*Lanes*w.Format.Bytes():], dst[i*Lanes*Lanes:], cols)
	}
}

// panelOf returns scratch for a float32 panel of a depth.
func (s *Scratch) panelOf(depth int) []float32 {
	if s.panel == nil {
		s.panel = aligned(BlockDepth * Lanes)
	}
	return s.panel[:depth*Lanes]
}

// aligned returns n numbers on a 64-byte boundary.
func aligned(n int) []float32 {
	x := make([]float32, n+16)
	return x[(-uintptr(unsafe.Pointer(&x[0]))&63)/4:][:n]
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// zeroColumns gives columns c0 to c1 the value of an empty sum.
func zeroColumns(c []float32, ldc, m, c0, c1 int, accumulate bool) {
	if accumulate {
		return
	}
	for i := range m {
		clear(c[i*ldc+c0 : i*ldc+c1])
	}
}

// checkMatrix panics unless x holds rows of cols numbers, ld apart.
func checkMatrix(name string, x []float32, ld, rows, cols int) {
	if ld < cols && rows > 1 || len(x) < (rows-1)*ld+cols {
		panic(fmt.Sprintf("kernel: %s has %d numbers for [%d, %d] with rows %d apart", name, len(x), rows, cols, ld))
	}
}
