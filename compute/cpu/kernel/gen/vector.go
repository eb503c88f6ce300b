package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vector writes the kernels that walk over one to five vectors of numbers, any
// number of them: whole registers first, then a masked rest.
func vector() {
	constants()
	mapping("addTo", "a, b", "y", "", func(in []VecVirtual, _ []VecVirtual) []VecVirtual {
		VADDPS(in[1], in[0], in[0])
		return in[:1]
	})
	mapping("scaleTo", "x", "y", "by", func(in, by []VecVirtual) []VecVirtual {
		VMULPS(by[0], in[0], in[0])
		return in
	})
	mapping("addScaled", "x, y", "y", "by", func(in, by []VecVirtual) []VecVirtual {
		VFMADD231PS(by[0], in[0], in[1])
		return in[1:]
	})
	mapping("scaleMul", "x, w", "y", "by", func(in, by []VecVirtual) []VecVirtual {
		VMULPS(by[0], in[0], in[0])
		VMULPS(in[1], in[0], in[0])
		return in[:1]
	})
	mapping("normBack", "x, w, dy", "dx", "r, k", func(in, by []VecVirtual) []VecVirtual {
		VMULPS(by[0], in[2], in[2])
		VMULPS(in[1], in[2], in[2])
		VFNMADD231PS(by[1], in[0], in[2])
		return in[2:]
	})
	mapping("normScaleBack", "x, dy, dw", "dw", "r", func(in, by []VecVirtual) []VecVirtual {
		VMULPS(in[0], in[1], in[1])
		VFMADD231PS(by[0], in[1], in[2])
		return in[2:]
	})
	mapping("expTo", "x", "y", "", func(in, _ []VecVirtual) []VecVirtual { return []VecVirtual{exp(in[0])} })
	mapping("silu", "gate, up", "y", "", func(in, _ []VecVirtual) []VecVirtual {
		VDIVPS(onePlusExpNeg(in[0]), in[0], in[0])
		VMULPS(in[1], in[0], in[0])
		return in[:1]
	})
	mapping("siluBack", "gate, up, dy", "dgate, dup", "", siluBack)
	mapping("gelu", "x", "y", "", func(in, _ []VecVirtual) []VecVirtual {
		VDIVPS(onePlusExpGELU(in[0]), in[0], in[0])
		return in
	})
	mapping("geluMul", "gate, up", "y", "", func(in, _ []VecVirtual) []VecVirtual {
		VDIVPS(onePlusExpGELU(in[0]), in[0], in[0])
		VMULPS(in[1], in[0], in[0])
		return in[:1]
	})
	mapping("geluMulBack", "gate, up, dy", "dgate, dup", "", geluMulBack)
	mapping("softmaxBack", "p, ds", "p, ds", "lse, delta", func(in, by []VecVirtual) []VecVirtual {
		VSUBPS(by[0], in[0], in[0])
		p := exp(in[0])
		VSUBPS(by[1], in[1], in[1])
		VMULPS(p, in[1], in[1])
		return []VecVirtual{p, in[1]}
	})
	mapping("rotate", "a, b, cos, sin", "y, z", "", func(in, _ []VecVirtual) []VecVirtual {
		return turn(in, func(b, sin, y VecVirtual) { VFNMADD231PS(b, sin, y) }, func(a, sin, z VecVirtual) { VFMADD231PS(a, sin, z) })
	})
	mapping("rotateBack", "a, b, cos, sin", "y, z", "", func(in, _ []VecVirtual) []VecVirtual {
		return turn(in, func(b, sin, y VecVirtual) { VFMADD231PS(b, sin, y) }, func(a, sin, z VecVirtual) { VFNMADD231PS(a, sin, z) })
	})
	mapping("adamW", "p, m, v, grad", "p, m, v", "scale, grow1, grow2, decay, step, root, eps", adamW)

	reduceDouble("squares", "x", "", nil, func(in, _ []VecVirtual, _ VecVirtual) (a, b VecVirtual) {
		return in[0], in[0]
	})
	reduceDouble("dot3", "a, b, c", "", nil, func(in, _ []VecVirtual, _ VecVirtual) (a, b VecVirtual) {
		VMULPS(in[1], in[0], in[0])
		return in[0], in[2]
	})
	reduceDouble("expSum", "x", "y", []string{"shift"}, func(in, by []VecVirtual, mask VecVirtual) (a, b VecVirtual) {
		VSUBPS(by[0], in[0], in[0])
		y := exp(in[0])
		if mask != nil {
			VANDPS(mask, y, y)
		}
		return y, nil
	})
	dot()
	peak()
}

