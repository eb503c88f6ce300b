package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// levels writes the kernels that widen sixteen levels of 8 bits a column.
func levels() {
	const signature = "func(n int, src, scales *byte, dst *float32)"
	text("levelsByLane", signature, "levelsByLane widens n columns of sixteen levels; the scales are the lanes'.")
	n, src, scales, dst := levelArgs()
	low, high := YMM(), YMM()
	VCVTPH2PS(Mem{Base: scales}, low)
	VCVTPH2PS(Mem{Base: scales, Disp: 16}, high)
	Label("loop")
	widenLevels(src, dst, low, high)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()

	text("levelsByColumn", signature, "levelsByColumn widens n columns of sixteen levels, each column with its scale.")
	n, src, scales, dst = levelArgs()
	Label("loop")
	wide, scale := XMM(), YMM()
	VPBROADCASTW(Mem{Base: scales}, wide)
	VCVTPH2PS(wide, scale)
	ADDQ(Imm(2), scales)
	widenLevels(src, dst, scale, scale)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}

func levelArgs() (n, src, scales, dst Register) {
	return Load(Param("n"), GP64()), Load(Param("src"), GP64()), Load(Param("scales"), GP64()), Load(Param("dst"), GP64())
}

// widenLevels writes a column and moves on to the next.
func widenLevels(src, dst Register, low, high VecVirtual) {
	for i, scale := range []VecVirtual{low, high} {
		v := YMM()
		VPMOVSXBD(Mem{Base: src, Disp: 8 * i}, v)
		VCVTDQ2PS(v, v)
		VMULPS(scale, v, v)
		VMOVUPS(v, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(Imm(16), src)
	ADDQ(Imm(64), dst)
}
