package kernel

import (
	"math"
	"unsafe"
)

// portableQuant is the plain-Go engine for octets. Its integers are those of the
// assembly; its sums round products, which the assembly fuses.
var portableQuant = quantised{
	round: roundGo,
	dot: [grains]dotFunc{
		dotOctetsGo(Q8_0), dotOctetsGo(Q4_0), dotOctetsGo(Q4_1), dotOctetsGo(Q5_0), dotOctetsGo(Q5_1), dotOctetsGo(Q4K), dotOctetsGo(Q5K), dotOctetsGo(Q6K),
	},
	spread: [grains]spreadFunc{
		spreadGo(Q8_0), spreadGo(Q4_0), spreadGo(Q4_1), spreadGo(Q5_0), spreadGo(Q5_1), spreadGo(Q4K), spreadGo(Q5K), spreadGo(Q6K),
	},
	tile: [grains][]roundedTileFunc{
		spreadTilesGo(Q8_0), spreadTilesGo(Q4_0), spreadTilesGo(Q4_1), spreadTilesGo(Q5_0),
		spreadTilesGo(Q5_1), spreadTilesGo(Q4K), spreadTilesGo(Q5K), spreadTilesGo(Q6K),
	},
}

func roundGo(n int, x *float32, y *byte) {
	from := unsafe.Slice((*[Run]float32)(unsafe.Pointer(x)), n)
	to := unsafe.Slice((*[recordBytes]byte)(unsafe.Pointer(y)), n)
	for i := range from {
		roundRun(&from[i], &to[i])
	}
}

// centre takes zero off the levels. Levels of five bits are less 16 even where
// they have a minimum, which makes up for it: their sums then fit into 16 bits.
func (v *lane) centre(g Grain) {
	zero := v.zero
	if g == Q5_1 || g == Q5K {
		zero = 16
		v.m = 16*v.step[0] + v.m
	}
	for i := range v.level {
		v.level[i] -= zero
	}
}

// dotOctetsGo returns the product of one rounded row and octets.
func dotOctetsGo(g Grain) dotFunc {
	l := &layouts[g]
	return func(octets, units int, w *byte, _ int, x *byte, c *float32, add int) {
		ws := unsafe.Slice(w, octets*units*g.unit())
		xs := unsafe.Slice((*[recordBytes]byte)(unsafe.Pointer(x)), units*l.runs)
		cs := unsafe.Slice(c, octets*OctetRows)
		var v lane
		for i := range cs {
			var sum float32
			if add != 0 {
				sum = cs[i]
			}
			for u := range units {
				unit := ws[(i/OctetRows*units+u)*g.unit():][:g.unit()]
				for j := range l.runs {
					v.read(g, unit, j, i%OctetRows)
					v.centre(g)
					sum = v.addTo(sum, g, &xs[u*l.runs+j])
				}
			}
			cs[i] = sum
		}
	}
}

// addTo adds the product of a centred run and a record to sum.
func (v *lane) addTo(sum float32, g Grain, x *[recordBytes]byte) float32 {
	var total [2]int
	for i, level := range v.level {
		total[i/16] += int(level) * int(int8(x[i]))
	}
	scale := math.Float32frombits(word(x[32:]))
	if g == Q6K {
		for h, t := range total {
			sum += float32(float32(t) * float32(v.step[h]*scale))
		}
		return sum
	}
	sum += float32(float32(total[0]+total[1]) * float32(v.step[0]*scale))
	if layouts[g].minimum {
		sum += float32(v.m * math.Float32frombits(word(x[36:])))
	}
	return sum
}

// spreadZero is the byte of a spread run that stands for zero.
func (g Grain) spreadZero() int8 {
	switch g {
	case Q8_0:
		return 0
	case Q6K:
		return 32
	default:
		return 16
	}
}

// spreadGo returns the widening of units of an octet: the lanes 0 to 7 of spread
// runs, or 8 to 15 with dst 32 bytes on.
func spreadGo(g Grain) spreadFunc {
	l := &layouts[g]
	return func(units, _ int, w, dst *byte) {
		ws := unsafe.Slice(w, units*g.unit())
		to := unsafe.Slice(dst, units*l.runs*g.spreadBytes()-32)
		var v lane
		for run := range units * l.runs {
			out := to[run*g.spreadBytes():]
			for r := range OctetRows {
				v.read(g, ws[run/l.runs*g.unit():][:g.unit()], run%l.runs, r)
				v.centre(g)
				for i, level := range v.level {
					out[64*(i/4)+4*r+i%4] = byte(level + g.spreadZero())
				}
				putWord(out[spreadSteps+4*r:], math.Float32bits(v.step[0]))
				switch {
				case g == Q6K:
					putWord(out[spreadMore+4*r:], math.Float32bits(v.step[1]))
				case l.minimum:
					putWord(out[spreadMore+4*r:], math.Float32bits(v.m))
				}
			}
		}
	}
}

func spreadTilesGo(g Grain) []roundedTileFunc {
	tiles := make([]roundedTileFunc, tileRows)
	for i := range tiles {
		tiles[i] = spreadTileGo(g, i+1)
	}
	return tiles
}

// spreadTileGo returns the tile of so many rows by sixteen lanes.
func spreadTileGo(g Grain, rows int) roundedTileFunc {
	size := g.spreadBytes()
	return func(n int, x *byte, ldx int, w *byte, _ int, c *float32, ldc int) {
		xs := unsafe.Slice(x, (rows-1)*ldx+n*recordBytes)
		ws := unsafe.Slice(w, n*size)
		cs := unsafe.Slice(c, (rows-1)*ldc+Lanes)
		var v lane
		for run := range n {
			spread := ws[run*size:][:size]
			for j := range Lanes {
				v.gather(g, spread, j)
				for r := range rows {
					cs[r*ldc+j] = v.addTo(cs[r*ldc+j], g, (*[recordBytes]byte)(xs[r*ldx+run*recordBytes:]))
				}
			}
		}
	}
}

// gather reads lane j of a spread run.
func (v *lane) gather(g Grain, spread []byte, j int) {
	for i := range v.level {
		v.level[i] = int8(spread[64*(i/4)+4*j+i%4]) - g.spreadZero()
	}
	v.step[0] = math.Float32frombits(word(spread[spreadSteps+4*j:]))
	switch {
	case g == Q6K:
		v.step[1] = math.Float32frombits(word(spread[spreadMore+4*j:]))
	case layouts[g].minimum:
		v.m = math.Float32frombits(word(spread[spreadMore+4*j:]))
	}
}
