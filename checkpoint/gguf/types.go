package gguf

import (
	"errors"

	"github.com/troikaml/troika/tensor"
)

// One error for each broken invariant; every error of this package about a file's
// content wraps one of them.
var (
	// ErrMagic: the file does not begin with "GGUF".
	ErrMagic = errors.New("not a GGUF file")
	// ErrVersion: a version or byte order that is not read.
	ErrVersion = errors.New("unsupported GGUF version")
	// ErrShort: the file ends early, or a count promises more than it holds.
	ErrShort = errors.New("file is cut")
	// ErrMetadata: a key or a value that breaks the format.
	ErrMetadata = errors.New("malformed metadata")
	// ErrAlignment: general.alignment is not a power of two.
	ErrAlignment = errors.New("bad alignment")
	// ErrTensor: a tensor's description breaks the format.
	ErrTensor = errors.New("malformed tensor description")
	// ErrOffset: a tensor is not aligned, lies past the end, or overlaps another.
	ErrOffset = errors.New("offset out of range")
	// ErrType: a tensor's type is unknown, or known and not supported.
	ErrType = errors.New("unsupported tensor type")
	// ErrSplit: the files of a split checkpoint do not fit together.
	ErrSplit = errors.New("split files do not match")
	// ErrNoKey: the metadata has no such key.
	ErrNoKey = errors.New("no such key")
)

const (
	magic   = "GGUF"
	version = 3
	// Alignment is where tensors begin unless the key general.alignment says so.
	Alignment    = 32
	alignmentKey = "general.alignment"
	// maxDims and maxName are ggml's limits: GGML_MAX_DIMS, and GGML_MAX_NAME with
	// its terminating zero.
	maxDims = 4
	maxName = 63
)

// ggmlType is a tensor's type as ggml numbers it.
type ggmlType struct {
	name         string
	elems, bytes int          // of a block
	dtype        tensor.DType // Invalid when package tensor does not hold it
}

// ggmlTypes lists the types of ggml 0.25; numbers without a name were withdrawn.
var ggmlTypes = [...]ggmlType{
	0:  {"F32", 1, 4, tensor.F32},
	1:  {"F16", 1, 2, tensor.F16},
	2:  {"Q4_0", 32, 18, tensor.Q4_0},
	3:  {"Q4_1", 32, 20, tensor.Q4_1},
	6:  {"Q5_0", 32, 22, tensor.Q5_0},
	7:  {"Q5_1", 32, 24, tensor.Q5_1},
	8:  {"Q8_0", 32, 34, tensor.Q8_0},
	9:  {name: "Q8_1", elems: 32, bytes: 36},
	10: {name: "Q2_K", elems: 256, bytes: 84},
	11: {name: "Q3_K", elems: 256, bytes: 110},
	12: {"Q4_K", 256, 144, tensor.Q4K},
	13: {"Q5_K", 256, 176, tensor.Q5K},
	14: {"Q6_K", 256, 210, tensor.Q6K},
	15: {name: "Q8_K", elems: 256, bytes: 292},
	16: {name: "IQ2_XXS", elems: 256, bytes: 66},
	17: {name: "IQ2_XS", elems: 256, bytes: 74},
	18: {name: "IQ3_XXS", elems: 256, bytes: 98},
	19: {name: "IQ1_S", elems: 256, bytes: 50},
	20: {name: "IQ4_NL", elems: 32, bytes: 18},
	21: {name: "IQ3_S", elems: 256, bytes: 110},
	22: {name: "IQ2_S", elems: 256, bytes: 82},
	23: {name: "IQ4_XS", elems: 256, bytes: 136},
	24: {"I8", 1, 1, tensor.I8},
	25: {"I16", 1, 2, tensor.I16},
	26: {"I32", 1, 4, tensor.I32},
	27: {"I64", 1, 8, tensor.I64},
	28: {"F64", 1, 8, tensor.F64},
	29: {name: "IQ1_M", elems: 256, bytes: 56},
	30: {"BF16", 1, 2, tensor.BF16},
	34: {name: "TQ1_0", elems: 256, bytes: 54},
	35: {name: "TQ2_0", elems: 256, bytes: 66},
	39: {name: "MXFP4", elems: 32, bytes: 17},
	40: {name: "NVFP4", elems: 64, bytes: 36},
	41: {name: "Q1_0", elems: 128, bytes: 18},
	42: {name: "Q2_0", elems: 64, bytes: 18},
}

// typeNumber returns ggml's number of a dtype, or -1.
func typeNumber(d tensor.DType) int {
	for n, t := range ggmlTypes {
		if t.dtype == d && d != tensor.Invalid {
			return n
		}
	}
	return -1
}
