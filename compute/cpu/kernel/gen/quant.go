package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// grain is a block format as octets hold it. Sizes are bytes of eight rows. See
// the comment of Octets in the package for the layout.
type grain struct {
	name    string
	super   bool // 256 columns, scales and minima of their own for each run
	minimum bool
	high    int // bytes of a run that hold what exceeds nibbles
	zero    int // what is taken off the levels in a run, as an offset in an activation record; 0 for nothing
}

// Offsets in the record of a run of rounded activations.
const (
	recordScale = 32
	recordSum   = 36
	recordBy8   = 40
	recordBy16  = 44
	recordBy32  = 48 // and 52 for the second half
	recordWide  = 56 // -16 times the sum, in one word, and at 60 -128 times
	record      = 64
)

var grains = []grain{
	{name: "Q8_0"},
	{name: "Q4_0", zero: recordBy8},
	{name: "Q4_1", minimum: true},
	{name: "Q5_0", high: 32, zero: recordBy16},
	{name: "Q5_1", high: 32, zero: recordBy16, minimum: true},
	{name: "Q4K", super: true, minimum: true},
	{name: "Q5K", super: true, high: 32, zero: recordBy16, minimum: true},
	{name: "Q6K", super: true, high: 64, zero: recordBy32},
}

func (g grain) bytes() bool  { return g.name == "Q8_0" }
func (g grain) halves() bool { return g.name == "Q6K" }

// header is what precedes the levels of a unit.
func (g grain) header() int {
	switch {
	case g.halves():
		return 16 + 128
	case g.super:
		return 32 + 96
	case g.minimum:
		return 32
	}
	return 16
}

// run is the size of the levels of 32 columns.
func (g grain) run() int {
	if g.bytes() {
		return 256
	}
	return g.high + 128
}

// quant writes the kernels that read octets.
func quant() {
	tables()
	roundRow()
	for _, g := range grains {
		dotOctets(g, 1)
		dotOctets(g, 2)
		spreadOctet(g)
	}
	for _, k := range tileKinds {
		for rows := 1; rows <= k.rows; rows++ {
			roundedTile(k, rows)
		}
	}
}

// masks holds vectors of equal bytes or words.
var masks = map[string]Mem{}

func tables() {
	for _, m := range []struct {
		name string
		word uint32
	}{
		{"ones16", 0x00010001},
		{"ones8", 0x01010101},
		{"low4", 0x0f0f0f0f},
		{"low6", 0x3f3f3f3f},
		{"bit4", 0x10101010},
		{"bits45", 0x30303030},
		{"eight", 0x08080808},
		{"magnitude", 0x7fffffff},
		{"float16", 0x41800000},
	} {
		masks[m.name] = global(m.name, m.word, 8)
	}
	masks["order"] = GLOBL("order", attr.RODATA|attr.NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}
}

// global holds so many equal words.
func global(name string, word uint32, n int) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range n {
		DATA(4*i, U32(word))
	}
	return m
}

func mask(name string) VecVirtual {
	v := YMM()
	VMOVDQU(masks[name], v)
	return v
}

// reader walks over the runs of one octet.
type reader struct {
	grain
	w, x   Register // the next run's levels and record
	ahead  Register // how far memory is asked for, where it is not distance
	scales Mem      // of a super-block, unpacked; runs follow each other by 8 bytes
	at     Register // the run in its super-block, times 8
	d, m   VecVirtual
	low4   VecVirtual
	fifth  VecVirtual // the mask of high bits
}

func newReader(g grain, w, x Register) *reader {
	r := &reader{grain: g, w: w, x: x}
	if !g.bytes() {
		r.low4 = mask("low4")
	}
	switch g.high {
	case 32:
		r.fifth = mask("bit4")
	case 64:
		r.fifth = mask("bits45")
	}
	r.placeScales()
	return r
}

// beside returns a reader of another octet by the same row.
func (r *reader) beside(w Register) *reader {
	other := &reader{grain: r.grain, w: w, x: r.x, low4: r.low4, fifth: r.fifth}
	other.placeScales()
	return other
}

// placeScales gives the scales that are unpacked their memory.
func (r *reader) placeScales() {
	if r.super && !r.halves() {
		r.scales = AllocLocal(128)
	}
}

