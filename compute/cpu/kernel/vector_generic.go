package kernel

import (
	"math"
	"unsafe"
)

// portableVectors is the plain-Go version. Conversions of products to float32
// forbid the compiler to fuse them with sums, so that all processors give the
// same bits.
var portableVectors = vectors{
	addTo:         addToGo,
	scaleTo:       scaleToGo,
	addScaled:     addScaledGo,
	scaleMul:      scaleMulGo,
	normBack:      normBackGo,
	normScaleBack: normScaleBackGo,
	expTo:         expToGo,
	silu:          siluGo,
	siluBack:      siluBackGo,
	gelu:          geluGo,
	geluMul:       geluMulGo,
	geluMulBack:   geluMulBackGo,
	softmaxBack:   softmaxBackGo,
	rotate:        rotateGo,
	rotateBack:    rotateBackGo,
	adamW:         adamWGo,
	squares:       squaresGo,
	dot3:          dot3Go,
	expSum:        expSumGo,
	dot:           dotGo,
	peak:          peakGo,
}

func slice(x *float32, n int) []float32 { return unsafe.Slice(x, n) }

// addToGo: y = a + b.
func addToGo(n int, yp, ap, bp *float32) {
	y, a, b := slice(yp, n), slice(ap, n), slice(bp, n)
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

// scaleToGo: y = by*x.
func scaleToGo(n int, yp, xp *float32, by float32) {
	y, x := slice(yp, n), slice(xp, n)
	for i := range y {
		y[i] = by * x[i]
	}
}

// addScaledGo: y += by*x.
func addScaledGo(n int, yp, xp *float32, by float32) {
	y, x := slice(yp, n), slice(xp, n)
	for i := range y {
		y[i] += float32(by * x[i])
	}
}

// scaleMulGo: y = x*by*w.
func scaleMulGo(n int, yp, xp, wp *float32, by float32) {
	y, x, w := slice(yp, n), slice(xp, n), slice(wp, n)
	for i := range y {
		y[i] = float32(x[i]*by) * w[i]
	}
}

// normBackGo: dx = r*dy*w - k*x.
func normBackGo(n int, dxp, xp, wp, dyp *float32, r, k float32) {
	dx, x, w, dy := slice(dxp, n), slice(xp, n), slice(wp, n), slice(dyp, n)
	for i := range dx {
		dx[i] = float32(float32(r*dy[i])*w[i]) - float32(k*x[i])
	}
}

// normScaleBackGo: dw += dy*x*r.
func normScaleBackGo(n int, dwp, xp, dyp *float32, r float32) {
	dw, x, dy := slice(dwp, n), slice(xp, n), slice(dyp, n)
	for i := range dw {
		dw[i] += float32(float32(dy[i]*x[i]) * r)
	}
}

// expToGo: y = exp(x).
func expToGo(n int, yp, xp *float32) {
	y, x := slice(yp, n), slice(xp, n)
	for i, v := range x {
		y[i] = expGo(v)
	}
}

// expGo splits x into a whole power of two and a rest of at most ln(2)/2, whose
// exponential is the polynomial of Cephes' expf.
func expGo(x float32) float32 {
	const (
		shift = 3 << 22 // adding it rounds to a whole number
		ln2Hi = 0.693359375
		ln2Lo = -2.12194440e-4
	)
	switch {
	case x < -87.33654:
		return 0
	case x > 89:
		x = 89
	}
	t := float32(x*math.Log2E) + shift
	n := t - shift
	x -= float32(n * ln2Hi)
	x -= float32(n * ln2Lo)
	p := float32(1.9875691500e-4)
	p = float32(p*x) + 1.3981999507e-3
	p = float32(p*x) + 8.3334519073e-3
	p = float32(p*x) + 4.1665795894e-2
	p = float32(p*x) + 1.6666665459e-1
	p = float32(p*x) + 5.0000001201e-1
	p = float32(p*float32(x*x)) + x + 1
	// Two factors, because 2^128 alone would overflow.
	k := int32(n)
	half := k >> 1
	return p * power2(half) * power2(k-half)
}

func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// siluGo: y = gate / (1 + exp(-gate)) * up.
func siluGo(n int, yp, gatep, upp *float32) {
	y, gate, up := slice(yp, n), slice(gatep, n), slice(upp, n)
	for i, g := range gate {
		y[i] = g / (1 + expGo(-g)) * up[i]
	}
}

// gelu1, gelu3: the tanh approximation of GELU is x / (1 + exp(x*(gelu1 + gelu3*x*x))).
const (
	gelu1 = -1.5957691216057308 // -2*sqrt(2/pi)
	gelu3 = gelu1 * 0.044715
)

func onePlusExpGELU(x float32) float32 {
	return 1 + expGo(x*(float32(float32(x*x)*gelu3)+gelu1))
}

// geluGo: y = x / (1 + exp(x*(gelu1 + gelu3*x*x))).
func geluGo(n int, yp, xp *float32) {
	y, x := slice(yp, n), slice(xp, n)
	for i, v := range x {
		y[i] = v / onePlusExpGELU(v)
	}
}

// geluMulGo: y = gelu(gate) * up.
func geluMulGo(n int, yp, gatep, upp *float32) {
	y, gate, up := slice(yp, n), slice(gatep, n), slice(upp, n)
	for i, g := range gate {
		y[i] = g / onePlusExpGELU(g) * up[i]
	}
}

// geluMulBackGo: with s = 1 / (1 + exp(gate*(gelu1 + gelu3*gate*gate))), dup = dy*gate*s
// and dgate = dy*up*s*(1 - gate*(gelu1 + 3*gelu3*gate*gate)*(1-s)). Far from zero the
// slope is 0 or 1, and squares would overflow.
func geluMulBackGo(n int, dgatep, dupp, gatep, upp, dyp *float32) {
	dgate, dup := slice(dgatep, n), slice(dupp, n)
	gate, up, dy := slice(gatep, n), slice(upp, n), slice(dyp, n)
	for i := range dgate {
		g, d, u := gate[i], dy[i], up[i]
		s := 1 / onePlusExpGELU(g)
		near := min(max(g, -100), 100)
		slope := near * (float32(float32(near*near)*(3*gelu3)) + gelu1)
		dgate[i], dup[i] = d*u*s*(1-float32(slope*(1-s))), d*g*s
	}
}

// siluBackGo: with s = 1 / (1 + exp(-gate)), dup = dy*gate*s and
// dgate = dy*up*s*(1 + gate*(1-s)).
func siluBackGo(n int, dgatep, dupp, gatep, upp, dyp *float32) {
	dgate, dup := slice(dgatep, n), slice(dupp, n)
	gate, up, dy := slice(gatep, n), slice(upp, n), slice(dyp, n)
	for i := range dgate {
		g, d := gate[i], dy[i]
		s := 1 / (1 + expGo(-g))
		dgate[i], dup[i] = d*up[i]*s*(float32(g*(1-s))+1), d*g*s
	}
}

// softmaxBackGo: p = exp(p-lse), ds = p*(ds-delta).
func softmaxBackGo(n int, pp, dsp *float32, lse, delta float32) {
	p, ds := slice(pp, n), slice(dsp, n)
	for i := range p {
		p[i] = expGo(p[i] - lse)
		ds[i] = p[i] * (ds[i] - delta)
	}
}

// rotateGo: y = a*cos - b*sin, z = b*cos + a*sin.
func rotateGo(n int, yp, zp, ap, bp, cosp, sinp *float32) {
	y, z := slice(yp, n), slice(zp, n)
	a, b, cos, sin := slice(ap, n), slice(bp, n), slice(cosp, n), slice(sinp, n)
	for i, c := range cos {
		u, v, s := a[i], b[i], sin[i]
		y[i], z[i] = float32(u*c)-float32(v*s), float32(v*c)+float32(u*s)
	}
}

// rotateBackGo: y = a*cos + b*sin, z = b*cos - a*sin.
func rotateBackGo(n int, yp, zp, ap, bp, cosp, sinp *float32) {
	y, z := slice(yp, n), slice(zp, n)
	a, b, cos, sin := slice(ap, n), slice(bp, n), slice(cosp, n), slice(sinp, n)
	for i, c := range cos {
		u, v, s := a[i], b[i], sin[i]
		y[i], z[i] = float32(u*c)+float32(v*s), float32(v*c)-float32(u*s)
	}
}

// adamWGo: with x = scale*g, m += grow1*(x-m), v += grow2*(x*x-v) and
// p = decay*p - step*m/(sqrt(v*root)+eps).
func adamWGo(n int, pp, mp, vp, gp *float32, scale, grow1, grow2, decay, step, root, eps float32) {
	p, m, v, g := slice(pp, n), slice(mp, n), slice(vp, n), slice(gp, n)
	for i, x := range g {
		x *= scale
		m[i] += float32(grow1 * (x - m[i]))
		v[i] += float32(grow2 * (float32(x*x) - v[i]))
		p[i] = float32(p[i]*decay) - float32(step*m[i])/(float32(math.Sqrt(float64(v[i]*root)))+eps)
	}
}

// sum4 sums n terms in four lanes that take turns.
func sum4(n int, term func(i int) float64) float64 {
	var s [4]float64
	for i := range n {
		s[i%4] += term(i)
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

// squaresGo: the sum of x*x.
func squaresGo(n int, xp *float32) float64 {
	x := slice(xp, n)
	return sum4(n, func(i int) float64 { return float64(float64(x[i]) * float64(x[i])) })
}

// dot3Go: the sum of a*b*c, of which a*b is rounded to single precision.
func dot3Go(n int, ap, bp, cp *float32) float64 {
	a, b, c := slice(ap, n), slice(bp, n), slice(cp, n)
	return sum4(n, func(i int) float64 { return float64(float64(a[i]*b[i]) * float64(c[i])) })
}

// expSumGo: y = exp(x-shift), and the sum of y.
func expSumGo(n int, yp, xp *float32, shift float32) float64 {
	y, x := slice(yp, n), slice(xp, n)
	return sum4(n, func(i int) float64 {
		y[i] = expGo(x[i] - shift)
		return float64(y[i])
	})
}

// dotGo: the sum of a*b in eight lanes that take turns.
func dotGo(n int, ap, bp *float32) float32 {
	a, b := slice(ap, n), slice(bp, n)
	var s [8]float32
	for i, v := range a {
		s[i%8] += float32(v * b[i])
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// peakGo: the largest of x.
func peakGo(n int, xp *float32) float32 {
	x := slice(xp, n)
	peak := x[0]
	for _, v := range x {
		peak = max(peak, v)
	}
	return peak
}
