package kernel

import "math"

// span is how many numbers one call of a micro-kernel walks: well below a
// millisecond for the slowest. Sums are cut there too, so it is part of their
// bits.
const span = 1 << 16

// vectors is the part of an engine that walks over vectors of n numbers. The
// functions are those of the plain-Go versions.
type vectors struct {
	addTo         func(n int, y, a, b *float32)
	scaleTo       func(n int, y, x *float32, by float32)
	addScaled     func(n int, y, x *float32, by float32)
	scaleMul      func(n int, y, x, w *float32, by float32)
	normBack      func(n int, dx, x, w, dy *float32, r, k float32)
	normScaleBack func(n int, dw, x, dy *float32, r float32)
	expTo         func(n int, y, x *float32)
	silu          func(n int, y, gate, up *float32)
	siluBack      func(n int, dgate, dup, gate, up, dy *float32)
	gelu          func(n int, y, x *float32)
	geluMul       func(n int, y, gate, up *float32)
	geluMulBack   func(n int, dgate, dup, gate, up, dy *float32)
	softmaxBack   func(n int, p, ds *float32, lse, delta float32)
	rotate        func(n int, y, z, a, b, cos, sin *float32)
	rotateBack    func(n int, y, z, a, b, cos, sin *float32)
	adamW         func(n int, p, m, v, grad *float32, scale, grow1, grow2, decay, step, root, eps float32)
	squares       func(n int, x *float32) float64
	dot3          func(n int, a, b, c *float32) float64
	expSum        func(n int, y, x *float32, shift float32) float64
	dot           func(n int, a, b *float32) float32
	peak          func(n int, x *float32) float32
	drop          func(n int, y, x *float32, counter uint64, d *uint32, border uint32, keep float32) // nil: there is none
}

// The functions below work on whole slices of the length of their first
// argument; the others must be at least as long, or they panic. Outputs may be
// the same slice as an input, but not overlap it otherwise. In elementwise
// functions the bits of an element depend on nothing but its inputs: rows may
// be cut anywhere. Sums and what follows from them depend on the whole vector:
// numbers go round a fixed set of lanes in order, and lanes are joined in one
// order, so a caller must hand in a row as a whole.

// Add writes a + b to y.
func Add(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.addTo(min(span, len(y)-i), &y[i], &a[i], &b[i])
	}
}

// ScaleTo writes by*x to y.
func ScaleTo(y []float32, by float32, x []float32) {
	x = x[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.scaleTo(min(span, len(y)-i), &y[i], &x[i], by)
	}
}

// AddScaled adds by*x to y, with one rounding where the engine has fused
// multiply-adds.
func AddScaled(y []float32, by float32, x []float32) {
	x = x[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.addScaled(min(span, len(y)-i), &y[i], &x[i], by)
	}
}

// Exp writes e to the power of x to y, to about one unit in the last place.
// Results below the smallest normal number are zero.
func Exp(y, x []float32) {
	x = x[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.expTo(min(span, len(y)-i), &y[i], &x[i])
	}
}

// ExpSum writes exp(x-shift) to y and returns the sum of y, taken in double
// precision. With Peak as shift it is the heart of a softmax.
func ExpSum(y, x []float32, shift float32) float64 {
	x = x[:len(y)]
	var sum float64
	for i := 0; i < len(y); i += span {
		sum += active.vec.expSum(min(span, len(y)-i), &y[i], &x[i], shift)
	}
	return sum
}

// Peak returns the largest of x, minus infinity for none. A NaN may or may not
// be passed over.
func Peak(x []float32) float32 {
	peak := float32(math.Inf(-1))
	for i := 0; i < len(x); i += span {
		peak = max(peak, active.vec.peak(min(span, len(x)-i), &x[i]))
	}
	return peak
}

// Dot returns the sum of products of a and b in single precision.
func Dot(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i := 0; i < len(a); i += span {
		sum += active.vec.dot(min(span, len(a)-i), &a[i], &b[i])
	}
	return sum
}

// SumSquares returns the sum of squares of x in double precision.
func SumSquares(x []float32) float64 {
	var sum float64
	for i := 0; i < len(x); i += span {
		sum += active.vec.squares(min(span, len(x)-i), &x[i])
	}
	return sum
}

// SiLUMul writes silu(gate)*up to y, where silu(x) = x / (1 + exp(-x)): the
// gated linear unit.
func SiLUMul(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.silu(min(span, len(y)-i), &y[i], &gate[i], &up[i])
	}
}

// SiLUMulBack writes the gradients of SiLUMul for its result's gradient dy.
func SiLUMulBack(dgate, dup, gate, up, dy []float32) {
	n := len(dgate)
	dup, gate, up, dy = dup[:n], gate[:n], up[:n], dy[:n]
	for i := 0; i < n; i += span {
		active.vec.siluBack(min(span, n-i), &dgate[i], &dup[i], &gate[i], &up[i], &dy[i])
	}
}