// each repeats body for the runs of n units of one reader, or of several that stand side
// by side and share a row.
func each(n Register, body func(*reader), readers ...*reader) {
	one := readers[0]
	step := func(bytes int) {
		for _, r := range readers {
			body(r)
			r.pass(bytes)
		}
		if one.x != nil {
			ADDQ(Imm(record), one.x)
		}
	}
	Label("unit")
	for _, r := range readers {
		r.d = YMM()
		VCVTPH2PS(Mem{Base: r.w}, r.d)
		if r.minimum {
			r.m = YMM()
			VCVTPH2PS(Mem{Base: r.w, Disp: 16}, r.m)
		}
	}
	if !one.super {
		step(one.header() + one.run())
		DECQ(n)
		JNZ(LabelRef("unit"))
		return
	}
	at := GP64()
	for _, r := range readers {
		r.at = at
		if r.halves() {
			// Scales stay where they are, the run's pointer runs ahead of them.
			r.scales = Mem{Base: GP64()}
			LEAQ(Mem{Base: r.w, Disp: 16}, r.scales.Base)
		} else {
			r.unpackScales()
		}
		r.pass(r.header())
	}
	XORQ(at, at)
	Label("run")
	step(one.run())
	ADDQ(Imm(8), at)
	CMPQ(at, Imm(64))
	JNE(LabelRef("run"))
	DECQ(n)
	JNZ(LabelRef("unit"))
}

// pass leaves so many bytes of the weight behind and asks for as many ahead.
func (r *reader) pass(bytes int) {
	ahead := Mem{Base: r.w, Disp: distance}
	if r.ahead != nil {
		ahead = Mem{Base: r.w, Index: r.ahead, Scale: 1}
	}
	fetch(ahead, bytes)
	ADDQ(U32(uint32(bytes)), r.w)
}

// unpackScales writes the 6-bit scales of eight runs and eight rows as bytes, then
// the minima. See scaleMin in package tensor.
func (r *reader) unpackScales() {
	low6 := mask("low6")
	a, b, c, t := YMM(), YMM(), YMM(), YMM()
	to := func(v VecVirtual, disp int) { VMOVDQU(v, r.scales.Offset(disp)) }
	VMOVDQU(Mem{Base: r.w, Disp: 32}, a)
	VMOVDQU(Mem{Base: r.w, Disp: 64}, b)
	VMOVDQU(Mem{Base: r.w, Disp: 96}, c)
	for _, half := range []struct {
		v    VecVirtual
		disp int
	}{{a, 0}, {b, 64}} {
		VPAND(low6, half.v, t)
		to(t, half.disp)
		VPSRLW(Imm(2), half.v, half.v)
		VPAND(masks["bits45"], half.v, half.v)
		VPAND(r.low4, c, t)
		VPOR(half.v, t, t)
		to(t, half.disp+32)
		VPSRLW(Imm(4), c, c)
	}
}

// steps returns the scales of a run, or of one half of it, as float32.
func (r *reader) steps(half int) VecVirtual {
	if !r.super {
		return r.d
	}
	v := YMM()
	if r.halves() {
		VPMOVSXBD(Mem{Base: r.scales.Base, Index: r.at, Scale: 2, Disp: 8 * half}, v)
	} else {
		VPMOVZXBD(r.scales.Idx(r.at, 1), v)
	}
	VCVTDQ2PS(v, v)
	VMULPS(r.d, v, v)
	return v
}

// minima returns what is added to levels times steps: of levels less 16 where the
// run's zero says so. It overwrites nothing.
func (r *reader) minima(steps VecVirtual) VecVirtual {
	v := YMM()
	centre := r.zero == recordBy16
	if !r.super {
		if !centre {
			return r.m
		}
		VMOVUPS(r.m, v)
		VFMADD231PS(masks["float16"], steps, v)
		return v
	}
	t := YMM()
	VPMOVZXBD(r.scales.Offset(64).Idx(r.at, 1), t)
	VCVTDQ2PS(t, t)
	if centre {
		VMULPS(masks["float16"], steps, v)
	} else {
		VXORPS(v, v, v)
	}
	VFNMADD231PS(r.m, t, v)
	return v
}

// levels calls use with the levels of four columns at a time, one after the other
// in each of eight lanes: columns 4*i to 4*i+3.
func (r *reader) levels(base int, use func(i int, v VecVirtual)) {
	if r.bytes() {
		for i := range 8 {
			v := YMM()
			VMOVDQU(Mem{Base: r.w, Disp: base + 32*i}, v)
			use(i, v)
		}
		return
	}
	high := make([]VecVirtual, r.high/32)
	for i := range high {
		high[i] = YMM()
		VMOVDQU(Mem{Base: r.w, Disp: base + 32*i}, high[i])
	}
	for i := range 4 {
		low, up := YMM(), YMM()
		VMOVDQU(Mem{Base: r.w, Disp: base + r.high + 32*i}, low)
		VPSRLW(Imm(4), low, up)
		VPAND(r.low4, low, low)
		VPAND(r.low4, up, up)
		switch r.high {
		case 32:
			r.add(high[0], 4-i, low)
			r.add(high[0], -i, up)
		case 64:
			r.add(high[0], 4-2*i, low)
			r.add(high[1], 4-2*i, up)
		}
		use(i, low)
		use(i+4, up)
	}
}

