package kernel

import (
	"fmt"
	"math"
	"testing"
)

// lengths cross the boundaries of registers, of unrolled loops and of spans.
var lengths = []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 100, 1000, span - 1, span, span + 5, 2*span + 17}

// ulps is the distance of got from want in units of want's last place.
func ulps(got float32, want float64) float64 {
	exp := math.Ilogb(max(math.Abs(want), 0x1p-126))
	return math.Abs(float64(got)-want) / math.Ldexp(1, exp-23)
}

// A mapFunc is an elementwise function: outputs, then inputs. Outputs start
// with what they hold.
type mapFunc struct {
	name      string
	ins, outs int
	scale     float32               // of the random inputs
	start     func(out [][]float32) // puts outputs into their range
	run       func(out, in [][]float32)
	want      func(out, in []float64) []float64 // of one element
	size      func(out, in []float64) []float64 // what rounding errors are relative to
	ulps      float64
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

var mappings = []mapFunc{
	{
		name: "Add", ins: 2, outs: 1, scale: 1, ulps: 0.5,
		run:  func(out, in [][]float32) { Add(out[0], in[0], in[1]) },
		want: func(_, in []float64) []float64 { return []float64{in[0] + in[1]} },
	},
	{
		name: "ScaleTo", ins: 1, outs: 1, scale: 1, ulps: 0.5,
		run:  func(out, in [][]float32) { ScaleTo(out[0], 1.25, in[0]) },
		want: func(_, in []float64) []float64 { return []float64{1.25 * in[0]} },
	},
	{
		name: "AddScaled", ins: 1, outs: 1, scale: 1, ulps: 1,
		run:  func(out, in [][]float32) { AddScaled(out[0], 0.7, in[0]) },
		want: func(out, in []float64) []float64 { return []float64{out[0] + float64(float32(0.7))*in[0]} },
		size: func(out, in []float64) []float64 { return []float64{math.Abs(out[0]) + math.Abs(in[0])} },
	},
	{
		name: "Exp", ins: 1, outs: 1, scale: 17, ulps: 1.5,
		run:  func(out, in [][]float32) { Exp(out[0], in[0]) },
		want: func(_, in []float64) []float64 { return []float64{flushed(math.Exp(in[0]), in[0])} },
	},
	{
		name: "SiLUMul", ins: 2, outs: 1, scale: 5, ulps: 4,
		run:  func(out, in [][]float32) { SiLUMul(out[0], in[0], in[1]) },
		want: func(_, in []float64) []float64 { return []float64{in[0] * sigmoid(in[0]) * in[1]} },
	},
	{
		name: "SiLUMulBack", ins: 3, outs: 2, scale: 4, ulps: 8,
		run: func(out, in [][]float32) { SiLUMulBack(out[0], out[1], in[0], in[1], in[2]) },
		want: func(_, in []float64) []float64 {
			g, up, dy, s := in[0], in[1], in[2], sigmoid(in[0])
			return []float64{dy * up * s * (1 + g*(1-s)), dy * g * s}
		},
		size: func(_, in []float64) []float64 {
			g, up, dy, s := in[0], in[1], in[2], sigmoid(in[0])
			return []float64{math.Abs(dy * up * s * (1 + math.Abs(g))), math.Abs(dy * g * s)}
		},
	},
	{
		name: "GELU", ins: 1, outs: 1, scale: 4, ulps: 4,
		run:  func(out, in [][]float32) { GELU(out[0], in[0]) },
		want: func(_, in []float64) []float64 { return []float64{geluTerms(in[0]).y} },
		size: func(_, in []float64) []float64 {
			return []float64{math.Abs(geluTerms(in[0]).y)*geluTerms(in[0]).loss + tiny}
		},
	},
	{
		name: "GELUMul", ins: 2, outs: 1, scale: 4, ulps: 4,
		run:  func(out, in [][]float32) { GELUMul(out[0], in[0], in[1]) },
		want: func(_, in []float64) []float64 { return []float64{geluTerms(in[0]).y * in[1]} },
		size: func(_, in []float64) []float64 {
			return []float64{math.Abs(geluTerms(in[0]).y*in[1])*geluTerms(in[0]).loss + tiny}
		},
	},
	{
		name: "GELUMulBack", ins: 3, outs: 2, scale: 4, ulps: 8,
		run: func(out, in [][]float32) { GELUMulBack(out[0], out[1], in[0], in[1], in[2]) },
		want: func(_, in []float64) []float64 {
			g := geluTerms(in[0])
			return []float64{in[2] * in[1] * g.s * (1 + g.d*(1-g.s)), in[2] * g.y}
		},
		size: func(_, in []float64) []float64 {
			g := geluTerms(in[0])
			return []float64{math.Abs(in[2]*in[1])*g.s*(1+math.Abs(g.d))*g.loss + tiny, math.Abs(in[2]*g.y)*g.loss + tiny}
		},
	},
	{
		name: "SoftmaxBack", outs: 2, ulps: 4,
		run: func(out, _ [][]float32) { SoftmaxBack(out[0], out[1], 1.5, 0.25) },
		want: func(out, _ []float64) []float64 {
			p := math.Exp(out[0] - 1.5)
			return []float64{p, p * (out[1] - 0.25)}
		},
		size: func(out, _ []float64) []float64 {
			x := out[0] - 1.5
			p := math.Exp(x) * (1 + math.Abs(x)) // the difference is rounded
			return []float64{p, p * (math.Abs(out[1]) + 0.25)}
		},
	},
	{
		name: "Rotate", ins: 4, outs: 2, scale: 1, ulps: 1.5,
		run: func(out, in [][]float32) { Rotate(out[0], out[1], in[0], in[1], in[2], in[3]) },
		want: func(_, in []float64) []float64 {
			return []float64{in[0]*in[2] - in[1]*in[3], in[1]*in[2] + in[0]*in[3]}
		},
		size: rotateSize,
	},
	{
		name: "RotateBack", ins: 4, outs: 2, scale: 1, ulps: 1.5,
		run: func(out, in [][]float32) { RotateBack(out[0], out[1], in[0], in[1], in[2], in[3]) },
		want: func(_, in []float64) []float64 {
			return []float64{in[0]*in[2] + in[1]*in[3], in[1]*in[2] - in[0]*in[3]}
		},
		size: rotateSize,
	},
	{
		name: "AdamW", ins: 1, outs: 3, scale: 1, ulps: 4,
		start: func(out [][]float32) {
			for i, v := range out[2] {
				out[2][i] = v * v
			}
		},
		run: func(out, in [][]float32) { AdamW(out[0], out[1], out[2], in[0], update) },
		want: func(out, in []float64) []float64 {
			x := float64(update.Scale) * in[0]
			m := out[1] + float64(update.Grow1)*(x-out[1])
			v := out[2] + float64(update.Grow2)*(x*x-out[2])
			p := float64(update.Decay)*out[0] - float64(update.Step)*m/(math.Sqrt(v*float64(update.Root))+float64(update.Eps))
			return []float64{p, m, v}
		},
		size: func(out, in []float64) []float64 {
			x := math.Abs(in[0]) + math.Abs(out[1])
			return []float64{math.Abs(out[0]) + x/math.Sqrt(out[2]), x, in[0]*in[0] + out[2]}
		},
	},
}

var update = Update{Scale: 0.5, Grow1: 0.125, Grow2: 0.0625, Decay: 0.99, Step: 0.01, Root: 2, Eps: 1e-8}

func rotateSize(_, in []float64) []float64 {
	return []float64{math.Abs(in[0]*in[2]) + math.Abs(in[1]*in[3]), math.Abs(in[1]*in[2]) + math.Abs(in[0]*in[3])}
}

// flushed is what Exp promises below the smallest normal number: zero.
func flushed(y, x float64) float64 {
	if float32(x) < -87.33654 {
		return 0
	}
	return y
}

func (f *mapFunc) inputs(t *testing.T, n int) (out, in [][]float32) {
	for i := range f.ins {
		x := random(uint64(30+i), n)
		for j := range x {
			x[j] *= f.scale
		}
		in = append(in, guarded(t, x))
	}
	for i := range f.outs {
		out = append(out, random(uint64(40+i), n))
	}
	if f.start != nil {
		f.start(out)
	}
	for i := range out {
		out[i] = guarded(t, out[i])
	}
	return out, in
}

func pick64(x [][]float32, i int) []float64 {
	var v []float64
	for _, s := range x {
		v = append(v, float64(s[i]))
	}
	return v
}

func TestMappingsAgainstOracle(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		for _, f := range mappings {
			for _, n := range lengths {
				if testing.Short() && n > 1000 {
					continue
				}
				t.Run(fmt.Sprint(f.name, n), func(t *testing.T) {
					out, in := f.inputs(t, n)
					var want, size [][]float64
					for i := range n {
						o, x := pick64(out, i), pick64(in, i)
						w := f.want(o, x)
						want, size = append(want, w), append(size, w)
						if f.size != nil {
							size[i] = f.size(o, x)
						}
					}
					f.run(out, in)
					for i := range n {
						for j, o := range out {
							unit := math.Ldexp(1, math.Ilogb(max(math.Abs(size[i][j]), 0x1p-126))-23)
							if err := math.Abs(float64(o[i])-want[i][j]) / unit; !(err <= f.ulps) {
								t.Fatalf("output %d, element %d of %d: %g, want %g: %.2f units in the last place", j, i, n, o[i], want[i][j], err)
							}
						}
					}
				})
			}
		}
	})
}