// GELU writes the tanh approximation of GELU of x to y.
func GELU(y, x []float32) {
	x = x[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.gelu(min(span, len(y)-i), &y[i], &x[i])
	}
}

// GELUMul writes the tanh approximation of GELU of gate, times up, to y.
func GELUMul(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for i := 0; i < len(y); i += span {
		active.vec.geluMul(min(span, len(y)-i), &y[i], &gate[i], &up[i])
	}
}

// GELUMulBack writes the gradients of GELUMul for its result's gradient dy.
func GELUMulBack(dgate, dup, gate, up, dy []float32) {
	n := len(dgate)
	dup, gate, up, dy = dup[:n], gate[:n], up[:n], dy[:n]
	for i := 0; i < n; i += span {
		active.vec.geluMulBack(min(span, n-i), &dgate[i], &dup[i], &gate[i], &up[i], &dy[i])
	}
}

// RMSNorm writes x*r*w to y, where r = 1/sqrt(mean(x*x)+eps), for one row.
func RMSNorm(y, x, w []float32, eps float32) {
	x, w = x[:len(y)], w[:len(y)]
	r := rootMean(x, eps)
	for i := 0; i < len(y); i += span {
		active.vec.scaleMul(min(span, len(y)-i), &y[i], &x[i], &w[i], r)
	}
}

// RMSNormBack writes the gradient of RMSNorm's x to dx for its result's
// gradient dy and, unless dw is nil, adds this row's part of the gradient of w
// to dw. dx may be dy only where dw is nil.
func RMSNormBack(dx, dw, x, w, dy []float32, eps float32) {
	n := len(dx)
	x, w, dy = x[:n], w[:n], dy[:n]
	r := rootMean(x, eps)
	var s float64
	for i := 0; i < n; i += span {
		s += active.vec.dot3(min(span, n-i), &dy[i], &w[i], &x[i])
	}
	k := float32(float64(r) * float64(r) * float64(r) * s / float64(n))
	for i := 0; i < n; i += span {
		active.vec.normBack(min(span, n-i), &dx[i], &x[i], &w[i], &dy[i], r, k)
	}
	if dw == nil {
		return
	}
	dw = dw[:n]
	for i := 0; i < n; i += span {
		active.vec.normScaleBack(min(span, n-i), &dw[i], &x[i], &dy[i], r)
	}
}

func rootMean(x []float32, eps float32) float32 {
	return float32(1 / math.Sqrt(SumSquares(x)/float64(len(x))+float64(eps)))
}

// SoftmaxBack turns scores p into weights exp(p-lse), and the weights' gradient
// ds into the scores', p*(ds-delta).
func SoftmaxBack(p, ds []float32, lse, delta float32) {
	ds = ds[:len(p)]
	for i := 0; i < len(p); i += span {
		active.vec.softmaxBack(min(span, len(p)-i), &p[i], &ds[i], lse, delta)
	}
}

// Rotate turns the pairs (a, b) by angles given as cosines and sines: y is
// a*cos - b*sin and z is b*cos + a*sin. y may be a, and z may be b.
func Rotate(y, z, a, b, cos, sin []float32) {
	n := len(y)
	z, a, b, cos, sin = z[:n], a[:n], b[:n], cos[:n], sin[:n]
	for i := 0; i < n; i += span {
		active.vec.rotate(min(span, n-i), &y[i], &z[i], &a[i], &b[i], &cos[i], &sin[i])
	}
}

// RotateBack is Rotate by the opposite angles.
func RotateBack(y, z, a, b, cos, sin []float32) {
	n := len(y)
	z, a, b, cos, sin = z[:n], a[:n], b[:n], cos[:n], sin[:n]
	for i := 0; i < n; i += span {
		active.vec.rotateBack(min(span, n-i), &y[i], &z[i], &a[i], &b[i], &cos[i], &sin[i])
	}
}

// Update is what one step of AdamW needs beside its vectors.
type Update struct {
	Scale        float32 // of the gradient
	Grow1, Grow2 float32 // 1-beta1, 1-beta2
	Decay        float32 // 1 - learning rate * weight decay
	Step         float32 // learning rate / (1 - beta1^t)
	Root         float32 // 1 / (1 - beta2^t)
	Eps          float32
}

// AdamW moves the moments m and v towards scale*g and its square, and the
// parameters to decay*p - step*m / (sqrt(v*root) + eps).
func AdamW(p, m, v, g []float32, u Update) {
	n := len(p)
	m, v, g = m[:n], v[:n], g[:n]
	for i := 0; i < n; i += span {
		active.vec.adamW(min(span, n-i), &p[i], &m[i], &v[i], &g[i], u.Scale, u.Grow1, u.Grow2, u.Decay, u.Step, u.Root, u.Eps)
	}
}
