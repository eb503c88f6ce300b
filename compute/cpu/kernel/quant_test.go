package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// eachGrain runs a test on every engine and block format.
func eachGrain(t *testing.T, f func(t *testing.T, g Grain)) {
	eachEngine(t, func(t *testing.T) {
		for g := range Grain(grains) {
			t.Run(g.String(), func(t *testing.T) { f(t, g) })
		}
	})
}

// blocks draws the source of a weight: arbitrary levels and scales, halves of a
// magnitude around 2^-7 with either sign.
func blocks(g Grain, n, k int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(g)))
	columns, size := g.Block()
	src := make([]byte, n*k/columns*size)
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	for at := 0; at < len(src); at += size {
		for _, off := range scaleOffsets(g) {
			binary.LittleEndian.PutUint16(src[at+off:], uint16(r.Uint32())&0x83ff|0x2000)
		}
	}
	return src
}

// scaleOffsets tells where in a block the halves are.
func scaleOffsets(g Grain) []int {
	switch {
	case g == Q6K:
		return []int{208}
	case layouts[g].minimum:
		return []int{0, 2}
	default:
		return []int{0}
	}
}

// newOctets packs an arbitrary weight and returns it with its values [n][k].
func newOctets(g Grain, n, k int, seed uint64) (*Octets, []float32) {
	w := &Octets{Grain: g, N: n, K: k, Data: make([]byte, OctetBytes(g, n, k))}
	PackOctets(w, blocks(g, n, k, seed), 0, n)
	values := make([]float32, n*k)
	for i := range n {
		w.Row(values[i*k:][:k], i)
	}
	return w, values
}

// newRounded rounds rows and returns them with what they stand for.
func newRounded(x []float32, m, k int) (*Rounded, []float32) {
	y := &Rounded{M: m, K: k, Data: make([]byte, RoundedBytes(m, k))}
	RoundRows(y, x, k, 0, m)
	kept := make([]float32, m*k)
	for i := range kept {
		rec := y.Data[i/k*y.stride()+i%k/Run*recordBytes:]
		kept[i] = float32(int8(rec[i%k%Run])) * math.Float32frombits(word(rec[32:]))
	}
	return y, kept
}

var quantShapes = [][3]int{
	{1, 1, 256},
	{1, 8, 256},
	{1, 7, 512},
	{1, 130, 768},
	{1, 67, 1280},
	{2, 17, 256},
	{3, 31, 512},
	{4, 16, 256},
	{5, 65, 768},
	{6, 48, 2304},
	{1, 26, 4864},
	{7, 19, 256},
	{8, 129, 512},
	{13, 9, 1280},
	{29, 49, 512},
	{61, 35, 768},
	{290, 18, 256},
}

// widths adds shapes that only blocks of 32 can have.
func widths(g Grain) [][3]int {
	if layouts[g].runs > 1 {
		return quantShapes
	}
	return append([][3]int{{1, 3, 32}, {1, 24, 96}, {2, 9, 32}, {9, 33, 896}, {6, 16, 1120}}, quantShapes...)
}

// The products of rounded rows err by float32 rounding alone. What rounding the
// rows costs is bounded too: half a level for each term.
func TestOctetsAgainstOracle(t *testing.T) {
	eachGrain(t, func(t *testing.T, g Grain) {
		var s Scratch
		for _, d := range widths(g) {
			m, n, k := d[0], d[1], d[2]
			t.Run(shape(m, n, k), func(t *testing.T) {
				w, values := newOctets(g, n, k, 2)
				ldc := n + 5
				a := random(3, m*k)
				x, kept := newRounded(a, m, k)
				before := random(4, (m-1)*ldc+n)
				c := guarded(t, before)
				MatMulOctets(c, ldc, x, 0, m, w, 0, PanelCount(n), false, &s)
				sum, size := product(at(kept, k), atT(values, k), m, n, k)
				withMinima(w, size, kept, m)
				near(t, c, ldc, sum, size, m, n, k)
				betweenRows(t, c, before, ldc, m, n)
				withinRounding(t, c, ldc, a, values, m, n, k)

				plain := bytesOf(c)
				MatMulOctets(c, ldc, x, 0, m, w, 0, PanelCount(n), true, &s)
				for i := range sum {
					sum[i], size[i] = 2*sum[i], 3*size[i]
				}
				near(t, c, ldc, sum, size, m, n, k)
				MatMulOctets(c, ldc, x, 0, m, w, 0, PanelCount(n), false, &s)
				if !bytes.Equal(plain, bytesOf(c)) {
					t.Error("a second run gives other bits")
				}
			})
		}
	})
}

