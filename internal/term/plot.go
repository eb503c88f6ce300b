package term

import (
	"fmt"
	"math"
	"strings"
)

var eighths = []rune("▁▂▃▄▅▆▇█")

// Sparkline draws values as one line of at most width block characters,
// scaled between their least and greatest. More values than width are averaged
// in equal groups. A group without a finite value is a space; equal values are
// drawn at the lowest mark.
func Sparkline(values []float64, width int) string {
	points := resample(values, width)
	low, high := bounds(points)
	var b strings.Builder
	for _, v := range points {
		if !finite(v) {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(eighths[scale(v, low, high, len(eighths))])
	}
	return b.String()
}

// Plot draws values, in order and evenly spaced, as a curve of braille dots in
// width by height cells, the vertical axis with its labels counted in width.
// It returns height lines, each ending in a line break, or "" when there is no
// finite value or no room (width under 12, height under 2). Values that are
// not finite leave a break in the curve.
func Plot(values []float64, width, height int) string {
	low, high := bounds(values)
	if width < 12 || height < 2 || low > high {
		return ""
	}
	top, bottom := label(high), label(low)
	margin := max(Width(top), Width(bottom))
	// A braille cell is 2 dots wide and 4 high.
	columns := width - margin - 2
	points := resample(values, columns*2)
	dots := make([][]rune, height)
	for i := range dots {
		dots[i] = make([]rune, columns)
	}
	set := func(x, y int) { // y counts from the bottom
		y = height*4 - 1 - y
		dots[y/4][x/2] |= brailleBit(x%2, y%4)
	}
	previous := -1
	for i, v := range points {
		if !finite(v) {
			previous = -1
			continue
		}
		x := i
		if len(points) < columns*2 && len(points) > 1 {
			x = i * (columns*2 - 1) / (len(points) - 1)
		}
		y := scale(v, low, high, height*4)
		if previous >= 0 && i > 0 {
			from := x - 1
			if len(points) < columns*2 {
				from = (i - 1) * (columns*2 - 1) / (len(points) - 1)
			}
			segment(from, previous, x, y, set)
		}
		set(x, y)
		previous = y
	}
	var b strings.Builder
	for i, row := range dots {
		name, axis := "", "│"
		switch i {
		case 0:
			name, axis = top, "┤"
		case height - 1:
			name, axis = bottom, "┤"
		}
		var line strings.Builder
		line.WriteString(Pad(name, margin, Right) + " " + axis)
		for _, d := range row {
			if d == 0 {
				line.WriteByte(' ')
				continue
			}
			line.WriteRune(0x2800 + d)
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// segment joins two dots by a line, both ends included.
func segment(x0, y0, x1, y1 int, set func(x, y int)) {
	n := max(x1-x0, y1-y0, y0-y1)
	for i := range n {
		at := float64(i) / float64(n)
		set(x0+int(math.Round(at*float64(x1-x0))), y0+int(math.Round(at*float64(y1-y0))))
	}
}

// brailleBit returns the bit of the dot at column x (0 or 1) and row y (0 to 3
// from the top) in a character of Unicode's block 2800.
func brailleBit(x, y int) rune {
	if y == 3 {
		return 0x40 << x
	}
	return 1 << (y + 3*x)
}

// resample averages values in at most n equal groups. Values that are not
// finite are left out of their group's mean; a group of them alone is NaN.
func resample(values []float64, n int) []float64 {
	n = max(0, min(n, len(values)))
	out := make([]float64, n)
	for i := range out {
		sum, count := 0.0, 0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if finite(v) {
				sum += v
				count++
			}
		}
		out[i] = sum / float64(count) // 0/0 is NaN
	}
	return out
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// bounds returns the least and greatest finite value; low > high when there is
// none.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

// scale maps v in [low, high] to 0..n-1.
func scale(v, low, high float64, n int) int {
	if high <= low {
		return 0
	}
	// Halves first: high-low may overflow.
	at := (v/2 - low/2) / (high/2 - low/2)
	return min(n-1, max(0, int(at*float64(n))))
}

func label(v float64) string { return fmt.Sprintf("%.3g", v) }
