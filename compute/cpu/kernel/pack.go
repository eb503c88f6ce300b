package kernel

import (
	"encoding/binary"
	"fmt"
)

// PackOctets writes rows n0 to n1 of a weight into dst. src holds these rows alone,
// blocks as in a file. n0 is a multiple of 8 and n1 is one too, or N. Calls for
// disjoint ranges may run at the same time.
func PackOctets(dst *Octets, src []byte, n0, n1 int) {
	dst.check()
	row := dst.units() * layouts[dst.Grain].bytes
	if n0%OctetRows != 0 || n1 > dst.N || n1 < dst.N && n1%OctetRows != 0 || len(src) < (n1-n0)*row {
		panic(fmt.Sprintf("kernel: pack rows %d to %d of %s [%d, %d] from %d bytes", n0, n1, dst.Grain, dst.N, dst.K, len(src)))
	}
	if row == 0 {
		return
	}
	p := packer{row: row, size: layouts[dst.Grain].bytes, unit: dst.Grain.unit()}
	if layouts[dst.Grain].runs > 1 {
		p.levels = new(runNibbles)
	}
	for n := n0; n < n1; n += OctetRows {
		from := src[(n-n0)*row : (min(n+OctetRows, n1)-n0)*row]
		if len(from) < OctetRows*row { // zeros in place of the rows past N
			from = append(make([]byte, 0, OctetRows*row), from...)[:OctetRows*row]
		}
		for u := 0; u < dst.units(); u += p.n {
			p.to, p.src = dst.from(n/OctetRows, u), from[u*p.size:]
			p.n = len(p.to) / p.unit
			p.pack(dst.Grain)
		}
	}
}

// packer packs n units that follow each other: block i of row r is at i*size+r*row of
// src, and unit i at i*unit of to.
type packer struct {
	to, src         []byte
	row, size, unit int
	n               int
	levels          *runNibbles // of blocks of several runs
}

func (p *packer) pack(g Grain) {
	switch g {
	case Q8_0:
		p.halves(0, 0)
		p.words(2, 16)
		p.words(18, 16+128)
	case Q4_0:
		p.halves(0, 0)
		p.words(2, 16)
	case Q4_1:
		p.halves(0, 0)
		p.halves(2, 16)
		p.words(4, 32)
	case Q5_0:
		p.halves(0, 0)
		p.fifths(2, 16)
		p.words(6, 48)
	case Q5_1:
		p.halves(0, 0)
		p.halves(2, 16)
		p.fifths(4, 32)
		p.words(8, 64)
	case Q4K:
		p.packedScales()
		p.eachBlock(g, func(_, block []byte, r int) { p.levels.shared(block[16:], r) })
	case Q5K:
		p.packedScales()
		p.eachBlock(g, func(unit, block []byte, r int) {
			p.levels.shared(block[48:], r)
			packFifthsOfRuns(unit, block[16:48], r)
		})
	default:
		p.halves(208, 0)
		p.bytes(192, 16, 16)
		p.eachBlock(g, func(unit, block []byte, r int) {
			p.levels.halved(block[:128], r)
			packSixths(unit, block[128:192], r)
		})
	}
}

// halves packs the 16-bit word at offset at of each block.
func (p *packer) halves(at, to int) {
	active.halves8(p.n, &p.src[at], p.row, p.size, &p.to[to], p.unit)
}

// words packs the four 32-bit words at offset at of each block.
func (p *packer) words(at, to int) {
	active.transpose4(p.n, &p.src[at], p.row, p.size, &p.to[to], p.unit)
}

// bytes packs n bytes from offset at of each block on.
func (p *packer) bytes(at, to, n int) {
	for u := range p.n {
		for r := range OctetRows {
			from, unit := p.src[u*p.size+r*p.row+at:][:n], p.to[u*p.unit+to+r:]
			for i, b := range from {
				unit[OctetRows*i] = b
			}
		}
	}
}

// packedScales packs d, m and the scales of Q4K and Q5K.
func (p *packer) packedScales() {
	p.halves(0, 0)
	p.halves(2, 16)
	p.bytes(4, 32, 12)
}

// fifths packs the 32 fifth bits at offset at of each block, two rows at a time.
func (p *packer) fifths(at, to int) {
	for u := range p.n {
		unit := p.to[u*p.unit+to:]
		for r := 0; r < OctetRows; r += 2 {
			from := p.src[u*p.size+r*p.row+at:]
			pair := uint64(word(from)) | uint64(word(from[p.row:]))<<32
			binary.LittleEndian.PutUint64(unit[4*r:], gatherFifths(pair))
		}
	}
}

