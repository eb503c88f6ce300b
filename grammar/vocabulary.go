package grammar

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// maxToken bounds the tokens that a grammar may allow, in bytes.
const maxToken = 1 << 10

// lengths are those of the longest tokens whose masks are kept together. Few tokens are
// longer than the first, so that states which differ only in what comes further away,
// as those of a counted repeat do, cost little more than one of them.
var lengths = [...]int{16, 32, maxToken}

// Vocabulary holds the tokens of a tokenizer as a tree. It is immutable and safe for
// concurrent use; make one for each tokenizer.
type Vocabulary struct {
	tokens  [][]byte
	nodes   []node
	twins   map[int32][]int32 // by node: further ids of the same bytes
	single  [256]bool         // the bytes that are a token of their own
	spells  bool              // all bytes are
	deepest int
	space   int32 // the node of a space that a text's first token drops; 0: it drops none

	mu     sync.Mutex
	shared map[*rule]*masks
}

// node is a place in the tree of tokens. Nodes lie in the order of their bytes, each
// before those below it.
type node struct {
	skip  int32 // the node after all that lie below
	id    int32 // of the token that ends here, or -1
	depth int16 // bytes from the root, which has 0
	label byte
	spans uint8 // bit i: a node here or below has a depth of lengths[i]; its own is the lowest
}

// NewVocabulary takes the bytes that each id stands for within a text; nil or empty
// for ids that a grammar must never allow, such as special tokens. Tokens longer than
// a kilobyte are never allowed. The slices must not change.
func NewVocabulary(tokens [][]byte) *Vocabulary {
	v := &Vocabulary{tokens: slices.Clone(tokens), twins: map[int32][]int32{}, shared: map[*rule]*masks{}}
	var ids []int32
	for id, t := range v.tokens {
		if len(t) == 0 || len(t) > maxToken {
			v.tokens[id] = nil
			continue
		}
		ids = append(ids, int32(id))
		v.deepest = max(v.deepest, len(t))
		if len(t) == 1 {
			v.single[t[0]] = true
		}
	}
	v.spells = v.single == [256]bool(slices.Repeat([]bool{true}, 256))
	slices.SortFunc(ids, func(a, b int32) int {
		return cmp.Or(bytes.Compare(v.tokens[a], v.tokens[b]), cmp.Compare(a, b))
	})
	v.grow(ids)
	return v
}

// grow builds the nodes from sorted ids.
func (v *Vocabulary) grow(ids []int32) {
	v.nodes = append(v.nodes, node{id: -1})
	open := []int32{0} // the nodes on the way to the last token
	closeTo := func(depth int) {
		for len(open) > depth+1 {
			last := &v.nodes[open[len(open)-1]]
			last.skip = int32(len(v.nodes))
			open = open[:len(open)-1]
			if len(open) > 0 {
				v.nodes[open[len(open)-1]].spans |= last.spans
			}
		}
	}
	var last []byte
	for _, id := range ids {
		t := v.tokens[id]
		same := 0
		for same < len(t) && same < len(last) && t[same] == last[same] {
			same++
		}
		if same == len(t) && same == len(last) {
			at := open[len(open)-1]
			v.twins[at] = append(v.twins[at], id)
			continue
		}
		closeTo(same)
		for i := same; i < len(t); i++ {
			open = append(open, int32(len(v.nodes)))
			v.nodes = append(v.nodes, node{id: -1, label: t[i], depth: int16(i + 1), spans: spanOf(i + 1)})
		}
		v.nodes[len(v.nodes)-1].id = id
		last = t
	}
	closeTo(-1)
}

// spanOf returns the bit of the lengths that a depth belongs to.
func spanOf(depth int) uint8 {
	i := 0
	for depth > lengths[i] {
		i++
	}
	return 1 << i
}

// WithoutFirstSpace returns the vocabulary of a tokenizer whose decoder drops a space
// at the beginning of a text, as SentencePiece does: " yes" as the first token says "yes".
func (v *Vocabulary) WithoutFirstSpace() *Vocabulary {
	w := &Vocabulary{
		tokens: v.tokens, nodes: v.nodes, twins: v.twins, single: v.single, spells: v.spells, deepest: v.deepest,
		shared: map[*rule]*masks{},
	}
	for i := int32(1); i < int32(len(v.nodes)); i = v.nodes[i].skip {
		if v.nodes[i].label == ' ' {
			w.space = i
		}
	}
	return w
}

// Size returns the number of ids, with those that are never allowed.
func (v *Vocabulary) Size() int { return len(v.tokens) }

// Bytes returns what an id stands for, or nil. It is not the caller's to change.
func (v *Vocabulary) Bytes(id int32) []byte {
	if id < 0 || int(id) >= len(v.tokens) {
		return nil
	}
	return v.tokens[id]
}

// set allows the tokens that end at a node.
func (v *Vocabulary) set(mask []uint64, at int32) {
	id := v.nodes[at].id
	mask[id>>6] |= 1 << (id & 63)
	if len(v.twins) > 0 {
		for _, id := range v.twins[at] {
			mask[id>>6] |= 1 << (id & 63)
		}
	}
}

// forbid takes back what set allows.
func (v *Vocabulary) forbid(mask []uint64, at int32) {
	for _, id := range append([]int32{v.nodes[at].id}, v.twins[at]...) {
		mask[id>>6] &^= 1 << (id & 63)
	}
}

// words returns the length of a mask.
func (v *Vocabulary) words() int { return (len(v.tokens) + 63) / 64 }
