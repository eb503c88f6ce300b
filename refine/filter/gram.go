package filter

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
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
func (t *table) place(hash uint64) int { return int(hash * spread >> t.shift) }

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

// grams finds runs of words that occur more than once. Most runs of a text occur
// once: sketches, which count by hash alone and so never too little, tell them
// apart without a look at the words.
type grams struct {
	words  []segment.Word
	joined []byte   // the words without what stands between them
	starts []int32  // of the words in joined, and its end
	runes  []int32  // characters of the words before i
	sums   []uint64 // polynomial of the hashes of the words before i

	table  *table
	counts []uint32 // a sketch
	seen   []uint8  // a sketch that counts to two
	places []uint32 // of runs in a sketch
	open   []int32  // words that begin runs which have to be looked at, ascending
	again  []int32  // how often the run of each of them came again
	reach  []int32  // how many bytes a run that begins at word i can have and come again
	rest   []int32  // scratch of survey
}

// gramsIn returns the grams of the words in the language.
func (r *reading) gramsIn(lang string) *grams {
	words := r.wordsIn(lang)
	n := len(words)
	g := &r.grams
	g.words, g.table = words, &r.table
	g.starts = slices.Grow(g.starts[:0], n+1)[:n+1]
	g.runes = slices.Grow(g.runes[:0], n+1)[:n+1]
	g.sums = slices.Grow(g.sums[:0], n+1)[:n+1]
	joined := slices.Grow(g.joined[:0], len(r.text)+hashBytes)
	starts, counts, sums := g.starts, g.runes, g.sums
	runes := int32(0)
	for i, w := range words {
		starts[i], counts[i] = int32(len(joined)), runes
		joined = append(joined, w.Text...)
		runes += int32(w.Runes)
	}
	starts[n], counts[n] = int32(len(joined)), runes
	g.joined = joined
	sum := uint64(0)
	for i, at := range starts[:n] {
		sums[i] = sum
		sum = sum*polyBase + hashOf(joined[at:], int(starts[i+1]-at))
	}
	sums[n] = sum
	return g
}

// hashBytes is what hashOf may read beyond a word.
const hashBytes = 8

// hashOf returns a hash of the first n bytes of b, whose capacity is hashBytes more
// at least.
func hashOf(b []byte, n int) uint64 {
	v := binary.LittleEndian.Uint64(b[:hashBytes])
	switch {
	case n < hashBytes:
		v &= 1<<(8*n) - 1
	case n > 2*hashBytes:
		return xxh3.Hash(b[:n])
	case n > hashBytes:
		v = v*polyBase + binary.LittleEndian.Uint64(b[n-hashBytes:][:hashBytes])
	}
	v = (v + uint64(n)) * spread
	return v ^ v>>32
}

// polyBase is odd: its powers never vanish.
const polyBase = 0x5851F42D4C957F2D

// power returns polyBase^n.
func power(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= polyBase
	}
	return p
}

// spread makes the upper bits of a product depend on all of a hash.
const spread = 0x9E3779B97F4A7C15

// top returns the characters of the most frequent run of n words, all its
// occurrences together, the words joined by spaces. Of equally frequent runs
// the first counts. There must be n words.
func (g *grams) top(n int) int {
	total := len(g.words) - n + 1
	best, most := g.frequent(n, total)
	return (most + 1) * (int(g.runes[best+n]-g.runes[best]) + n - 1)
}

// frequent returns where the most frequent of total runs of n words begins first
// and how often it comes again.
func (g *grams) frequent(n, total int) (best, most int) {
	likely, count := g.sketch(n, total)
	if count < 2 {
		return 0, 0
	}
	// The run that the sketch counts most is counted in truth: only runs that the
	// sketch counts as often can be more frequent.
	exact, places, counts := uint32(0), g.places, g.counts
	at := places[likely]
	for i, p := range places {
		if p == at && g.same(i, likely, n) {
			exact++
		}
	}
	exact = max(exact, 2)
	open, k := slices.Grow(g.open[:0], total)[:total], 0
	for i, p := range places {
		open[k] = int32(i) // overwritten where it is not to stay: no branch to guess
		if counts[p] >= exact {
			k++
		}
	}
	g.open = open[:k]
	t := g.table
	t.reset(len(g.open))
	g.again = append(g.again[:0], make([]int32, len(g.open))...)
	first := 0 // the place of best in open
	for k, i := range g.open {
		hash := uint64(g.places[i]) * spread
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), int32(k + 1)}
				break
			}
			of := int(s.first - 1)
			if s.tag == tagOf(hash) && g.same(int(g.open[of]), int(i), n) {
				g.again[of]++
				if c := int(g.again[of]); c > most || c == most && of < first {
					first, most = of, c
				}
				break
			}
			at = t.next(at)
		}
	}
	if most == 0 {
		return 0, 0
	}
	return int(g.open[first]), most
}

