package kernel

import (
	"bytes"
	"math"
	"testing"
)

// shapes are [m, n, k] that cross every boundary of tiles, panels and blocks.
var shapes = [][3]int{
	{1, 1, 1},
	{1, 3, 17},
	{1, 16, 8},
	{1, 64, 449},
	{1, 130, 896},
	{1, 67, 3},
	{2, 17, 3},
	{2, 33, 448},
	{3, 31, 9},
	{3, 48, 450},
	{4, 15, 7},
	{5, 65, 1},
	{6, 16, 447},
	{7, 19, 897},
	{8, 129, 33},
	{13, 17, 449},
	{24, 80, 64},
	{25, 80, 64},
	{26, 1, 5},
	{29, 49, 449},
	{61, 35, 900},
	{130, 18, 31},
}

func TestMatMulAgainstOracle(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		var s Scratch
		for _, d := range shapes {
			m, n, k := d[0], d[1], d[2]
			t.Run(shape(m, n, k), func(t *testing.T) {
				w, values := newPanels(f, n, k, 2)
				lda, ldc := k+3, n+5
				a := guarded(t, random(3, (m-1)*lda+k))
				before := random(4, (m-1)*ldc+n)
				c := guarded(t, before)
				MatMul(c, ldc, a, lda, m, w, 0, PanelCount(n), false, &s)
				sum, size := product(at(a, lda), atT(values, k), m, n, k)
				near(t, c, ldc, sum, size, m, n, k)
				betweenRows(t, c, before, ldc, m, n)

				plain := bytesOf(c)
				MatMul(c, ldc, a, lda, m, w, 0, PanelCount(n), true, &s)
				for i := range sum {
					sum[i], size[i] = 2*sum[i], 3*size[i]
				}
				near(t, c, ldc, sum, size, m, n, k)
				MatMul(c, ldc, a, lda, m, w, 0, PanelCount(n), false, &s)
				if !bytes.Equal(plain, bytesOf(c)) {
					t.Error("a second run gives other bits")
				}
			})
		}
	})
}

// betweenRows checks that the columns past n of each row are as before.
func betweenRows(t *testing.T, c, before []float32, ldc, m, n int) {
	t.Helper()
	for i := range m - 1 {
		for j := n; j < ldc; j++ {
			if c[i*ldc+j] != before[i*ldc+j] {
				t.Fatalf("column %d past the %d of row %d was written", j, n, i)
			}
		}
	}
}

func bytesOf(x []float32) []byte {
	b, _ := encode(F32, x)
	return b
}

// counts are the numbers of rows compared with a single row: each number of
// tiles' rows, what surrounds changes of path, and large ones with remainders.
var counts = []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 23, 24, 25, 26, 31, 64, 127, 200, 511, 512}

func TestMatMulBitsDoNotDependOnRows(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		if testing.Short() && active == &portable {
			t.Skip("slow")
		}
		for _, d := range [][2]int{{83, 449}, {64, 896}, {5, 1000}} {
			n, k := d[0], d[1]
			w, _ := newPanels(f, n, k, 5)
			const most = 512
			a := random(6, most*k)
			want := make([]float32, most*n)
			var s Scratch
			for i := range most {
				MatMul(want[i*n:], n, a[i*k:], k, 1, w, 0, PanelCount(n), false, &s)
			}
			for _, m := range counts {
				if active == &portable && m > 64 {
					continue
				}
				c := make([]float32, m*n)
				first := most - m // another position in the batch each time
				MatMul(c, n, a[first*k:], k, m, w, 0, PanelCount(n), false, &s)
				sameBits(t, shape(m, n, k), c, n, want[first*n:], n, m, n)
			}
		}
	})
}

func TestMatMulBitsDoNotDependOnSplit(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const n, k = 16*13 + 5, 500
		w, _ := newPanels(f, n, k, 7)
		var s Scratch
		for _, m := range []int{1, 2, 3, 6, 30} {
			a, c0 := random(8, m*k), random(9, m*n)
			want := append([]float32(nil), c0...)
			MatMul(want, n, a, k, m, w, 0, PanelCount(n), true, &s)
			for _, cut := range []int{1, 2, 3, 5, 13} {
				c := append([]float32(nil), c0...)
				for p := 0; p < PanelCount(n); p += cut {
					var own Scratch
					MatMul(c, n, a, k, m, w, p, min(p+cut, PanelCount(n)), true, &own)
				}
				sameBits(t, shape(m, n, k), c, n, want, n, m, n)
			}
		}
	})
}

