package filter

import (
	"math/bits"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/troikaml/troika/text/segment"
)

// slot is a place of a table: what was seen and where first.
type slot struct {
	tag   uint32 // of its hash
	first int32  // 1 + the index; 0 in an empty place
}

// table is a hash table with open addressing. Its users compare what has the same
// tag, so that no collision changes a value. Slots are small so that the table of
// an ordinary document stays in the nearest cache.
type table struct {
	slots []slot
	shift int
}

// tagOf returns the part of a hash that a slot keeps: bits that its place does not
// follow from.
func tagOf(hash uint64) uint32 { return uint32(hash) }

// reset empties the table and makes room for n keys.
func (t *table) reset(n int) {
	size := max(6, bits.Len(uint(2*n)))
	if cap(t.slots) < 1<<size {
		t.slots = make([]slot, 1<<size)
	} else {
		t.slots = t.slots[:1<<size]
		clear(t.slots)
	}
	t.shift = 64 - size
}

// place returns where a hash is looked for first.
func (t *table) place(hash uint64) int { return int(hash * 0x9E3779B97F4A7C15 >> t.shift) }

// next returns the place after i.
func (t *table) next(i int) int { return (i + 1) & (len(t.slots) - 1) }

// duplicates returns how many of the pieces occurred before, and their
// characters.
func (r *reading) duplicates(pieces []string) (n, chars int) {
	t := &r.table
	t.reset(len(pieces))
	for i, p := range pieces {
		hash := xxh3.HashString(p)
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), int32(i + 1)}
				break
			}
			if s.tag == tagOf(hash) && pieces[s.first-1] == p {
				n++
				chars += utf8.RuneCountInString(p)
				break
			}
			at = t.next(at)
		}
	}
	return n, chars
}

// grams finds runs of words that occur more than once. A run's hash is a
// polynomial of its bytes without what stands between the words, so that runs
// whose words join to the same string hash alike.
type grams struct {
	words []segment.Word
	sum   []uint64 // polynomial of the words before i, from the first byte on
	scale []uint64 // what takes the power of word i's first byte out of a sum
	runes []int32  // characters of the words before i
	table *table
	again []int32 // how often the run that begins at word i came again
}

const (
	polyBase    = 0x5851F42D4C957F2D // odd: it has an inverse
	polyInverse = 0xC097EF87329E28A5
)

// inverses are the powers of polyInverse.
var inverses = powers(polyInverse)

// forwards are the powers of polyBase.
var forwards = powers(polyBase)

func powers(x uint64) (p [64]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * x
	}
	return p
}

// power returns x^n from x's table.
func power(table *[64]uint64, n int) uint64 {
	p := uint64(1)
	for ; n >= len(table); n -= len(table) - 1 {
		p *= table[len(table)-1]
	}
	return p * table[n]
}

// gramsIn returns the grams of the words in the language.
func (r *reading) gramsIn(lang string) *grams {
	words := r.wordsIn(lang)
	g := &r.grams
	g.words, g.table = words, &r.table
	g.sum, g.scale, g.runes = append(g.sum[:0], 0), append(g.scale[:0], 1), append(g.runes[:0], 0)
	sum, scale, forward, runes := uint64(0), uint64(1), uint64(1), int32(0)
	for _, w := range words {
		p := uint64(0)
		for i := len(w.Text) - 1; i >= 0; i-- {
			p = p*polyBase + uint64(w.Text[i]) + 1
		}
		sum += p * forward
		forward *= power(&forwards, len(w.Text))
		scale *= power(&inverses, len(w.Text))
		runes += int32(w.Runes)
		g.sum, g.scale, g.runes = append(g.sum, sum), append(g.scale, scale), append(g.runes, runes)
	}
	return g
}

// hash returns the hash of the n words from i on.
func (g *grams) hash(i, n int) uint64 { return (g.sum[i+n] - g.sum[i]) * g.scale[i] }

// top returns the characters of the most frequent run of n words, all its
// occurrences together, the words joined by spaces. Of equally frequent runs
// the first counts. There must be n words.
func (g *grams) top(n int) int {
	t := g.table
	total := len(g.words) - n + 1
	t.reset(total)
	g.again = append(g.again[:0], make([]int32, total)...)
	best, most := 0, int32(0) // the best run and how often it came again
	for i := range total {
		hash := g.hash(i, n)
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), int32(i + 1)}
				break
			}
			first := int(s.first - 1)
			if s.tag == tagOf(hash) && g.same(first, i, n) {
				g.again[first]++
				if c := g.again[first]; c > most || c == most && first < best {
					best, most = first, c
				}
				break
			}
			at = t.next(at)
		}
	}
	return int(most+1) * (int(g.runes[best+n]-g.runes[best]) + n - 1)
}

// same reports whether the n words from i and j on are the same.
func (g *grams) same(i, j, n int) bool {
	for k := range n {
		if g.words[i+k].Text != g.words[j+k].Text {
			return false
		}
	}
	return true
}

// duplicated returns the characters of the runs of n words that join to a
// string seen before; a run that does is stepped over as a whole.
func (g *grams) duplicated(n int) int {
	t := g.table
	total := len(g.words) - n + 1
	if total <= 0 {
		return 0
	}
	t.reset(total)
	chars := 0
	for i := 0; i < total; {
		hash := g.hash(i, n)
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), int32(i + 1)}
				i++
				break
			}
			if s.tag == tagOf(hash) && g.joinAlike(int(s.first-1), i, n) {
				chars += int(g.runes[i+n] - g.runes[i])
				i += n
				break
			}
			at = t.next(at)
		}
	}
	return chars
}

// joinAlike reports whether the n words from i and from j on join to the same
// string.
func (g *grams) joinAlike(i, j, n int) bool {
	if g.same(i, j, n) {
		return true
	}
	a, b := g.words[i:i+n], g.words[j:j+n]
	var x, y string
	for {
		for x == "" && len(a) > 0 {
			x, a = a[0].Text, a[1:]
		}
		for y == "" && len(b) > 0 {
			y, b = b[0].Text, b[1:]
		}
		if x == "" || y == "" {
			return x == y
		}
		k := min(len(x), len(y))
		if x[:k] != y[:k] {
			return false
		}
		x, y = x[k:], y[k:]
	}
}
