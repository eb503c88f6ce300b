package kernel

import (
	"fmt"
	"iter"
	"unsafe"
)

// BlockDepth is the number of terms that one chain of fused multiply-adds sums.
// It is part of every result's bits. Of the depths measured, 256 to 512, it was
// as fast as any; it divides the widths of most models, its float32 panel
// (16 KB) leaves half of the smallest first-level cache to the rest, and short
// chains round less.
const BlockDepth = 256

const (
	// tileRows by sixteen lanes fill twelve of the sixteen vector registers.
	tileRows = 6

	// maxTileRows bounds the rows of the tiles of any engine.
	maxTileRows = 12

	// groupPanels is how many panels pass over a block of rows and depth before
	// the next block of the depth is taken.
	groupPanels = 8

	// rowsAtOnce bounds the rows in a block: 264 KB of a second-level cache.
	rowsAtOnce = 44 * tileRows
)

// Scratch is the working memory of one goroutine; the zero value is ready. It
// grows to what calls need and keeps it.
type Scratch struct {
	panels []float32 // two widened, transposed or packed panels
	rows   []float32 // a block of a transposed left operand
	edge   [maxTileRows * Lanes]float32

	spread []byte // runs of a panel of octets, widened
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
	for i, rows := range rowBlocks(m) {
		if m > active.directRows[w.Format] {
			widened(c[i*ldc:], ldc, a[i*lda:], lda, rows, w, p0, p1, accumulate, s)
			continue
		}
		for p := p0; p < p1; {
			n := min(2-p%2, p1-p)
			direct(c[i*ldc:], ldc, a[i*lda:], lda, rows, w, p, n, accumulate, s)
			p += n
		}
	}
}

// rowBlocks deals m rows evenly to blocks of at most rowsAtOnce; it yields the
// first row and the number of rows of each.
func rowBlocks(m int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		blocks := (m + rowsAtOnce - 1) / rowsAtOnce
		for b := range blocks {
			i := b * m / blocks
			if !yield(i, (b+1)*m/blocks-i) {
				return
			}
		}
	}
}

// widened computes the columns of panels p0 to p1, widening each block of a
// panel once for all rows.
func widened(c []float32, ldc int, a []float32, lda, m int, w *Panels, p0, p1 int, accumulate bool, s *Scratch) {
	for g := p0; g < p1; g += groupPanels {
		for k0 := 0; k0 < w.K; k0 += BlockDepth {
			depth := min(BlockDepth, w.K-k0)
			for p, n := range inTurn(g, min(g+groupPanels, p1), 1, len(active.pair[F32]) > 0) {
				b := right{&w.Data[w.at(p, k0)], columnBytes, w.stride()}
				if w.Format != F32 {
					for q := range n {
						active.widen[w.Format](depth, &w.Data[w.at(p+q, k0)], &s.panel(q, depth)[0])
					}
					b = s.packed()
				}
				multiplyPanels(F32, c[p*Lanes:], ldc, a[k0:], lda, m, depth, b, min(n*Lanes, w.N-p*Lanes), accumulate || k0 > 0, s)
			}
		}
	}
}

// direct computes the columns of n panels, one or two that are a strip where
// strips hold two, from panels as they are stored. Each block of a strip is read
// from memory once for all rows and both panels.
func direct(c []float32, ldc int, a []float32, lda, m int, w *Panels, p, n int, accumulate bool, s *Scratch) {
	apart := w.at(p+1, 0) - w.at(p, 0)
	for k0 := 0; k0 < w.K; k0 += BlockDepth {
		depth := min(BlockDepth, w.K-k0)
		multiplyPanels(w.Format, c[p*Lanes:], ldc, a[k0:], lda, m, depth, right{&w.Data[w.at(p, k0)], columnBytes, apart}, min(n*Lanes, w.N-p*Lanes), accumulate || k0 > 0, s)
	}
}

// inTurn deals the panels or runs of columns from i to end, each of so many
// units, to what tiles take at once, which may be pairs; it yields the first of
// them and how many.
func inTurn(i, end, unit int, pairs bool) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		most := unit
		if pairs {
			most = 2 * unit
		}
		for ; i < end; i += most {
			if !yield(i, min(most, end-i)) {
				return
			}
		}
	}
}

// right is what a tile multiplies by: one panel or two. See [tileFunc], and
// [roundedTileFunc], which takes no step.
type right struct {
	at          *byte
	step, apart int
}