// sketch counts the total runs of n words by their hashes, into counts and places,
// and returns a run that was counted most and how often.
func (g *grams) sketch(n, total int) (likely int, most uint32) {
	size := max(6, bits.Len(uint(2*total)))
	g.counts = slices.Grow(g.counts[:0], 1<<size)[:1<<size]
	clear(g.counts)
	g.places = slices.Grow(g.places[:0], total)[:total]
	counts, places, ends, lead := g.counts, g.places, g.sums[n:][:total], power(n)
	for i, from := range g.sums[:total] {
		p := uint32((ends[i] - from*lead) * spread >> (64 - size))
		places[i] = p
		c := counts[p] + 1
		counts[p] = c
		if c > most {
			likely, most = i, c
		}
	}
	return likely, most
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

// duplicated calls f for each of the runs with the characters of the runs of N
// words that join to a string seen before; a run that does is stepped over as a
// whole.
func (g *grams) duplicated(runs []Gram, f func(i, chars int)) {
	if len(runs) == 0 {
		return
	}
	least := maxGram
	for _, r := range runs {
		least = min(least, r.N)
	}
	g.survey(least)
	for i, r := range runs {
		f(i, g.duplicatedOf(r.N))
	}
}

// duplicatedOf is duplicated for runs of n words, after the survey.
func (g *grams) duplicatedOf(n int) int {
	t := g.table
	t.reset(len(g.open))
	chars, next := 0, 0
	starts, reach := g.starts, g.reach
	for _, start := range g.open {
		i := int(start)
		if i < next || i+n >= len(starts) {
			continue
		}
		from, to := starts[i], starts[i+n]
		if to-from > reach[i] {
			continue // it occurs once
		}
		run := g.joined[from:to]
		hash := xxh3.Hash(run)
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), start + 1}
				break
			}
			first := int(s.first - 1)
			if s.tag == tagOf(hash) && string(g.joined[starts[first]:starts[first+n]]) == string(run) {
				chars += int(g.runes[i+n] - g.runes[i])
				next = i + n
				break
			}
			at = t.next(at)
		}
	}
	return chars
}

// windows are lengths in bytes, ascending, for survey.
var windows = [...]int{12, 24, 48}

// survey notes in open where runs of n words and more begin that may occur more
// than once, and in reach how long they are at most. A run that is as long as a
// window, and of which so many bytes stand at the beginning of no other word,
// occurs once.
func (g *grams) survey(n int) {
	g.open = g.open[:0]
	total := len(g.words) - n + 1
	if total <= 0 {
		return
	}
	g.reach = slices.Grow(g.reach[:0], total)[:total]
	rest := slices.Grow(g.rest[:0], total)[:total]
	for i := range rest {
		rest[i], g.reach[i] = int32(i), math.MaxInt32
	}
	for _, w := range windows {
		rest = g.sieve(rest, w)
	}
	g.rest = rest
	open, k := slices.Grow(g.open[:0], total)[:total], 0
	starts, ends := g.starts[:total], g.starts[n:][:total]
	for i, reach := range g.reach {
		open[k] = int32(i)
		if ends[i]-starts[i] <= reach {
			k++
		}
	}
	g.open = open[:k]
}

// sieve returns the words of which a window from the beginning on occurs again, in
// the place of words, which ascend. The reach of the others is shorter.
func (g *grams) sieve(words []int32, window int) []int32 {
	size := max(6, bits.Len(uint(4*len(words))))
	g.seen = slices.Grow(g.seen[:0], 1<<size)[:1<<size]
	clear(g.seen)
	g.places = slices.Grow(g.places[:0], len(words))[:len(words)]
	whole := len(words) // of those words the window ends within the text
	for whole > 0 && int(g.starts[words[whole-1]])+window > len(g.joined) {
		whole--
	}
	seen, places, starts, joined, reach := g.seen, g.places, g.starts, g.joined, g.reach
	for k, i := range words[:whole] {
		p := uint32(hashWindow(joined[starts[i]:][:window]) >> (64 - size))
		places[k] = p
		seen[p] = min(seen[p]+1, 2)
	}
	for _, i := range words[whole:] {
		reach[i] = int32(window - 1)
	}
	again := 0
	for k, i := range words[:whole] {
		words[again] = i // overwritten where it is not to stay: no branch to guess
		most := int32(window - 1)
		if seen[places[k]] > 1 {
			again++
			most = math.MaxInt32
		}
		reach[i] = most
	}
	return words[:again]
}

// hashWindow returns a hash of a window, in its upper bits.
func hashWindow(b []byte) uint64 {
	if len(b) > windows[0] {
		return xxh3.Hash(b)
	}
	v := binary.LittleEndian.Uint64(b[len(b)-hashBytes:]) * polyBase
	return (v + binary.LittleEndian.Uint64(b)) * spread
}
