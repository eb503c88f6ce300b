package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// wideRows by sixteen lanes of integers, and as many of float32, fill 24 of the 32
// registers of AVX-512.
const wideRows = 12

// vnni writes the tiles of spread runs for processors that sum four products of
// bytes at once. The sixteen lanes of a spread run are one register there; the sums
// are exact, and scaled in the same order, so that the bits are those of AVX2.
func vnni() {
	masks["sign8"] = global("sign8", 0x80808080, 8)
	masks["wideOnes16"] = global("wideOnes16", 0x00010001, 16)
	spreadUnsigned()
	for _, k := range tileKinds {
		for rows := 1; rows <= wideRows; rows++ {
			wideTile(k, rows)
		}
	}
}

// spreadUnsigned writes the widening of Q8_0 to levels whose zero is 128: bytes that
// multiply activations have no sign.
func spreadUnsigned() {
	const name = "spreadUnsignedQ8_0"
	text(name, "func(units int, w, dst *byte)",
		name+" copies an octet's levels as unsigned bytes, and its steps; see the plain-Go spread.")
	units := Load(Param("units"), GP64())
	w := Load(Param("w"), GP64())
	dst := Load(Param("dst"), GP64())
	r := newReader(grains[0], w, nil)
	sign := mask("sign8")
	r.each(units, func() {
		r.levels(r.levelsAt(), func(i int, v VecVirtual) {
			VPXOR(sign, v, v)
			VMOVDQU(v, Mem{Base: dst, Disp: 64 * i})
		})
		VMOVUPS(r.steps(0), Mem{Base: dst, Disp: spreadSteps})
		ADDQ(U32(uint32(grains[0].spread())), dst)
	})
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

// wideTile writes one register tile, as roundedTile does. What it adds to c stays in
// registers over all runs.
func wideTile(k tileKind, rows int) {
	name := fmt.Sprintf("wide%sR%d", k.name, rows)
	text(name, "func(n int, x *byte, ldx int, w *byte, c *float32, ldc int)",
		fmt.Sprintf("%s adds %d x 16 products of n runs to c.", name, rows))
	n := Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	ldx := Load(Param("ldx"), GP64())
	w := Load(Param("w"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(Imm(2), ldc)
	xAt, xStep := wideOperands(rows, x, ldx)
	ones := ZMM()
	if k.grain.halves() {
		VMOVDQU32(masks["wideOnes16"], ones)
	}
	total := make([]VecVirtual, rows)
	at := GP64()
	MOVQ(c, at)
	for r := range total {
		total[r] = ZMM()
		VMOVUPS(Mem{Base: at}, total[r])
		ADDQ(ldc, at)
	}
	sum := make([]VecVirtual, rows)
	for r := range sum {
		sum[r] = ZMM()
	}
	steps, minima, levels := ZMM(), ZMM(), ZMM()

	Label("loop")
	if k.name == "Minima" {
		VMOVUPS(Mem{Base: w, Disp: spreadMore}, minima)
	}
	for h := range 32 / k.columns {
		for r := range rows {
			switch k.zero {
			case 0: // without sign, bytes are 128 too large
				VPBROADCASTD(xAt(r, recordWide+4), sum[r])
			case recordBy16:
				VPBROADCASTD(xAt(r, recordWide), sum[r])
			default:
				VPBROADCASTD(xAt(r, k.zero+4*h), sum[r])
				VPMADDWD(ones, sum[r], sum[r])
			}
		}
		for i := h * k.columns / 4; i < (h+1)*k.columns/4; i++ {
			VMOVDQU32(Mem{Base: w, Disp: 64 * i}, levels)
			for r := range rows {
				VPDPBUSD_BCST(xAt(r, 4*i), levels, sum[r])
			}
		}
		VMOVUPS(Mem{Base: w, Disp: spreadSteps + 64*h}, steps)
		for r := range rows {
			by := ZMM()
			VCVTDQ2PS(sum[r], sum[r])
			VMULPS_BCST(xAt(r, recordScale), steps, by)
			VFMADD231PS(by, sum[r], total[r])
			if k.name == "Minima" {
				VFMADD231PS_BCST(xAt(r, recordSum), minima, total[r])
			}
		}
	}
	ADDQ(U32(uint32(k.grain.spread())), w)
	xStep(record)
	DECQ(n)
	JNZ(LabelRef("loop"))

	for r := range total {
		VMOVUPS(total[r], Mem{Base: c})
		if r < rows-1 {
			ADDQ(ldc, c)
		}
	}
	end()
}
