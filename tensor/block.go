package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The number of elements in a block of each family.
const (
	smallBlock = 32
	superBlock = 256
)

// blockFormat is what a block format defines. Both functions work on one block and
// index nothing outside it.
type blockFormat struct {
	elems, bytes int
	decode       func(dst []float32, src []byte)
	encode       func(dst []byte, src []float32)
}

// format returns the definition of a block format, nil for another dtype.
func (d DType) format() *blockFormat {
	if d < Q4_0 || d > Q6K {
		return nil
	}
	return &blockFormats[d-Q4_0]
}

var blockFormats = [...]blockFormat{
	0:           {smallBlock, 18, decodeQ4_0, encodeQ4_0},
	Q4_1 - Q4_0: {smallBlock, 20, decodeQ4_1, encodeQ4_1},
	Q5_0 - Q4_0: {smallBlock, 22, decodeQ5_0, encodeQ5_0},
	Q5_1 - Q4_0: {smallBlock, 24, decodeQ5_1, encodeQ5_1},
	Q8_0 - Q4_0: {smallBlock, 34, decodeQ8_0, encodeQ8_0},
	Q4K - Q4_0:  {superBlock, 144, decodeQ4K, encodeQ4K},
	Q5K - Q4_0:  {superBlock, 176, decodeQ5K, encodeQ5K},
	Q6K - Q4_0:  {superBlock, 210, decodeQ6K, encodeQ6K},
}

// Dequantize decodes whole blocks: len(dst) elements from d.Bytes(len(dst)) bytes
// of src. The values are those of the numpy reference in the gguf package of
// Python, bit for bit.
func Dequantize(d DType, dst []float32, src []byte) error {
	f := d.format()
	if f == nil {
		return fmt.Errorf("dequantize %s: not a block format", d)
	}
	if d.Bytes(len(dst)) != len(src) {
		return fmt.Errorf("dequantize %s: %d elements from %d bytes", d, len(dst), len(src))
	}
	for i := range len(dst) / f.elems {
		f.decode(dst[i*f.elems:][:f.elems], src[i*f.bytes:][:f.bytes])
	}
	return nil
}

// Quantize encodes whole blocks: d.Bytes(len(src)) bytes of dst from the elements
// of src. Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 give the bytes of the numpy reference;
// Q4_K, Q5_K and Q6_K, which have none, a smaller squared error than llama.cpp's.
// A value that is not finite, or too large for the half-precision scale of its
// block, is an error that tells its index.
func Quantize(d DType, dst []byte, src []float32) error {
	f := d.format()
	if f == nil {
		return fmt.Errorf("quantize to %s: not a block format", d)
	}
	if d.Bytes(len(src)) != len(dst) {
		return fmt.Errorf("quantize to %s: %d elements into %d bytes", d, len(src), len(dst))
	}
	for i, x := range src {
		// The comparison is false for a NaN.
		if !(math.Abs(float64(x)) < maxQuantized) {
			return fmt.Errorf("quantize to %s: element %d is %g, which no scale can hold", d, i, x)
		}
	}
	for i := range len(src) / f.elems {
		f.encode(dst[i*f.bytes:][:f.bytes], src[i*f.elems:][:f.elems])
	}
	return nil
}

// maxQuantized bounds the values that can be quantised: minima are stored as
// halves, whose largest value is this.
const maxQuantized = 65504

// decodeBlocks fills dst from element first on, which may lie within a block.
func (f *blockFormat) decodeBlocks(dst []float32, src []byte, first int) {
	var block [superBlock]float32
	for len(dst) > 0 {
		skip := first % f.elems
		from := src[first/f.elems*f.bytes:][:f.bytes]
		n := f.elems
		if skip == 0 && len(dst) >= f.elems {
			f.decode(dst[:f.elems], from)
		} else {
			f.decode(block[:f.elems], from)
			n = copy(dst, block[skip:f.elems])
		}
		dst, first = dst[n:], first+n
	}
}

func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func putHalf(b []byte, x float32) { binary.LittleEndian.PutUint16(b, F32ToF16(x)) }
