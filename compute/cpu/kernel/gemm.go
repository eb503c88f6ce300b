package kernel

import "fmt"

// Dense is a float32 matrix in the caller's memory: element [r, c] is
// Data[r*Stride+c], or Data[c*Stride+r] where it is Transposed.
type Dense struct {
	Data       []float32
	Stride     int
	Transposed bool
}

// From returns the part of d whose first element is [r, c].
func (d Dense) From(r, c int) Dense {
	if d.Transposed {
		r, c = c, r
	}
	d.Data = d.Data[r*d.Stride+c:]
	return d
}

// Gemm computes C [m, n] = A [m, k] * (alpha * B [k, n]), or adds it to C, with
// rows of c ldc numbers apart. It serves matrices that change, where packing
// once for many products does not pay. A caller splits the work by rows or
// columns with Dense.From; that changes no bit.
func Gemm(c []float32, ldc int, a, b Dense, m, n, k int, alpha float32, accumulate bool, s *Scratch) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("c", c, ldc, m, n)
	a.check("a", m, k)
	b.check("b", k, n)
	if k == 0 {
		zeroColumns(c, ldc, m, 0, n, accumulate)
		return
	}
	for i, rows := range rowBlocks(m) {
		for k0 := 0; k0 < k; k0 += BlockDepth {
			depth := min(BlockDepth, k-k0)
			left, stride := a.rows(i, k0, rows, depth, s)
			for j, cols := range inTurn(0, n, Lanes, len(active.pair[F32]) > 0) {
				var w right
				if rows <= unpackedRows && !b.Transposed && alpha == 1 && cols%Lanes == 0 {
					w = b.inPlace(k0, j)
				} else {
					w = b.packed(k0, j, depth, cols, alpha, s)
				}
				multiplyPanels(F32, c[i*ldc+j:], ldc, left, stride, rows, depth, w, cols, accumulate || k0 > 0, s)
			}
		}
	}
}

// unpackedRows bounds the rows that multiply a matrix where it lies: a copy that is read
// so few times costs more than it saves.
const unpackedRows = 32

// inPlace returns rows k0.. and columns j.. of d, which is not transposed, as they lie.
func (d Dense) inPlace(k0, j int) right {
	return right{raw(d.From(k0, j).Data), 4 * d.Stride, 4 * Lanes}
}

// packed returns alpha times rows k0.. and columns j.. of d, copied to scratch.
func (d Dense) packed(k0, j, depth, cols int, alpha float32, s *Scratch) right {
	for o := 0; o < cols; o += Lanes {
		d.pack(s.panel(o/Lanes, depth), k0, j+o, depth, min(Lanes, cols-o), alpha)
	}
	return s.packed()
}

// rows returns rows i.. and columns k0.. of d as row-major numbers, in place
// or transposed into scratch.
func (d Dense) rows(i, k0, rows, depth int, s *Scratch) (x []float32, stride int) {
	if !d.Transposed {
		return d.Data[i*d.Stride+k0:], d.Stride
	}
	// Rows a power of two apart would share few sets of the first-level cache.
	const apart = BlockDepth + Lanes
	if need := rows * apart; len(s.rows) < need {
		s.rows = aligned(need)
	}
	transpose(s.rows, apart, d.From(i, k0).Data, d.Stride, depth, rows)
	return s.rows, apart
}

// pack fills dst [depth][16] with alpha times rows k0.. and columns j.. of d, and
// zeros past cols.
func (d Dense) pack(dst []float32, k0, j, depth, cols int, alpha float32) {
	from := d.From(k0, j)
	if !d.Transposed && cols == Lanes {
		active.rows16(depth, &from.Data[0], 4*d.Stride, alpha, &dst[0])
		return
	}
	if cols < Lanes {
		clear(dst)
	}
	if d.Transposed {
		transpose(dst, Lanes, from.Data, d.Stride, cols, depth)
	} else {
		for k := range depth {
			copy(dst[k*Lanes:], from.Data[k*d.Stride:][:cols])
		}
	}
	if alpha != 1 {
		active.rows16(depth, &dst[0], 4*Lanes, alpha, &dst[0])
	}
}

// transpose writes src [rows][cols] to dst [cols][rows].
func transpose(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	r8, c8 := rows&^7, cols&^7
	if c8 > 0 {
		for r := 0; r < r8; r += 8 {
			active.transpose8(c8/8, &src[r*srcStride], 4*srcStride, 32, &dst[r], 4*dstStride, 32*dstStride)
		}
	}
	for r := range rows {
		c := c8
		if r >= r8 {
			c = 0
		}
		for ; c < cols; c++ {
			dst[c*dstStride+r] = src[r*srcStride+c]
		}
	}
}

func (d Dense) check(name string, rows, cols int) {
	if d.Transposed {
		rows, cols = cols, rows
	}
	if k := rows * cols; k < 0 {
		panic(fmt.Sprintf("kernel: %s is [%d, %d]", name, rows, cols))
	} else if k > 0 {
		checkMatrix(name, d.Data, d.Stride, rows, cols)
	}
}
