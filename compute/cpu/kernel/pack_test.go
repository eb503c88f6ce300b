package kernel

import (
	"bytes"
	"fmt"
	"testing"
)

// packPlainly packs a weight word by word, as layout says.
func packPlainly(w *Octets, src []byte) {
	size := layouts[w.Grain].bytes
	for n := range w.N {
		for u := range w.units() {
			packBlock(w.Grain, w.unit(n/OctetRows, u), src[(n*w.units()+u)*size:][:size], n%OctetRows)
		}
	}
}

// packBlock writes the block of row r.
func packBlock(g Grain, unit, src []byte, r int) {
	l := &layouts[g]
	copy(unit[2*r:], src[:2])
	if l.minimum {
		copy(unit[16+2*r:], src[2:4])
	}
	switch g {
	case Q8_0:
		for i := range 8 {
			copy(unit[16+32*i+4*r:][:4], src[2+4*i:])
		}
	case Q4_0, Q4_1:
		packNibbles(unit[l.header+4*r:], src[l.bytes-16:], 0)
	case Q5_0, Q5_1:
		at := l.bytes - 20
		putWord(unit[l.header+4*r:], spreadBits(func(k int) uint32 { return word(src[at:]) >> k & 1 }, 0, 32, 1))
		packNibbles(unit[l.header+l.high+4*r:], src[at+4:], 0)
	case Q4K, Q5K:
		for i := range 12 {
			unit[32+8*i+r] = src[4+i]
		}
		for j := range 8 {
			at, skip := g.run(j)
			packNibbles(unit[at+skip+4*r:], src[l.bytes-128+j/2*Run:], j%2*4)
			if g == Q5K {
				putWord(unit[at+4*r:], spreadBits(func(k int) uint32 { return uint32(src[16+k]) >> j & 1 }, 0, 32, 1))
			}
		}
	default:
		copy(unit[2*r:], src[208:210])
		for i := range 16 {
			unit[16+8*i+r] = src[192+i]
		}
		for j := range 8 {
			at, skip := g.run(j)
			packNibbles(unit[at+skip+4*r:], src[j/4*64+j%2*Run:], j%4/2*4)
			pair := func(k int) uint32 { return uint32(src[128+j/4*Run+k]) >> (j % 4 * 2) & 3 }
			putWord(unit[at+4*r:], spreadBits(pair, 0, 16, 2))
			putWord(unit[at+32+4*r:], spreadBits(pair, 16, 16, 2))
		}
	}
}

// packNibbles writes the low or high nibbles of 32 bytes, or all of 16.
func packNibbles(dst, src []byte, shift int) {
	level := func(k int) byte { return src[k] >> shift & 15 }
	if len(src) < Run {
		level = func(k int) byte { return src[k%16] >> (k / 16 * 4) & 15 }
	}
	for k := range 16 {
		dst[k/4*32+k%4] = level(k) | level(k+16)<<4
	}
}

// spreadBits puts bits of column first+4i+j at bit size*i of byte j.
func spreadBits(of func(k int) uint32, first, n, size int) (v uint32) {
	for k := range n {
		v |= of(first+k) << (k%4*8 + k/4*size)
	}
	return v
}

// Every engine packs as the plain way does, in parts as at once, and leaves the bytes
// around alone.
func TestPackOctets(t *testing.T) {
	eachGrain(t, func(t *testing.T, g Grain) {
		for _, d := range append(widths(g), [3]int{0, 8, 0}, [3]int{0, 0, 256}, [3]int{0, 11, 4096}) {
			n, k := d[1], d[2]
			src := blocks(g, n, k, 5)
			size := OctetBytes(g, n, k)
			want := &Octets{Grain: g, N: n, K: k, Data: make([]byte, size)}
			packPlainly(want, src)
			for _, rows := range []int{8, 24, max(n, 1)} {
				const guard = 64
				memory := bytes.Repeat([]byte{0xa5}, size+2*guard)
				got := &Octets{Grain: g, N: n, K: k, Data: memory[guard:][:size:size]}
				for n0 := 0; n0 < n; n0 += rows {
					n1 := min(n0+rows, n)
					PackOctets(got, src[n0*len(src)/n:n1*len(src)/n], n0, n1)
				}
				if !bytes.Equal(got.Data, want.Data) {
					t.Errorf("[%d, %d], %d rows at a time: other bytes", n, k, rows)
				}
				if around := append(memory[:guard:guard], memory[guard+size:]...); bytes.Count(around, []byte{0xa5}) != 2*guard {
					t.Errorf("[%d, %d]: wrote outside of the weight", n, k)
				}
			}
		}
	})
}

func BenchmarkPackOctets(b *testing.B) {
	for g := range Grain(grains) {
		const n, k = 1024, 4864
		src := blocks(g, n, k, 6)
		w := &Octets{Grain: g, N: n, K: k, Data: make([]byte, OctetBytes(g, n, k))}
		b.Run(fmt.Sprint(g), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				PackOctets(w, src, 0, n)
			}
		})
	}
}
