package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
	"github.com/troikaml/troika/tensor"
)

// quant implements [compute.Weight] for block formats. Rows that it multiplies are
// rounded to 8 bits in runs of 32, see [kernel.Rounded].
type quant struct {
	dev    *Device
	dtype  tensor.DType
	octets kernel.Octets
	mem    *span
}

// grainOf returns the kernels' name of a block format.
func grainOf(d tensor.DType) (g kernel.Grain, ok bool) {
	switch d {
	case tensor.Q8_0:
		return kernel.Q8_0, true
	case tensor.Q4_0:
		return kernel.Q4_0, true
	case tensor.Q4_1:
		return kernel.Q4_1, true
	case tensor.Q5_0:
		return kernel.Q5_0, true
	case tensor.Q5_1:
		return kernel.Q5_1, true
	case tensor.Q4K:
		return kernel.Q4K, true
	case tensor.Q5K:
		return kernel.Q5K, true
	case tensor.Q6K:
		return kernel.Q6K, true
	default:
		return 0, false
	}
}

// prepareQuant repacks a matrix in a block format, whose size was checked.
func (d *Device) prepareQuant(t tensor.Tensor, g kernel.Grain) compute.Weight {
	n, k := t.Shape[0], t.Shape[1]
	row := t.DType.Bytes(k)
	w := &quant{dev: d, dtype: t.DType, mem: d.weightMemory(kernel.OctetBytes(g, n, k))}
	w.octets = kernel.Octets{Grain: g, N: n, K: k, Data: w.mem.bytes}
	if d.mem.dry {
		return w
	}
	d.work.each((n+kernel.OctetRows-1)/kernel.OctetRows, kernel.OctetRows*row, func(first, end int) {
		n0, n1 := first*kernel.OctetRows, min(end*kernel.OctetRows, n)
		kernel.PackOctets(&w.octets, t.Data[n0*row:n1*row], n0, n1)
	})
	return w
}

// Dims implements [compute.Weight].
func (w *quant) Dims() (out, in int) { return w.octets.N, w.octets.K }

// DType implements [compute.Weight].
func (w *quant) DType() tensor.DType { return w.dtype }

// Row implements [compute.Weight].
func (w *quant) Row(dst []float32, n int) {
	if w.dev.mem.dry {
		clear(dst[:w.octets.K])
		return
	}
	w.octets.Row(dst[:w.octets.K], n)
}

// Free implements [compute.Weight].
func (w *quant) Free() {
	w.dev.arena.put(w.mem)
	w.mem, w.octets.Data = nil, nil
}

// product implements [matrix].
func (w *quant) product(y, x []float32, rows int, add bool) {
	w.dev.multiply(w, y, x, rows, false, add)
}

// productBack implements [matrix].
func (w *quant) productBack(y, x []float32, rows int, add bool) {
	w.dev.multiply(w, y, x, rows, true, add)
}

// takes implements [matrix].
func (w *quant) takes(x []float32, rows int, back bool) (o operand, done func()) {
	if back {
		return operand{rows: x}, func() {}
	}
	o.rounded, done = w.dev.round(x, rows, w.octets.K)
	return o, done
}

// cut implements [matrix].
func (w *quant) cut(rows int, back bool) grid {
	n, k := w.octets.N, w.octets.K
	if back {
		return w.dev.newGrid(rows, k/kernel.Run, 64*float64(n), 0.8*float64(n), 2)
	}
	size := float64(kernel.OctetBytes(w.octets.Grain, kernel.Lanes, k)) / 16
	perRow := 0.2 * float64(k)
	if rows == 1 {
		perRow = 0
	}
	return w.dev.newGrid(rows, kernel.PanelCount(n), size, perRow, 4)
}

// part implements [matrix].
func (w *quant) part(y []float32, x operand, r0, r1, u0, u1 int, back, add bool, s *scratch) {
	n, k := w.octets.N, w.octets.K
	if back {
		kernel.MatMulTOctets(y, k, x.rows[r0*n:r1*n], n, r1-r0, &w.octets, u0*kernel.Run, u1*kernel.Run, add, &s.kernel)
		return
	}
	kernel.MatMulOctets(y, n, x.rounded, r0, r1-r0, &w.octets, u0, u1, add, &s.kernel)
}

// roundedFloats is the memory of rounded rows.
func roundedFloats(rows, k int) int { return kernel.RoundedBytes(rows, k) / 4 }

// round returns rows rounded to 8 bits, until done is called.
func (d *Device) round(x []float32, rows, k int) (y *kernel.Rounded, done func()) {
	f, done := d.scratch(roundedFloats(rows, k))
	y = &kernel.Rounded{M: rows, K: k, Data: asBytes(f)}
	d.work.each(rows, k/4, func(first, end int) {
		kernel.RoundRows(y, x[first*k:end*k], k, first, end)
	})
	return y, done
}
