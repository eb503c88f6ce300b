package tokenizer

import (
	"cmp"
	"slices"
)

// trie holds tokens by their bytes, for finding all that start at a place. The
// children of a node lie side by side in ascending order of their bytes.
type trie struct{ nodes []trieNode }

type trieNode struct {
	id    int32 // of the token that ends here, or -1
	first int32 // of the children
	count int16
	label byte
}

// newTrie builds a trie of a vocabulary's tokens, the empty one left out.
func newTrie(v *vocab) *trie {
	type entry struct {
		s  string
		id int32
	}
	var tokens []entry
	for id := range v.spans {
		if s, ok := v.token(int32(id)); ok && s != "" {
			tokens = append(tokens, entry{s, int32(id)})
		}
	}
	slices.SortFunc(tokens, func(a, b entry) int { return cmp.Compare(a.s, b.s) })
	t := &trie{nodes: []trieNode{{id: -1}}}
	// ranges[n] are the tokens below node n, which share their first depth bytes.
	type below struct{ lo, hi, depth int }
	ranges := []below{{0, len(tokens), 0}}
	for n := 0; n < len(t.nodes); n++ {
		r := ranges[n]
		if r.lo < r.hi && len(tokens[r.lo].s) == r.depth {
			t.nodes[n].id = tokens[r.lo].id
			r.lo++
		}
		t.nodes[n].first = int32(len(t.nodes))
		for lo := r.lo; lo < r.hi; {
			label := tokens[lo].s[r.depth]
			hi := lo + 1
			for hi < r.hi && tokens[hi].s[r.depth] == label {
				hi++
			}
			t.nodes = append(t.nodes, trieNode{id: -1, label: label})
			ranges = append(ranges, below{lo, hi, r.depth + 1})
			t.nodes[n].count++
			lo = hi
		}
	}
	return t
}

// prefixes calls visit with the length and id of each token that s starts with,
// shortest first.
func (t *trie) prefixes(s string, visit func(n int, id int32)) {
	node := &t.nodes[0]
	for i := range len(s) {
		if node = t.step(node, s[i]); node == nil {
			return
		}
		if node.id >= 0 {
			visit(i+1, node.id)
		}
	}
}

// step returns the child of a node by a byte, or nil.
func (t *trie) step(n *trieNode, b byte) *trieNode {
	children := t.nodes[n.first : int(n.first)+int(n.count)]
	at, ok := slices.BinarySearchFunc(children, b, func(n trieNode, b byte) int { return cmp.Compare(n.label, b) })
	if !ok {
		return nil
	}
	return &children[at]
}

// find returns the node that s leads to, or nil.
func (t *trie) find(s string) *trieNode {
	n := &t.nodes[0]
	for i := 0; n != nil && i < len(s); i++ {
		n = t.step(n, s[i])
	}
	return n
}

// longest returns the length and id of the longest token that s starts with and that
// lies below node; 0 and -1 where there is none or node is nil.
func (t *trie) longest(node *trieNode, s string) (n int, id int32) {
	id = -1
	for i := 0; node != nil && i < len(s); i++ {
		if node = t.step(node, s[i]); node != nil && node.id >= 0 {
			n, id = i+1, node.id
		}
	}
	return n, id
}
