package compute

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/troikaml/troika/tensor"
)

// Spec is the dtype and shape of a tensor. Devices compute with F32 values and
// I32 indices.
type Spec struct {
	DType tensor.DType
	Shape []int
}

// Float returns the Spec of an F32 tensor.
func Float(shape ...int) Spec { return Spec{DType: tensor.F32, Shape: shape} }

// Int returns the Spec of an I32 tensor.
func Int(shape ...int) Spec { return Spec{DType: tensor.I32, Shape: shape} }

// Len returns the number of elements.
func (s Spec) Len() int { return tensor.Elems(s.Shape) }

// Equal reports whether both have the same dtype and shape.
func (s Spec) Equal(o Spec) bool { return s.DType == o.DType && slices.Equal(s.Shape, o.Shape) }

// String returns, for example, "F32[4 896]".
func (s Spec) String() string { return fmt.Sprintf("%s%v", s.DType, s.Shape) }

// Memory is a device's storage behind one or more tensors, counted by
// references. Only devices look inside Data.
type Memory struct {
	Data any
	refs atomic.Int32
}

// NewMemory returns storage with one reference.
func NewMemory(data any) *Memory {
	m := &Memory{Data: data}
	m.refs.Store(1)
	return m
}

// Release drops a reference and reports whether it was the last.
func (m *Memory) Release() bool {
	n := m.refs.Add(-1)
	if n < 0 {
		panic("compute: memory released twice")
	}
	return n == 0
}

// Tensor is a handle to dense row-major values on a device. Its identity is the
// pointer: the tape knows a value by it. Handles are made by devices and by
// [Tensor.Reshape] and [Tensor.Retain]; each is freed once by [Device.Free].
type Tensor struct {
	Spec
	Mem *Memory
}

// NewTensor returns the first handle to a device's storage, as a tensor over
// [NewMemory] in a single allocation.
func NewTensor(s Spec, data any) *Tensor {
	h := &struct {
		t Tensor
		m Memory
	}{t: Tensor{Spec: s}, m: Memory{Data: data}}
	h.m.refs.Store(1)
	h.t.Mem = &h.m
	return &h.t
}

// Reshape returns another handle to the same memory with another shape of equal
// size.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	if tensor.Elems(shape) != t.Len() {
		Fail("reshape", "%v to %v", t.Spec, shape)
	}
	t.Mem.refs.Add(1)
	return &Tensor{Spec: Spec{DType: t.DType, Shape: slices.Clone(shape)}, Mem: t.Mem}
}

// Retain returns another handle to the same memory, so that the memory lives
// until both handles are freed.
func (t *Tensor) Retain() *Tensor { return t.Reshape(t.Shape...) }

// Shared reports whether other handles refer to the same memory, so that writing
// into it would be seen through them.
func (t *Tensor) Shared() bool { return t.Mem.refs.Load() > 1 }

// Rows returns the product of all extents but the last, and the last: a tensor
// seen as a matrix.
func (s Spec) Rows() (rows, cols int) {
	if len(s.Shape) == 0 {
		return 1, 1
	}
	cols = s.Shape[len(s.Shape)-1]
	return tensor.Elems(s.Shape[:len(s.Shape)-1]), cols
}

// ShapeError reports that an operator was given tensors or attributes that do
// not fit together.
type ShapeError struct {
	Op     string
	Detail string
}

func (e *ShapeError) Error() string { return "operator " + e.Op + ": " + e.Detail }

// Fail panics with a *ShapeError.
func Fail(op, format string, args ...any) {
	panic(&ShapeError{Op: op, Detail: fmt.Sprintf(format, args...)})
}

// Recover turns a *ShapeError that is being panicked into an error. Use it in a
// deferred call at the border of a package that runs operators:
//
//	defer compute.Recover(&err)
//
// Any other panic goes on.
func Recover(err *error) {
	switch r := recover().(type) {
	case nil:
	case *ShapeError:
		*err = r
	default:
		panic(r)
	}
}