func TestMatMulTAgainstOracle(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		var s Scratch
		for _, d := range shapes {
			m, k, n := d[0], d[1], d[2] // the depth is n here
			t.Run(shape(m, n, k), func(t *testing.T) {
				w, values := newPanels(f, n, k, 10)
				lda, ldc := n+2, k+3
				a := guarded(t, random(11, (m-1)*lda+n))
				before := random(12, (m-1)*ldc+k)
				c := guarded(t, before)
				MatMulT(c, ldc, a, lda, m, w, 0, k, false, &s)
				sum, size := product(at(a, lda), at(values, k), m, k, n)
				near(t, c, ldc, sum, size, m, k, n)
				betweenRows(t, c, before, ldc, m, k)
				MatMulT(c, ldc, a, lda, m, w, 0, k, true, &s)
				for i := range sum {
					sum[i], size[i] = 2*sum[i], 3*size[i]
				}
				near(t, c, ldc, sum, size, m, k, n)
			})
		}
	})
}

func TestMatMulTBits(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const n, k, most = 470, 16*5 + 3, 200
		w, _ := newPanels(f, n, k, 13)
		a := random(14, most*n)
		want := make([]float32, most*k)
		var s Scratch
		for i := range most {
			MatMulT(want[i*k:], k, a[i*n:], n, 1, w, 0, k, false, &s)
		}
		for _, m := range counts {
			if m > most || active == &portable && m > 32 {
				continue
			}
			c := make([]float32, m*k)
			for _, cut := range []int{k, 16, 48, 11} {
				for k0 := 0; k0 < k; k0 += cut {
					MatMulT(c, k, a[(most-m)*n:], n, m, w, k0, min(k0+cut, k), false, &s)
				}
				sameBits(t, shape(m, n, k), c, k, want[(most-m)*k:], k, m, k)
			}
		}
	})
}

// A unit weight shows that panels keep every value, in whatever parts they
// were packed.
func TestPackPanelsInParts(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		for _, d := range [][2]int{{1, 1}, {16, 8}, {33, 7}, {47, 19}, {64, 40}} {
			n, k := d[0], d[1]
			data, kept := encode(f, random(15, n*k))
			w := &Panels{Format: f, N: n, K: k, Data: make([]byte, PanelBytes(f, n, k))}
			for i := range w.Data {
				w.Data[i] = 0xff
			}
			for n0 := 0; n0 < n; n0 += 32 {
				PackPanels(w, data[n0*k*f.Bytes():], n0, min(n0+32, n))
			}
			for p := range PanelCount(n) {
				for col := range k {
					for j := range Lanes {
						record := w.Data[w.at(p, col):]
						var want float32
						if p*Lanes+j < n {
							want = kept[(p*Lanes+j)*k+col]
						}
						if got := f.decode(record[f.lane(j):]); got != want {
							t.Fatalf("[%d, %d]: row %d, column %d is %g, want %g", n, k, p*Lanes+j, col, got, want)
						}
					}
				}
			}
		}
	})
}

func TestDepthZero(t *testing.T) {
	c := []float32{1, 2, 3}
	w := &Panels{N: 2}
	MatMul(c, 2, nil, 0, 1, w, 0, 1, true, nil)
	if c[0] != 1 {
		t.Error("adding an empty sum changed C")
	}
	MatMul(c, 2, nil, 0, 1, w, 0, 1, false, nil)
	if c[0] != 0 || c[1] != 0 || c[2] != 3 {
		t.Errorf("an empty sum left %v", c)
	}
}

// Every half must widen as the processor widens it.
func TestHalf(t *testing.T) {
	src := make([]byte, columnBytes<<16/Lanes)
	for i := range 1 << 16 {
		at := i/Lanes*columnBytes + i%Lanes*2
		src[at], src[at+1] = byte(i), byte(i>>8)
	}
	want := make([]float32, 1<<16)
	portable.widen[F16](len(want)/Lanes, &src[0], &want[0])
	got := make([]float32, 1<<16)
	active.widen[F16](len(got)/Lanes, &src[0], &got[0])
	sameBits(t, "halves", got, 1, want, 1, len(got), 1)
	if want[0x3c00] != 1 || want[0xc400] != -4 || want[1] != float32(math.Ldexp(1, -24)) || want[0x7bff] != 65504 {
		t.Errorf("half: 1 is %g, -4 is %g, the least is %g, the largest is %g", want[0x3c00], want[0xc400], want[1], want[0x7bff])
	}
}

func TestMistakesPanic(t *testing.T) {
	w, _ := newPanels(F32, 20, 8, 1)
	a, c := make([]float32, 8), make([]float32, 20)
	for name, f := range map[string]func(){
		"short c":     func() { MatMul(c[:19], 20, a, 8, 1, w, 0, 2, false, &Scratch{}) },
		"short a":     func() { MatMul(c, 20, a[:7], 8, 1, w, 0, 2, false, &Scratch{}) },
		"panel range": func() { MatMul(c, 20, a, 8, 1, w, 0, 3, false, &Scratch{}) },
		"short data":  func() { MatMul(c, 20, a, 8, 1, &Panels{N: 20, K: 8}, 0, 2, false, &Scratch{}) },
		"columns":     func() { MatMulT(a, 8, c, 20, 1, w, 0, 9, false, &Scratch{}) },
		"part of a panel": func() {
			PackPanels(w, make([]byte, 4*8*20), 8, 20)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
