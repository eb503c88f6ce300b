package segment

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"unicode/utf8"
)

// made holds what scripts/tables.sh made: chinese.gz, or nothing but a note.
//
//go:embed tables
var made embed.FS

// ErrNoTables is returned where Chinese words are asked of a program that was
// built without the dictionary.
var ErrNoTables = errors.New("this program was built without the Chinese tables; build it with make")

// Dictionary splits Chinese text. It is read-only and safe for concurrent use.
//
// It holds the words of the graph. Pairs of first characters are hashed,
// since most words have two; the few children of a longer beginning lie in a
// row, ascending by character.
type Dictionary struct {
	codes  [1 << 16]uint16 // of characters of the Basic Multilingual Plane; 0: in no word
	single []single        // by code
	// sketch has a bit for the hash of each pair: most neighbours in a text begin
	// no word, and the bits fit into the second cache.
	sketch  [pairBits / 64]uint64
	pairs   []pair // open addressing
	nodes   []node // children of pairs and of nodes
	weights []float64
	unknown float64 // the weight of a character that is no word
}

// single is a first character.
type single struct {
	weight float64 // unknown where the character alone is no word
	isWord bool
	begins bool // a longer word begins so
}

// node is what a word's beginning leads to.
type node struct {
	code     uint16 // of the last character
	word     uint16 // 1 + the place of the weight; 0: no word ends here
	first, n int32  // children: nodes[first:first+n]
}

// pair is the node of two first characters; n is -1 in an empty place.
type pair struct {
	key uint32 // both codes
	node
}

const (
	pairBits  = 1 << 22
	pairPlace = 1 << 19 // a power of two above twice the number of pairs
)

// hashPair spreads a pair's key over 32 bits.
func hashPair(key uint32) uint32 {
	key *= 0x9E3779B1
	return key ^ key>>15
}

// Chinese returns the dictionary that the program was built with. It is unpacked
// on the first call, which takes some tenths of a second. The error wraps
// ErrNoTables where there is none.
func Chinese() (*Dictionary, error) { return chinese() }

var chinese = sync.OnceValues(func() (*Dictionary, error) {
	packed, err := made.ReadFile("tables/chinese.gz")
	if err != nil {
		return nil, fmt.Errorf("open Chinese dictionary: %w", ErrNoTables)
	}
	return readDictionary(packed)
})

// entry is a word of the dictionary.
type entry struct {
	runes  []rune
	weight uint16 // its place
}

func readDictionary(packed []byte) (*Dictionary, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("open Chinese dictionary: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("open Chinese dictionary: %w", err)
	}
	broken := errors.New("open Chinese dictionary: cut short")
	if len(raw) < 12 {
		return nil, broken
	}
	weights, n := int(binary.LittleEndian.Uint32(raw)), int(binary.LittleEndian.Uint32(raw[4:]))
	unknown := int(binary.LittleEndian.Uint32(raw[8:]))
	raw = raw[12:]
	if len(raw) < 8*weights+4*n || unknown >= weights || n > pairPlace/2+pairPlace/4 {
		return nil, broken
	}
	d := &Dictionary{}
	for i := range weights {
		d.weights = append(d.weights, math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
	}
	d.unknown = d.weights[unknown]
	raw = raw[8*weights:]
	shared, sizes, places, ends := raw[:n], raw[n:2*n], raw[2*n:4*n], raw[4*n:]
	entries := make([]entry, n)
	var word []byte
	pool := make([]rune, 0, len(ends))
	for i := range entries {
		size := int(sizes[i])
		if int(shared[i]) > len(word) || size > len(ends) {
			return nil, broken
		}
		word = append(word[:shared[i]], ends[:size]...)
		ends = ends[size:]
		start := len(pool)
		for b := word; len(b) > 0; {
			r, width := utf8.DecodeRune(b)
			if r >= 1<<16 {
				return nil, fmt.Errorf("open Chinese dictionary: character %U", r)
			}
			pool = append(pool, r)
			b = b[width:]
		}
		entries[i] = entry{pool[start:len(pool):len(pool)], binary.LittleEndian.Uint16(places[2*i:])}
	}
	d.build(entries)
	return d, nil
}

// build fills the tables from entries, which ascend.
func (d *Dictionary) build(entries []entry) {
	n := d.assignCodes(entries)
	d.single = make([]single, n+1)
	for c := range d.single {
		d.single[c].weight = d.unknown
	}
	d.pairs = make([]pair, pairPlace)
	for i := range d.pairs {
		d.pairs[i].n = -1
	}
	for _, first := range d.children(entries, 0) {
		one := &d.single[first.code]
		if first.word > 0 {
			one.isWord, one.weight = true, d.weights[first.word-1]
		}
		for _, second := range d.children(first.entries, 1) {
			one.begins = true
			second.first, second.n = d.addNodes(second.entries, 2)
			key := uint32(first.code)<<16 | uint32(second.code)
			h := hashPair(key)
			d.sketch[h%pairBits/64] |= 1 << (h % 64)
			for d.pairs[h%pairPlace].n >= 0 {
				h++
			}
			d.pairs[h%pairPlace] = pair{key, second.node}
		}
	}
}

// child is a node with the entries that begin as it does.
type child struct {
	node
	entries []entry
}

// children returns the children of the beginning of depth characters that all
// entries share.
func (d *Dictionary) children(entries []entry, depth int) []child {
	var out []child
	for len(entries) > 0 {
		if len(entries[0].runes) == depth { // the beginning itself, first of all
			entries = entries[1:]
			continue
		}
		r, n := entries[0].runes[depth], 1
		for n < len(entries) && entries[n].runes[depth] == r {
			n++
		}
		c := child{node: node{code: d.codes[r]}, entries: entries[:n]}
		if len(entries[0].runes) == depth+1 {
			c.word = entries[0].weight + 1
		}
		out = append(out, c)
		entries = entries[n:]
	}
	return out
}

// addNodes adds the nodes below a beginning of depth characters and returns
// where its children lie.
func (d *Dictionary) addNodes(entries []entry, depth int) (first, n int32) {
	family := d.children(entries, depth)
	first = int32(len(d.nodes))
	for _, c := range family {
		d.nodes = append(d.nodes, c.node)
	}
	for i, c := range family {
		at, count := d.addNodes(c.entries, depth+1)
		d.nodes[int(first)+i].first, d.nodes[int(first)+i].n = at, count
	}
	return first, int32(len(family))
}

// assignCodes numbers the characters from 1 on, the most used ones first, so
// that what is used much lies close together, and returns how many there are.
func (d *Dictionary) assignCodes(entries []entry) int {
	var uses [1 << 16]int32
	for _, e := range entries {
		for _, r := range e.runes {
			uses[r]++
		}
	}
	var order []rune
	for r, n := range uses {
		if n > 0 {
			order = append(order, rune(r))
		}
	}
	slices.SortStableFunc(order, func(a, b rune) int { return cmp.Compare(uses[b], uses[a]) })
	for i, r := range order {
		d.codes[r] = uint16(i + 1)
	}
	return len(order)
}