// gatherFifths moves bit 4i+j of each half to bit 8j+i: bits 4 to 0 of a place become
// bits 2, 1, 0, 4 and 3, by an exchange of bit 4 with each other.
func gatherFifths(v uint64) uint64 {
	v = swapBits(v, 0x0000f0f0_0000f0f0, 16-4)
	v = swapBits(v, 0x0000aaaa_0000aaaa, 16-1)
	v = swapBits(v, 0x0000ff00_0000ff00, 16-8)
	return swapBits(v, 0x0000cccc_0000cccc, 16-2)
}

// swapBits swaps the bits of a mask with those that lie shift above.
func swapBits(v, mask uint64, shift int) uint64 {
	t := (v ^ v>>shift) & mask
	return v ^ t ^ t<<shift
}

func word(b []byte) uint32       { return binary.LittleEndian.Uint32(b) }
func putWord(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }
func wide(b []byte) uint64       { return binary.LittleEndian.Uint64(b) }

// runNibbles holds the levels of the eight runs of eight rows below their fifth bit:
// sixteen bytes each, columns 0 to 15 below, 16 to 31 above.
type runNibbles [8][OctetRows][16]byte

// eachBlock calls fill for each block of a unit and packs the levels that it sets.
func (p *packer) eachBlock(g Grain, fill func(unit, block []byte, r int)) {
	at, skip := g.run(0)
	next, _ := g.run(1)
	from, row := &p.levels[0][0], len(p.levels[0][0])
	for u := range p.n {
		unit := p.to[u*p.unit:][:p.unit]
		for r := range OctetRows {
			fill(unit, p.src[u*p.size+r*p.row:][:p.size], r)
		}
		active.transpose4(len(p.levels), &from[0], row, OctetRows*row, &unit[at+skip], next-at)
	}
}

// set sets a run of row r to the low or the high nibbles of 32 bytes.
func (v *runNibbles) set(run, r int, from []byte, shift int) {
	const low = 0x0f0f0f0f_0f0f0f0f
	from, to := from[:Run], v[run][r][:]
	for i := 0; i < len(to); i += 8 {
		a, b := wide(from[i:])>>shift&low, wide(from[16+i:])>>shift&low
		binary.LittleEndian.PutUint64(to[i:], a|b<<4)
	}
}

// shared sets row r as Q4K and Q5K have it: runs 2i and 2i+1 share 32 bytes.
func (v *runNibbles) shared(from []byte, r int) {
	for j := range v {
		v.set(j, r, from[j/2*Run:], j%2*4)
	}
}

// halved sets row r as Q6K has it: see decodeQ6_K in package tensor.
func (v *runNibbles) halved(from []byte, r int) {
	for j := range v {
		v.set(j, r, from[j/4*64+j%2*Run:], j%4/2*4)
	}
}

// packFifthsOfRuns writes the fifth bits of Q5K: run i has bit i of each byte.
func packFifthsOfRuns(unit, fifths []byte, r int) {
	const bit = 0x01010101_01010101
	a, b, c, d := wide(fifths), wide(fifths[8:]), wide(fifths[16:]), wide(fifths[24:])
	at, _ := Q5K.run(0)
	next, _ := Q5K.run(1)
	for j := range 8 {
		v := a>>j&bit | b>>j&bit<<2 | c>>j&bit<<4 | d>>j&bit<<6
		putWord(unit[at+j*(next-at)+4*r:], uint32(v)|uint32(v>>32)<<1)
	}
}

// packSixths writes the bit pairs of Q6K.
func packSixths(unit, pairs []byte, r int) {
	const pair = 0x03030303_03030303
	at, _ := Q6K.run(0)
	next, _ := Q6K.run(1)
	for h := range 2 {
		from := pairs[h*Run:][:Run]
		a, b, c, d := wide(from), wide(from[8:]), wide(from[16:]), wide(from[24:])
		for j := 0; j < 8; j += 2 {
			to := unit[at+(4*h+j/2)*(next-at)+4*r:][:36]
			low, high := a>>j&pair|b>>j&pair<<4, c>>j&pair|d>>j&pair<<4
			putWord(to, uint32(low)|uint32(low>>32)<<2)
			putWord(to[32:], uint32(high)|uint32(high>>32)<<2)
		}
	}
}
