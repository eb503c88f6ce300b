package bundle

import (
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/troikaml/troika/grammar"
)

// Vocabulary returns the tokens that an answer under a grammar may have: all but those
// that are special or end an answer. It is made once, and safe for concurrent use.
func (b *Bundle) Vocabulary() *grammar.Vocabulary {
	return b.vocabulary.get(b, nil)
}

// ToolVocabulary is Vocabulary with the special tokens among those that calls of tools
// are written with.
func (b *Bundle) ToolVocabulary() *grammar.Vocabulary {
	format, err := b.ToolFormat()
	marks := slices.DeleteFunc(format.Tokens(), func(token string) bool {
		id, ok := b.Tokenizer.ID(token)
		return !ok || !b.Tokenizer.IsSpecial(id)
	})
	if err != nil || len(marks) == 0 {
		return b.Vocabulary()
	}
	return b.tools.get(b, marks)
}

// vocabulary is made once, when it is asked for.
type vocabulary struct {
	once sync.Once
	made *grammar.Vocabulary
}

func (v *vocabulary) get(b *Bundle, also []string) *grammar.Vocabulary {
	v.once.Do(func() {
		tokens := make([][]byte, b.Tokenizer.VocabSize())
		for i := range tokens {
			if id := int32(i); !b.Tokenizer.IsSpecial(id) && !slices.Contains(b.Generation.EOS, id) {
				tokens[i] = b.Tokenizer.Bytes(id)
			}
		}
		for _, token := range also {
			if id, ok := b.Tokenizer.ID(token); ok {
				tokens[id] = []byte(token)
			}
		}
		v.made = grammar.NewVocabulary(tokens)
		if b.dropsSpace(tokens) {
			v.made = v.made.WithoutFirstSpace()
		}
	})
	return v.made
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
