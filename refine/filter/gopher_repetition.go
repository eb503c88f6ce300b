package filter

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/refine"
)

// GopherRepetition is the repetition filter of Gopher (Rae et al. 2021, table
// A1), measured as datatrove does. A threshold of 0 switches its rule off.
// Rules and values: "gopher-repetition.dup-paragraphs" and ".dup-lines" (shares
// of paragraphs and lines that occurred before), ".dup-paragraph-chars" and
// ".dup-line-chars" (their characters as shares of the text's), ".top-2-gram"
// and so on (characters of the most frequent n words in a row), ".dup-5-gram"
// and so on (characters of all runs of n words that occurred before).
type GopherRepetition struct {
	// Lang picks the way of finding words, as segment.For reads it.
	Lang                 string  `json:"lang" yaml:"lang"`
	MaxDupParagraphs     float64 `json:"max_dup_paragraphs" yaml:"max_dup_paragraphs"`
	MaxDupParagraphChars float64 `json:"max_dup_paragraph_chars" yaml:"max_dup_paragraph_chars"`
	MaxDupLines          float64 `json:"max_dup_lines" yaml:"max_dup_lines"`
	MaxDupLineChars      float64 `json:"max_dup_line_chars" yaml:"max_dup_line_chars"`
	TopGrams             []Gram  `json:"top_grams" yaml:"top_grams"`
	DupGrams             []Gram  `json:"dup_grams" yaml:"dup_grams"`
}

// Gram is the greatest share of characters for runs of N words; N is from 1 to
// 64.
type Gram struct {
	N   int     `json:"n" yaml:"n"`
	Max float64 `json:"max" yaml:"max"`
}

// maxGram bounds Gram.N.
const maxGram = 64

// Name is "gopher-repetition".
func (GopherRepetition) Name() string { return "gopher-repetition" }

// Apply judges d and does not edit it.
func (f GopherRepetition) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	for _, g := range append(slices.Clip(f.TopGrams), f.DupGrams...) {
		if g.N < 1 || g.N > maxGram {
			return refine.Verdict{}, fmt.Errorf("gopher-repetition: runs of %d words: want 1 to %d", g.N, maxGram)
		}
	}
	return apply(ctx, f, d)
}

func (f GopherRepetition) judge(r *reading, _ *refine.Document) refine.Verdict {
	s := newSheet(4 + len(f.TopGrams) + len(f.DupGrams))
	if r.text == "" {
		s.record("gopher-repetition.empty", 1, 0, true)
		return s.v
	}
	chars := float64(r.length())
	r.pieces = appendSplit(r.pieces[:0], trim(r.text), 2)
	dup, dupChars := r.duplicates(r.pieces)
	s.atMost("gopher-repetition.dup-paragraphs", float64(dup)/float64(len(r.pieces)), f.MaxDupParagraphs)
	s.atMost("gopher-repetition.dup-paragraph-chars", float64(dupChars)/chars, f.MaxDupParagraphChars)
	r.pieces = appendSplit(r.pieces[:0], r.text, 1)
	dup, dupChars = r.duplicates(r.pieces)
	s.atMost("gopher-repetition.dup-lines", float64(dup)/float64(len(r.pieces)), f.MaxDupLines)
	s.atMost("gopher-repetition.dup-line-chars", float64(dupChars)/chars, f.MaxDupLineChars)
	g := r.gramsIn(f.Lang)
	for _, gram := range f.TopGrams {
		if len(g.words) >= gram.N {
			s.atMost(topRules[gram.N], float64(g.top(gram.N))/chars, gram.Max)
		}
	}
	g.duplicated(f.DupGrams, func(i, dup int) {
		s.atMost(dupRules[f.DupGrams[i].N], float64(dup)/chars, f.DupGrams[i].Max)
	})
	return s.v
}

// topRules and dupRules are the names of the rules by N.
var topRules, dupRules = func() (top, dup [maxGram + 1]string) {
	for n := range top {
		top[n] = fmt.Sprintf("gopher-repetition.top-%d-gram", n)
		dup[n] = fmt.Sprintf("gopher-repetition.dup-%d-gram", n)
	}
	return top, dup
}()

// appendSplit appends the pieces of s between runs of at least n line feeds,
// the empty ones at both ends too.
func appendSplit(dst []string, s string, n int) []string {
	start := 0
	for i := 0; i < len(s); {
		at := strings.IndexByte(s[i:], '\n')
		if at < 0 {
			break
		}
		at += i
		end := at + 1
		for end < len(s) && s[end] == '\n' {
			end++
		}
		if end-at >= n {
			dst = append(dst, s[start:at])
			start = end
		}
		i = end
	}
	return append(dst, s[start:])
}
