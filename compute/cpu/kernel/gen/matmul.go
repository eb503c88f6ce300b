package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// column is the distance of columns of a panel in bytes: a cache line.
const column = 64

// element describes how the sixteen weights of one column of a panel are
// stored.
type element struct {
	name  string
	bytes int
}

// panels is the number of panels that share the lines of a strip.
func (e element) panels() int { return column / e.bytes }

var elements = []element{{"F32", 64}, {"F16", 32}, {"BF16", 32}}

func matmul() {
	for _, e := range elements {
		for rows := 1; rows <= 6; rows++ {
			mul(e, rows, 1)
		}
		// For few rows, both panels of a strip at once: enough independent
		// chains to cover the latency of an FMA, from one stream of memory.
		for rows := 1; rows <= 3 && e.panels() > 1; rows++ {
			mul(e, rows, 2)
		}
	}
}

// rowOperands addresses rows 0..5 at base + r*stride from two base registers.
func rowOperands(base, base3, stride Register) func(r, disp int) Mem {
	return func(r, disp int) Mem {
		b := base
		if r >= 3 {
			b, r = base3, r-3
		}
		m := Mem{Base: b, Disp: disp}
		if r > 0 {
			m.Index, m.Scale = stride, uint8(r)
		}
		return m
	}
}

const tileSignature = "func(k int, a *float32, lda int, w *byte, step, apart int, c *float32, ldc int, add int)"

// panelWalk addresses the weights of a tile, column by column.
type panelWalk struct {
	e     element
	at    []Register // of the panels; one for panels that share lines
	step  Register   // from column to column, nil for those of a strip
	ahead Register   // of the prefetched column; likewise
}

// newPanelWalk begins at the first column, which w points to.
func newPanelWalk(e element, w Register, panels int) panelWalk {
	c := panelWalk{e: e, at: []Register{w}}
	if e.panels() > 1 {
		return c
	}
	c.step, c.ahead = Load(Param("step"), GP64()), GP64()
	MOVQ(c.step, c.ahead)
	SHLQ(Imm(6), c.ahead) // ahead columns
	if panels > 1 {
		second := Load(Param("apart"), GP64())
		ADDQ(w, second)
		c.at = append(c.at, second)
	}
	return c
}

// weights returns where a panel's weights lie in the column that many after where the
// pointers stand; next was called after each before it.
func (c *panelWalk) weights(panel, u, disp int) Mem {
	if c.step == nil {
		return Mem{Base: c.at[0], Disp: u*column + panel*c.e.bytes + disp}
	}
	return Mem{Base: c.at[panel], Disp: disp}
}

// prefetch asks for the column ahead of that one. A tile of many rows comes back to its
// columns and wants them near; one row passes by once.
func (c *panelWalk) prefetch(u, rows int) {
	switch {
	case rows > 1 && c.step == nil:
		PREFETCHT0(Mem{Base: c.at[0], Disp: (ahead + u) * column})
	case rows > 1:
		for _, at := range c.at {
			PREFETCHT0(Mem{Base: at, Index: c.ahead, Scale: 1})
		}
	case c.step == nil:
		fetch(Mem{Base: c.at[0], Disp: distance + u*column}, column)
	}
}

// next follows each column.
func (c *panelWalk) next() {
	if c.step != nil {
		for _, at := range c.at {
			ADDQ(c.step, at)
		}
	}
}

// advance follows n columns.
func (c *panelWalk) advance(n int) {
	if c.step == nil {
		ADDQ(U32(uint32(n*column)), c.at[0])
	}
}

// ahead is how many columns ahead tiles of many rows prefetch weights.
const ahead = 64

// distance is how many bytes ahead products of one row ask for the second-level cache to
// be filled. They need each line once, and a processor's own prefetcher, which stops at
// the end of a page, may bring it too late: on a Xeon quantised weights were read 1.4 times
// as fast with it. Measured there from 1 to 8 KB, on lines for the first-level cache too.
const distance = 3072

// fetch asks for so many bytes, or some more, from a place on.
func fetch(from Mem, bytes int) {
	for line := 0; line < bytes; line += column {
		PREFETCHT1(from.Offset(line))
	}
}

