package tensor

import "math"

// BF16ToF32 widens a bfloat16. It is exact.
func BF16ToF32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN stays a quiet
// NaN and keeps its sign.
func F32ToBF16(f float32) uint16 {
	u := math.Float32bits(f)
	if u&0x7fffffff > 0x7f800000 {
		return uint16(u>>16) | 0x0040
	}
	return uint16((u + 0x7fff + (u>>16)&1) >> 16)
}

// F16ToF32 widens an IEEE binary16. It is exact.
func F16ToF32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 31
	frac := uint32(h) & 1023
	switch exp {
	case 0:
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// F32ToF16 rounds to the nearest IEEE binary16, ties to even. Values past the
// largest half become infinities; a NaN stays a quiet NaN.
func F32ToF16(f float32) uint16 {
	u := math.Float32bits(f)
	sign := uint16(u>>16) & 0x8000
	u &= 0x7fffffff
	switch {
	case u > 0x7f800000:
		return sign | 0x7e00 | uint16(u>>13)&0x3ff
	case u >= 0x477ff000: // 65520 rounds to infinity
		return sign | 0x7c00
	case u < 0x38800000: // below 2^-14: subnormal, the adder rounds for us
		v := math.Float32frombits(u) + 0.5
		return sign | uint16(math.Float32bits(v)-0x3f000000)
	}
	u += 0xc8000fff + (u>>13)&1
	return sign | uint16(u>>13)
}

// F8E4M3ToF32 widens an OCP float8 with 4 exponent bits (bias 7). It is exact.
func F8E4M3ToF32(b uint8) float32 {
	sign := uint32(b>>7) << 31
	exp := uint32(b>>3) & 15
	frac := uint32(b) & 7
	switch {
	case exp == 15 && frac == 7:
		return math.Float32frombits(sign | 0x7fc00000)
	case exp == 0:
		f := float32(frac) / (1 << 9)
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | (exp+120)<<23 | frac<<20)
}

// F8E5M2ToF32 widens an OCP float8 with 5 exponent bits. It is exact: the
// format is the upper half of an IEEE binary16.
func F8E5M2ToF32(b uint8) float32 { return F16ToF32(uint16(b) << 8) }
