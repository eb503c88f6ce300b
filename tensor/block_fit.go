package tensor

import "math"

// The quantisers of the K formats look for the levels, scales and halves that make
// the sum of squared errors small. They go the way of llama.cpp's quantisers: try
// steps around the obvious one, fit a line to each choice of levels, round the
// scales, take the nearest levels. They differ in weighing every element alike, and
// in choosing each rounded scale and the two halves by the error that remains.
//
// All sums run in float64 in the order of elements; conversions keep products from
// being fused, so that every machine writes the same bytes.

// toEven rounds to an integer; |x| is below 2^51.
func toEven(x float64) float64 {
	const magic = 3 << 51 // in whose binade the spacing is 1
	return float64(x+magic) - magic
}

// halfOf rounds to half precision.
func halfOf(x float64) float32 { return F16ToF32(F32ToF16(float32(x))) }

// rangeBlock is a block of Q4_K or Q5_K.
type rangeBlock struct {
	d, m           float32 // representable as halves
	scale, minimum [runs]uint8
	level          [superBlock]uint8
}

const topScale = 63 // of 6 bits

// quantize fills the block with levels from 0 to top.
func (b *rangeBlock) quantize(src []float32, top float64) {
	var x [superBlock]float64
	for i := range x {
		x[i] = float64(src[i])
	}
	var scale, minimum [runs]float64
	var mostScale, mostMin float64
	for j := range runs {
		scale[j], minimum[j] = fitRange(x[j*runLen:][:runLen], top)
		mostScale, mostMin = max(mostScale, scale[j]), max(mostMin, minimum[j])
	}
	b.d, b.m = halfOf(mostScale/topScale), halfOf(mostMin/topScale)
	errs := b.search(&x, &scale, &minimum, top)
	refined := *b
	if refined.refit(&x) {
		var sum float64
		for j := range runs {
			sum += refined.take(x[j*runLen:][:runLen], j, top)
		}
		if sum < errs {
			*b = refined
		}
	}
}

// search chooses each run's scale and minimum among the neighbours of the rounded
// ones, and the levels. It returns the sum of squared errors.
func (b *rangeBlock) search(x *[superBlock]float64, scale, minimum *[runs]float64, top float64) (errs float64) {
	byD, byM := inverse64(b.d), inverse64(b.m)
	for j := range runs {
		run := x[j*runLen:][:runLen]
		s0, m0 := toEven(float64(scale[j]*byD)), toEven(float64(minimum[j]*byM))
		best := math.Inf(1)
		for s := max(s0-1, 0); s <= min(s0+1, topScale); s++ {
			for m := max(m0-1, 0); m <= min(m0+1, topScale); m++ {
				if e := rangeError(run, float64(float64(b.d)*s), float64(float64(b.m)*m), top); e < best {
					best, b.scale[j], b.minimum[j] = e, uint8(s), uint8(m)
				}
			}
		}
		errs += b.take(run, j, top)
	}
	return errs
}

func inverse64(d float32) float64 {
	if d == 0 {
		return 0
	}
	return 1 / float64(d)
}

// take sets run j's levels to the nearest and returns the sum of squared errors.
func (b *rangeBlock) take(x []float64, j int, top float64) (errs float64) {
	step, low := float64(float64(b.d)*float64(b.scale[j])), float64(float64(b.m)*float64(b.minimum[j]))
	var by float64
	if step != 0 {
		by = 1 / step
	}
	for i, v := range x {
		l := min(max(toEven(float64((v+low)*by)), 0), top)
		b.level[j*runLen+i] = uint8(l)
		e := float64(step*l) - low - v
		errs += float64(e * e)
	}
	return errs
}

// rangeError is the sum of squared errors of x at the nearest levels.
func rangeError(x []float64, step, low, top float64) (errs float64) {
	var by float64
	if step != 0 {
		by = 1 / step
	}
	for _, v := range x {
		l := min(max(toEven(float64((v+low)*by)), 0), top)
		e := float64(step*l) - low - v
		errs += float64(e * e)
	}
	return errs
}

// refit sets d and m to the least-squares solution for the levels, scales and
// minima as they are. It reports whether there is one that can be stored.
func (b *rangeBlock) refit(x *[superBlock]float64) bool {
	var aa, ab, bb, ax, bx float64
	for i, v := range x {
		p := float64(b.scale[i/runLen]) * float64(b.level[i])
		q := -float64(b.minimum[i/runLen])
		aa, ab, bb = aa+p*p, ab+p*q, bb+q*q // integers: exact
		ax, bx = ax+float64(p*v), bx+float64(q*v)
	}
	d, m := 0.0, float64(b.m)
	switch det := aa*bb - ab*ab; {
	case det > 0:
		d, m = (float64(ax*bb)-float64(bx*ab))/det, (float64(bx*aa)-float64(ax*ab))/det
	case aa > 0:
		d = ax / aa
	}
	if !(d > 0 && m >= 0 && d < maxQuantized && m < maxQuantized) {
		return false
	}
	b.d, b.m = halfOf(d), halfOf(m)
	return true
}

