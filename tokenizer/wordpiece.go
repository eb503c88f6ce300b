package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// subwords is the model of a tokenizer: it appends the ids of one piece of
// pre-tokenized text.
type subwords interface {
	appendPiece(dst []int32, s string, sc *scratch) []int32
}

// wordPiece is BERT's model: the longest token that a word starts with, then the
// longest of those that continue one, and so on. A word that cannot be covered, or
// is too long, is the unknown token as a whole.
type wordPiece struct {
	starts    *trie // tokens as they are spelled
	prefix    string
	continued *trieNode // the node of starts that prefix leads to, nil where none
	unk       int32
	longest   int // characters of a word
}

func newWordPiece(f *modelFile) (*wordPiece, error) {
	m := &wordPiece{starts: newTrie(f.vocab), prefix: "##", longest: 100}
	if p := f.options.Prefix; p != nil {
		m.prefix = *p
	}
	if n := f.options.MaxWord; n != nil {
		if *n < 0 {
			return nil, fmt.Errorf("max_input_chars_per_word %d is negative", *n)
		}
		m.longest = *n
	}
	unk := "[UNK]"
	if f.options.UnkToken != nil {
		unk = *f.options.UnkToken
	}
	if m.unk = f.vocab.id(unk); m.unk < 0 {
		return nil, fmt.Errorf("unk_token %q is not in the vocabulary", unk)
	}
	m.continued = m.starts.find(m.prefix)
	return m, nil
}

func (m *wordPiece) appendPiece(dst []int32, s string, _ *scratch) []int32 {
	if s == "" {
		return dst
	}
	// A character has at most four bytes, so that most words need no count.
	if len(s) > m.longest && utf8.RuneCountInString(s) > m.longest {
		return append(dst, m.unk)
	}
	start := len(dst)
	node := &m.starts.nodes[0]
	for len(s) > 0 {
		n, id := m.starts.longest(node, s)
		if n == 0 {
			return append(dst[:start], m.unk)
		}
		dst = append(dst, id)
		s = s[n:]
		node = m.continued
	}
	return dst
}
