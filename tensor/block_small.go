package tensor

import (
	"encoding/binary"
	"math"
)

// Blocks of 32 elements. Each begins with a half-precision scale d; the _1 formats
// go on with a half-precision minimum m. Then, in the 5-bit formats, 32 bits hold
// the elements' fifth bits, element 0 lowest. Nibbles come last: byte i holds
// element i below and element i+16 above.
//
// Products are rounded before a sum, as explicit conversions demand: the reference
// does not fuse them.

func decodeQ4_0(dst []float32, src []byte) {
	d, q := half(src), src[2:18]
	for i, b := range q {
		dst[i] = d * float32(int(b&15)-8)
		dst[i+16] = d * float32(int(b>>4)-8)
	}
}

func decodeQ4_1(dst []float32, src []byte) {
	d, m, q := half(src), half(src[2:]), src[4:20]
	for i, b := range q {
		dst[i] = float32(d*float32(b&15)) + m
		dst[i+16] = float32(d*float32(b>>4)) + m
	}
}

func decodeQ5_0(dst []float32, src []byte) {
	d, high, q := half(src), binary.LittleEndian.Uint32(src[2:]), src[6:22]
	for i, b := range q {
		dst[i] = d * float32(int(uint32(b&15)|high>>i&1<<4)-16)
		dst[i+16] = d * float32(int(uint32(b>>4)|high>>(i+16)&1<<4)-16)
	}
}

func decodeQ5_1(dst []float32, src []byte) {
	d, m, high, q := half(src), half(src[2:]), binary.LittleEndian.Uint32(src[4:]), src[8:24]
	for i, b := range q {
		dst[i] = float32(d*float32(uint32(b&15)|high>>i&1<<4)) + m
		dst[i+16] = float32(d*float32(uint32(b>>4)|high>>(i+16)&1<<4)) + m
	}
}

func decodeQ8_0(dst []float32, src []byte) {
	d, q := half(src), src[2:34]
	for i, b := range q {
		dst[i] = d * float32(int8(b))
	}
}

// inverse returns 1/d, and 0 where that is not finite: such a block is zero in half
// precision anyway.
func inverse(d float32) float32 {
	if id := 1 / d; d != 0 && !math.IsInf(float64(id), 0) {
		return id
	}
	return 0
}

// signedLevels quantises a block to levels 0 ... 2*half-1 that stand for -half ...
// half-1. The element of the largest magnitude, the first of several, becomes
// -half exactly. It stores the scale in dst.
func signedLevels(level *[smallBlock]uint8, dst []byte, src []float32, half float32) {
	most := src[0] // with its sign, even that of zero
	for _, x := range src {
		if abs(x) > abs(most) {
			most = x
		}
	}
	d := most / -half
	id := inverse(d)
	putHalf(dst, d)
	for i, x := range src[:smallBlock] {
		level[i] = uint8(min(max(float32(x*id)+(half+0.5), 0), 2*half-1))
	}
}

// rangeLevels quantises a block to levels 0 ... top between its smallest and largest
// element, and stores scale and minimum in dst.
func rangeLevels(level *[smallBlock]uint8, dst []byte, src []float32, top float32) {
	lo, hi := src[0], src[0]
	for _, x := range src {
		lo, hi = min(lo, x), max(hi, x)
	}
	d := (hi - lo) / top
	id := inverse(d)
	putHalf(dst, d)
	putHalf(dst[2:], lo)
	for i, x := range src[:smallBlock] {
		level[i] = uint8(min(float32((x-lo)*id)+0.5, top))
	}
}

func putNibbles(dst []byte, level *[smallBlock]uint8) {
	for i := range dst[:16] {
		dst[i] = level[i]&15 | level[i+16]<<4
	}
}

func putFifthBits(dst []byte, level *[smallBlock]uint8) {
	var high uint32
	for i, l := range level {
		high |= uint32(l>>4) << i
	}
	binary.LittleEndian.PutUint32(dst, high)
}

func encodeQ4_0(dst []byte, src []float32) {
	var level [smallBlock]uint8
	signedLevels(&level, dst, src, 8)
	putNibbles(dst[2:], &level)
}

func encodeQ4_1(dst []byte, src []float32) {
	var level [smallBlock]uint8
	rangeLevels(&level, dst, src, 15)
	putNibbles(dst[4:], &level)
}

func encodeQ5_0(dst []byte, src []float32) {
	var level [smallBlock]uint8
	signedLevels(&level, dst, src, 16)
	putFifthBits(dst[2:], &level)
	putNibbles(dst[6:], &level)
}

func encodeQ5_1(dst []byte, src []float32) {
	var level [smallBlock]uint8
	rangeLevels(&level, dst, src, 31)
	putFifthBits(dst[4:], &level)
	putNibbles(dst[8:], &level)
}

func encodeQ8_0(dst []byte, src []float32) {
	var most float32
	for _, x := range src {
		most = max(most, abs(x))
	}
	d := most / 127
	id := inverse(d)
	putHalf(dst, d)
	for i, x := range src[:smallBlock] {
		dst[2+i] = byte(int8(math.Round(float64(x * id))))
	}
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