// withMinima adds to the sums of absolute terms what levels and minima are apart:
// they are summed apart from each other.
func withMinima(w *Octets, size []float64, kept []float32, m int) {
	l := &layouts[w.Grain]
	if !l.minimum {
		return
	}
	var v lane
	for j := range w.N {
		for run := range w.K / Run {
			v.read(w.Grain, w.unit(j/OctetRows, run/l.runs), run%l.runs, j%OctetRows)
			apart := math.Abs(float64(v.m)) + 32*math.Abs(float64(v.step[0]))
			for i := range m {
				for _, x := range kept[i*w.K+run*Run:][:Run] {
					size[i*w.N+j] += math.Abs(float64(x)) * apart
				}
			}
		}
	}
}

// withinRounding compares with the product of rows that were not rounded.
func withinRounding(t *testing.T, c []float32, ldc int, a, values []float32, m, n, k int) {
	t.Helper()
	for i := range m {
		for j := range n {
			var want, bound, size float64
			for first := 0; first < k; first += Run {
				var top, weights float64
				for x := first; x < first+Run; x++ {
					v, w := float64(a[i*k+x]), float64(values[j*k+x])
					want += v * w
					size += math.Abs(v * w)
					top = max(top, math.Abs(v))
					weights += math.Abs(w)
				}
				bound += weights * top / 254
			}
			if got := float64(c[i*ldc+j]); !(math.Abs(got-want) <= bound+size*1e-4) {
				t.Fatalf("[%d, %d]: %g, want %g within %g", i, j, got, want, bound)
			}
		}
	}
}

func TestOctetsBitsDoNotDependOnRowsOrSplit(t *testing.T) {
	eachGrain(t, func(t *testing.T, g Grain) {
		if testing.Short() && active == &portable {
			t.Skip("slow")
		}
		most := 300
		if active == &portable {
			most = 20
		}
		const n, k = 83, 1280
		w, _ := newOctets(g, n, k, 5)
		x, _ := newRounded(random(6, most*k), most, k)
		want := make([]float32, most*n)
		var s Scratch
		for i := range most {
			MatMulOctets(want[i*n:], n, x, i, 1, w, 0, PanelCount(n), false, &s)
		}
		for _, m := range counts {
			if m > most {
				continue
			}
			c := make([]float32, m*n)
			first := most - m
			MatMulOctets(c, n, x, first, m, w, 0, PanelCount(n), false, &s)
			sameBits(t, shape(m, n, k), c, n, want[first*n:], n, m, n)
			clear(c)
			for p := range PanelCount(n) {
				MatMulOctets(c, n, x, first, m, w, p, p+1, false, &s)
			}
			sameBits(t, "panel by panel", c, n, want[first*n:], n, m, n)
		}
	})
}

// The integers are the engines' common ground: with scales that are powers of two
// nothing is rounded, so their results are equal. Engines that fuse multiply-adds are
// equal with any scales.
func TestOctetsEnginesAgree(t *testing.T) {
	engines := available()
	if len(engines) == 1 {
		t.Skip("one engine only")
	}
	for g := range Grain(grains) {
		const m, n, k = 29, 40, 512
		src := blocks(g, n, k, 9)
		a := random(10, m*k)
		agree(t, g, engines[:len(engines)-1], src, a, m, n, k)
		_, size := g.Block()
		for at := 0; at < len(src); at += size {
			for _, off := range scaleOffsets(g) {
				binary.LittleEndian.PutUint16(src[at+off:], 0x3c00)
			}
		}
		for i := range a { // a scale of one in each run
			a[i] = float32(math.Round(float64(min(max(a[i]*40, -127), 127))))
			if i%Run == 0 {
				a[i] = 127
			}
		}
		agree(t, g, engines, src, a, m, n, k)
	}
}