// overColumns writes the loop over k columns: step is of the column that many after the
// one where the pointers stand, which advance moves. k and count are lost.
func overColumns(k, count Register, step, advance func(columns int)) {
	const unroll = 4
	MOVQ(k, count)
	SHRQ(Imm(2), count)
	JZ(LabelRef("rest"))
	Label("loop")
	for u := range unroll {
		step(u)
	}
	advance(unroll)
	DECQ(count)
	JNZ(LabelRef("loop"))
	Label("rest")
	ANDQ(Imm(unroll-1), k)
	JZ(LabelRef("done"))
	Label("one")
	step(0)
	advance(1)
	DECQ(k)
	JNZ(LabelRef("one"))

	Label("done")
}

// mul writes one register tile: for every row r, panel p and lane j,
//
//	c[r*ldc+16*p+j] (+)= sum over k, ascending, of a[r*lda+k] * w[k][p][j]
//
// where the sum is one chain of FMAs that starts from zero.
func mul(e element, rows, panels int) {
	name := fmt.Sprintf("mul%sR%dP%d", e.name, rows, panels)
	text(name, tileSignature,
		fmt.Sprintf("%s computes %d x %d numbers of c from k columns of w.", name, rows, 16*panels))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	w := Load(Param("w"), GP64())
	c := Load(Param("c"), GP64())

	lda, a3 := GP64(), GP64()
	if rows > 1 {
		Load(Param("lda"), lda)
		SHLQ(Imm(2), lda)
	}
	aAt := rowOperands(a, a3, lda)
	if rows > 3 {
		LEAQ(Mem{Base: a, Index: lda, Scale: 2}, a3)
		ADDQ(lda, a3)
	}
	ldc, c3 := GP64(), GP64()
	if rows > 1 {
		Load(Param("ldc"), ldc)
		SHLQ(Imm(2), ldc)
	}
	cAt := rowOperands(c, c3, ldc)
	if rows > 3 {
		LEAQ(Mem{Base: c, Index: ldc, Scale: 2}, c3)
		ADDQ(ldc, c3)
	}
	for r := range rows {
		PREFETCHT0(cAt(r, 0))
		PREFETCHT0(cAt(r, 60))
	}

	from := newPanelWalk(e, w, panels)
	acc := make([][]VecVirtual, rows)
	for r := range acc {
		acc[r] = make([]VecVirtual, 2*panels)
		for j := range acc[r] {
			acc[r][j] = YMM()
			VXORPS(acc[r][j], acc[r][j], acc[r][j])
		}
	}
	mask := bf16Mask(e)

	step := func(u int) {
		var first VecVirtual // the one row's multiplier, shared by all panels
		if rows == 1 {
			first = YMM()
			VBROADCASTSS(aAt(0, 4*u), first)
		}
		from.prefetch(u, rows)
		for p := range panels {
			b0, b1 := weights(e, func(disp int) Mem { return from.weights(p, u, disp) }, mask)
			for r := range rows {
				x := first
				if rows > 1 {
					x = YMM()
					VBROADCASTSS(aAt(r, 4*u), x)
				}
				VFMADD231PS(b0, x, acc[r][2*p])
				VFMADD231PS(b1, x, acc[r][2*p+1])
			}
		}
		from.next()
	}
	advance := func(n int) {
		from.advance(n)
		ADDQ(Imm(uint64(4*n)), a)
		if rows > 3 {
			ADDQ(Imm(uint64(4*n)), a3)
		}
	}
	overColumns(k, GP64(), step, advance)
	add := Load(Param("add"), GP64())
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for r := range rows {
		for j := range acc[r] {
			VADDPS(cAt(r, 32*j), acc[r][j], acc[r][j])
		}
	}
	Label("store")
	for r := range rows {
		for j := range acc[r] {
			VMOVUPS(acc[r][j], cAt(r, 32*j))
		}
	}
	end()
}

// weights loads the sixteen weights of one column as two vectors of float32.
func weights(e element, at func(disp int) Mem, mask VecVirtual) (lo, hi VecVirtual) {
	b0, b1 := YMM(), YMM()
	switch e.name {
	case "F32":
		VMOVUPS(at(0), b0)
		VMOVUPS(at(32), b1)
	case "F16":
		VCVTPH2PS(at(0), b0)
		VCVTPH2PS(at(16), b1)
	case "BF16":
		VMOVDQU(at(0), b1)
		VPSLLD(Imm(16), b1, b0)
		VPAND(mask, b1, b1)
	}
	return b0, b1
}
