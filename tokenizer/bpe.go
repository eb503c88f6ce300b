package tokenizer

import (
	"math"
	"unicode/utf8"
)

// shortPiece is the number of symbols up to which merging scans for the best
// pair. Longer pieces go through a heap: the scan is quadratic.
const shortPiece = 48

// noMerge is the value of a pair that does not merge; it orders after every
// pair that does.
const noMerge = math.MaxUint64

// mergeTable maps a pair of ids to rank<<32 | id of the merged token.
type mergeTable struct {
	slots []mergeSlot
	mask  uint64
}

type mergeSlot struct{ key, value uint64 }

func pairKey(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

func newMergeTable(n int) mergeTable {
	size := 16
	for size < 2*n {
		size *= 2
	}
	t := mergeTable{slots: make([]mergeSlot, size), mask: uint64(size - 1)}
	for i := range t.slots {
		t.slots[i].value = noMerge
	}
	return t
}

func (t *mergeTable) slot(key uint64) uint64 {
	h := key * hashA
	return (h ^ h>>32) & t.mask
}

// put adds a pair or, as Hugging Face does, gives it its last rank.
func (t *mergeTable) put(a, b int32, rank int, id int32) {
	key := pairKey(a, b)
	i := t.slot(key)
	for t.slots[i].value != noMerge && t.slots[i].key != key {
		i = (i + 1) & t.mask
	}
	t.slots[i] = mergeSlot{key, uint64(rank)<<32 | uint64(uint32(id))}
}

func (t *mergeTable) get(a, b int32) uint64 {
	key := pairKey(a, b)
	for i := t.slot(key); ; i = (i + 1) & t.mask {
		if s := &t.slots[i]; s.key == key || s.value == noMerge {
			return s.value
		}
	}
}

// bpe is the model: pieces of pre-tokenized text to ids.
//
// In byte mode a piece is the text's own bytes, and byteID holds the id of
// each one. This is the ByteLevel pre-tokenizer without its detour through an
// alphabet of printable characters; it is taken where that pre-tokenizer is
// the last one and every byte has a token. In character mode a piece is a
// string of the vocabulary's own characters.
type bpe struct {
	vocab  *vocab
	merges mergeTable
	merged []bool // by id: some merge makes the token; while loading

	byteMode bool
	byteID   [256]int32
	pieces   *vocab // byte mode with ignoreMerges: text bytes -> id

	unk          int32 // -1: none, characters outside the vocabulary are dropped
	fuseUnk      bool
	fallback     bool
	fallbackID   [256]int32 // -1 where the vocabulary lacks <0xHH>
	ignoreMerges bool
	prefix       string // continuing_subword_prefix
	suffix       string // end_of_word_suffix

	joints *jointSet // nil: pieces must not be cut further
	cache  *wordCache
}

// scratch is the working memory of one encoding call.
type scratch struct {
	ids    []int32
	values []uint64
	prev   []uint32
	next   []uint32
	heap   []uint64
	pieces []piece
	spare  []piece
	best   []best
}

// appendPiece appends the ids of one pre-tokenized piece.
func (m *bpe) appendPiece(dst []int32, s string, sc *scratch) []int32 {
	if s == "" {
		return dst
	}
	if m.ignoreMerges {
		words := m.vocab
		if m.byteMode {
			words = m.pieces
		}
		if id := words.id(s); id >= 0 {
			return append(dst, id)
		}
	}
	if m.joints == nil {
		return m.appendWord(dst, s, sc)
	}
	for len(s) > 0 {
		n := m.joints.span(s)
		dst = m.appendWord(dst, s[:n], sc)
		s = s[n:]
	}
	return dst
}

// appendWord appends the ids of a word through the cache.
func (m *bpe) appendWord(dst []int32, s string, sc *scratch) []int32 {
	if len(s) > maxCachedWord {
		return m.merge(dst, s, sc)
	}
	slot := m.cache.slot(s)
	if e := slot.Load(); e != nil && e.holds(s) {
		return append(dst, e.ids[:e.count]...)
	}
	start := len(dst)
	dst = m.merge(dst, s, sc)
	if e := newCacheEntry(s, dst[start:]); e != nil {
		slot.Store(e)
	}
	return dst
}

func (m *bpe) merge(dst []int32, s string, sc *scratch) []int32 {
	sc.ids = sc.ids[:0]
	if m.byteMode {
		for i := range len(s) {
			sc.ids = append(sc.ids, m.byteID[s[i]])
		}
	} else {
		sc.ids = m.symbols(sc.ids, s)
	}
	switch n := len(sc.ids); {
	case n < 2:
		return append(dst, sc.ids...)
	case n <= shortPiece:
		return append(dst, m.mergeShort(sc)...)
	default:
		return m.mergeLong(dst, sc)
	}
}

// symbols appends the initial symbols of s in character mode. The order of
// unknown tokens and byte tokens follows Hugging Face to the letter: an
// unknown token waits until the next character that has a token of its own.
func (m *bpe) symbols(ids []int32, s string) []int32 {
	pending := false
	for i := 0; i < len(s); {
		_, w := utf8.DecodeRuneInString(s[i:])
		c := s[i : i+w]
		token := c
		if m.prefix != "" && i > 0 {
			token = m.prefix + token
		}
		i += w
		if m.suffix != "" && i == len(s) {
			token += m.suffix
		}
		if id := m.vocab.id(token); id >= 0 {
			if pending {
				ids, pending = append(ids, m.unk), false
			}
			ids = append(ids, id)
			continue
		}
		if m.fallback {
			if out, ok := m.byteTokens(ids, token); ok {
				ids = out
				continue
			}
		}
		if m.unk >= 0 {
			if pending && !m.fuseUnk {
				ids = append(ids, m.unk)
			}
			pending = true
		}
	}
	if pending {
		ids = append(ids, m.unk)
	}
	return ids
}

// byteTokens appends the byte tokens of s, or reports that one is missing.
func (m *bpe) byteTokens(ids []int32, s string) ([]int32, bool) {
	n := len(ids)
	for i := range len(s) {
		id := m.fallbackID[s[i]]
		if id < 0 {
			return ids[:n], false
		}
		ids = append(ids, id)
	}
	return ids, true
}

// mergeShort merges sc.ids in place: lowest rank first, leftmost of equals.
func (m *bpe) mergeShort(sc *scratch) []int32 {
	ids := sc.ids
	values := sc.values[:0]
	for i := 1; i < len(ids); i++ {
		values = append(values, m.merges.get(ids[i-1], ids[i]))
	}
	sc.values = values
	for len(values) > 0 {
		best, at := uint64(noMerge), -1
		for i, v := range values {
			if v < best {
				best, at = v, i
			}
		}
		if at < 0 {
			break
		}
		ids[at] = int32(uint32(best))
		ids = append(ids[:at+1], ids[at+2:]...)
		values = append(values[:at], values[at+1:]...)
		if at > 0 {
			values[at-1] = m.merges.get(ids[at-1], ids[at])
		}
		if at < len(values) {
			values[at] = m.merges.get(ids[at], ids[at+1])
		}
	}
	return ids
}

// mergeLong gives the result of mergeShort in O(n log n): symbols form a
// linked list, and a heap orders the pairs by rank, then position. An entry
// whose pair has changed since is recognised by its rank and dropped.
func (m *bpe) mergeLong(dst []int32, sc *scratch) []int32 {
	ids := sc.ids
	n := len(ids)
	sc.grow(n)
	values, prev, next := sc.values[:n], sc.prev[:n], sc.next[:n]
	h := minHeap(sc.heap[:0])
	for i := range n {
		prev[i], next[i] = uint32(i-1), uint32(i+1)
		values[i] = noMerge
		if i+1 < n {
			if values[i] = m.merges.get(ids[i], ids[i+1]); values[i] != noMerge {
				h = append(h, values[i]&^math.MaxUint32|uint64(i))
			}
		}
	}
	h.init()
	for len(h) > 0 {
		top := h.pop()
		i := uint32(top)
		v := values[i]
		if v == noMerge || v>>32 != top>>32 {
			continue
		}
		right := next[i]
		ids[i] = int32(uint32(v))
		values[right] = noMerge
		next[i] = next[right]
		values[i] = noMerge
		if int(next[i]) < n {
			prev[next[i]] = i
			if v := m.merges.get(ids[i], ids[next[i]]); v != noMerge {
				values[i] = v
				h.push(v&^math.MaxUint32 | uint64(i))
			}
		}
		if i > 0 {
			p := prev[i]
			v := m.merges.get(ids[p], ids[i])
			values[p] = v
			if v != noMerge {
				h.push(v&^math.MaxUint32 | uint64(p))
			}
		}
	}
	sc.heap = h
	for i := 0; i < n; i = int(next[i]) {
		dst = append(dst, ids[i])
	}
	return dst
}

// grow makes room for n symbols.
func (sc *scratch) grow(n int) {
	if cap(sc.values) < n {
		sc.values = make([]uint64, n)
	}
	if cap(sc.prev) < n {
		sc.prev, sc.next = make([]uint32, n), make([]uint32, n)
		sc.heap = make([]uint64, 0, n)
	}
}

// minHeap is a 4-ary min-heap: shallower than a binary one, and a node's
// children share a cache line.
type minHeap []uint64

func (h minHeap) init() {
	for i := (len(h) - 2) / 4; i >= 0 && len(h) > 1; i-- {
		h.down(i)
	}
}

func (h *minHeap) push(v uint64) {
	*h = append(*h, v)
	s := *h
	i := len(s) - 1
	for i > 0 {
		p := (i - 1) / 4
		if s[p] <= v {
			break
		}
		s[i] = s[p]
		i = p
	}
	s[i] = v
}

func (h *minHeap) pop() uint64 {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	*h = s[:last]
	if last > 1 {
		h.down(0)
	}
	return top
}

func (h minHeap) down(i int) {
	v := h[i]
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		best := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c] < h[best] {
				best = c
			}
		}
		if h[best] >= v {
			break
		}
		h[i] = h[best]
		i = best
	}
	h[i] = v
}
