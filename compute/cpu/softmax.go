package cpu

import "math"

var minusInf = float32(math.Inf(-1))

// peakOf returns the largest element.
func peakOf(x []float32) float32 {
	peak := minusInf
	for _, v := range x {
		peak = max(peak, v)
	}
	return peak
}

// exp returns e^x to about one unit in the last place: x is split into a whole
// power of two and a rest of at most ln(2)/2, whose exponential is the polynomial
// of Cephes' expf. Results below the smallest normal number become zero.
func exp(x float32) float32 {
	const (
		shift = 3 << 22 // adding it rounds to a whole number
		ln2Hi = 0.693359375
		ln2Lo = -2.12194440e-4
	)
	switch {
	case x > 88.72283:
		return float32(math.Inf(1))
	case x < -87.33654:
		return 0
	}
	t := float32(x*math.Log2E) + shift
	n := t - shift
	r := x - float32(n*ln2Hi)
	r -= float32(n * ln2Lo)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	// Two factors, because 2^128 alone would overflow.
	k := int32(n)
	half := k >> 1
	return p * power2(half) * power2(k-half)
}

func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// expSum replaces x by exp(x-shift) and returns the sum, in eight interleaved
// sums. len(x) is a multiple of 8.
func expSum(x []float32, shift float32) float32 {
	var s [8]float32
	for ; len(x) >= 8; x = x[8:] {
		for i, v := range x[:8] {
			e := exp(v - shift)
			x[i] = e
			s[i] += e
		}
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}