// add puts high bits, shifted left, into levels.
func (r *reader) add(high VecVirtual, left int, v VecVirtual) {
	t := YMM()
	switch {
	case left > 0:
		VPSLLW(Imm(uint64(left)), high, t)
		VPAND(r.fifth, t, t)
	case left < 0:
		VPSRLW(Imm(uint64(-left)), high, t)
		VPAND(r.fifth, t, t)
	default:
		VPAND(r.fifth, high, t)
	}
	VPOR(t, v, v)
}

// levelsAt is the distance of a run's levels from the reader's pointer.
func (r *reader) levelsAt() int {
	if r.super {
		return 0
	}
	return r.header()
}

// dotOctets writes the product of one row by octets from one or two streams of memory:
// the sum for each lane is one chain of fused multiply-adds over runs in ascending order.
// A core reads two streams faster than one.
func dotOctets(g grain, streams int) {
	name := fmt.Sprintf("dot%sS%d", g.name, streams)
	text(name, "func(octets, units int, w *byte, apart int, x *byte, c *float32, add int)",
		fmt.Sprintf("%s multiplies a rounded row by octets; see the plain-Go version.", name))
	octets := Load(Param("octets"), GP64())
	units := Load(Param("units"), GP64())
	w := []Register{Load(Param("w"), GP64())}
	c := []Register{Load(Param("c"), GP64())}
	if streams > 1 {
		w = append(w, Load(Param("apart"), GP64()))
		ADDQ(w[0], w[1])
		c = append(c, GP64())
		MOVQ(octets, c[1])
		SHLQ(Imm(5), c[1])
		ADDQ(c[0], c[1])
	}
	x0 := Load(Param("x"), GP64())
	add := Load(Param("add"), GP64())
	x, n := GP64(), GP64()
	readers, acc := []*reader{newReader(g, w[0], x)}, map[*reader]VecVirtual{}
	for _, from := range w[1:] {
		readers = append(readers, readers[0].beside(from))
	}
	Label("octet")
	MOVQ(x0, x)
	MOVQ(units, n)
	for _, r := range readers {
		acc[r] = YMM()
		VXORPS(acc[r], acc[r], acc[r])
	}
	TESTQ(add, add)
	JZ(LabelRef("begin"))
	for i, r := range readers {
		VMOVUPS(Mem{Base: c[i]}, acc[r])
	}
	Label("begin")
	each(n, func(r *reader) { r.dot(acc[r]) }, readers...)
	for i, r := range readers {
		VMOVUPS(acc[r], Mem{Base: c[i]})
		ADDQ(Imm(32), c[i])
	}
	DECQ(octets)
	JNZ(LabelRef("octet"))
	end()
}

func (r *reader) dot(acc VecVirtual) {
	sums := make([]VecVirtual, 2)
	if r.zero != 0 {
		sums[0] = YMM()
		VPBROADCASTD(Mem{Base: r.x, Disp: r.zero}, sums[0])
	}
	if r.halves() {
		sums[1] = YMM()
		VPBROADCASTD(Mem{Base: r.x, Disp: r.zero + 4}, sums[1])
	}
	r.levels(r.levelsAt(), func(i int, v VecVirtual) {
		y := YMM()
		VPBROADCASTD(Mem{Base: r.x, Disp: 4 * i}, y)
		chain := i / 4
		if r.bytes() {
			// |w| times y with the sign of w: both fit, whatever w is.
			chain = i % 2
			VPSIGNB(v, y, y)
			VPABSB(v, v)
			VPMADDUBSW(y, v, y)
			VPMADDWD(masks["ones16"], y, y)
		} else {
			VPMADDUBSW(y, v, y)
		}
		switch {
		case sums[chain] == nil:
			sums[chain] = y
		case r.bytes():
			VPADDD(y, sums[chain], sums[chain])
		default:
			VPADDW(y, sums[chain], sums[chain])
		}
	})
	scale := YMM()
	VBROADCASTSS(Mem{Base: r.x, Disp: recordScale}, scale)
	if r.halves() {
		for h, sum := range sums {
			VPMADDWD(masks["ones16"], sum, sum)
			r.finish(sum, r.steps(h), scale, acc)
		}
		return
	}
	if r.bytes() {
		VPADDD(sums[1], sums[0], sums[0])
	} else {
		VPADDW(sums[1], sums[0], sums[0])
		VPMADDWD(masks["ones16"], sums[0], sums[0])
	}
	steps := r.steps(0)
	r.finish(sums[0], steps, scale, acc)
	if r.minimum {
		total := YMM()
		VBROADCASTSS(Mem{Base: r.x, Disp: recordSum}, total)
		VFMADD231PS(r.minima(steps), total, acc)
	}
}

