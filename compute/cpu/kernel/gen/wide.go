package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// wide writes the tiles of whole strips for processors whose registers hold the sixteen
// lanes of a panel. Each lane sums as in mul, so that the bits are those of AVX2.
func wide() {
	low := GLOBL("lowHalves", attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(16*(1-i/8))))
	}
	masks["lowHalves"] = low
	for _, e := range elements {
		for panels := e.panels(); panels <= 2; panels++ {
			for rows := 1; rows <= wideRows; rows++ {
				mulWide(e, rows, panels)
			}
		}
	}
}

// mulWide writes one register tile; see mul.
func mulWide(e element, rows, panels int) {
	name := fmt.Sprintf("wide%sR%dP%d", e.name, rows, panels)
	text(name, tileSignature,
		fmt.Sprintf("%s computes %d x %d numbers of c from k columns of w.", name, rows, 16*panels))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	w := Load(Param("w"), GP64())
	c := Load(Param("c"), GP64())
	lda := Load(Param("lda"), GP64())
	SHLQ(Imm(2), lda)
	from := newPanelWalk(e, w, panels)

	row, ldc := GP64(), GP64()
	stride := func() {
		Load(Param("ldc"), ldc)
		SHLQ(Imm(2), ldc)
	}
	stride()
	MOVQ(c, row)
	acc := make([][]VecVirtual, rows)
	for r := range acc {
		for p := range panels {
			PREFETCHT0(Mem{Base: row, Disp: 64 * p})
			sum := ZMM()
			VPXORD(sum, sum, sum)
			acc[r] = append(acc[r], sum)
		}
		ADDQ(ldc, row)
	}
	aAt, aStep := wideOperands(rows, a, lda)
	widen := wideWeights(e)

	step := func(u int) {
		from.prefetch(u, rows)
		b := make([]VecVirtual, panels)
		for p := range b {
			b[p] = widen(from.weights(p, u, 0))
		}
		from.next()
		for r := range rows {
			if panels == 1 {
				VFMADD231PS_BCST(aAt(r, 4*u), b[0], acc[r][0])
				continue
			}
			x := ZMM()
			VBROADCASTSS(aAt(r, 4*u), x)
			for p := range b {
				VFMADD231PS(b[p], x, acc[r][p])
			}
		}
	}
	advance := func(n int) {
		from.advance(n)
		aStep(uint32(4 * n))
	}
	overColumns(k, row, step, advance) // no more rows to prefetch
	add := Load(Param("add"), GP64())
	stride()
	MOVQ(c, row)
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for r := range rows {
		for p, sum := range acc[r] {
			VADDPS(Mem{Base: row, Disp: 64 * p}, sum, sum)
		}
		ADDQ(ldc, row)
	}
	Label("store")
	for r := range rows {
		for p, sum := range acc[r] {
			VMOVUPS(sum, Mem{Base: c, Disp: 64 * p})
		}
		ADDQ(ldc, c)
	}
	end()
}

// wideWeights returns what loads the sixteen weights of one column as float32.
func wideWeights(e element) func(Mem) VecVirtual {
	switch e.name {
	case "F16":
		return func(at Mem) VecVirtual {
			b := ZMM()
			VCVTPH2PS(at, b)
			return b
		}
	case "BF16":
		// Words hold rows j and j+8: in the lower lanes the low half counts.
		shift, high := ZMM(), ZMM()
		VMOVDQU32(masks["lowHalves"], shift)
		VPTERNLOGD(Imm(255), high, high, high)
		VPSLLD(Imm(16), high, high)
		return func(at Mem) VecVirtual {
			b := ZMM()
			VBROADCASTI64X4(at, b)
			VPSLLVD(shift, b, b)
			VPANDD(high, b, b)
			return b
		}
	default:
		return func(at Mem) VecVirtual {
			b := ZMM()
			VMOVUPS(at, b)
			return b
		}
	}
}
