package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// unigram is SentencePiece's model of that name (Kudo, 2018): of all ways to cut a
// piece into tokens, the one with the largest sum of scores.
type unigram struct {
	vocab    *vocab
	tokens   *trie
	scores   []float64
	unk      int32
	unkScore float64
	fallback *[256]int32 // ids of byte tokens, nil where unknown text has none
}

// unkPenalty is how much worse than the worst token an unknown character is, as in
// SentencePiece.
const unkPenalty = 10

func newUnigram(f *modelFile) (*unigram, error) {
	if f.options.UnkID == nil {
		return nil, errors.New("unk_id is missing: text outside the vocabulary would have no ids")
	}
	m := &unigram{vocab: f.vocab, tokens: newTrie(f.vocab), scores: f.scores, unk: int32(*f.options.UnkID)}
	if id := *f.options.UnkID; id < 0 || id >= len(f.scores) {
		return nil, fmt.Errorf("unk_id %d is not in the vocabulary of %d tokens", id, len(f.scores))
	}
	worst := f.scores[0]
	for _, s := range f.scores {
		worst = min(worst, s)
	}
	m.unkScore = worst - unkPenalty
	if isTrue(f.options.ByteFallback) {
		ids := byteTokens(f.vocab)
		m.fallback = &ids
	}
	return m, nil
}

// byteTokens returns the ids of <0x00> to <0xFF>, -1 where there is none.
func byteTokens(v *vocab) (ids [256]int32) {
	for b := range ids {
		ids[b] = v.id(fmt.Sprintf("<0x%02X>", b))
	}
	return ids
}

// best is the best way to reach a place in a piece.
type best struct {
	score float64
	from  int32 // where its last token starts, or -1 when nothing reaches here
	id    int32
}

func (m *unigram) appendPiece(dst []int32, s string, sc *scratch) []int32 {
	if s == "" {
		return dst
	}
	if cap(sc.best) < len(s)+1 {
		sc.best = make([]best, len(s)+1)
	}
	to := sc.best[:len(s)+1]
	for i := range to {
		to[i] = best{from: -1}
	}
	for i := 0; i < len(s); {
		_, w := utf8.DecodeRuneInString(s[i:])
		here, single := to[i].score, false
		reach := func(n int, id int32, score float64) {
			if t := &to[i+n]; t.from < 0 || here+score > t.score {
				*t = best{here + score, int32(i), id}
			}
		}
		m.tokens.prefixes(s[i:], func(n int, id int32) {
			reach(n, id, m.scores[id])
			single = single || n == w
		})
		if !single {
			reach(w, m.unk, m.unkScore)
		}
		i += w
	}
	return m.walk(dst, s, to)
}

// walk appends the tokens of the best way, which is found from its end. A run of
// unknown characters is one.
func (m *unigram) walk(dst []int32, s string, to []best) []int32 {
	first := len(dst)
	for end := len(s); end > 0; {
		b := to[end]
		start := int(b.from)
		if b.id != m.unk {
			dst = append(dst, b.id)
			end = start
			continue
		}
		for start > 0 && to[start].id == m.unk {
			start = int(to[start].from)
		}
		dst = m.appendUnknown(dst, s[start:end])
		end = start
	}
	slices.Reverse(dst[first:])
	return dst
}

// appendUnknown appends the ids of a run of unknown text, last first.
func (m *unigram) appendUnknown(dst []int32, s string) []int32 {
	if id := m.vocab.id(s); id >= 0 {
		return append(dst, id)
	}
	if m.fallback == nil {
		return append(dst, m.unk)
	}
	n := len(dst)
	for i := len(s) - 1; i >= 0; i-- {
		id := m.fallback[s[i]]
		if id < 0 {
			return append(dst[:n], m.unk)
		}
		dst = append(dst, id)
	}
	return dst
}
