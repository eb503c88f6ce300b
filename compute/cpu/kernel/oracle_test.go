package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// eachEngine runs a test once per engine.
func eachEngine(t *testing.T, f func(t *testing.T)) {
	for _, e := range available() {
		t.Run(e.name, func(t *testing.T) {
			was := active
			active = e
			defer func() { active = was }()
			f(t)
		})
	}
}

var formatNames = [formats]string{"F32", "F16", "BF16"}

// eachFormat runs a test on every engine and format.
func eachFormat(t *testing.T, f func(t *testing.T, format Format)) {
	eachEngine(t, func(t *testing.T) {
		for format := range Format(formats) {
			t.Run(formatNames[format], func(t *testing.T) { f(t, format) })
		}
	})
}

func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// guarded returns x inside a larger array with NaN on both sides, and a check
// that nobody wrote there.
func guarded(t *testing.T, x []float32) []float32 {
	const zone = 64
	mark := math.Float32frombits(0x7fc0dead)
	all := make([]float32, len(x)+2*zone)
	for i := range all {
		all[i] = mark
	}
	in := all[zone:][:len(x):len(x)]
	copy(in, x)
	t.Cleanup(func() {
		for i, v := range all {
			if (i < zone || i >= zone+len(x)) && math.Float32bits(v) != 0x7fc0dead {
				t.Errorf("guard zone overwritten at %d of %d", i-zone, len(x))
				return
			}
		}
	})
	return in
}

// encode returns x in a format, and what the format kept of it. Halves are
// made by truncation, which is exact enough for a source of test weights.
func encode(f Format, x []float32) (data []byte, kept []float32) {
	data = make([]byte, len(x)*f.Bytes())
	kept = make([]float32, len(x))
	for i, v := range x {
		b := data[i*f.Bytes():]
		switch u := math.Float32bits(v); f {
		case F32:
			binary.LittleEndian.PutUint32(b, u)
		case BF16:
			binary.LittleEndian.PutUint16(b, uint16(u>>16))
		case F16:
			binary.LittleEndian.PutUint16(b, truncateHalf(u))
		}
		kept[i] = f.decode(b)
	}
	return data, kept
}

func truncateHalf(u uint32) uint16 {
	sign := uint16(u>>16) & 0x8000
	exp := int(u>>23)&255 - 112
	if exp <= 0 {
		return sign // too small for a normal half
	}
	return sign | uint16(min(exp, 30))<<10 | uint16(u>>13)&1023
}

// newPanels packs a random weight and returns it with its values [n][k].
func newPanels(f Format, n, k int, seed uint64) (*Panels, []float32) {
	data, kept := encode(f, random(seed, n*k))
	w := &Panels{Format: f, N: n, K: k, Data: make([]byte, PanelBytes(f, n, k))}
	PackPanels(w, data, 0, n)
	return w, kept
}

// product is the float64 oracle: op(a) [m, k] times op(b) [k, n], and the sum
// of the absolute terms, to which rounding errors are proportional.
func product(a, b func(r, c int) float32, m, n, k int) (sum, size []float64) {
	sum, size = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for x := range k {
				v := float64(a(i, x)) * float64(b(x, j))
				sum[i*n+j] += v
				size[i*n+j] += math.Abs(v)
			}
		}
	}
	return sum, size
}

// near checks c [m, n] against the oracle. A chain of d terms of float32 errs
// by at most d*2^-24 of the sum of absolute terms; half of that is far more
// than random signs leave and far less than a wrong term would.
func near(t *testing.T, c []float32, ldc int, sum, size []float64, m, n, depth int) {
	t.Helper()
	for i := range m {
		for j := range n {
			got, want := float64(c[i*ldc+j]), sum[i*n+j]
			bound := (float64(min(depth, 64)) + 8) * size[i*n+j] / (1 << 24)
			if !(math.Abs(got-want) <= bound) {
				t.Fatalf("[%d, %d] of [%d, %d], depth %d: %g, want %g within %g", i, j, m, n, depth, got, want, bound)
			}
		}
	}
}

// sameBits compares rows of two results.
func sameBits(t *testing.T, what string, got []float32, ldg int, want []float32, ldw, rows, cols int) {
	t.Helper()
	for i := range rows {
		for j := range cols {
			if g, w := got[i*ldg+j], want[i*ldw+j]; math.Float32bits(g) != math.Float32bits(w) {
				t.Fatalf("%s: [%d, %d] is %x, want %x", what, i, j, math.Float32bits(g), math.Float32bits(w))
			}
		}
	}
}

func at(x []float32, ld int) func(r, c int) float32 {
	return func(r, c int) float32 { return x[r*ld+c] }
}

func atT(x []float32, ld int) func(r, c int) float32 {
	return func(r, c int) float32 { return x[c*ld+r] }
}

func shape(m, n, k int) string { return fmt.Sprintf("%dx%dx%d", m, n, k) }