// An element has the same bits wherever a vector is cut.
func TestMappingsBitsDoNotDependOnPlace(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		const n = 67
		for _, f := range mappings {
			out, in := f.inputs(t, n)
			start := make([][]float32, f.outs)
			for i := range out {
				start[i] = append([]float32(nil), out[i]...)
			}
			f.run(out, in)
			for _, cut := range []int{1, 3, 8, 13} {
				again, _ := f.inputs(t, n)
				for i := range again {
					copy(again[i], start[i])
				}
				for at := 0; at < n; at += cut {
					f.run(part(again, at, min(at+cut, n)), part(in, at, min(at+cut, n)))
				}
				for i := range out {
					sameBits(t, f.name, again[i], n, out[i], n, 1, n)
				}
			}
		}
	})
}

func part(x [][]float32, from, to int) [][]float32 {
	var p [][]float32
	for _, s := range x {
		p = append(p, s[from:to:to])
	}
	return p
}

func TestReductions(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		for _, n := range lengths {
			x, y := guarded(t, random(50, n)), guarded(t, random(51, n))
			var squares, dot, size float64
			peak := x[0]
			for i, v := range x {
				squares += float64(v) * float64(v)
				dot += float64(v) * float64(y[i])
				size += math.Abs(float64(v) * float64(y[i]))
				peak = max(peak, v)
			}
			if got := SumSquares(x); math.Abs(got-squares) > 1e-13*squares {
				t.Errorf("%d numbers: sum of squares %v, want %v", n, got, squares)
			}
			if got := Dot(x, y); math.Abs(float64(got)-dot) > (float64(min(n, 64))+8)*size/(1<<24) {
				t.Errorf("%d numbers: dot %v, want %v", n, got, dot)
			}
			if got := Peak(x); got != peak {
				t.Errorf("%d numbers: peak %v, want %v", n, got, peak)
			}
			for i := range x { // every place is looked at
				if n > 100 && i%97 != 0 && i != n-1 {
					continue
				}
				was := x[i]
				x[i] = 100
				if Peak(x) != 100 {
					t.Fatalf("%d numbers: the peak at %d was missed", n, i)
				}
				x[i] = was
			}

			e := guarded(t, make([]float32, n))
			alone := make([]float32, n)
			sum := ExpSum(e, x, peak)
			var want, kept float64
			for i, v := range x {
				alone[i] = v - peak
				want += math.Exp(float64(alone[i]))
				kept += float64(e[i])
			}
			if math.Abs(sum-want) > 2e-7*want || math.Abs(sum-kept) > 1e-13*want {
				t.Errorf("%d numbers: sum of exponentials %v, want %v, and of what was written %v", n, sum, want, kept)
			}
			Exp(alone, alone)
			sameBits(t, "exponentials", e, n, alone, n, 1, n)
		}
		if got := Peak(nil); !math.IsInf(float64(got), -1) {
			t.Errorf("peak of nothing is %v", got)
		}
		if SumSquares(nil) != 0 || Dot(nil, nil) != 0 || ExpSum(nil, nil, 1) != 0 {
			t.Error("an empty sum is not zero")
		}
	})
}

func TestExpSpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	in := []float32{0, inf, -inf, 88.72283, 88.8, 1e30, -87.33654, -87.34, -1e30, float32(math.Copysign(0, -1)), nan, 1e-30}
	eachEngine(t, func(t *testing.T) {
		out := make([]float32, len(in))
		Exp(out, in)
		for i, want := range []float32{1, inf, 0, -1, inf, inf, -1, 0, 0, 1, nan, 1} {
			got := out[i]
			switch {
			case want == -1: // a number at the edge of the range
				if ulps(got, math.Exp(float64(in[i]))) > 1.5 {
					t.Errorf("exp(%v) is %v", in[i], got)
				}
			case want != want:
				if got == got {
					t.Errorf("exp(NaN) is %v", got)
				}
			case got != want:
				t.Errorf("exp(%v) is %v, want %v", in[i], got, want)
			}
		}
	})
}

// The whole range is walked in steps that do not repeat fractions.
func TestExpAccuracy(t *testing.T) {
	eachEngine(t, func(t *testing.T) {
		var x []float32
		for v := -87.3; v < 88.7; v += 0.0012345 {
			x = append(x, float32(v))
		}
		y := make([]float32, len(x))
		Exp(y, x)
		var worst, at float64
		for i, v := range x {
			if u := ulps(y[i], math.Exp(float64(v))); u > worst {
				worst, at = u, float64(v)
			}
		}
		t.Logf("largest error %.3f units in the last place, at %v", worst, at)
		if worst > 1.5 {
			t.Errorf("exp(%v) is off by %.3f units in the last place", at, worst)
		}
	})
}