// agree compares the engines' rounded rows, and their products of one row and of many.
func agree(t *testing.T, g Grain, engines []*engine, src []byte, a []float32, m, n, k int) {
	t.Helper()
	w := &Octets{Grain: g, N: n, K: k, Data: make([]byte, OctetBytes(g, n, k))}
	PackOctets(w, src, 0, n)
	was := active
	defer func() { active = was }()
	var want []byte
	for i, e := range engines {
		active = e
		x, _ := newRounded(a, m, k)
		c, one := make([]float32, m*n), make([]float32, n)
		var s Scratch
		MatMulOctets(c, n, x, 0, m, w, 0, PanelCount(n), false, &s)
		MatMulOctets(one, n, x, 0, 1, w, 0, PanelCount(n), false, &s)
		got := append(append(bytesOf(c), bytesOf(one)...), x.Data...)
		if i == 0 {
			want = got
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s: %s differs from %s", g, e.name, engines[0].name)
		}
	}
}

func TestRoundRows(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	const k = 64
	a := random(11, 8*k)
	a[1*k+3] = inf
	a[2*k+40] = nan
	for i := range k {
		a[3*k+i] *= 1e-35
		a[4*k+i] = 0
		a[5*k+i] = math.Float32frombits(math.Float32bits(a[5*k+i])&^0x7f800000 | 254<<23)
		a[6*k+i] = math.SmallestNonzeroFloat32
	}
	var want []byte
	eachEngine(t, func(t *testing.T) {
		x, kept := newRounded(a, 8, k)
		if want == nil {
			want = x.Data
		} else if !bytes.Equal(want, x.Data) {
			t.Error("engines round differently")
		}
		for i := range 8 {
			for j := range k {
				got, from := kept[i*k+j], a[i*k+j]
				switch {
				case i == 1 && j < 32 || i == 2 && j >= 32:
					if got == got {
						t.Errorf("[%d, %d] is %g, want a NaN", i, j, got)
					}
				case i == 3 || i == 4 || i == 6:
					if got != 0 {
						t.Errorf("[%d, %d] is %g, want 0", i, j, got)
					}
				default:
					var top float32
					for _, v := range a[i*k+j/32*32:][:32] {
						top = max(top, float32(math.Abs(float64(v))))
					}
					if math.Abs(float64(got)-float64(from)) > float64(top)/253.9 {
						t.Errorf("[%d, %d] is %g, want %g", i, j, got, from)
					}
				}
			}
		}
	})
}

// Scales that are zero, denormal or not finite spoil the rows they belong to, and
// levels at the ends of their range, -128 among them, multiply exactly.
func TestOctetsEdges(t *testing.T) {
	eachGrain(t, func(t *testing.T, g Grain) {
		const n, k = 24, 512
		columns, size := g.Block()
		for _, fill := range []byte{0, 0x80, 0x7f, 0xff, 0x88} {
			src := make([]byte, n*k/columns*size)
			for i := range src {
				src[i] = fill
			}
			halves := []uint16{0x3c00, 0, 1, 0x8001, 0x7c00, 0xfc00, 0x7e00, 0x7bff}
			for i := range n * k / columns {
				for _, off := range scaleOffsets(g) {
					binary.LittleEndian.PutUint16(src[i*size+off:], halves[i*columns/k%8])
				}
			}
			w := &Octets{Grain: g, N: n, K: k, Data: make([]byte, OctetBytes(g, n, k))}
			PackOctets(w, src, 0, n)
			values := make([]float32, n*k)
			for i := range n {
				w.Row(values[i*k:][:k], i)
			}
			for _, m := range []int{1, 5} {
				a := random(12, m*k)
				for i := range a {
					a[i] = 127
					if i%3 == 0 {
						a[i] = -127
					}
				}
				x, kept := newRounded(a, m, k)
				c := make([]float32, m*n)
				var s Scratch
				MatMulOctets(c, n, x, 0, m, w, 0, PanelCount(n), false, &s)
				sum, terms := product(at(kept, k), atT(values, k), m, n, k)
				withMinima(w, terms, kept, m)
				for i, got := range c {
					finite := !math.IsInf(terms[i], 0) && !math.IsNaN(terms[i])
					if finite != (got-got == 0) {
						t.Fatalf("levels %#x, row %d: %g, want %g", fill, i%n, got, sum[i])
					}
					if finite && math.Abs(float64(got)-sum[i]) > 80*terms[i]/(1<<24) {
						t.Fatalf("levels %#x, row %d: %g, want %g", fill, i%n, got, sum[i])
					}
				}
			}
		}
	})
}

