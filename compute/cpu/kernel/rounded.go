package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// recordBytes is what a run of a rounded row takes: a cache line.
//
//	 0  32 levels, signed bytes
//	32  scale, float32
//	36  scale times the sum of levels, float32
//	40  -8, -16 times the sums of levels, as two 16-bit words each: of the columns
//	    whose number ends in binary 0x, and of the others
//	48  -32 times those sums of columns 0 to 15, then 16 to 31
//	56  -16 and -128 times the sum of levels, as 32-bit words
//
// The sums start the accumulators of products with levels whose zero is 8, 16, 32 or
// 128. A product of 32 levels overflows 16 bits on the way, but the end result, with
// the zero taken off, fits, and arithmetic there is modulo 2^16.
const recordBytes = 64

// smallestRun is the largest magnitude from which on a run is not all zero: its
// inverse must be finite.
const smallestRun = 1.0 / (1 << 50) / (1 << 50)

// Rounded is a matrix [M, K] of activations, each run of 32 columns rounded to
// multiples of 1/127 of its largest magnitude, nearest, ties to even. A run with an
// infinity or a NaN makes its whole row NaN; a run of magnitudes below 2^-100 is
// zero. K is a multiple of 32.
type Rounded struct {
	M, K int
	Data []byte
}

// stride is the distance of rows in bytes. Rows a power of two apart would share few
// sets of the first-level cache.
func (x *Rounded) stride() int { return (x.K/Run | 1) * recordBytes }

// RoundedBytes returns the length of Rounded.Data for [m, k].
func RoundedBytes(m, k int) int { return m * (k/Run | 1) * recordBytes }

func (x *Rounded) check() {
	if x.M < 0 || x.K < 0 || x.K%Run != 0 || len(x.Data) < RoundedBytes(x.M, x.K) {
		panic(fmt.Sprintf("kernel: rounded rows [%d, %d] in %d bytes", x.M, x.K, len(x.Data)))
	}
}

// RoundRows writes rows i0 to i1 of dst. src holds these rows, ld numbers apart.
// Calls for disjoint ranges may run at the same time.
func RoundRows(dst *Rounded, src []float32, ld, i0, i1 int) {
	dst.check()
	if i0 < 0 || i1 > dst.M {
		panic(fmt.Sprintf("kernel: round rows %d to %d of %d", i0, i1, dst.M))
	}
	if i0 >= i1 || dst.K == 0 {
		return
	}
	checkMatrix("rows to round", src, ld, i1-i0, dst.K)
	for i := i0; i < i1; i++ {
		active.quant.round(dst.K/Run, &src[(i-i0)*ld], &dst.Data[i*dst.stride()])
	}
}

// roundRun writes the record of 32 numbers.
func roundRun(x *[Run]float32, to *[recordBytes]byte) {
	var most uint32
	for _, v := range x {
		most = max(most, math.Float32bits(v)&0x7fffffff) // a NaN is above infinity
	}
	top := math.Float32frombits(most)
	scale, inverse := top/127, 127/top
	clear(to[:])
	switch {
	case most >= 0x7f800000:
		putWord(to[32:], 0xffffffff)
		putWord(to[36:], 0xffffffff)
		return
	case top < smallestRun:
		return
	}
	var sum [2][2]int
	for i, v := range x {
		level := int(math.RoundToEven(float64(v * inverse)))
		to[i] = byte(int8(level))
		sum[i/16][i%4/2] += level
	}
	all := [2]int{sum[0][0] + sum[1][0], sum[0][1] + sum[1][1]}
	put := func(at int, pair [2]int, by int) {
		binary.LittleEndian.PutUint16(to[at:], uint16(int16(-by*pair[0])))
		binary.LittleEndian.PutUint16(to[at+2:], uint16(int16(-by*pair[1])))
	}
	putWord(to[32:], math.Float32bits(scale))
	putWord(to[36:], math.Float32bits(float32(all[0]+all[1])*scale))
	put(40, all, 8)
	put(44, all, 16)
	put(48, sum[0], 32)
	put(52, sum[1], 32)
	putWord(to[56:], uint32(-16*(all[0]+all[1])))
	putWord(to[60:], uint32(-128*(all[0]+all[1])))
}