func TestRMSNorm(t *testing.T) {
	const eps = 1e-6
	eachEngine(t, func(t *testing.T) {
		for _, n := range lengths {
			x, w, dy := guarded(t, random(60, n)), guarded(t, random(61, n)), guarded(t, random(62, n))
			dw0 := random(63, n)
			y, dx, dw := guarded(t, make([]float32, n)), guarded(t, make([]float32, n)), guarded(t, dw0)
			var squares, s float64
			for i, v := range x {
				squares += float64(v) * float64(v)
				s += float64(dy[i]) * float64(w[i]) * float64(v)
			}
			r := 1 / math.Sqrt(squares/float64(n)+eps)
			RMSNorm(y, x, w, eps)
			RMSNormBack(dx, dw, x, w, dy, eps)
			for i := range x {
				v, u, d := float64(x[i]), float64(w[i]), float64(dy[i])
				closeTo(t, "y", y[i], v*r*u, math.Abs(v*r*u))
				k := r * r * r * s / float64(n)
				closeTo(t, "dx", dx[i], r*d*u-k*v, math.Abs(r*d*u)+math.Abs(k*v)+1e-3*math.Abs(r*v))
				closeTo(t, "dw", dw[i], float64(dw0[i])+d*v*r, math.Abs(float64(dw0[i]))+math.Abs(d*v*r))
			}
			alone := make([]float32, n)
			RMSNormBack(alone, nil, x, w, dy, eps)
			sameBits(t, "dx alone", alone, n, dx, n, 1, n)
		}
	})
}