// consts is a read-only table of vectors whose eight lanes are equal.
var consts = map[string]Mem{}

func constants() {
	// exp: the range of arguments, the parts of log 2 and the polynomial of
	// Cephes' expf.
	for _, c := range []struct {
		name string
		bits uint32
	}{
		{"log2e", math.Float32bits(math.Log2E)},
		{"ln2Hi", math.Float32bits(0.693359375)},
		{"ln2Lo", math.Float32bits(-2.12194440e-4)},
		{"p0", math.Float32bits(1.9875691500e-4)},
		{"p1", math.Float32bits(1.3981999507e-3)},
		{"p2", math.Float32bits(8.3334519073e-3)},
		{"p3", math.Float32bits(4.1665795894e-2)},
		{"p4", math.Float32bits(1.6666665459e-1)},
		{"p5", math.Float32bits(5.0000001201e-1)},
		{"one", math.Float32bits(1)},
		{"most", math.Float32bits(89)},
		{"least", math.Float32bits(-87.33654)},
		{"bias", 127},
		{"sign", 1 << 31},
		// gelu: the tanh approximation is x / (1 + exp(x*(gelu1 + gelu3*x*x))).
		{"gelu1", math.Float32bits(float32(-2 * math.Sqrt(2/math.Pi)))},
		{"gelu3", math.Float32bits(float32(-2 * math.Sqrt(2/math.Pi) * 0.044715))},
		{"slope3", math.Float32bits(float32(-6 * math.Sqrt(2/math.Pi) * 0.044715))},
		{"far", math.Float32bits(100)},
		{"minusFar", math.Float32bits(-100)},
		{"minusInf", math.Float32bits(float32(math.Inf(-1)))},
	} {
		m := GLOBL(c.name, attr.RODATA|attr.NOPTR)
		for i := range 8 {
			DATA(4*i, U32(c.bits))
		}
		consts[c.name] = m
	}
	m := GLOBL("tail", attr.RODATA|attr.NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = math.MaxUint32
		}
		DATA(4*i, U32(v))
	}
	consts["tail"] = m
}

// constant returns the table's vector in a register.
func constant(name string) VecVirtual {
	v := YMM()
	VMOVUPS(consts[name], v)
	return v
}

// exp returns e to the power of x, which it overwrites. NaN stays NaN: it is
// always the last operand of a minimum, which the processor then returns.
func exp(x VecVirtual) VecVirtual {
	small := YMM()
	VCMPPS(Imm(1), consts["least"], x, small) // x < least
	most := constant("most")
	VMINPS(x, most, x)
	t, k, n := YMM(), YMM(), YMM()
	VMULPS(consts["log2e"], x, t)
	VCVTPS2DQ(t, k)
	VCVTDQ2PS(k, n)
	VFNMADD231PS(consts["ln2Hi"], n, x)
	VFNMADD231PS(consts["ln2Lo"], n, x)
	p := constant("p0")
	for _, c := range []string{"p1", "p2", "p3", "p4", "p5"} {
		VFMADD213PS(consts[c], x, p)
	}
	square := YMM()
	VMULPS(x, x, square)
	VFMADD213PS(x, square, p)
	VADDPS(consts["one"], p, p)
	half := YMM() // two factors, because 2^128 alone would overflow
	VPSRAD(Imm(1), k, half)
	VPSUBD(half, k, k)
	for _, f := range []VecVirtual{half, k} {
		VPADDD(consts["bias"], f, f)
		VPSLLD(Imm(23), f, f)
		VMULPS(f, p, p)
	}
	VANDNPS(p, small, p)
	return p
}

