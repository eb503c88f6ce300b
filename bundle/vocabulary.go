package bundle

import (
	"slices"
	"unicode/utf8"

	"github.com/troikaml/troika/grammar"
)

// Vocabulary returns the tokens that an answer under a grammar may have: all but those
// that are special or end an answer. It is made once, and safe for concurrent use.
func (b *Bundle) Vocabulary() *grammar.Vocabulary {
	b.vocabulary.Do(func() {
		tokens := make([][]byte, b.Tokenizer.VocabSize())
		for i := range tokens {
			if id := int32(i); !b.Tokenizer.IsSpecial(id) && !slices.Contains(b.Generation.EOS, id) {
				tokens[i] = b.Tokenizer.Bytes(id)
			}
		}
		b.vocab = grammar.NewVocabulary(tokens)
		if b.dropsSpace(tokens) {
			b.vocab = b.vocab.WithoutFirstSpace()
		}
	})
	return b.vocab
}

// dropsSpace reports whether decoding leaves out a space at the beginning of a text.
func (b *Bundle) dropsSpace(tokens [][]byte) bool {
	for id, t := range tokens {
		if len(t) > 1 && t[0] == ' ' && utf8.Valid(t) {
			return b.Tokenizer.Decode([]int32{int32(id)}, true) == string(t[1:])
		}
	}
	return false
}
