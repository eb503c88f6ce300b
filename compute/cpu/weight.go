package cpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
	"github.com/troikaml/troika/tensor"
)

// matrix is a weight that this device prepared.
type matrix interface {
	compute.Weight
	// product computes y [rows, out] = x [rows, in] Wᵀ, or adds it to y.
	product(y, x []float32, rows int, add bool)
	// productBack computes y [rows, in] = x [rows, out] W, or adds it to y.
	productBack(y, x []float32, rows int, add bool)
	// takes returns rows as parts of products take them, until done is called.
	takes(x []float32, rows int, back bool) (o operand, done func())
	// cut returns how a product of so many rows, or one back, is cut into tasks.
	cut(rows int, back bool) grid
	// part computes a task: y holds rows r0 to r1 of the product, x all of its rows.
	part(y []float32, x operand, r0, r1, u0, u1 int, back, add bool, s *scratch)
}

// operand is what a weight multiplies: rows, or those rounded to 8 bits.
type operand struct {
	rows    []float32
	rounded *kernel.Rounded
}

// weight implements [compute.Weight] as panels of sixteen rows.
type weight struct {
	dev    *Device
	panels kernel.Panels
	mem    *span
}

// Prepare implements [compute.Device]. F32, F16, BF16 and the block formats keep their
// format; others are widened to F32. The source is read once, in pieces, by all
// workers: it may be a mapped file larger than memory.
func (d *Device) Prepare(t tensor.Tensor) (compute.Weight, error) {
	n, k, err := t.Matrix()
	if err != nil {
		return nil, fmt.Errorf("prepare weight: %w", err)
	}
	if g, ok := grainOf(t.DType); ok {
		return d.prepareQuant(t, g), nil
	}
	format, packed := kernel.F32, true
	switch t.DType {
	case tensor.F32:
	case tensor.F16:
		format = kernel.F16
	case tensor.BF16:
		format = kernel.BF16
	default:
		packed = false
	}
	w := &weight{dev: d, mem: d.weightMemory(kernel.PanelBytes(format, n, k))}
	w.panels = kernel.Panels{Format: format, N: n, K: k, Data: w.mem.bytes}
	if d.mem.dry {
		return w, nil
	}
	var failed atomic.Pointer[error]
	d.work.each(kernel.PanelCount(n), 16*k, func(first, end int) {
		n0, n1 := first*kernel.Lanes, min(end*kernel.Lanes, n)
		var src []byte
		if packed {
			src = t.Data[n0*k*t.DType.Size() : n1*k*t.DType.Size()]
		} else {
			wide := make([]float32, (n1-n0)*k)
			if err := t.DecodeFloat32s(wide, n0*k); err != nil {
				failed.Store(&err)
				return
			}
			src = asBytes(wide)
		}
		kernel.PackPanels(&w.panels, src, n0, n1)
	})
	if err := failed.Load(); err != nil {
		w.Free()
		return nil, fmt.Errorf("prepare weight: %w", *err)
	}
	return w, nil
}

// weightMemory returns the memory of a weight, whose huge pages all workers touched:
// writers that run side by side would meet in the same page, and each clear it.
func (d *Device) weightMemory(n int) *span {
	const clearing = 200_000 // nanoseconds, of a page
	s := d.arena.get(n)
	d.work.each((len(s.fresh)+hugePage-1)/hugePage, clearing, func(first, end int) {
		for i := range end - first {
			s.fresh[(first+i)*hugePage] = 0
		}
	})
	s.fresh = nil
	return s
}

func asBytes(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}

// Dims implements [compute.Weight].
func (w *weight) Dims() (out, in int) { return w.panels.N, w.panels.K }

// DType implements [compute.Weight].
func (w *weight) DType() tensor.DType {
	switch w.panels.Format {
	case kernel.F16:
		return tensor.F16
	case kernel.BF16:
		return tensor.BF16
	default:
		return tensor.F32
	}
}

// Bytes returns the memory that the weight takes, padding included.
func (w *weight) Bytes() int64 { return int64(len(w.panels.Data)) }

// Row implements [compute.Weight]. See [kernel.Panels] for where numbers lie.
func (w *weight) Row(dst []float32, n int) {
	const column = 64 // bytes of a strip for each column
	size := w.panels.Format.Bytes()
	rows := column / size
	lane := n % rows
	at := n/rows*w.panels.K*column + lane*size
	dst = dst[:w.panels.K]
	if w.dev.mem.dry {
		clear(dst)
		return
	}
	switch w.panels.Format {
	case kernel.F16:
		for i := range dst {
			dst[i] = tensor.F16ToF32(binary.LittleEndian.Uint16(w.panels.Data[at+i*column:]))
		}
	case kernel.BF16:
		j := lane % kernel.Lanes // within a panel, rows j and j+8 share a word
		at += (4*(j%8) + 2*(j/8)) - 2*j
		for i := range dst {
			dst[i] = tensor.BF16ToF32(binary.LittleEndian.Uint16(w.panels.Data[at+i*column:]))
		}
	default:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.panels.Data[at+i*column:]))
		}
	}
}

// Free implements [compute.Weight].
func (w *weight) Free() {
	w.dev.arena.put(w.mem)
	w.mem, w.panels.Data = nil, nil
}
