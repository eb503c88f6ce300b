package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/internal/fsx"
)

// Writer streams one GGUF file of version 3. It implements [checkpoint.Writer]; a
// writer that is given up must be dropped with Abort.
type Writer struct{ *checkpoint.Stream }

// NewWriter writes the head for the tensors of plan, in its order, and the metadata,
// whose key general.alignment counts. Nothing is buffered. Close does not close w.
// What llama.cpp would refuse is refused with an error that wraps
// [checkpoint.ErrPlan]: names of more than 63 bytes and more than four extents.
func NewWriter(w io.Writer, plan []checkpoint.Entry, m *Metadata) (*Writer, error) {
	return newWriter(w, plan, m, checkpoint.End{})
}

// Create is NewWriter for the file path, which gets its new content as a whole when
// Close succeeds.
func Create(path string, plan []checkpoint.Entry, m *Metadata) (*Writer, error) {
	p, err := fsx.Create(path, 0o644)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(p, plan, m, checkpoint.End{Commit: p.Commit, Abort: p.Abort})
	if err != nil {
		p.Abort()
		return nil, fmt.Errorf("create checkpoint %s: %w", path, err)
	}
	return w, nil
}

func newWriter(w io.Writer, plan []checkpoint.Entry, m *Metadata, end checkpoint.End) (*Writer, error) {
	align, err := alignment(m)
	if err != nil {
		return nil, err
	}
	b := bufio.NewWriterSize(w, window)
	e := &encoder{w: b}
	if err := e.head(plan, m, align); err != nil {
		return nil, err
	}
	e.pad(align)
	if err := b.Flush(); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	zeros := make([]byte, align)
	put := func(data []byte) error {
		_, err := w.Write(data)
		return err
	}
	pad := func(n int) error { return put(zeros[:-int64(n)&(align-1)]) }
	return &Writer{checkpoint.NewStream(plan, put, pad, end)}, nil
}

// encoder writes the head. The first error of w stays with w.
type encoder struct {
	w *bufio.Writer
	n int64 // bytes so far
}

func (e *encoder) put(b []byte) {
	n, _ := e.w.Write(b) // Flush reports it
	e.n += int64(n)
}

func (e *encoder) u32(v uint32) { e.put(binary.LittleEndian.AppendUint32(nil, v)) }
func (e *encoder) u64(v uint64) { e.put(binary.LittleEndian.AppendUint64(nil, v)) }
func (e *encoder) str(s string) { e.u64(uint64(len(s))); e.put([]byte(s)) }
func (e *encoder) pad(to int64) { e.put(make([]byte, -e.n&(to-1))) }

func (e *encoder) head(plan []checkpoint.Entry, m *Metadata, align int64) error {
	e.put([]byte(magic))
	e.u32(version)
	e.u64(uint64(len(plan)))
	e.u64(uint64(m.Len()))
	for _, key := range m.keys {
		if fault := checkKey(key, maxKey); fault != "" {
			return fmt.Errorf("%w: key %q %s", ErrMetadata, brief(key), fault)
		}
		e.str(key)
		if err := e.value(m.values[key]); err != nil {
			return fmt.Errorf("metadata %s: %w", key, err)
		}
	}
	seen := make(map[string]bool, len(plan))
	var at int64
	for _, t := range plan {
		if fault := checkKey(t.Name, maxName); fault != "" {
			return fmt.Errorf("tensor %q: %w: the name %s", brief(t.Name), checkpoint.ErrPlan, fault)
		}
		if seen[t.Name] {
			return fmt.Errorf("tensor %q: %w: it comes twice", t.Name, checkpoint.ErrPlan)
		}
		seen[t.Name] = true
		n, err := t.Bytes()
		if err != nil {
			return err
		}
		kind := typeNumber(t.DType)
		if kind < 0 {
			return fmt.Errorf("tensor %q: %w: %w %s", t.Name, checkpoint.ErrPlan, ErrType, t.DType)
		}
		if len(t.Shape) > maxDims {
			return fmt.Errorf("tensor %q: %w: shape %v has more than %d extents", t.Name, checkpoint.ErrPlan, t.Shape, maxDims)
		}
		e.str(t.Name)
		e.u32(uint32(len(t.Shape)))
		for i := range t.Shape {
			e.u64(uint64(t.Shape[len(t.Shape)-1-i]))
		}
		e.u32(uint32(kind))
		e.u64(uint64(at))
		if int64(n) > math.MaxInt64-at-align {
			return fmt.Errorf("tensor %q: %w: the file would pass 63 bits", t.Name, checkpoint.ErrPlan)
		}
		at = (at + int64(n) + align - 1) &^ (align - 1)
	}
	return nil
}

// value writes a kind and a value.
func (e *encoder) value(v any) error {
	if s, ok := v.(string); ok {
		e.u32(kindString)
		e.str(s)
		return nil
	}
	if kind, n := kindOf(v); kind >= 0 && n < 0 {
		e.u32(uint32(kind))
		return e.numbers(v)
	}
	e.u32(kindArray)
	return e.array(v, 1)
}

// array writes the kind of an array's items, their number, and the items. Arrays in
// an array have no kind "array" before each of them.
func (e *encoder) array(v any, depth int) error {
	switch v := v.(type) {
	case []string:
		e.u32(kindString)
		e.u64(uint64(len(v)))
		for _, s := range v {
			e.str(s)
		}
		return nil
	case []any:
		if depth == maxNesting {
			return fmt.Errorf("%w: arrays are nested deeper than %d", ErrMetadata, maxNesting)
		}
		e.u32(kindArray)
		e.u64(uint64(len(v)))
		for _, item := range v {
			if err := e.array(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	kind, n := kindOf(v)
	if n < 0 {
		return fmt.Errorf("%w: a %T cannot be stored here", ErrMetadata, v)
	}
	e.u32(uint32(kind))
	e.u64(uint64(n))
	return e.numbers(v)
}

// numbers writes a number, a boolean, or a slice of them.
func (e *encoder) numbers(v any) error {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	e.put(b)
	return nil
}

// kindOf returns the number of a value's kind, or of its items' and their count. It
// returns -1 for what is neither a number, a boolean, nor a slice of them.
func kindOf(v any) (kind, n int) {
	switch v := v.(type) {
	case uint8:
		return kindUint8, -1
	case int8:
		return kindInt8, -1
	case uint16:
		return kindUint16, -1
	case int16:
		return kindInt16, -1
	case uint32:
		return kindUint32, -1
	case int32:
		return kindInt32, -1
	case float32:
		return kindFloat32, -1
	case bool:
		return kindBool, -1
	case uint64:
		return kindUint64, -1
	case int64:
		return kindInt64, -1
	case float64:
		return kindFloat64, -1
	case []uint8:
		return kindUint8, len(v)
	case []int8:
		return kindInt8, len(v)
	case []uint16:
		return kindUint16, len(v)
	case []int16:
		return kindInt16, len(v)
	case []uint32:
		return kindUint32, len(v)
	case []int32:
		return kindInt32, len(v)
	case []float32:
		return kindFloat32, len(v)
	case []bool:
		return kindBool, len(v)
	case []uint64:
		return kindUint64, len(v)
	case []int64:
		return kindInt64, len(v)
	case []float64:
		return kindFloat64, len(v)
	}
	return -1, -1
}
