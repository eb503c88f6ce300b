package tensor

import "fmt"

// DType is the format of one element.
type DType uint8

// The element formats, named as safetensors names them.
const (
	Invalid DType = iota
	F32           // IEEE 754 binary32
	F16           // IEEE 754 binary16
	BF16          // the upper half of a binary32
	F64           // IEEE 754 binary64
	I8
	I16
	I32
	I64
	U8
	U16
	U32
	U64
	Bool   // one byte, 0 or 1
	F8E4M3 // OCP 8-bit float, 4 exponent bits, no infinities
	F8E5M2 // OCP 8-bit float, 5 exponent bits
)

// The block formats of GGUF, named as ggml names them. Elements are stored in
// blocks along the innermost extent, which is a multiple of the block's length:
// see [DType.Block], and the file of each format for its layout.
const (
	Q4_0 DType = iota + F8E5M2 + 1 // 4 bits, one scale for 32
	Q4_1                           // 4 bits, scale and minimum for 32
	Q5_0                           // 5 bits, one scale for 32
	Q5_1                           // 5 bits, scale and minimum for 32
	Q8_0                           // 8 bits, one scale for 32
	Q4K                            // 4 bits, blocks of 256 with 6-bit scales and minima for 32
	Q5K                            // 5 bits, the same
	Q6K                            // 6 bits, blocks of 256 with 8-bit scales for 16
)

var dtypes = [...]struct {
	name string
	size int // of one element; 0 when it is stored in blocks
}{
	Invalid: {"INVALID", 0},
	F32:     {"F32", 4},
	F16:     {"F16", 2},
	BF16:    {"BF16", 2},
	F64:     {"F64", 8},
	I8:      {"I8", 1},
	I16:     {"I16", 2},
	I32:     {"I32", 4},
	I64:     {"I64", 8},
	U8:      {"U8", 1},
	U16:     {"U16", 2},
	U32:     {"U32", 4},
	U64:     {"U64", 8},
	Bool:    {"BOOL", 1},
	F8E4M3:  {"F8_E4M3", 1},
	F8E5M2:  {"F8_E5M2", 1},
	Q4_0:    {"Q4_0", 0},
	Q4_1:    {"Q4_1", 0},
	Q5_0:    {"Q5_0", 0},
	Q5_1:    {"Q5_1", 0},
	Q8_0:    {"Q8_0", 0},
	Q4K:     {"Q4_K", 0},
	Q5K:     {"Q5_K", 0},
	Q6K:     {"Q6_K", 0},
}

// String returns the name that safetensors uses, such as "BF16", or ggml for a
// block format, such as "Q4_K".
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Size returns the bytes of one element: 0 for an invalid dtype, and for one
// whose elements have no bytes of their own, see [DType.Block].
func (d DType) Size() int {
	if int(d) < len(dtypes) {
		return dtypes[d].size
	}
	return 0
}

// Block returns how many elements are stored together, and in how many bytes: 1
// and Size for plain formats, (0, 0) for an invalid dtype.
func (d DType) Block() (elems, bytes int) {
	if f := d.format(); f != nil {
		return f.elems, f.bytes
	}
	if d.Size() == 0 {
		return 0, 0
	}
	return 1, d.Size()
}

// Quantized reports whether d is a block format.
func (d DType) Quantized() bool { return d.format() != nil }

// Bytes returns the storage of n elements that follow each other, where n is a
// multiple of the block's length; like [Elems] it does not check for overflow. It
// returns -1 for an invalid dtype and for a part of a block.
func (d DType) Bytes(n int) int {
	elems, bytes := d.Block()
	if elems == 0 || n%elems != 0 {
		return -1
	}
	return n / elems * bytes
}

// ParseDType returns the dtype of a name, as String gives it.
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if d != int(Invalid) && t.name == name {
			return DType(d), nil
		}
	}
	return Invalid, fmt.Errorf("unknown dtype %q", name)
}
