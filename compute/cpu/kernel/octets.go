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
	whole := chunkColumns / (Run * layouts[w.Grain].runs)
	first := u / whole * whole
	n := min(whole, w.units()-first)
	size := w.Grain.unit()
	return w.Data[(w.octets()*first+o*n+u-first)*size:][:(first+n-u)*size]
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

// PackOctets writes rows n0 to n1 of a weight into dst. src holds these rows alone,
// blocks as in a file. n0 is a multiple of 8 and n1 is one too, or N. Calls for
// disjoint ranges may run at the same time.
func PackOctets(dst *Octets, src []byte, n0, n1 int) {
	dst.check()
	size := layouts[dst.Grain].bytes
	row := dst.units() * size
	if n0%OctetRows != 0 || n1 > dst.N || n1 < dst.N && n1%OctetRows != 0 || len(src) < (n1-n0)*row {
		panic(fmt.Sprintf("kernel: pack rows %d to %d of %s [%d, %d] from %d bytes", n0, n1, dst.Grain, dst.N, dst.K, len(src)))
	}
	for n := n0; n < n1; n += OctetRows {
		rows := min(OctetRows, n1-n)
		for u := range dst.units() {
			unit := dst.unit(n/OctetRows, u)
			if rows < OctetRows {
				clear(unit)
			}
			for r := range rows {
				packBlock(dst.Grain, unit, src[(n-n0+r)*row+u*size:][:size], r)
			}
		}
	}
}

// packBlock writes the block of row r.
func packBlock(g Grain, unit, src []byte, r int) {
	switch g {
	case Q8_0:
		copy(unit[2*r:], src[:2])
		packWords(unit[16+4*r:], src[2:], 8)
	case Q4_0:
		copy(unit[2*r:], src[:2])
		packWords(unit[16+4*r:], src[2:], 4)
	case Q4_1:
		copy(unit[2*r:], src[:2])
		copy(unit[16+2*r:], src[2:4])
		packWords(unit[32+4*r:], src[4:], 4)
	case Q5_0:
		copy(unit[2*r:], src[:2])
		putWord(unit[16+4*r:], gatherFifths(word(src[2:])))
		packWords(unit[48+4*r:], src[6:], 4)
	case Q5_1:
		copy(unit[2*r:], src[:2])
		copy(unit[16+2*r:], src[2:4])
		putWord(unit[32+4*r:], gatherFifths(word(src[4:])))
		packWords(unit[64+4*r:], src[8:], 4)
	case Q4K:
		packRangeHeader(unit, src, r)
		packRuns(g, unit, r, src[16:], nil)
	case Q5K:
		packRangeHeader(unit, src, r)
		packRuns(g, unit, r, src[48:], src[16:48])
	default:
		copy(unit[2*r:], src[208:210])
		for i := range 16 {
			unit[16+8*i+r] = src[192+i]
		}
		packSixths(unit, src, r)
	}
}

func word(b []byte) uint32       { return binary.LittleEndian.Uint32(b) }
func putWord(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

// packWords copies n words to every eighth place.
func packWords(dst, src []byte, n int) {
	for i := range n {
		putWord(dst[32*i:], word(src[4*i:]))
	}
}

// gatherFifths moves bit 4i+j to bit 8j+i: a perfect unshuffle, twice.
func gatherFifths(v uint32) uint32 {
	for range 2 {
		for _, s := range [...]struct {
			mask  uint32
			shift int
		}{{0x22222222, 1}, {0x0c0c0c0c, 2}, {0x00f000f0, 4}, {0x0000ff00, 8}} {
			t := (v ^ v>>s.shift) & s.mask
			v ^= t ^ t<<s.shift
		}
	}
	return v
}

// packRangeHeader writes d, m and the packed scales of Q4K and Q5K.
func packRangeHeader(unit, src []byte, r int) {
	copy(unit[2*r:], src[:2])
	copy(unit[16+2*r:], src[2:4])
	for i := range 12 {
		unit[32+8*i+r] = src[4+i]
	}
}

// packRuns writes the levels of Q4K and Q5K: runs 2i and 2i+1 share 32 bytes of
// nibbles, run i has bit i of the fifth bits.
func packRuns(g Grain, unit []byte, r int, nibbles, fifths []byte) {
	for j := range 8 {
		at, skip := g.run(j)
		from, shift := nibbles[j/2*Run:][:Run], j%2*4
		to := unit[at+skip+4*r:]
		for i := range 4 {
			low, up := word(from[4*i:])>>shift&0x0f0f0f0f, word(from[16+4*i:])>>shift&0x0f0f0f0f
			putWord(to[32*i:], low|up<<4)
		}
		if fifths != nil {
			var high uint32
			for i := range 8 {
				high |= word(fifths[4*i:]) >> j & 0x01010101 << i
			}
			putWord(unit[at+4*r:], high)
		}
	}
}

// packSixths writes the levels of Q6K: see decodeQ6_K in package tensor for
// where they lie.
func packSixths(unit, src []byte, r int) {
	for j := range 8 {
		h, q := j/4, j%4
		low, high := src[64*h+q%2*Run:][:Run], src[128+Run*h:][:Run]
		shift := q / 2 * 4
		at, skip := Q6K.run(j)
		to := unit[at+skip+4*r:]
		var pairs [2]uint32
		for i := range 4 {
			a, b := word(low[4*i:])>>shift&0x0f0f0f0f, word(low[16+4*i:])>>shift&0x0f0f0f0f
			putWord(to[32*i:], a|b<<4)
			pairs[0] |= word(high[4*i:]) >> (2 * q) & 0x03030303 << (2 * i)
			pairs[1] |= word(high[16+4*i:]) >> (2 * q) & 0x03030303 << (2 * i)
		}
		putWord(unit[at+4*r:], pairs[0])
		putWord(unit[at+32+4*r:], pairs[1])
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
