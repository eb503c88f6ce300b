package cpu

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// weight implements [compute.Weight].
type weight struct {
	dev     *Device
	dtype   tensor.DType
	out, in int
	mem     *block
	rows    []float32
}

// Prepare implements [compute.Device].
func (d *Device) Prepare(t tensor.Tensor) (compute.Weight, error) {
	if len(t.Shape) != 2 {
		return nil, fmt.Errorf("prepare weight: shape %v is not a matrix", t.Shape)
	}
	w := &weight{dev: d, dtype: t.DType, out: t.Shape[0], in: t.Shape[1]}
	w.mem = d.mem.get(4 * t.Len())
	w.rows = w.mem.f[:t.Len()]
	if err := t.DecodeFloat32s(w.rows, 0); err != nil {
		d.mem.put(w.mem)
		return nil, fmt.Errorf("prepare weight: %w", err)
	}
	return w, nil
}

// Dims implements [compute.Weight].
func (w *weight) Dims() (out, in int) { return w.out, w.in }

// DType implements [compute.Weight].
func (w *weight) DType() tensor.DType { return w.dtype }

// Row implements [compute.Weight].
func (w *weight) Row(dst []float32, n int) { copy(dst, w.rows[n*w.in:(n+1)*w.in]) }

// Free implements [compute.Weight].
func (w *weight) Free() {
	w.dev.mem.put(w.mem)
	w.mem, w.rows = nil, nil
}

// multiply computes y [rows, out] = x [rows, in] Wᵀ.
func (w *weight) multiply(y, x []float32, rows int) {
	w.dev.work.each(w.out, rows*w.in, func(first, end int) {
		for j := first; j < end; j++ {
			for r := range rows {
				y[r*w.out+j] = dot(x[r*w.in:][:w.in], w.rows[j*w.in:][:w.in])
			}
		}
	})
}

// multiplyBack computes y [rows, in] = x [rows, out] W.
func (w *weight) multiplyBack(y, x []float32, rows int) {
	w.dev.work.each(rows, w.in*w.out, func(first, end int) {
		for r := first; r < end; r++ {
			to := y[r*w.in:][:w.in]
			clear(to)
			for j, v := range x[r*w.out:][:w.out] {
				axpy(to, v, w.rows[j*w.in:])
			}
		}
	})
}

func dot(a, b []float32) float32 {
	var s [4]float32
	b = b[:len(a)]
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		s[0] += a[0] * b[0]
		s[1] += a[1] * b[1]
		s[2] += a[2] * b[2]
		s[3] += a[3] * b[3]
	}
	for i, v := range a {
		s[i] += v * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func axpy(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += a * x[i]
	}
}

func (c *call) linear(op compute.Linear) bool {
	w, ok := op.W.(*weight)
	if !ok {
		return false
	}
	rows, _ := c.in[0].Rows()
	if op.Transpose {
		w.multiplyBack(c.out[0].F, c.in[0].F, rows)
	} else {
		w.multiply(c.out[0].F, c.in[0].F, rows)
	}
	return true
}
