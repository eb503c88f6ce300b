package compute

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/troikaml/troika/tensor"
)

// PageTokens is the number of tokens a cache page holds. Attention always works
// through keys in blocks of this many, counted from the start of a sequence, so
// that chunking and caching leave the bits alone.
const PageTokens = 64

// KVSpec is the size of a key/value cache, and the type it keeps values in.
type KVSpec struct {
	Layers, Heads, Dim int // Heads counts key/value heads
	Pages              int // pages of PageTokens tokens, shared by all sequences
	// DType is F32, F16 or Q8_0; Invalid, the zero value, is F32. Keys and values are
	// rounded once, when they are stored: attention reads what was kept.
	DType tensor.DType
}

// KV is a paged key/value cache on a device. Different pages may be written from
// different goroutines.
type KV interface {
	// Spec returns the cache's size.
	Spec() KVSpec
	// Put stores key and value of one head, Dim values each, as [KVSpec.Pack] rounds
	// them.
	Put(layer int, page int32, slot, head int, key, value []float32)
	// Get loads them.
	Get(layer int, page int32, slot, head int, key, value []float32)
	// CopyPage copies a page in every layer.
	CopyPage(dst, src int32)
	// Free gives the memory back.
	Free()
}

// Type returns what values are kept in.
func (s KVSpec) Type() tensor.DType {
	if s.DType == tensor.Invalid {
		return tensor.F32
	}
	return s.DType
}

// Check reports an extent below 1, a type that no cache has, and heads that are not
// whole blocks of Q8_0.
func (s KVSpec) Check() error {
	if s.Layers < 1 || s.Heads < 1 || s.Dim < 1 || s.Pages < 1 {
		return fmt.Errorf("make cache: %+v has an extent below 1", s)
	}
	switch s.Type() {
	case tensor.F32, tensor.F16, tensor.Q8_0:
	default:
		return fmt.Errorf("make cache: keys and values cannot be kept in %s, only in F32, F16 or Q8_0", s.DType)
	}
	if s.Packed() < 0 {
		return fmt.Errorf("make cache: heads of %d values are no whole blocks of %s; take F16", s.Dim, s.DType)
	}
	return nil
}

// Packed returns the bytes of one head's key or value, below 0 where they are no whole
// blocks.
func (s KVSpec) Packed() int { return s.Type().Bytes(s.Dim) }

// Bytes returns what the cache takes at least.
func (s KVSpec) Bytes() int64 {
	return 2 * int64(s.Layers) * int64(s.Heads) * int64(s.Pages) * PageTokens * int64(s.Packed())
}

// Pack writes to dst, of [KVSpec.Packed] bytes, what a cache keeps of Dim values: F16
// rounds to the nearest half, those past the largest to that; Q8_0 is the block format of
// that name. A block with a value that it cannot hold, such as a NaN, becomes all NaN.
func (s KVSpec) Pack(dst []byte, src []float32) {
	switch s.Type() {
	case tensor.F16:
		for i, v := range src[:s.Dim] {
			binary.LittleEndian.PutUint16(dst[2*i:], tensor.F32ToF16(saturate(v)))
		}
	case tensor.Q8_0:
		const values, size = 32, 34
		for i := 0; i < s.Dim; i += values {
			block := dst[i/values*size:][:size]
			if tensor.Quantize(tensor.Q8_0, block, src[i:i+values]) != nil {
				clear(block)
				binary.LittleEndian.PutUint16(block, nanHalf)
			}
		}
	default:
		for i, v := range src[:s.Dim] {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	}
}

const (
	largestHalf = 65504
	nanHalf     = 0x7e00
)

// saturate keeps what is finite finite in half precision.
func saturate(v float32) float32 {
	if !math.IsInf(float64(v), 0) { // a NaN stays one
		return max(-largestHalf, min(v, largestHalf))
	}
	return v
}

// Unpack is the reverse of Pack.
func (s KVSpec) Unpack(dst []float32, src []byte) {
	switch s.Type() {
	case tensor.F16:
		for i := range dst[:s.Dim] {
			dst[i] = tensor.F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case tensor.Q8_0:
		if err := tensor.Dequantize(tensor.Q8_0, dst[:s.Dim], src[:s.Packed()]); err != nil {
			Fail("cache", "%v", err)
		}
	default:
		for i := range dst[:s.Dim] {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	}
}
