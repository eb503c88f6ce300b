package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Tensor is a dense row-major array in host memory. Data holds
// DType.Bytes(Elems(Shape)) bytes, little-endian; it may be a read-only memory
// map, so only the tensor's maker may write to it. With a block format the last
// extent is a multiple of the block's length.
type Tensor struct {
	DType DType
	Shape []int
	Data  []byte
}

// Elems returns the number of elements of a shape; a scalar's empty shape
// has one. It does not check for overflow: shapes from files are checked where
// they are read.
func Elems(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// FromFloat32s makes an F32 tensor that copies v. len(v) must equal the
// product of shape; anything else is a programmer's mistake and panics.
func FromFloat32s(v []float32, shape ...int) Tensor {
	if len(v) != Elems(shape) {
		panic(fmt.Sprintf("tensor: %d values for shape %v", len(v), shape))
	}
	data := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
	}
	return Tensor{DType: F32, Shape: slices.Clone(shape), Data: data}
}

// Len returns the number of elements.
func (t Tensor) Len() int { return Elems(t.Shape) }

// Float32s returns a new slice with every element widened or rounded to
// float32. It fails for integer and boolean tensors.
func (t Tensor) Float32s() ([]float32, error) {
	out := make([]float32, t.Len())
	if err := t.DecodeFloat32s(out, 0); err != nil {
		return nil, err
	}
	return out, nil
}

// DecodeFloat32s fills dst with len(dst) elements from element first on.
func (t Tensor) DecodeFloat32s(dst []float32, first int) error {
	if f := t.DType.format(); f != nil {
		if first < 0 || (first+len(dst)+f.elems-1)/f.elems*f.bytes > len(t.Data) {
			return fmt.Errorf("decode %s tensor %v: elements %d to %d are not in its %d bytes",
				t.DType, t.Shape, first, first+len(dst), len(t.Data))
		}
		f.decodeBlocks(dst, t.Data, first)
		return nil
	}
	size := t.DType.Size()
	if size == 0 || first < 0 || (first+len(dst))*size > len(t.Data) {
		return fmt.Errorf("decode %s tensor %v: elements %d to %d are not in its %d bytes",
			t.DType, t.Shape, first, first+len(dst), len(t.Data))
	}
	src := t.Data[first*size : (first+len(dst))*size]
	switch t.DType {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case F8E4M3:
		for i := range dst {
			dst[i] = F8E4M3ToF32(src[i])
		}
	case F8E5M2:
		for i := range dst {
			dst[i] = F8E5M2ToF32(src[i])
		}
	default:
		return fmt.Errorf("decode %s tensor %v: not a floating-point dtype", t.DType, t.Shape)
	}
	return nil
}

// Matrix returns the dimensions of a matrix. A tensor of other rank, rows that are no
// whole blocks of the dtype, and data of another length than they need are errors.
func (t Tensor) Matrix() (rows, cols int, err error) {
	if len(t.Shape) != 2 || t.Shape[0] < 0 || t.Shape[1] < 0 {
		return 0, 0, fmt.Errorf("shape %v is not a matrix", t.Shape)
	}
	rows, cols = t.Shape[0], t.Shape[1]
	if t.DType.Bytes(cols) < 0 {
		return 0, 0, fmt.Errorf("%s %v: rows of %d are no whole blocks", t.DType, t.Shape, cols)
	}
	if need := t.DType.Bytes(t.Len()); len(t.Data) != need {
		return 0, 0, fmt.Errorf("%s %v has %d bytes, want %d", t.DType, t.Shape, len(t.Data), need)
	}
	return rows, cols, nil
}

// Encode returns t's elements as dtype d: F32, F16 or BF16, rounded to nearest
// even, or a block format, see [Quantize]. A tensor that already has that dtype is
// returned as it is.
func (t Tensor) Encode(d DType) (Tensor, error) {
	if t.DType == d {
		return t, nil
	}
	v, err := t.Float32s()
	if err != nil {
		return Tensor{}, err
	}
	out := Tensor{DType: d, Shape: slices.Clone(t.Shape)}
	switch d {
	case F32:
		return FromFloat32s(v, t.Shape...), nil
	case F16, BF16:
		round := F32ToBF16
		if d == F16 {
			round = F32ToF16
		}
		out.Data = make([]byte, 2*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint16(out.Data[2*i:], round(x))
		}
		return out, nil
	default:
		if n := len(t.Shape); !d.Quantized() || n == 0 || d.Bytes(t.Shape[n-1]) < 0 {
			return Tensor{}, fmt.Errorf("encode tensor %v: %s is not a target dtype of this shape", t.Shape, d)
		}
		out.Data = make([]byte, d.Bytes(len(v)))
		return out, Quantize(d, out.Data, v)
	}
}
