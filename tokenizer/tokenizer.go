package tokenizer

import (
	"sync"

	"github.com/troikaml/troika"
)

// Tokenizer turns text into token ids and back. It is immutable, safe for
// concurrent use, and made by [Load].
type Tokenizer struct {
	hash  troika.Digest
	vocab *vocab
	model subwords

	added      map[int32]*addedToken
	addedID    map[string]int32
	exact      *matcher // added tokens that match the text as it comes
	normalized *matcher // added tokens that match after normalization

	normalizer normalizer
	steps      []step
	words      *scanner // the one step there is, if it is a hand-written splitter
	frame      *frame
	decoder    []decoderConfig
	outBytes   bool // the decoder is ByteLevel alone

	size    int
	scratch *sync.Pool
}

// maxKeptScratch bounds the symbols for which a call's working memory is kept
// for the next call.
const maxKeptScratch = 1 << 16

// Encode returns the ids of text. Added and special tokens that appear in the
// text become their ids; addSpecial puts what the post-processor adds (usually
// a beginning-of-sequence token) around them. Ill-formed UTF-8 is read as
// U+FFFD for each maximal ill-formed part: what Hugging Face's binding gets
// after Python's bytes.decode("utf-8", errors="replace"). Truncation and
// padding that a tokenizer.json may ask for are not applied. The text must be
// shorter than 4 GiB.
func (t *Tokenizer) Encode(text string, addSpecial bool) []int32 {
	return t.AppendEncode(nil, text, addSpecial)
}

// AppendEncode appends what [Tokenizer.Encode] returns to dst.
func (t *Tokenizer) AppendEncode(dst []int32, text string, addSpecial bool) []int32 {
	return t.frame.wrap(dst, addSpecial, func(dst []int32) []int32 {
		return t.appendText(dst, text, false)
	})
}

// EncodeOrdinary returns the ids of text that is not trusted to hold special
// tokens: they are spelled out as any other text. Added tokens that are not
// special (a chat markup such as <think> in Qwen3, or runs of spaces) are
// still tokens. It equals Hugging Face with encode_special_tokens set, and
// adds nothing around the text.
func (t *Tokenizer) EncodeOrdinary(text string) []int32 {
	return t.frame.wrap(nil, false, func(dst []int32) []int32 {
		return t.appendText(dst, text, true)
	})
}

// appendText appends the ids of text without the frame.
func (t *Tokenizer) appendText(dst []int32, text string, plain bool) []int32 {
	text = replaceInvalid(text)
	sc, _ := t.scratch.Get().(*scratch)
	if sc == nil {
		sc = &scratch{}
	}
	token := func(id int32) { dst = append(dst, id) }
	t.exact.cut(text, plain, func(start, end int) {
		p := piece{text[start:end], start == 0}
		if t.normalizer != nil {
			p = t.normalizer.normalize(p)
		}
		t.normalized.cut(p.s, plain, func(start, end int) {
			dst = t.appendSegment(dst, piece{p.s[start:end], p.first && start == 0}, sc)
		}, token)
	}, token)
	if cap(sc.ids) <= maxKeptScratch && cap(sc.pieces) <= maxKeptScratch && cap(sc.spare) <= maxKeptScratch && cap(sc.best) <= maxKeptScratch {
		clear(sc.pieces[:cap(sc.pieces)])
		clear(sc.spare[:cap(sc.spare)])
		t.scratch.Put(sc)
	}
	return dst
}

// appendSegment pre-tokenizes text without added tokens and appends its ids.
func (t *Tokenizer) appendSegment(dst []int32, p piece, sc *scratch) []int32 {
	switch {
	case t.words != nil:
		for i := 0; i < len(p.s); {
			end := t.words.scan(t.words.t, p.s, i)
			dst = t.model.appendPiece(dst, p.s[i:end], sc)
			i = end
		}
		return dst
	case len(t.steps) == 0:
		return t.model.appendPiece(dst, p.s, sc)
	}
	pieces := append(sc.pieces[:0], p)
	out := sc.spare[:0]
	for _, s := range t.steps {
		out = out[:0]
		for _, p := range pieces {
			out = s.apply(out, p)
		}
		pieces, out = out, pieces
	}
	for _, p := range pieces {
		dst = t.model.appendPiece(dst, p.s, sc)
	}
	sc.pieces, sc.spare = pieces, out
	return dst
}

// ID returns the id of a token as the vocabulary spells it, added tokens
// included.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.addedID[token]; ok {
		return id, true
	}
	id := t.vocab.id(token)
	return id, id >= 0
}

// Token returns the token of id as the vocabulary spells it, added tokens
// included.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if a := t.added[id]; a != nil {
		return a.Content, true
	}
	return t.vocab.token(id)
}

// IsSpecial reports whether id is a special token, which decoding may skip.
func (t *Tokenizer) IsSpecial(id int32) bool {
	a := t.added[id]
	return a != nil && a.Special
}

// VocabSize returns the highest id plus one, added tokens included. Some ids
// below it may have no token.
func (t *Tokenizer) VocabSize() int { return t.size }

// Hash returns the digest of the tokenizer.json that was loaded.
func (t *Tokenizer) Hash() troika.Digest { return t.hash }