// fitRange finds a step and a minimum, both at least 0, for which step*level - min
// comes close to x with levels from 0 to top.
func fitRange(x []float64, top float64) (step, minimum float64) {
	lo, hi, n := 0.0, x[0], float64(len(x))
	var sx, sxx float64
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
		sx, sxx = sx+v, sxx+float64(v*v)
	}
	if hi == lo {
		return 0, -lo
	}
	step, minimum = (hi-lo)/top, -lo
	best := rangeError(x, step, minimum, top)
	for try := range 21 {
		by := (top - 1 + 0.1*float64(try)) / (hi - lo)
		var sl, sll, sxl float64
		for _, v := range x {
			l := min(toEven(float64(by*(v-lo))), top)
			sl, sll, sxl = sl+l, sll+l*l, sxl+float64(l*v) // the first two are exact
		}
		det := n*sll - sl*sl
		if det <= 0 {
			continue
		}
		s, o := (n*sxl-float64(sx*sl))/det, (float64(sll*sx)-float64(sl*sxl))/det
		if o > 0 {
			s, o = sxl/sll, 0
		}
		e := sxx + float64(s*s*sll) + float64(n*o*o) + float64(2*s*o*sl) - float64(2*s*sxl) - float64(2*o*sx)
		if e < best && s >= 0 {
			best, step, minimum = e, s, -o
		}
	}
	return step, minimum
}

// signedBlock is a block of Q6_K.
type signedBlock struct {
	d     float32 // representable as a half
	scale [superBlock / shortRun]int8
	level [superBlock]uint8 // 32 stands for zero
}

const (
	shortRun  = 16
	zeroLevel = 32
)

func (b *signedBlock) quantize(src []float32) {
	var x [superBlock]float64
	for i := range x {
		x[i] = float64(src[i])
	}
	var scale [superBlock / shortRun]float64
	var most float64
	for j := range scale {
		scale[j] = fitSigned(x[j*shortRun:][:shortRun])
		if math.Abs(scale[j]) > math.Abs(most) {
			most = scale[j]
		}
	}
	b.d = halfOf(most / math.MinInt8) // the largest scale becomes -128
	by := inverse64(b.d)
	var errs float64
	for j, s := range scale {
		run := x[j*shortRun:][:shortRun]
		s0 := min(max(toEven(float64(s*by)), math.MinInt8), math.MaxInt8)
		best := math.Inf(1)
		for s := max(s0-2, math.MinInt8); s <= min(s0+2, math.MaxInt8); s++ {
			if e := signedError(run, float64(float64(b.d)*s)); e < best {
				best, b.scale[j] = e, int8(s)
			}
		}
		errs += b.take(run, j)
	}
	refined := *b
	if refined.refit(&x) {
		var sum float64
		for j := range scale {
			sum += refined.take(x[j*shortRun:][:shortRun], j)
		}
		if sum < errs {
			*b = refined
		}
	}
}

func signedLevel(v, by float64) float64 {
	return min(max(toEven(float64(v*by)), -zeroLevel), zeroLevel-1)
}

// take sets run j's levels to the nearest and returns the sum of squared errors.
func (b *signedBlock) take(x []float64, j int) (errs float64) {
	step := float64(b.d) * float64(b.scale[j])
	var by float64
	if step != 0 {
		by = 1 / step
	}
	for i, v := range x {
		l := signedLevel(v, by)
		b.level[j*shortRun+i] = uint8(l + zeroLevel)
		e := float64(step*l) - v
		errs += float64(e * e)
	}
	return errs
}

func signedError(x []float64, step float64) (errs float64) {
	var by float64
	if step != 0 {
		by = 1 / step
	}
	for _, v := range x {
		e := float64(step*signedLevel(v, by)) - v
		errs += float64(e * e)
	}
	return errs
}

// refit sets d to the least-squares solution for the levels and scales as they are.
func (b *signedBlock) refit(x *[superBlock]float64) bool {
	var aa, ax float64
	for i, v := range x {
		p := float64(b.scale[i/shortRun]) * (float64(b.level[i]) - zeroLevel)
		aa, ax = aa+p*p, ax+float64(p*v) // the first is an integer: exact
	}
	if aa == 0 {
		return false
	}
	b.d = halfOf(ax / aa)
	return true
}

// fitSigned finds a step, which may be negative, for which step*level comes close to
// x with levels from -32 to 31.
func fitSigned(x []float64) (step float64) {
	var most float64
	for _, v := range x {
		if math.Abs(v) > math.Abs(most) {
			most = v
		}
	}
	if math.Abs(most) < math.SmallestNonzeroFloat32 {
		return 0
	}
	var best float64
	for try := -9; try <= 9; try++ {
		by := -(zeroLevel + 0.1*float64(try)) / most
		var sll, sxl float64
		for _, v := range x {
			l := signedLevel(v, by)
			sll, sxl = sll+l*l, sxl+float64(l*v)
		}
		// The squared error falls by sxl*sxl/sll.
		if sll > 0 && sxl*sxl > float64(best*sll) {
			best, step = sxl*sxl/sll, sxl/sll
		}
	}
	return step
}