func closeTo(t *testing.T, what string, got float32, want, size float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= 4*size/(1<<23)) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

func TestShortSlicesPanic(t *testing.T) {
	x, y := make([]float32, 8), make([]float32, 7, 8)[:7:7]
	for name, f := range map[string]func(){
		"Add":         func() { Add(x, x, y) },
		"ScaleTo":     func() { ScaleTo(x, 1, y) },
		"AddScaled":   func() { AddScaled(x, 1, y) },
		"Exp":         func() { Exp(x, y) },
		"ExpSum":      func() { ExpSum(x, y, 0) },
		"Dot":         func() { Dot(x, y) },
		"SiLUMul":     func() { SiLUMul(x, x, y) },
		"SiLUMulBack": func() { SiLUMulBack(x, y, x, x, x) },
		"GELU":        func() { GELU(x, y) },
		"GELUMul":     func() { GELUMul(x, x, y) },
		"GELUMulBack": func() { GELUMulBack(x, y, x, x, x) },
		"SoftmaxBack": func() { SoftmaxBack(x, y, 1, 1) },
		"Rotate":      func() { Rotate(x, x, x, x, x, y) },
		"RotateBack":  func() { RotateBack(x, y, x, x, x, x) },
		"AdamW":       func() { AdamW(x, x, x, y, update) },
		"RMSNorm":     func() { RMSNorm(x, x, y, 1) },
		"RMSNormBack": func() { RMSNormBack(x, y, x, x, x, 1) },
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

func BenchmarkVector(b *testing.B) {
	const n = 4864
	x, y, z := random(70, n), random(71, n), random(72, n)
	u, v := random(73, n), random(74, n)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"Add", func() { Add(y, x, z) }},
		{"AddScaled", func() { AddScaled(y, 1e-9, x) }},
		{"Exp", func() { Exp(y, x) }},
		{"ExpSum", func() { ExpSum(y, x, 1) }},
		{"Peak", func() { Peak(x) }},
		{"Dot", func() { Dot(x, z) }},
		{"SumSquares", func() { SumSquares(x) }},
		{"SiLUMul", func() { SiLUMul(y, x, z) }},
		{"GELU", func() { GELU(y, x) }},
		{"GELUMul", func() { GELUMul(y, x, z) }},
		{"GELUMulBack", func() { GELUMulBack(u, v, x, z, y) }},
		{"SiLUMulBack", func() { SiLUMulBack(u, v, x, z, y) }},
		{"SoftmaxBack", func() { SoftmaxBack(y, x, 1, 1) }},
		{"Rotate", func() { Rotate(u, v, x, y, z, z) }},
		{"AdamW", func() { AdamW(x, u, v, z, update) }},
		{"RMSNorm", func() { RMSNorm(y, x, z, 1e-6) }},
		{"RMSNormBack", func() { RMSNormBack(u, v, x, z, y, 1e-6) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		})
	}
}

// terms are those of the tanh approximation of GELU and of its slope s*(1+d*(1-s)). An
// exponential loses as many units of precision as its argument is large.
type terms struct{ y, s, d, loss float64 }

// tiny is the size of results whose exponential passes the range of float32: they are 0.
const tiny = 1e-27

func geluTerms(x float64) terms {
	k := 2 * math.Sqrt(2/math.Pi)
	z := k * (x + 0.044715*x*x*x)
	s := sigmoid(z)
	return terms{x * s, s, k * (x + 3*0.044715*x*x*x), 1 + math.Abs(z)}
}
