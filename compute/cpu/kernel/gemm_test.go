package kernel

import "testing"

func TestGemmAgainstOracle(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		var s Scratch
		for _, d := range shapes {
			m, n, k := d[0], d[1], d[2]
			for variant := range 4 {
				t.Run(shape(m, n, k), func(t *testing.T) {
					a, ac := dense(t, variant&1 != 0, m, k, 20)
					b, bc := dense(t, variant&2 != 0, k, n, 21)
					ldc := n + 1
					before := random(22, (m-1)*ldc+n)
					c := guarded(t, before)
					Gemm(c, ldc, a, b, m, n, k, 1, false, &s)
					sum, size := product(ac, bc, m, n, k)
					near(t, c, ldc, sum, size, m, n, k)
					betweenRows(t, c, before, ldc, m, n)
					Gemm(c, ldc, a, b, m, n, k, -0.3, true, &s)
					for i := range sum {
						sum[i], size[i] = (1+float64(float32(-0.3)))*sum[i], 2*size[i]
					}
					near(t, c, ldc, sum, size, m, n, k)
				})
			}
		}
	})
}

// dense makes a guarded random matrix and its element function.
func dense(t *testing.T, transposed bool, rows, cols int, seed uint64) (Dense, func(r, c int) float32) {
	if transposed {
		ld := rows + 2
		x := guarded(t, random(seed, (cols-1)*ld+rows))
		return Dense{x, ld, true}, atT(x, ld)
	}
	ld := cols + 2
	x := guarded(t, random(seed, (rows-1)*ld+cols))
	return Dense{x, ld, false}, at(x, ld)
}

// Rows, columns and their split may change no bit, and a left operand gives
// the same bits transposed or not.
func TestGemmBits(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		const n, k = 37, 460
		most := 1100 // more than one block of transposed rows
		if active == &portable {
			most = 40
		}
		a, at := dense(t, true, most, k, 23)
		var flat []float32
		for i := range most {
			for x := range k {
				flat = append(flat, at(i, x))
			}
		}
		rows := Dense{flat, k, false}
		b, _ := dense(t, true, k, n, 24)
		var s Scratch
		want := make([]float32, most*n)
		for i := range most {
			Gemm(want[i*n:], n, rows.From(i, 0), b, 1, n, k, 0.7, false, &s)
		}
		for _, m := range append(counts, 1100) {
			if m > most {
				continue
			}
			c := make([]float32, m*n)
			for _, left := range []Dense{a, rows} {
				clear(c)
				for _, cut := range [][2]int{{0, 7}, {7, 23}, {23, n}} {
					Gemm(c[cut[0]:], n, left.From(most-m, 0), b.From(0, cut[0]), m, cut[1]-cut[0], k, 0.7, false, &s)
				}
				sameBits(t, shape(m, n, k), c, n, want[(most-m)*n:], n, m, n)
			}
		}
	})
}

// A frozen weight and a dense matrix of the same numbers give the same bits.
func TestGemmEqualsMatMul(t *testing.T) {
	const m, n, k = 9, 50, 900
	w, values := newPanels(F32, n, k, 25)
	a := random(26, m*k)
	var s Scratch
	want, got := make([]float32, m*n), make([]float32, m*n)
	MatMul(want, n, a, k, m, w, 0, PanelCount(n), false, &s)
	Gemm(got, n, Dense{a, k, false}, Dense{values, k, true}, m, n, k, 1, false, &s)
	sameBits(t, "forward", got, n, want, n, m, n)

	y := random(27, m*n)
	want, got = make([]float32, m*k), make([]float32, m*k)
	MatMulT(want, k, y, n, m, w, 0, k, false, &s)
	Gemm(got, k, Dense{y, n, false}, Dense{values, k, false}, m, k, n, 1, false, &s)
	sameBits(t, "backward", got, k, want, k, m, k)
}