// panel returns one of the panels alone.
func (b right) panel(i int) right {
	return right{at: (*byte)(unsafe.Add(unsafe.Pointer(b.at), i*b.apart)), step: b.step}
}

// multiplyPanels multiplies m rows of a by one block of two panels, or of one where
// cols, the number of columns that exist, says so.
func multiplyPanels(f Format, c []float32, ldc int, a []float32, lda, m, depth int, b right, cols int, add bool, s *Scratch) {
	if pair := active.pair[f]; cols == 2*Lanes && len(pair) > 0 {
		block(pair, c, ldc, a, lda, m, depth, b, Lanes, add, s)
		return
	}
	for j := 0; j < cols; j += Lanes {
		block(active.tile[f], c[j:], ldc, a, lda, m, depth, b.panel(j/Lanes), min(Lanes, cols-j), add, s)
	}
}

// block multiplies m rows of a by one block of what the tiles take: a panel or two.
// Rows are dealt evenly to as few tiles as hold them; cols is the number of columns
// that exist of the last panel.
func block(tile []tileFunc, c []float32, ldc int, a []float32, lda, m, depth int, b right, cols int, add bool, s *Scratch) {
	tiles := (m + len(tile) - 1) / len(tile)
	rows, longer := m/tiles, m%tiles
	for t, i := 0, 0; t < tiles; t++ {
		n := rows
		if t < longer {
			n++
		}
		if cols == Lanes {
			tile[n-1](depth, &a[i*lda], lda, b.at, b.step, b.apart, &c[i*ldc], ldc, flag(add))
		} else {
			edge(tile[n-1], c[i*ldc:], ldc, a[i*lda:], lda, n, depth, b, cols, add, s)
		}
		i += n
	}
}

// edge runs a tile beside C, for the last panel where C has fewer columns.
func edge(tile tileFunc, c []float32, ldc int, a []float32, lda, rows, depth int, b right, cols int, add bool, s *Scratch) {
	for r := range rows {
		copy(s.edge[r*Lanes:], c[r*ldc:][:cols])
	}
	tile(depth, &a[0], lda, b.at, b.step, 0, &s.edge[0], Lanes, flag(add))
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
	for i, rows := range rowBlocks(m) {
		transposed(c[i*ldc:], ldc, a[i*lda:], lda, rows, w, k0, k1, accumulate, s)
	}
}

func transposed(c []float32, ldc int, a []float32, lda, m int, w *Panels, k0, k1 int, accumulate bool, s *Scratch) {
	// More columns than panels of MatMul: a is the wider of the two, and is read anew
	// for every group.
	const group = 28 * Lanes
	for g := k0; g < k1; g += group {
		for n0 := 0; n0 < w.N; n0 += BlockDepth {
			depth := min(BlockDepth, w.N-n0)
			for k, cols := range inTurn(g, min(g+group, k1), Lanes, len(active.pair[F32]) > 0) {
				for j := 0; j < cols; j += Lanes {
					w.columns(n0, depth, k+j, min(Lanes, cols-j), s.panel(j/Lanes, BlockDepth))
				}
				multiplyPanels(F32, c[k:], ldc, a[n0:], lda, m, depth, s.packed(), cols, accumulate || n0 > 0, s)
			}
		}
	}
}

// columns writes depth rows of W from n0 on, a multiple of BlockDepth, columns
// k to k+cols, as float32 [depth][16] and perhaps rows of zeros after them.
func (w *Panels) columns(n0, depth, k, cols int, dst []float32) {
	rows := w.Format.stripRows() // divides BlockDepth
	strips := (depth + rows - 1) / rows
	from := w.Data[w.at(n0/Lanes, k):]
	if cols == Lanes {
		active.columns[w.Format](strips, &from[0], w.stride(), &dst[0])
		return
	}
	for i := range strips {
		columnsRest(w.Format, from[i*w.stride():], dst[i*rows*Lanes:], cols)
	}
}

// panel returns one of the two float32 panels of scratch, of a depth.
func (s *Scratch) panel(i, depth int) []float32 {
	if s.panels == nil {
		s.panels = aligned(2 * BlockDepth * Lanes)
	}
	return s.panels[i*BlockDepth*Lanes:][:depth*Lanes]
}

// packed returns both as what tiles multiply by.
func (s *Scratch) packed() right {
	return right{raw(s.panels), columnBytes, 4 * BlockDepth * Lanes}
}

// asBytes returns the memory of x.
func asBytes(x []float32) []byte { return unsafe.Slice(raw(x), 4*len(x)) }

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
