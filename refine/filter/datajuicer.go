package filter

import (
	"context"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text/segment"
)

// DataJuicer holds the filters of data-juicer's recipe for Chinese instruction
// data (alpaca-cot-zh-refine), measured as its operators do. A threshold of 0
// switches its rule off. Rules and values: "data-juicer.alphanumeric" (share of
// letters and digits), ".char-repetition" (share of the runs of RepeatLength
// characters that the most frequent ones make up), ".flagged" (share of words,
// and of two words in a row, that are in Flagged), ".length" (characters).
//
// Two things differ from the recipe, because neither is published in a package:
// words are those of segment.For(Lang) instead of a sentencepiece model's, and
// the list of flagged words is the caller's.
type DataJuicer struct {
	Lang            string   `json:"lang" yaml:"lang"`
	MinAlphanumeric float64  `json:"min_alphanumeric" yaml:"min_alphanumeric"`
	RepeatLength    int      `json:"repeat_length" yaml:"repeat_length"`
	MaxRepetition   float64  `json:"max_repetition" yaml:"max_repetition"`
	MaxFlagged      float64  `json:"max_flagged" yaml:"max_flagged"`
	Flagged         []string `json:"flagged" yaml:"flagged"`
	MinLength       int      `json:"min_length" yaml:"min_length"`
}

// Name is "data-juicer".
func (DataJuicer) Name() string { return "data-juicer" }

// Apply judges d and does not edit it.
func (f DataJuicer) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f DataJuicer) judge(r *reading, _ *refine.Document) refine.Verdict {
	s := newSheet(4)
	n := r.length()
	s.atLeast("data-juicer.alphanumeric", ratio(alphanumeric(r.text), n), f.MinAlphanumeric)
	if f.RepeatLength > 0 {
		s.atMost("data-juicer.char-repetition", r.charRepetition(f.RepeatLength), f.MaxRepetition)
	}
	if len(f.Flagged) > 0 {
		s.atMost("data-juicer.flagged", flaggedShare(r.wordsIn(f.Lang), f.Flagged), f.MaxFlagged)
	}
	s.atLeast("data-juicer.length", float64(n), float64(f.MinLength))
	return s.v
}

// ratio returns a/b, 0 where b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func alphanumeric(s string) int {
	n := 0
	for _, c := range s {
		if unicode.IsLetter(c) || unicode.IsNumber(c) {
			n++
		}
	}
	return n
}

// charRepetition returns the share of the runs of n characters that belong to
// the most frequent ones: as many different runs as the square root of their
// number, but none that occurs once.
func (r *reading) charRepetition(n int) float64 {
	total := len(r.runesOf()) - n + 1
	if total <= 0 {
		return 0
	}
	counts := r.charGrams(n, total)
	most := int(math.Sqrt(float64(len(counts))))
	often := make([]int32, 0, most)
	for _, c := range counts {
		if c > 1 {
			often = append(often, c)
		}
	}
	slices.SortFunc(often, func(a, b int32) int { return int(b - a) })
	sum := 0
	for _, c := range often[:min(most, len(often))] {
		sum += int(c)
	}
	return float64(sum) / float64(total)
}

// flaggedShare returns the share of words, and of two words joined, that are in
// the list, without regard to case.
func flaggedShare(words []segment.Word, flagged []string) float64 {
	set := make(map[string]bool, len(flagged))
	for _, w := range flagged {
		set[strings.ToLower(w)] = true
	}
	found, last := 0, ""
	for i, w := range words {
		word := strings.ToLower(w.Text)
		if set[word] {
			found++
		}
		if i > 0 && set[last+word] {
			found++
		}
		last = word
	}
	return ratio(found, 2*len(words)-1)
}
