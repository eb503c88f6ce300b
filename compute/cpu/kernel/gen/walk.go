package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// walk is a function over vectors of n numbers: names lists its pointers,
// scalars its numbers, which come as registers of equal lanes.
type walk struct {
	n       Register
	ptr     map[string]Register
	scalars []VecVirtual
}

func names(list ...string) []string {
	var all []string
	for _, l := range list {
		for name := range strings.SplitSeq(l, ", ") {
			if name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// open begins a function with outputs and inputs as pointers, then scalars.
func open(name, doc, out, in, scalars, result string) walk {
	pointers, numbers := names(out, in), names(scalars)
	signature := fmt.Sprintf("func(n int, %s *float32", strings.Join(pointers, ", "))
	if len(numbers) > 0 {
		signature += fmt.Sprintf(", %s float32", strings.Join(numbers, ", "))
	}
	text(name, signature+")"+result, doc)
	w := walk{n: Load(Param("n"), GP64()), ptr: map[string]Register{}}
	for _, p := range pointers {
		w.ptr[p] = Load(Param(p), GP64())
	}
	for i := range numbers {
		v := YMM()
		VBROADCASTSS(NewParamAddr(numbers[i], 8+8*len(pointers)+4*i), v)
		w.scalars = append(w.scalars, v)
	}
	return w
}

// load reads eight numbers of each input, unroll registers along.
func (w walk) load(in string, u int) []VecVirtual {
	var v []VecVirtual
	for _, name := range names(in) {
		x := YMM()
		VMOVUPS(Mem{Base: w.ptr[name], Disp: 32 * u}, x)
		v = append(v, x)
	}
	return v
}

// advance moves all pointers by so many registers.
func (w walk) advance(registers int) {
	for _, name := range slices.Sorted(maps.Keys(w.ptr)) {
		ADDQ(Imm(uint64(32*registers)), w.ptr[name])
	}
}

// tailMask returns the mask of the rest, n in 1..7.
func (w walk) tailMask() VecVirtual {
	base, mask := GP64(), YMM()
	LEAQ(consts["tail"].Offset(32), base)
	SHLQ(Imm(2), w.n)
	SUBQ(w.n, base)
	VMOVUPS(Mem{Base: base}, mask)
	return mask
}

// loadTail reads what is left of each input; the other lanes are zero.
func (w walk) loadTail(in string, mask VecVirtual) []VecVirtual {
	var v []VecVirtual
	for _, name := range names(in) {
		x := YMM()
		VMASKMOVPS(Mem{Base: w.ptr[name]}, mask, x)
		v = append(v, x)
	}
	return v
}

// loop repeats body while at least so many registers of numbers are left.
func (w walk) loop(label string, registers int, body func()) {
	CMPQ(w.n, U32(uint32(8*registers)))
	JLT(LabelRef(label + "Done"))
	Label(label)
	body()
	w.advance(registers)
	SUBQ(U32(uint32(8*registers)), w.n)
	CMPQ(w.n, U32(uint32(8*registers)))
	JGE(LabelRef(label))
	Label(label + "Done")
}

// mapping writes an elementwise function. Each element's bits depend on that
// element alone, wherever it stands.
func mapping(name, in, out, scalars string, f func(in, scalars []VecVirtual) []VecVirtual) {
	w := open(name, fmt.Sprintf("%s is elementwise over n numbers; see the plain-Go version.", name), out, in, scalars, "")
	outs := names(out)
	w.loop("whole", 1, func() {
		for i, v := range f(w.load(in, 0), w.scalars) {
			VMOVUPS(v, Mem{Base: w.ptr[outs[i]]})
		}
	})
	TESTQ(w.n, w.n)
	JZ(LabelRef("end"))
	mask := w.tailMask()
	for i, v := range f(w.loadTail(in, mask), w.scalars) {
		VMASKMOVPS(v, mask, Mem{Base: w.ptr[outs[i]]})
	}
	Label("end")
	end()
}

// reduceDouble writes a sum of products in double precision, in sixteen lanes
// that take turns. f returns the two factors of eight terms, or one and nil,
// and may be asked to mask; a factor is stored where there is an output.
func reduceDouble(name, in, out string, scalars []string, f func(in, scalars []VecVirtual, mask VecVirtual) (a, b VecVirtual)) {
	w := open(name, fmt.Sprintf("%s sums n terms; see the plain-Go version.", name), out, in, strings.Join(scalars, ", "), " float64")
	acc := make([]VecVirtual, 4)
	for i := range acc {
		acc[i] = YMM()
		VXORPD(acc[i], acc[i], acc[i])
	}
	add := func(a, b VecVirtual, acc []VecVirtual) {
		for half := range 2 {
			x := widenHalf(a, half)
			switch b {
			case nil:
				VADDPD(x, acc[half], acc[half])
			case a:
				VFMADD231PD(x, x, acc[half])
			default:
				VFMADD231PD(widenHalf(b, half), x, acc[half])
			}
		}
	}
	step := func(u int) {
		a, b := f(w.load(in, u), w.scalars, nil)
		if out != "" {
			VMOVUPS(a, Mem{Base: w.ptr[out], Disp: 32 * u})
		}
		add(a, b, acc[2*u:])
	}
	w.loop("two", 2, func() { step(0); step(1) })
	w.loop("one", 1, func() { step(0) })
	TESTQ(w.n, w.n)
	JZ(LabelRef("sum"))
	mask := w.tailMask()
	a, b := f(w.loadTail(in, mask), w.scalars, mask)
	if out != "" {
		VMASKMOVPS(a, mask, Mem{Base: w.ptr[out]})
	}
	add(a, b, acc)
	Label("sum")
	VADDPD(acc[2], acc[0], acc[0])
	VADDPD(acc[3], acc[1], acc[1])
	VADDPD(acc[1], acc[0], acc[0])
	x := XMM()
	VEXTRACTF128(Imm(1), acc[0], x)
	VADDPD(x, acc[0].AsX(), x)
	high := XMM()
	VUNPCKHPD(x, x, high)
	VADDSD(high, x, x)
	giveBack(x, VMOVSD)
}

// giveBack returns a scalar. avo itself would move it with a legacy
// instruction.
func giveBack(x VecVirtual, move func(...Op)) {
	result, err := ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	move(x, result.Addr)
	end()
}

func widenHalf(v VecVirtual, half int) VecVirtual {
	x := YMM()
	if half == 0 {
		VCVTPS2PD(v.AsX(), x)
		return x
	}
	h := XMM()
	VEXTRACTF128(Imm(1), v, h)
	VCVTPS2PD(h, x)
	return x
}

// dot writes the float32 product of two vectors in 32 lanes that take turns.
func dot() {
	w := open("dot", "dot is the sum of n products; see the plain-Go version.", "", "a, b", "", " float32")
	acc := make([]VecVirtual, 4)
	for i := range acc {
		acc[i] = YMM()
		VXORPS(acc[i], acc[i], acc[i])
	}
	step := func(u int) {
		v := w.load("a, b", u)
		VFMADD231PS(v[1], v[0], acc[u])
	}
	w.loop("four", 4, func() {
		for u := range 4 {
			step(u)
		}
	})
	w.loop("one", 1, func() { step(0) })
	TESTQ(w.n, w.n)
	JZ(LabelRef("sum"))
	v := w.loadTail("a, b", w.tailMask())
	VFMADD231PS(v[1], v[0], acc[0])
	Label("sum")
	VADDPS(acc[2], acc[0], acc[0])
	VADDPS(acc[3], acc[1], acc[1])
	VADDPS(acc[1], acc[0], acc[0])
	x := foldHalves(acc[0], func(a, b, to VecVirtual) { VADDPS(a, b, to) })
	giveBack(x, VMOVSS)
}

// foldHalves joins eight lanes to one.
func foldHalves(v VecVirtual, join func(a, b, to VecVirtual)) VecVirtual {
	x, y := XMM(), XMM()
	VEXTRACTF128(Imm(1), v, x)
	join(x, v.AsX().(VecVirtual), x)
	VUNPCKHPD(x, x, y)
	join(y, x, x)
	VMOVSHDUP(x, y)
	join(y, x, x)
	return x
}

// peak writes the largest of a vector.
func peak() {
	w := open("peak", "peak is the largest of n numbers; see the plain-Go version.", "", "x", "", " float32")
	acc := []VecVirtual{constant("minusInf"), constant("minusInf")}
	step := func(u int) {
		v := w.load("x", u)
		VMAXPS(v[0], acc[u], acc[u])
	}
	w.loop("two", 2, func() { step(0); step(1) })
	w.loop("one", 1, func() { step(0) })
	TESTQ(w.n, w.n)
	JZ(LabelRef("join"))
	mask := w.tailMask()
	v := w.loadTail("x", mask)
	low := constant("minusInf")
	VBLENDVPS(mask, v[0], low, low)
	VMAXPS(low, acc[0], acc[0])
	Label("join")
	VMAXPS(acc[1], acc[0], acc[0])
	x := foldHalves(acc[0], func(a, b, to VecVirtual) { VMAXPS(a, b, to) })
	giveBack(x, VMOVSS)
}
