package kernel

// A tileFunc computes one register tile of so many rows r and lanes j
//
//	c[r*ldc+j] = sum over i<k of a[r*lda+i] * w[i][j]
//
// adding to c where add is not zero. Nothing past the k columns of a and w and
// the lanes of c is touched.
//
// Columns of float32 lie step bytes apart, and of two panels the second lies
// apart bytes after the first; those of other formats are parts of a strip,
// whatever step and apart say. In c the second panel follows the first.
type tileFunc func(k int, a *float32, lda int, w *byte, step, apart int, c *float32, ldc int, add int)

// engine is one implementation of the micro-kernels. The contracts are those
// of the plain-Go functions in generic.go and vector_generic.go.
type engine struct {
	name string

	// tile holds the tiles of one panel, by format and rows-1.
	tile [formats][]tileFunc

	// pair holds tiles of two panels, by format and rows-1.
	pair [formats][]tileFunc

	// directRows is the largest number of rows for which tiles read panels as
	// they are; above it a panel is widened to float32 once for all rows.
	directRows [formats]int

	widen      [formats]func(n int, src *byte, dst *float32)
	columns    [formats]func(n int, src *byte, stride int, dst *float32)
	interleave [formats]func(n int, src *byte, ld int, dst *byte)
	transpose8 func(n int, src *float32, ld, step int, dst *float32, dld, dstep int)
	transpose4 func(n int, src *byte, ld, step int, dst *byte, dstep int)
	halves8    func(n int, src *byte, ld, step int, dst *byte, dstep int)
	rows16     func(n int, src *float32, stride int, alpha float32, dst *float32)

	// levelsByLane and levelsByColumn widen [Levels].
	levelsByLane, levelsByColumn func(n int, src, scales *byte, dst *float32)

	vec   vectors
	quant quantised

	fmaPeak func(n int) // nil where there is no such instruction
}

// active is the engine in use. Tests alone replace it.
var active = available()[0]

// Engine names the implementation that runs: "avx512", "avx2" or "go".
func Engine() string { return active.name }