// onePlusExpNeg returns 1 + exp(-x).
func onePlusExpNeg(x VecVirtual) VecVirtual {
	minus := YMM()
	VXORPS(consts["sign"], x, minus)
	e := exp(minus)
	VADDPS(consts["one"], e, e)
	return e
}

func siluBack(in, _ []VecVirtual) []VecVirtual {
	gate, up, dy := in[0], in[1], in[2]
	e := onePlusExpNeg(gate)
	s := constant("one")
	VDIVPS(e, s, s)
	dup, dgate, slope := YMM(), YMM(), constant("one")
	VMULPS(gate, dy, dup)
	VMULPS(s, dup, dup)
	VMULPS(up, dy, dgate)
	VMULPS(s, dgate, dgate)
	VSUBPS(s, slope, slope)
	VFMADD213PS(consts["one"], gate, slope)
	VMULPS(slope, dgate, dgate)
	return []VecVirtual{dgate, dup}
}

// onePlusExpGELU returns 1 + exp(x*(gelu1 + gelu3*x*x)).
func onePlusExpGELU(x VecVirtual) VecVirtual {
	z := YMM()
	VMULPS(x, x, z)
	VMULPS(consts["gelu3"], z, z)
	VADDPS(consts["gelu1"], z, z)
	VMULPS(x, z, z)
	e := exp(z)
	VADDPS(consts["one"], e, e)
	return e
}

func geluMulBack(in, _ []VecVirtual) []VecVirtual {
	gate, up, dy := in[0], in[1], in[2]
	e := onePlusExpGELU(gate)
	s := constant("one")
	VDIVPS(e, s, s)
	dup, dgate, slope := YMM(), YMM(), constant("one")
	VMULPS(gate, dy, dup)
	VMULPS(s, dup, dup)
	VMULPS(up, dy, dgate)
	VMULPS(s, dgate, dgate)
	// Far from zero the slope is 0 or 1, and squares would overflow.
	far, minusFar := constant("far"), constant("minusFar")
	VMINPS(gate, far, gate)
	VMAXPS(gate, minusFar, gate)
	d := YMM()
	VMULPS(gate, gate, d)
	VMULPS(consts["slope3"], d, d)
	VADDPS(consts["gelu1"], d, d)
	VMULPS(gate, d, d)
	VSUBPS(s, slope, slope)
	VFNMADD213PS(consts["one"], d, slope)
	VMULPS(slope, dgate, dgate)
	return []VecVirtual{dgate, dup}
}

// turn returns a*cos and b*cos with the products with sin put to them.
func turn(in []VecVirtual, first, second func(x, sin, sum VecVirtual)) []VecVirtual {
	a, b, cos, sin := in[0], in[1], in[2], in[3]
	y := YMM()
	VMULPS(cos, a, y)
	first(b, sin, y)
	VMULPS(cos, b, cos)
	second(a, sin, cos)
	return []VecVirtual{y, cos}
}

func adamW(in, by []VecVirtual) []VecVirtual {
	p, m, v, g := in[0], in[1], in[2], in[3]
	scale, grow1, grow2, decay, step, root, eps := by[0], by[1], by[2], by[3], by[4], by[5], by[6]
	VMULPS(scale, g, g)
	square := YMM()
	VMULPS(g, g, square)
	VSUBPS(m, g, g)
	VFMADD231PS(g, grow1, m)
	VSUBPS(v, square, square)
	VFMADD231PS(square, grow2, v)
	VMULPS(root, v, square)
	VSQRTPS(square, square)
	VADDPS(eps, square, square)
	VMULPS(step, m, g)
	VDIVPS(square, g, g)
	VMULPS(decay, p, p)
	VSUBPS(g, p, p)
	return []VecVirtual{p, m, v}
}
