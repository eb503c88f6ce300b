package kernel

import (
	"encoding/binary"
	"fmt"
)

// Grain is the block format of a quantised weight, named as ggml names it. Blocks
// of the source have ggml's bytes; package tensor describes them.
type Grain uint8

// The block formats.
const (
	Q8_0 Grain = iota
	Q4_0
	Q4_1
	Q5_0
	Q5_1
	Q4K
	Q5K
	Q6K

	grains = 8
)

const (
	// OctetRows is the number of rows of a weight that lie interleaved: those
	// that the lanes of one vector register hold.
	OctetRows = 8

	// Run is the number of columns whose products are summed exactly, as
	// integers, before they are scaled. Activations have one scale for each run.
	Run = 32

	// chunkColumns is the number of columns that lie together: as many as the
	// records of a row may have without being driven out of the first-level cache
	// by the weights that pass by. Chunks of K are stored one after the other, each
	// with all octets. A multiple of every block's columns.
	chunkColumns = 2048
)

// layout describes a unit of an octet: one block of each of its eight rows. A unit
// is a header, then the levels of its runs. Sizes are bytes of eight rows.
//
//	header   eight d; eight m where there is a minimum
//	         Q4K, Q5K: twelve times eight bytes, the packed scales of a block
//	         Q6K: sixteen times eight scales
//	levels   Q8_0: eight groups of four columns, eight rows of four bytes each
//	         else, bits that exceed nibbles: for each row one word of 32 fifth
//	         bits, or two of sixteen bit pairs, then four groups of nibbles,
//	         columns 4i to 4i+3 below, 4i+16 to 4i+19 above
//
// Fifth bits of column 4i+j are bit i of byte j of their word. Bit pairs of column
// 4i+j are bits 2i and 2i+1 of byte j of the first word, and of column 16+4i+j of
// the second. A unit is as long as its blocks in the source.
type layout struct {
	name    string
	bytes   int  // of a block in the source
	runs    int  // of a unit
	header  int  // bytes
	high    int  // bytes of a run, before the nibbles
	minimum bool // a value is d*level + m
	zero    int8 // the level that stands for zero
}

var layouts = [grains]layout{
	Q8_0: {"Q8_0", 34, 1, 16, 0, false, 0},
	Q4_0: {"Q4_0", 18, 1, 16, 0, false, 8},
	Q4_1: {"Q4_1", 20, 1, 32, 0, true, 0},
	Q5_0: {"Q5_0", 22, 1, 16, 32, false, 16},
	Q5_1: {"Q5_1", 24, 1, 32, 32, true, 0},
	Q4K:  {"Q4_K", 144, 8, 128, 0, true, 0},
	Q5K:  {"Q5_K", 176, 8, 128, 32, true, 0},
	Q6K:  {"Q6_K", 210, 8, 144, 64, false, 32},
}

// String returns ggml's name.
func (g Grain) String() string {
	if g < grains {
		return layouts[g].name
	}
	return fmt.Sprintf("Grain(%d)", uint8(g))
}

// Block returns the number of columns and of bytes of a block.
func (g Grain) Block() (columns, bytes int) { return Run * layouts[g].runs, layouts[g].bytes }

// unit returns the size of a unit.
func (g Grain) unit() int { return OctetRows * layouts[g].bytes }

// run returns the offset of the levels of a run in a unit, and where the nibbles
// begin among them.
func (g Grain) run(i int) (at, nibbles int) {
	l := &layouts[g]
	size := (OctetRows*l.bytes - l.header) / l.runs
	return l.header + i*size, l.high
}

// Octets is a quantised weight W [N, K]: rows in groups of eight, octets, whose
// blocks lie interleaved, as layout says. For each chunk of 2048 columns, for each
// octet, the units follow each other. Rows past N are zero. K is a multiple of the
// block's columns.
//
// Data is the caller's memory of OctetBytes; it is read without alignment, but 64
// bytes of it make reading faster. Once packed it is only read, by any number of
// goroutines.
type Octets struct {
	Grain Grain
	N, K  int
	Data  []byte
}

// OctetBytes returns the length of Octets.Data for a weight [n, k].
func OctetBytes(g Grain, n, k int) int {
	return (n + OctetRows - 1) / OctetRows * (k / (Run * layouts[g].runs)) * g.unit()
}

