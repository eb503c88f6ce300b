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

// expSum replaces x by exp(x-shift) and returns the sum, in eight interleaved
// sums. len(x) is a multiple of 8.
func expSum(x []float32, shift float32) float32 {
	var s [8]float32
	for i, v := range x {
		e := float32(math.Exp(float64(v - shift)))
		x[i] = e
		s[i%8] += e
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }
