package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/troikaml/troika/tensor"
)

// The errors every format shares. Formats add their own for broken files.
var (
	// ErrNotFound is wrapped when a name is not in the checkpoint.
	ErrNotFound = errors.New("no such tensor")
	// ErrClosed is wrapped when a reader or writer is used after Close.
	ErrClosed = errors.New("checkpoint is closed")
	// ErrPlan is wrapped when what is written differs from what was announced:
	// an unknown or repeated name, another dtype or shape, a wrong number of
	// bytes, or tensors that are missing at Close.
	ErrPlan = errors.New("tensor does not match the plan")
)

// Reader gives access to the tensors of one checkpoint. All methods but Close
// are safe for concurrent use.
type Reader interface {
	// Names returns every tensor name, sorted. The caller owns the slice.
	Names() []string
	// Tensor returns one tensor, or an error that wraps ErrNotFound. Its Data
	// is read-only and may lie in a memory map: it is valid until Close.
	Tensor(name string) (tensor.Tensor, error)
	// Metadata returns the checkpoint's text metadata, never nil. The caller
	// owns the map.
	Metadata() map[string]string
	// Close releases files and memory maps. Closing twice is allowed.
	Close() error
}

// Describer is a Reader that knows its entries without reading any data.
type Describer interface {
	// Entry describes one tensor, or fails with an error that wraps ErrNotFound.
	Entry(name string) (Entry, error)
}

// Writer stores tensors that were announced in a plan when it was made. It is
// for one goroutine.
type Writer interface {
	// Order returns the names in the order in which Write expects them.
	Order() []string
	// Write stores the next tensor. It does not keep t.Data.
	Write(name string, t tensor.Tensor) error
	// Close completes the checkpoint; it fails, and leaves nothing behind where
	// it can, unless every tensor of the plan was written.
	Close() error
}

// Filler is a Writer that takes a tensor in pieces; see [Stream.Fill].
type Filler interface {
	Fill(name string, fill func(put func(data []byte) error) error) error
}

// Entry announces one tensor.
type Entry struct {
	Name  string
	DType tensor.DType
	Shape []int
}

// EntryOf describes t.
func EntryOf(name string, t tensor.Tensor) Entry {
	return Entry{Name: name, DType: t.DType, Shape: slices.Clone(t.Shape)}
}

// Bytes returns the storage the entry needs. It fails for an invalid dtype, a
// negative extent, rows that are not a multiple of a block, or a product that does
// not fit an int.
func (e Entry) Bytes() (int, error) {
	elems, size := e.DType.Block()
	if elems == 0 {
		return 0, fmt.Errorf("tensor %q: %w: dtype %s", e.Name, ErrPlan, e.DType)
	}
	n := uint64(size)
	for i, d := range e.Shape {
		if last := i == len(e.Shape)-1; last && d%elems != 0 {
			return 0, fmt.Errorf("tensor %q: %w: rows of %d elements in blocks of %d (%s)", e.Name, ErrPlan, d, elems, e.DType)
		} else if last {
			d /= elems
		}
		if d < 0 {
			return 0, fmt.Errorf("tensor %q: %w: negative extent in shape %v", e.Name, ErrPlan, e.Shape)
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("tensor %q: %w: shape %v is too large", e.Name, ErrPlan, e.Shape)
		}
		n = lo
	}
	if len(e.Shape) == 0 && elems > 1 {
		return 0, fmt.Errorf("tensor %q: %w: a scalar of %s", e.Name, ErrPlan, e.DType)
	}
	return int(n), nil
}

// Check reports, as an error that wraps ErrPlan, how t differs from e.
func (e Entry) Check(t tensor.Tensor) error {
	n, err := e.Bytes()
	switch {
	case err != nil:
		return err
	case t.DType != e.DType || !slices.Equal(t.Shape, e.Shape):
		return fmt.Errorf("tensor %q: %w: got %s %v, announced %s %v", e.Name, ErrPlan, t.DType, t.Shape, e.DType, e.Shape)
	case len(t.Data) != n:
		return fmt.Errorf("tensor %q: %w: got %d bytes, %s %v needs %d", e.Name, ErrPlan, len(t.Data), e.DType, e.Shape, n)
	}
	return nil
}

// Plan lists the entries of r in the order of its names. It reads no data when
// r is a [Describer].
func Plan(r Reader) ([]Entry, error) {
	names := r.Names()
	plan := make([]Entry, 0, len(names))
	d, describes := r.(Describer)
	for _, name := range names {
		if describes {
			e, err := d.Entry(name)
			if err != nil {
				return nil, err
			}
			plan = append(plan, e)
			continue
		}
		t, err := r.Tensor(name)
		if err != nil {
			return nil, err
		}
		plan = append(plan, EntryOf(name, t))
	}
	return plan, nil
}

// Copy writes every tensor that w expects, read from r. It does not close
// either of them.
func Copy(w Writer, r Reader) error {
	for _, name := range w.Order() {
		t, err := r.Tensor(name)
		if err != nil {
			return err
		}
		if err := w.Write(name, t); err != nil {
			return err
		}
	}
	return nil
}

// Memory is a checkpoint in host memory: the simplest Reader, and the source
// from which adapters and freshly initialised models are written.
type Memory struct {
	tensors  map[string]tensor.Tensor
	metadata map[string]string
}

// NewMemory makes a Reader of tensors. It copies the maps, not the data. It
// fails if a name is empty or a tensor's bytes do not match its shape.
func NewMemory(tensors map[string]tensor.Tensor, metadata map[string]string) (*Memory, error) {
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		if name == "" {
			return nil, fmt.Errorf("tensor with an empty name: %w", ErrPlan)
		}
		if err := EntryOf(name, t).Check(t); err != nil {
			return nil, err
		}
	}
	m := &Memory{tensors: maps.Clone(tensors), metadata: map[string]string{}}
	maps.Copy(m.metadata, metadata)
	return m, nil
}

// Names implements [Reader].
func (m *Memory) Names() []string { return slices.Sorted(maps.Keys(m.tensors)) }

// Tensor implements [Reader].
func (m *Memory) Tensor(name string) (tensor.Tensor, error) {
	t, ok := m.tensors[name]
	if !ok {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %w", name, ErrNotFound)
	}
	return t, nil
}

// Entry implements [Describer].
func (m *Memory) Entry(name string) (Entry, error) {
	t, err := m.Tensor(name)
	return EntryOf(name, t), err
}

// Metadata implements [Reader].
func (m *Memory) Metadata() map[string]string { return maps.Clone(m.metadata) }

// Close implements [Reader]; it does nothing.
func (m *Memory) Close() error { return nil }
