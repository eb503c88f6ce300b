package bundle

import (
	"slices"

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
	})
	return b.vocab
}
