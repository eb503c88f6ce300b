package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// wideRows by sixteen lanes of integers, and as many of float32, fill 24 of the 32
// registers of AVX-512; so do half as many rows of two panels.
const wideRows = 12

// vnni writes the tiles of spread runs for processors that sum four products of
// bytes at once. The sixteen lanes of a spread run are one register there; the sums
// are exact, and scaled in the same order, so that the bits are those of AVX2.
func vnni() {
	masks["sign8"] = global("sign8", 0x80808080, 8)
	masks["wideOnes16"] = global("wideOnes16", 0x00010001, 16)
	spreadUnsigned()
	for _, k := range tileKinds {
		for panels := 1; panels <= 2; panels++ {
			for rows := 1; rows <= wideRows/panels; rows++ {
				wideRounded(k, rows, panels)
			}
		}
	}
}

// spreadUnsigned writes the widening of Q8_0 to levels whose zero is 128: bytes that
// multiply activations have no sign.
func spreadUnsigned() {
	const name = "spreadUnsignedQ8_0"
	text(name, "func(units, ahead int, w, dst *byte)",
		name+" copies an octet's levels as unsigned bytes, and its steps; see the plain-Go spread.")
	units := Load(Param("units"), GP64())
	w := Load(Param("w"), GP64())
	dst := Load(Param("dst"), GP64())
	r := newReader(grains[0], w, nil)
	r.ahead = Load(Param("ahead"), GP64())
	sign := mask("sign8")
	each(units, func(r *reader) {
		r.levels(r.levelsAt(), func(i int, v VecVirtual) {
			VPXOR(sign, v, v)
			VMOVDQU(v, Mem{Base: dst, Disp: 64 * i})
		})
		VMOVUPS(r.steps(0), Mem{Base: dst, Disp: spreadSteps})
		ADDQ(U32(uint32(grains[0].spread())), dst)
	}, r)
	end()
}

// wideOperands addresses rows 0..11 at base + r*stride, from a register for every
// three rows.
func wideOperands(rows int, base, stride Register) (at func(r, disp int) Mem, step func(bytes uint32)) {
	bases := []Register{base}
	for r := 3; r < rows; r += 3 {
		b := GP64()
		LEAQ(Mem{Base: bases[len(bases)-1], Index: stride, Scale: 2}, b)
		ADDQ(stride, b)
		bases = append(bases, b)
	}
	at = func(r, disp int) Mem {
		m := Mem{Base: bases[r/3], Disp: disp}
		if r%3 > 0 {
			m.Index, m.Scale = stride, uint8(r%3)
		}
		return m
	}
	step = func(bytes uint32) {
		for _, b := range bases {
			ADDQ(U32(bytes), b)
		}
	}
	return at, step
}

// wideTile is a register tile of rows by one panel or two.
type wideTile struct {
	tileKind
	rows, panels int
	x            func(r, disp int) Mem
	w            []Register // the panels' runs
	ones         VecVirtual
	sum, total   [][]VecVirtual // by row and panel
}

