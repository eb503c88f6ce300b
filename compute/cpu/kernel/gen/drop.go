package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// drop writes the kernel of dropouts. A register holds one word of four counters, in
// the low halves of its lanes; what the high halves hold is never looked at. Two
// registers of each word are under way, since a round waits for its products.
func drop() {
	const chains, rounds, lanes = 2, 10, 4
	quads := func(name string, v ...uint64) Mem {
		m := GLOBL(name, attr.RODATA|attr.NOPTR)
		for i := range lanes {
			DATA(8*i, U64(v[i%len(v)]))
		}
		return m
	}
	factors := [2]Mem{quads("factor0", 0xD2511F53), quads("factor1", 0xCD9E8D57)}
	// The order in which unpacking leaves the words of four counters in place.
	first, next, all := quads("first", 0, 2, 1, 3), quads("next", lanes), quads("all", chains*lanes)

	text("drop", "func(n int, y, x *float32, counter uint64, d *uint32, border uint32, keep float32)",
		"drop takes n times 32 elements; see Drop.")
	n := Load(Param("n"), GP64())
	y, x := Load(Param("y"), GP64()), Load(Param("x"), GP64())
	d := Load(Param("d"), GP64())
	spread := func(name string) VecVirtual {
		v, p := YMM(), mustAddr(name)
		VBROADCASTSS(p, v)
		return v
	}
	border, keep, counter := spread("border"), spread("keep"), YMM()
	VPBROADCASTQ(mustAddr("counter"), counter)
	VPADDQ(first, counter, counter)

	Label("loop")
	var c [chains][4]VecVirtual
	for i := range c {
		for j := range c[i] {
			c[i][j] = YMM()
		}
		if i == 0 {
			VMOVDQU(counter, c[i][0])
		} else {
			VPADDQ(next, c[i-1][0], c[i][0])
		}
		VPBROADCASTD(Mem{Base: d, Disp: 8 * rounds}, c[i][2])
		VPBROADCASTD(Mem{Base: d, Disp: 8*rounds + 4}, c[i][3])
	}
	for i := range c {
		VPSRLQ(Imm(32), c[i][0], c[i][1])
	}
	VPADDQ(all, counter, counter)
	for r := range rounds {
		for half := range 2 { // words 0 and 1 come from word 2, words 2 and 3 from word 0
			key := YMM()
			VPBROADCASTD(Mem{Base: d, Disp: 8*r + 4*half}, key)
			for i := range c {
				VPXOR(key, c[i][1+2*half], c[i][1+2*half])
			}
		}
		for i := range c {
			product := YMM()
			VPMULUDQ(factors[0], c[i][0], product)
			VPMULUDQ(factors[1], c[i][2], c[i][2])
			VPSRLQ(Imm(32), c[i][2], c[i][0])
			VPXOR(c[i][1], c[i][0], c[i][0])
			VPSRLQ(Imm(32), product, c[i][1])
			VPXOR(c[i][3], c[i][1], c[i][1])
			c[i] = [4]VecVirtual{c[i][0], c[i][2], c[i][1], product}
		}
	}
	for i, w := range c {
		VPSLLQ(Imm(32), w[1], w[1])
		VPBLENDD(Imm(0xAA), w[1], w[0], w[0])
		VPSLLQ(Imm(32), w[3], w[3])
		VPBLENDD(Imm(0xAA), w[3], w[2], w[2])
		VPUNPCKLQDQ(w[2], w[0], w[1])
		VPUNPCKHQDQ(w[2], w[0], w[3])
		for half, r := range []VecVirtual{w[1], w[3]} {
			at, kept := 64*i+32*half, w[2*half]
			VPMAXUD(border, r, kept)
			VPCMPEQD(r, kept, kept) // r is at least the border
			VMULPS(Mem{Base: x, Disp: at}, keep, r)
			VANDPS(kept, r, r)
			VMOVUPS(r, Mem{Base: y, Disp: at})
		}
	}
	ADDQ(Imm(64*chains), x)
	ADDQ(Imm(64*chains), y)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// mustAddr returns where a parameter lies.
func mustAddr(name string) Mem {
	a, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Addr
}
