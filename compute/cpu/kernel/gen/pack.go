package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pack writes the kernels that change how a matrix lies in memory.
func pack() {
	transpose8()
	transpose4()
	halves8()
	interleave("F16", func(i int) (int, int) { return 2 * i, 2*i + 1 })
	interleave("BF16", func(i int) (int, int) { return i, i + 8 })
	for _, e := range elements {
		if e.name != "F32" {
			widen(e)
		}
		columns(e)
	}
	rows()
}

// transposeLanes turns eight vectors, rows of an 8x8 block of 32-bit lanes,
// into its columns. The low lanes of in[0..3] hold rows 0..3 and their high
// lanes rows 4..7, columns 0..3; in[4..7] the same for columns 4..7.
func transposeLanes(in []VecVirtual, out func(col int, v VecVirtual)) {
	for h := range 2 {
		transposeHalves(in[4*h:], func(col int, v VecVirtual) { out(4*h+col, v) })
	}
}

// transposeHalves is transposeLanes for four columns.
func transposeHalves(in []VecVirtual, out func(col int, v VecVirtual)) {
	t0, t1, t2, t3 := YMM(), YMM(), YMM(), YMM()
	VUNPCKLPS(in[1], in[0], t0)
	VUNPCKHPS(in[1], in[0], t1)
	VUNPCKLPS(in[3], in[2], t2)
	VUNPCKHPS(in[3], in[2], t3)
	o := []VecVirtual{YMM(), YMM(), YMM(), YMM()}
	VUNPCKLPD(t2, t0, o[0])
	VUNPCKHPD(t2, t0, o[1])
	VUNPCKLPD(t3, t1, o[2])
	VUNPCKHPD(t3, t1, o[3])
	for i, v := range o {
		out(i, v)
	}
}

// split returns eight vectors in the order that transposeLanes takes, loading
// 16-byte halves of eight rows.
func split(row func(r, disp int) Mem) []VecVirtual {
	return append(splitHalves(row, 0), splitHalves(row, 16)...)
}

// splitHalves returns the four vectors of the 16 bytes of each row from disp on.
func splitHalves(row func(r, disp int) Mem, disp int) []VecVirtual {
	v := make([]VecVirtual, 4)
	for i := range v {
		x := YMM()
		VBROADCASTF128(row(i, disp), x) // writes all lanes, unlike a 16-byte move
		VINSERTF128(Imm(1), row(i+4, disp), x, x)
		v[i] = x
	}
	return v
}

// strided addresses rows of a matrix from one base register for every four.
func strided(base, stride Register, rows int) (at func(r, disp int) Mem, advance func(Op)) {
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	bases := []Register{base}
	for len(bases)*4 < rows {
		b := GP64()
		LEAQ(Mem{Base: bases[len(bases)-1], Index: stride, Scale: 4}, b)
		bases = append(bases, b)
	}
	at = func(r, disp int) Mem {
		m := Mem{Base: bases[r/4], Disp: disp}
		switch r % 4 {
		case 1, 2:
			m.Index, m.Scale = stride, uint8(r%4)
		case 3:
			m.Index, m.Scale = stride3, 1
		}
		return m
	}
	advance = func(by Op) {
		for _, b := range bases {
			ADDQ(by, b)
		}
	}
	return at, advance
}