func TestTransposedOctets(t *testing.T) {
	eachGrain(t, func(t *testing.T, g Grain) {
		var s Scratch
		for _, d := range [][3]int{{1, 5, 256}, {7, 300, 512}, {30, 17, 768}} {
			m, n, k := d[0], d[1], d[2]
			w, values := newOctets(g, n, k, 20)
			a := random(21, m*n)
			want, c := make([]float32, m*k), guarded(t, random(22, m*k))
			Gemm(want, k, Dense{a, n, false}, Dense{values, k, false}, m, k, n, 1, false, &s)
			MatMulTOctets(c, k, a, n, m, w, 0, 128, false, &s)
			MatMulTOctets(c, k, a, n, m, w, 128, k, false, &s)
			sameBits(t, shape(m, n, k), c, k, want, k, m, k)
		}
	})
}

// BenchmarkFewRows measures products of one row and of eight by a weight of each format
// that stays in a cache, which tells what a core computes, and by one that does not,
// beside the bare read of as many bytes.
func BenchmarkFewRows(b *testing.B) {
	const k, most, some = 1536, 8, 256
	for _, in := range []struct {
		name string
		n    int
	}{{"cache", some}, {"memory", some << 9}} {
		run := func(name string, data []byte, multiply func(m int)) {
			for _, m := range []int{1, most} {
				b.Run(fmt.Sprintf("%s/%s/rows=%d", in.name, name, m), func(b *testing.B) {
					b.SetBytes(int64(len(data)))
					for b.Loop() {
						multiply(m)
					}
				})
			}
		}
		// repeat fills memory with what its beginning holds.
		repeat := func(data []byte, done int) {
			for ; done < len(data); done *= 2 {
				copy(data[done:], data[:done])
			}
		}
		a, c := random(3, most*k), make([]float32, most*in.n)
		x := &Rounded{M: most, K: k, Data: make([]byte, RoundedBytes(most, k))}
		RoundRows(x, a, k, 0, most)
		var s Scratch
		for g := range Grain(grains) {
			w := &Octets{Grain: g, N: in.n, K: k, Data: make([]byte, OctetBytes(g, in.n, k))}
			PackOctets(&Octets{Grain: g, N: some, K: k, Data: w.Data}, blocks(g, some, k, 6), 0, some)
			repeat(w.Data, OctetBytes(g, some, k))
			run(g.String(), w.Data, func(m int) { MatMulOctets(c, in.n, x, 0, m, w, 0, PanelCount(in.n), false, &s) })
		}
		var w *Panels
		for f, name := range []string{"F32", "F16", "BF16"} {
			w = &Panels{Format: Format(f), N: in.n, K: k, Data: make([]byte, PanelBytes(Format(f), in.n, k))}
			copy(w.Data, bytes.Repeat([]byte{0, 0x3c}, some*k))
			repeat(w.Data, 2*some*k)
			run(name, w.Data, func(m int) { MatMul(c, in.n, a, k, m, w, 0, PanelCount(in.n), false, &s) })
		}
		b.Run(in.name+"/read", func(b *testing.B) {
			b.SetBytes(int64(len(w.Data)))
			for b.Loop() {
				ReadBytes(w.Data)
			}
		})
	}
}
