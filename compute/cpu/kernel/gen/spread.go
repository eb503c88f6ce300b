package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Offsets in a spread run: 32 columns of sixteen lanes, a byte each, then what the
// lanes are multiplied by. See spread.go in the package.
const (
	spreadSteps = 512
	spreadMore  = 576 // the second half's steps, or minima
)

// spread is the size of a spread run.
func (g grain) spread() int {
	if g.halves() || g.minimum {
		return 640
	}
	return 576
}

// spreadOctet writes the widening of levels to bytes, on behalf of many rows.
func spreadOctet(g grain) {
	name := "spread" + g.name
	text(name, "func(units, ahead int, w, dst *byte)",
		fmt.Sprintf("%s widens an octet's levels to bytes; see the plain-Go version.", name))
	units := Load(Param("units"), GP64())
	w := Load(Param("w"), GP64())
	dst := Load(Param("dst"), GP64())
	r := newReader(g, w, nil)
	r.ahead = Load(Param("ahead"), GP64())
	up := map[string]string{"Q4_0": "eight", "Q4_1": "bit4", "Q4K": "bit4"}[g.name]
	each(units, func(r *reader) {
		r.levels(r.levelsAt(), func(i int, v VecVirtual) {
			if up != "" {
				VPADDB(masks[up], v, v)
			}
			VMOVDQU(v, Mem{Base: dst, Disp: 64 * i})
		})
		steps := r.steps(0)
		VMOVUPS(steps, Mem{Base: dst, Disp: spreadSteps})
		switch {
		case r.halves():
			VMOVUPS(r.steps(1), Mem{Base: dst, Disp: spreadMore})
		case r.minimum:
			VMOVUPS(r.minima(steps), Mem{Base: dst, Disp: spreadMore})
		}
		ADDQ(U32(uint32(g.spread())), dst)
	}, r)
	end()
}

// tileKind is a shape of spread runs that tiles multiply.
type tileKind struct {
	name    string
	rows    int
	grain   grain // one of those that spread to this shape
	zero    int
	columns int // that an integer sum joins
}

var tileKinds = []tileKind{
	{"Bytes", 4, grains[0], 0, 32},
	{"Steps", 6, grains[1], recordBy16, 32},
	{"Minima", 6, grains[2], recordBy16, 32},
	{"Halves", 6, grains[7], recordBy32, 16},
}

const roundedSignature = "func(n int, x *byte, ldx int, w *byte, apart int, c *float32, ldc int)"

// roundedTile writes one register tile: rows of rounded activations by sixteen
// lanes, over n runs, added to c.
func roundedTile(k tileKind, rows int) {
	name := fmt.Sprintf("tile%sR%d", k.name, rows)
	text(name, roundedSignature,
		fmt.Sprintf("%s adds %d x 16 products of n runs to c.", name, rows))
	t := tile{tileKind: k, rows: rows}
	n := Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	ldx := Load(Param("ldx"), GP64())
	t.w = Load(Param("w"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(Imm(2), ldc)
	x3, c3 := GP64(), GP64()
	if rows > 3 {
		LEAQ(Mem{Base: x, Index: ldx, Scale: 2}, x3)
		ADDQ(ldx, x3)
		LEAQ(Mem{Base: c, Index: ldc, Scale: 2}, c3)
		ADDQ(ldc, c3)
	}
	t.x, t.c = rowOperands(x, x3, ldx), rowOperands(c, c3, ldc)
	Label("loop")
	for h := range 32 / k.columns {
		t.sum(h)
		t.finish(h)
	}
	ADDQ(U32(uint32(k.grain.spread())), t.w)
	ADDQ(Imm(record), x)
	if rows > 3 {
		ADDQ(Imm(record), x3)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

type tile struct {
	tileKind
	rows int
	w    Register
	x, c func(r, disp int) Mem
	acc  [6][2]VecVirtual
}

// sum sums the products of one half, or of a whole run, exactly.
func (t *tile) sum(half int) {
	for r := range t.rows {
		for j := range 2 {
			t.acc[r][j] = nil
		}
		if t.zero != 0 {
			t.acc[r][0], t.acc[r][1] = YMM(), YMM()
			VPBROADCASTD(t.x(r, t.zero+4*half), t.acc[r][0])
			VMOVDQA(t.acc[r][0], t.acc[r][1])
		}
	}
	for i := half * t.columns / 4; i < (half+1)*t.columns/4; i++ {
		w := [2]VecVirtual{YMM(), YMM()}
		var size [2]VecVirtual
		for j := range w {
			VMOVDQU(Mem{Base: t.w, Disp: 64*i + 32*j}, w[j])
			if t.zero == 0 {
				size[j] = YMM()
				VPABSB(w[j], size[j])
			}
		}
		for r := range t.rows {
			y := YMM()
			VPBROADCASTD(t.x(r, 4*i), y)
			for j := range w {
				p := y
				if j == 0 {
					p = YMM()
				}
				if t.zero == 0 {
					VPSIGNB(w[j], y, p)
					VPMADDUBSW(p, size[j], p)
					VPMADDWD(masks["ones16"], p, p)
				} else {
					VPMADDUBSW(y, w[j], p)
				}
				switch {
				case t.acc[r][j] == nil:
					t.acc[r][j] = p
				case t.zero == 0:
					VPADDD(p, t.acc[r][j], t.acc[r][j])
				default:
					VPADDW(p, t.acc[r][j], t.acc[r][j])
				}
			}
		}
	}
}

// finish adds the sums, times steps and scales, to c.
func (t *tile) finish(half int) {
	for r := range t.rows {
		scale := YMM()
		VBROADCASTSS(t.x(r, recordScale), scale)
		for j := range 2 {
			sum := t.acc[r][j]
			if t.zero != 0 {
				VPMADDWD(masks["ones16"], sum, sum)
			}
			VCVTDQ2PS(sum, sum)
			by := YMM()
			VMULPS(Mem{Base: t.w, Disp: spreadSteps + 64*half + 32*j}, scale, by)
			VFMADD213PS(t.c(r, 32*j), by, sum)
			if t.name == "Minima" {
				VBROADCASTSS(t.x(r, recordSum), by)
				VFMADD231PS(Mem{Base: t.w, Disp: spreadMore + 32*j}, by, sum)
			}
			VMOVUPS(sum, t.c(r, 32*j))
		}
	}
}
