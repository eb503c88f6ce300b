package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// Format is how the numbers of a weight are stored.
type Format uint8

// The formats, all little endian: IEEE single, IEEE half, and the upper half
// of IEEE single.
const (
	F32 Format = iota
	F16
	BF16

	formats = 3
)

// Bytes returns the size of one number.
func (f Format) Bytes() int {
	if f == F32 {
		return 4
	}
	return 2
}

// Lanes is the number of rows of a weight, columns of a result, in a panel.
const Lanes = 16

// columnBytes is what a strip keeps for each column of W: a cache line.
const columnBytes = 64

// Panels is a weight W [N, K] as strips of rows: 16 rows of F32, one panel, or
// 32 rows of F16 or BF16, two panels. A strip is [K][64 bytes]: the numbers of
// its rows lie together for each column k. Rows past N are zero. F32 and F16
// keep the order of rows; a panel of BF16 holds rows j and j+8 in one 32-bit
// word, j in the low half, so that a shift and a mask widen them.
//
// The lines of a strip feed enough independent sums that a product of one row
// reads memory as one stream, which measured as fast as several at once.
//
// Data is the caller's memory of PanelBytes; it is read without alignment, but
// 64 bytes of it make reading faster. Once packed it is only read, by any
// number of goroutines.
type Panels struct {
	Format Format
	N, K   int
	Data   []byte
}

// PanelBytes returns the length of Panels.Data for a weight [n, k].
func PanelBytes(f Format, n, k int) int {
	rows := f.stripRows()
	return (n + rows - 1) / rows * k * columnBytes
}

// PanelCount returns the number of panels of n rows.
func PanelCount(n int) int { return (n + Lanes - 1) / Lanes }

// stripRows is the number of rows in a strip.
func (f Format) stripRows() int { return columnBytes / f.Bytes() }

// StripLanes returns the number of rows that lie together in a strip of a format.
func StripLanes(f Format) int { return f.stripRows() }

// stride is the distance of strips in bytes.
func (w *Panels) stride() int { return w.K * columnBytes }

// at returns the offset in Data of column k of panel p.
func (w *Panels) at(p, k int) int {
	row := p * Lanes
	rows := w.Format.stripRows()
	return row/rows*w.stride() + k*columnBytes + row%rows*w.Format.Bytes()
}

// lane returns the byte offset of row j of a strip within a column.
func (f Format) lane(j int) int {
	switch {
	case f == F32:
		return 4 * j
	case f == F16:
		return 2 * j
	case j >= Lanes:
		return 2*Lanes + f.lane(j-Lanes)
	case j < 8:
		return 4 * j
	}
	return 4*(j-8) + 2
}

// PackPanels writes rows n0 to n1 of a weight into dst. src holds these rows
// alone, row-major [n1-n0][K] in dst.Format. n0 is a multiple of 16 and n1 is
// one too, or N. Calls for disjoint ranges may run at the same time.
func PackPanels(dst *Panels, src []byte, n0, n1 int) {
	size, k := dst.Format.Bytes(), dst.K
	if n0%Lanes != 0 || n1 > dst.N || n1 < dst.N && n1%Lanes != 0 || len(src) < (n1-n0)*k*size {
		panic(fmt.Sprintf("kernel: pack rows %d to %d of [%d, %d] from %d bytes", n0, n1, dst.N, k, len(src)))
	}
	dst.check()
	if k == 0 {
		return
	}
	if odd := PanelCount(dst.N); n1 == dst.N && odd*Lanes%dst.Format.stripRows() != 0 {
		packRest(dst.Format, dst.Data[dst.at(odd, 0):], nil, k, 0, 0)
	}
	for n := n0; n < n1; n += Lanes {
		rows := src[(n-n0)*k*size:]
		panel := dst.Data[dst.at(n/Lanes, 0):]
		if n+Lanes > n1 {
			packRest(dst.Format, panel, rows, k, 0, n1-n)
			continue
		}
		if k >= 8 {
			active.interleave[dst.Format](k/8, &rows[0], k*size, &panel[0])
		}
		packRest(dst.Format, panel, rows, k, k&^7, Lanes)
	}
}

// packRest packs columns from k0 on of the given rows, and zeros in their
// place for the rows that a full panel would have beyond them.
func packRest(f Format, panel, src []byte, k, k0, rows int) {
	size := f.Bytes()
	for col := k0; col < k; col++ {
		to := panel[col*columnBytes:][:Lanes*size]
		clear(to)
		for j := range rows {
			copy(to[f.lane(j):][:size], src[(j*k+col)*size:])
		}
	}
}

// check panics unless Data is long enough.
func (w *Panels) check() {
	if w.Format >= formats || w.N < 0 || w.K < 0 || len(w.Data) < PanelBytes(w.Format, w.N, w.K) {
		panic(fmt.Sprintf("kernel: panels of [%d, %d], format %d, in %d bytes", w.N, w.K, w.Format, len(w.Data)))
	}
}

// decode returns the number at b.
func (f Format) decode(b []byte) float32 {
	switch f {
	case F16:
		return half(binary.LittleEndian.Uint16(b))
	case BF16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	default:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
}

// half widens an IEEE half; the payload of a NaN is kept and made quiet, as
// the processor does.
func half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp, frac := uint32(h>>10)&31, uint32(h)&1023
	switch {
	case exp == 0:
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*(1.0/(1<<24))))
	case exp == 31 && frac != 0:
		return math.Float32frombits(sign | 0x7fc00000 | frac<<13)
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// raw returns the address of the first byte of a slice of numbers.
func raw(x []float32) *byte { return (*byte)(unsafe.Pointer(&x[0])) }