// wideRounded writes one tile, as roundedTile does. What it adds to c stays in registers
// over all runs. Two panels share what is read of the rows: with one, the tile waits for
// loads as much as for sums.
func wideRounded(k tileKind, rows, panels int) {
	name := fmt.Sprintf("wide%sR%dP%d", k.name, rows, panels)
	text(name, roundedSignature, fmt.Sprintf("%s adds %d x %d products of n runs to c.", name, rows, 16*panels))
	t := wideTile{tileKind: k, rows: rows, panels: panels, ones: ZMM()}
	n := Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	ldx := Load(Param("ldx"), GP64())
	t.w = []Register{Load(Param("w"), GP64())}
	if panels > 1 {
		t.w = append(t.w, Load(Param("apart"), GP64()))
		ADDQ(t.w[0], t.w[1])
	}
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(Imm(2), ldc)
	var xStep func(bytes uint32)
	t.x, xStep = wideOperands(rows, x, ldx)
	if k.grain.halves() {
		VMOVDQU32(masks["wideOnes16"], t.ones)
	}
	t.sum, t.total = t.registers(), t.registers()
	at := GP64()
	MOVQ(c, at)
	for _, row := range t.total {
		for p, v := range row {
			VMOVUPS(Mem{Base: at, Disp: 64 * p}, v)
		}
		ADDQ(ldc, at)
	}

	Label("loop")
	for h := range 32 / k.columns {
		t.start(h)
		t.multiply(h)
		t.finish(h)
	}
	for _, w := range t.w {
		ADDQ(U32(uint32(k.grain.spread())), w)
	}
	xStep(record)
	DECQ(n)
	JNZ(LabelRef("loop"))

	for _, row := range t.total {
		for p, v := range row {
			VMOVUPS(v, Mem{Base: c, Disp: 64 * p})
		}
		ADDQ(ldc, c)
	}
	end()
}

// registers returns one for each row and panel.
func (t *wideTile) registers() [][]VecVirtual {
	list := make([][]VecVirtual, t.rows)
	for r := range list {
		for range t.panels {
			list[r] = append(list[r], ZMM())
		}
	}
	return list
}

// load reads what all rows share, of each panel.
func (t *wideTile) load(disp int) []VecVirtual {
	list := make([]VecVirtual, t.panels)
	for p := range list {
		list[p] = ZMM()
		VMOVDQU32(Mem{Base: t.w[p], Disp: disp}, list[p])
	}
	return list
}

// each calls do for every row and panel with an instruction and its first operand: what
// the row's record has at disp in all lanes, from memory where one panel alone needs it.
func (t *wideTile) each(disp int, plain, broadcast func(...Op), do func(instruction func(...Op), x Op, r, p int)) {
	for r := range t.rows {
		if t.panels == 1 {
			do(broadcast, t.x(r, disp), r, 0)
			continue
		}
		x := ZMM()
		VPBROADCASTD(t.x(r, disp), x)
		for p := range t.panels {
			do(plain, x, r, p)
		}
	}
}

// start gives the sums of one half, or of a whole run, their first values.
func (t *wideTile) start(half int) {
	for r, row := range t.sum {
		switch t.zero {
		case 0: // without sign, bytes are 128 too large
			VPBROADCASTD(t.x(r, recordWide+4), row[0])
		case recordBy16:
			VPBROADCASTD(t.x(r, recordWide), row[0])
		default:
			VPBROADCASTD(t.x(r, t.zero+4*half), row[0])
			VPMADDWD(t.ones, row[0], row[0])
		}
		for _, v := range row[1:] {
			VMOVDQA32(row[0], v)
		}
	}
}

// multiply adds the products of levels.
func (t *wideTile) multiply(half int) {
	for i := half * t.columns / 4; i < (half+1)*t.columns/4; i++ {
		levels := t.load(64 * i)
		t.each(4*i, VPDPBUSD, VPDPBUSD_BCST, func(dot func(...Op), x Op, r, p int) {
			dot(x, levels[p], t.sum[r][p])
		})
	}
}

// finish adds the sums, times steps and scales, to the totals.
func (t *wideTile) finish(half int) {
	for _, row := range t.sum {
		for _, v := range row {
			VCVTDQ2PS(v, v)
		}
	}
	steps, by := t.load(spreadSteps+64*half), ZMM()
	t.each(recordScale, VMULPS, VMULPS_BCST, func(multiply func(...Op), x Op, r, p int) {
		multiply(x, steps[p], by)
		VFMADD231PS(by, t.sum[r][p], t.total[r][p])
	})
	if t.name == "Minima" {
		minima := t.load(spreadMore)
		t.each(recordSum, VFMADD231PS, VFMADD231PS_BCST, func(add func(...Op), x Op, r, p int) {
			add(x, minima[p], t.total[r][p])
		})
	}
}