func transpose8() {
	text("transpose8", "func(n int, src *float32, ld, step int, dst *float32, dld, dstep int)",
		"transpose8 transposes n 8x8 blocks; ld and dld are the distances of rows, step and dstep those of blocks, in bytes.")
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	step := Load(Param("step"), GP64())
	dst := Load(Param("dst"), GP64())
	dld := Load(Param("dld"), GP64())
	dstep := Load(Param("dstep"), GP64())
	from, nextFrom := strided(src, ld, 8)
	to, nextTo := strided(dst, dld, 8)
	Label("loop")
	transposeLanes(split(from), func(col int, v VecVirtual) { VMOVUPS(v, to(col, 0)) })
	nextFrom(step)
	nextTo(dstep)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

func transpose4() {
	text("transpose4", "func(n int, src *byte, ld, step int, dst *byte, dstep int)",
		"transpose4 transposes n blocks of eight rows of four 32-bit words; ld is the distance of rows, step and dstep those of blocks, in bytes.")
	blocksOf(func(from func(r, disp int) Mem, dst Register) {
		transposeHalves(splitHalves(from, 0), func(col int, v VecVirtual) { VMOVUPS(v, Mem{Base: dst, Disp: 32 * col}) })
	})
}

func halves8() {
	text("halves8", "func(n int, src *byte, ld, step int, dst *byte, dstep int)",
		"halves8 gathers n times a 16-bit word of eight rows; ld is the distance of rows, step and dstep those from one time to the next, in bytes.")
	blocksOf(func(from func(r, disp int) Mem, dst Register) {
		x := XMM()
		VPXOR(x, x, x)
		for r := range 8 {
			VPINSRW(Imm(uint64(r)), from(r, 0), x, x)
		}
		VMOVDQU(x, Mem{Base: dst})
	})
}

// blocksOf writes the loop over blocks of eight rows, of a function with transpose4's
// parameters.
func blocksOf(block func(from func(r, disp int) Mem, dst Register)) {
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	step := Load(Param("step"), GP64())
	dst := Load(Param("dst"), GP64())
	dstep := Load(Param("dstep"), GP64())
	from, next := strided(src, ld, 8)
	Label("loop")
	block(from, dst)
	next(step)
	ADDQ(dstep, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// interleave packs sixteen rows of 16-bit weights: lane i of each k is the
// 32-bit word of the rows that pair names, low half first.
func interleave(format string, pair func(i int) (low, high int)) {
	name := "interleave" + format
	text(name, "func(n int, src *byte, ld int, dst *byte)",
		fmt.Sprintf("%s packs 8n columns of sixteen rows, ld bytes apart, into a panel.", name))
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	dst := Load(Param("dst"), GP64())
	from, next := strided(src, ld, 16)
	Label("loop")
	v := make([]VecVirtual, 8)
	for i := range 4 {
		low, high := pair(i)
		low4, high4 := pair(i + 4)
		x, y := YMM(), YMM()
		VBROADCASTI128(from(low, 0), x)
		VINSERTI128(Imm(1), from(low4, 0), x, x)
		VBROADCASTI128(from(high, 0), y)
		VINSERTI128(Imm(1), from(high4, 0), y, y)
		v[i], v[i+4] = YMM(), YMM()
		VPUNPCKLWD(y, x, v[i])
		VPUNPCKHWD(y, x, v[i+4])
	}
	transposeLanes(v, func(col int, v VecVirtual) { VMOVDQU(v, Mem{Base: dst, Disp: column * col}) })
	next(Imm(16))
	ADDQ(U32(8*column), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// bf16Mask returns a register whose lanes keep the high half of a word.
func bf16Mask(e element) VecVirtual {
	mask := YMM()
	if e.name == "BF16" {
		VPCMPEQD(mask, mask, mask)
		VPSLLD(Imm(16), mask, mask)
	}
	return mask
}

func widen(e element) {
	name := "widen" + e.name
	text(name, "func(n int, src *byte, dst *float32)",
		fmt.Sprintf("%s converts n columns of a panel to float32.", name))
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	dst := Load(Param("dst"), GP64())
	mask := bf16Mask(e)
	Label("loop")
	lo, hi := weights(e, func(disp int) Mem { return Mem{Base: src, Disp: disp} }, mask)
	VMOVUPS(lo, Mem{Base: dst})
	VMOVUPS(hi, Mem{Base: dst, Disp: 32})
	ADDQ(Imm(column), src)
	ADDQ(Imm(64), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// columns writes the transposing read of panels: sixteen columns of n strips,
// stride bytes apart, become rows of sixteen float32.
func columns(e element) {
	name := "columns" + e.name
	text(name, "func(n int, src *byte, stride int, dst *float32)",
		fmt.Sprintf("%s transposes sixteen columns of n strips, stride bytes apart, to float32 rows.", name))
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	dst := Load(Param("dst"), GP64())
	mask := bf16Mask(e)
	Label("loop")
	for part := range 2 * e.panels() {
		panel, half := part/2, part%2 // half: eight of the sixteen columns
		col := func(k, disp int) Mem {
			return Mem{Base: src, Disp: (8*half+k)*column + panel*e.bytes + disp}
		}
		to := func(row int) Mem { return Mem{Base: dst, Disp: 64*(16*panel+row) + 32*half} }
		switch e.name {
		case "F32":
			for h := range 2 {
				v := split(func(k, disp int) Mem { return col(k, 32*h+disp) })
				transposeLanes(v, func(i int, v VecVirtual) { VMOVUPS(v, to(8*h+i)) })
			}
		case "F16":
			for h := range 2 {
				v := splitF16(func(k int) Mem { return col(k, 16*h) })
				transposeLanes(v, func(i int, v VecVirtual) { VMOVUPS(v, to(8*h+i)) })
			}
		case "BF16":
			transposeLanes(split(col), func(i int, v VecVirtual) {
				low := YMM()
				VPSLLD(Imm(16), v, low)
				VPAND(mask, v, v)
				VMOVUPS(low, to(i))
				VMOVUPS(v, to(i+8))
			})
		}
	}
	ADDQ(stride, src)
	ADDQ(U32(uint32(1024*e.panels())), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// splitF16 is split for rows of eight halves, widened on the way.
func splitF16(row func(r int) Mem) []VecVirtual {
	v := make([]VecVirtual, 8)
	for i := range 4 {
		a, b := YMM(), YMM()
		VCVTPH2PS(row(i), a)
		VCVTPH2PS(row(i+4), b)
		v[i], v[i+4] = YMM(), YMM()
		VPERM2F128(Imm(0x20), b, a, v[i])
		VPERM2F128(Imm(0x31), b, a, v[i+4])
	}
	return v
}

// rows writes the packing of a right operand that lies in rows.
func rows() {
	text("rows16", "func(n int, src *float32, stride int, alpha float32, dst *float32)",
		"rows16 writes alpha times n rows of sixteen numbers, stride bytes apart, one after the other.")
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	alpha := YMM()
	VBROADCASTSS(NewParamAddr("alpha", 24), alpha)
	dst := Load(Param("dst"), GP64())
	Label("loop")
	for i := range 2 {
		v := YMM()
		VMULPS(Mem{Base: src, Disp: 32 * i}, alpha, v)
		VMOVUPS(v, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(stride, src)
	ADDQ(Imm(64), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}