// units returns the number of blocks of a row.
func (w *Octets) units() int { return w.K / (Run * layouts[w.Grain].runs) }

// octets returns the number of octets.
func (w *Octets) octets() int { return (w.N + OctetRows - 1) / OctetRows }

// from returns the data of octet o from unit u on, of the units that follow it there.
func (w *Octets) from(o, u int) []byte {
	first, n := w.chunk(u)
	size := w.Grain.unit()
	return w.Data[(w.octets()*first+o*n+u-first)*size:][:(first+n-u)*size]
}

// chunk returns the first unit of the chunk that has unit u, and how many it has.
func (w *Octets) chunk(u int) (first, n int) {
	whole := chunkColumns / (Run * layouts[w.Grain].runs)
	first = u / whole * whole
	return first, min(whole, w.units()-first)
}

// unit returns unit u of octet o.
func (w *Octets) unit(o, u int) []byte { return w.from(o, u)[:w.Grain.unit()] }

// check panics unless the weight is whole.
func (w *Octets) check() {
	if w.Grain >= grains || w.N < 0 || w.K < 0 || w.K%(Run*layouts[w.Grain].runs) != 0 ||
		len(w.Data) < OctetBytes(w.Grain, w.N, w.K) {
		panic(fmt.Sprintf("kernel: octets of %s [%d, %d] in %d bytes", w.Grain, w.N, w.K, len(w.Data)))
	}
}

// lane is one run of one row: 32 levels, of which each is worth
// step*(level-zero) + m.
type lane struct {
	level [Run]int8
	zero  int8
	step  [2]float32 // for each half of the run
	m     float32
}

// read unpacks row r of run i of a unit.
func (v *lane) read(g Grain, unit []byte, i, r int) {
	at, skip := g.run(i)
	words := unit[at+skip+4*r:]
	if g == Q8_0 {
		for k := range v.level {
			v.level[k] = int8(words[k/4*32+k%4])
		}
	} else {
		for k := range 4 {
			for j, b := range words[32*k:][:4] {
				v.level[4*k+j], v.level[16+4*k+j] = int8(b&15), int8(b>>4)
			}
		}
	}
	switch skip {
	case 32:
		for k := range v.level {
			v.level[k] |= int8(unit[at+4*r+k%4] >> (k / 4) & 1 << 4)
		}
	case 64:
		for k := range v.level {
			v.level[k] |= int8(unit[at+32*(k/16)+4*r+k%4] >> (2 * (k / 4 % 4)) & 3 << 4)
		}
	}
	v.zero = layouts[g].zero
	v.readScales(g, unit, i, r)
}

func (v *lane) readScales(g Grain, unit []byte, i, r int) {
	d := half(binary.LittleEndian.Uint16(unit[2*r:]))
	v.step, v.m = [2]float32{d, d}, 0
	var m float32
	if layouts[g].minimum {
		m = half(binary.LittleEndian.Uint16(unit[16+2*r:]))
	}
	switch g {
	case Q6K:
		for h := range v.step {
			v.step[h] = d * float32(int8(unit[16+8*(2*i+h)+r]))
		}
	case Q4K, Q5K:
		packed := func(k int) byte { return unit[32+8*k+r] }
		scale, least := packed(i%4)&63, packed(i%4+4)&63
		if i >= 4 {
			scale, least = packed(i+4)&15|packed(i-4)>>6<<4, packed(i+4)>>4|packed(i)>>6<<4
		}
		v.step[0] = d * float32(scale)
		v.step[1], v.m = v.step[0], -(m * float32(least))
	default:
		v.m = m
	}
}

// value returns what level i is worth, as package tensor decodes it.
func (v *lane) value(i int) float32 {
	x := float32(v.step[i/16] * float32(v.level[i]-v.zero))
	if v.m != 0 {
		x += v.m
	}
	return x
}

// Row copies row n, as float32, into dst.
func (w *Octets) Row(dst []float32, n int) {
	var v lane
	l := &layouts[w.Grain]
	for run := range w.K / Run {
		v.read(w.Grain, w.unit(n/OctetRows, run/l.runs), run%l.runs, n%OctetRows)
		for i := range v.level {
			dst[run*Run+i] = v.value(i)
		}
	}
}
