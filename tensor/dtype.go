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

var dtypes = [...]struct {
	name string
	size int
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
}

// String returns the name that safetensors uses, such as "BF16".
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Size returns the bytes of one element, 0 for an invalid dtype.
func (d DType) Size() int {
	if int(d) < len(dtypes) {
		return dtypes[d].size
	}
	return 0
}

// ParseDType returns the dtype of a safetensors name.
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if d != int(Invalid) && t.name == name {
			return DType(d), nil
		}
	}
	return Invalid, fmt.Errorf("unknown dtype %q", name)
}
