package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// probe writes what measures the limits of the processor.
func probe() {
	fmaPeak("fmaPeak", 8, YMM, VXORPS)
	fmaPeak("fmaPeakWide", 16, ZMM, VPXORD)
	readBytes()
}

// fmaPeak runs as many multiply-adds in each round, whatever a register holds.
func fmaPeak(name string, lanes int, register func() reg.VecVirtual, xor func(...Op)) {
	const chains, round = 12, 192
	text(name, "func(n int)", fmt.Sprintf("%s runs n rounds of %d FMAs of %d lanes in %d independent chains.", name, round/lanes, lanes, chains))
	n := Load(Param("n"), GP64())
	acc := make([]reg.VecVirtual, chains)
	for i := range acc {
		acc[i] = register()
		xor(acc[i], acc[i], acc[i])
	}
	a, b := register(), register()
	xor(a, a, a)
	xor(b, b, b)
	Label("loop")
	for range round / lanes / chains {
		for i := range acc {
			VFMADD231PS(a, b, acc[i])
		}
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

// readBytes reads both halves of memory at once, as the products of one row do.
func readBytes() {
	text("readBytes", "func(p *byte, n int) int", "readBytes loads n bytes, a multiple of 512.")
	first := Load(Param("p"), GP64())
	n := Load(Param("n"), GP64())
	acc := make([]reg.VecVirtual, 4)
	for i := range acc {
		acc[i] = YMM()
		VPXOR(acc[i], acc[i], acc[i])
	}
	SHRQ(Imm(1), n)
	second := GP64()
	LEAQ(Mem{Base: first, Index: n, Scale: 1}, second)
	SHRQ(Imm(8), n)
	JZ(LabelRef("done"))
	Label("loop")
	for _, p := range []reg.Register{first, second} {
		fetch(Mem{Base: p, Disp: distance}, 256)
		for i := range 8 {
			VPADDQ(Mem{Base: p, Disp: i * 32}, acc[i%4], acc[i%4])
		}
		ADDQ(U32(256), p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	Label("done")
	VPADDQ(acc[1], acc[0], acc[0])
	VPADDQ(acc[3], acc[2], acc[2])
	VPADDQ(acc[2], acc[0], acc[0])
	r := GP64()
	VMOVQ(acc[0].AsX(), r)
	Store(r, ReturnIndex(0))
	end()
}