// finish adds an integer sum times step and scale.
func (r *reader) finish(sum, steps, scale, acc VecVirtual) {
	VCVTDQ2PS(sum, sum)
	t := YMM()
	VMULPS(steps, scale, t)
	VFMADD231PS(sum, t, acc)
}

// roundRow writes the rounding of activations.
func roundRow() {
	text("roundRuns", "func(n int, x *float32, y *byte)",
		"roundRuns rounds n runs of 32 numbers; see the plain-Go version.")
	n := Load(Param("n"), GP64())
	from := Load(Param("x"), GP64())
	to := Load(Param("y"), GP64())
	Label("loop")
	v := make([]VecVirtual, 4)
	magnitude := mask("magnitude")
	most := YMM()
	for i := range v {
		v[i] = YMM()
		VMOVUPS(Mem{Base: from, Disp: 32 * i}, v[i])
		if i == 0 {
			VPAND(magnitude, v[i], most)
			continue
		}
		t := YMM()
		VPAND(magnitude, v[i], t)
		VPMAXUD(t, most, most)
	}
	top, swapped := XMM(), XMM()
	VEXTRACTI128(Imm(1), most, top)
	VPMAXUD(most.AsX(), top, top)
	VPSHUFD(Imm(0x4e), top, swapped)
	VPMAXUD(swapped, top, top)
	VPSHUFD(Imm(0xb1), top, swapped)
	VPMAXUD(swapped, top, top)
	bits := GP32()
	VMOVD(top, bits)
	scale, inverse, limit := XMM(), XMM(), XMM()
	VMOVSS(floats127(), limit)
	VDIVSS(limit, top, scale)
	VDIVSS(top, limit, inverse)
	CMPL(bits, U32(smallestBits))
	JB(LabelRef("nothing"))
	CMPL(bits, U32(0x7f800000))
	JAE(LabelRef("unbounded"))
	Label("rest")
	storeRun(v, scale, inverse, to)
	ADDQ(U32(128), from)
	ADDQ(Imm(record), to)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()

	Label("nothing")
	VXORPS(scale, scale, scale)
	JMP(LabelRef("zeros"))
	Label("unbounded")
	VPCMPEQD(scale, scale, scale) // a NaN
	Label("zeros")
	VXORPS(inverse, inverse, inverse)
	for i := range v {
		VXORPS(v[i], v[i], v[i])
	}
	JMP(LabelRef("rest"))
}

// smallestBits is smallestRun in the package.
const smallestBits = 0x0d800000 // 2^-100

func floats127() Mem {
	if _, ok := masks["float127"]; !ok {
		masks["float127"] = GLOBL("float127", attr.RODATA|attr.NOPTR)
		DATA(0, U32(0x42fe0000))
	}
	return masks["float127"]
}

// storeRun rounds 32 numbers and writes their record.
func storeRun(v []VecVirtual, scale, inverse VecVirtual, to Register) {
	by := YMM()
	VBROADCASTSS(inverse, by)
	for i := range v {
		VMULPS(by, v[i], v[i])
		VCVTPS2DQ(v[i], v[i])
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	order := mask("order")
	VPERMD(v[0], order, v[0])
	VMOVDQU(v[0], Mem{Base: to})
	VMOVSS(scale, Mem{Base: to, Disp: recordScale})
	// Sums of pairs, then of the pairs that fall on the same word.
	pairs, t := mask("ones8"), YMM()
	VPMADDUBSW(v[0], pairs, pairs)
	for _, swap := range []uint64{0x4e, 0xb1} {
		VPSHUFD(Imm(swap), pairs, t)
		VPADDW(t, pairs, pairs)
	}
	first, second, all := XMM(), XMM(), XMM()
	VEXTRACTI128(Imm(1), pairs, second)
	VMOVDQA(pairs.AsX(), first)
	VPADDW(second, first, all)
	zero := XMM()
	VPXOR(zero, zero, zero)
	put := func(v VecVirtual, shift uint64, disp int) {
		t := XMM()
		VPSLLW(Imm(shift), v, t)
		VPSUBW(t, zero, t)
		VMOVD(t, Mem{Base: to, Disp: disp})
	}
	put(all, 3, recordBy8)
	put(all, 4, recordBy16)
	put(first, 5, recordBy32)
	put(second, 5, recordBy32+4)
	VPMADDWD(masks["ones16"], all, all)
	for i, shift := range []uint64{4, 7} {
		t := XMM()
		VPSLLD(Imm(shift), all, t)
		VPSUBD(t, zero, t)
		VMOVD(t, Mem{Base: to, Disp: recordWide + 4*i})
	}
	VCVTDQ2PS(all, all)
	VMULSS(scale, all, all)
	VMOVSS(all, Mem{Base: to, Disp: recordSum})
}
