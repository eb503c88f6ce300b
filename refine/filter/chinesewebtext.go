package filter

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/troikaml/troika/refine"
)

// ChineseWebText holds the rules that ChineseWebText (Chen et al. 2023) applies
// before its models, measured as its preprocess.py does. A threshold of 0
// switches its rule off. Rules and values: "chinesewebtext.length" (characters;
// the text must have more than MinLength), ".mean-line" (characters a line, line
// feeds counted), ".han" (share of U+4E00 to U+9FA5), ".sensitive" (how many of
// Sensitive occur, a line), ".repeated-13-gram" (share of runs of 13 characters
// without white space, in lower case, that occur more than once).
//
// The paper also drops every page whose text a conversion to Simplified
// changes; that is a step of its own, which measures scripts.
type ChineseWebText struct {
	MinLength    int     `json:"min_length" yaml:"min_length"`
	MinMeanLine  float64 `json:"min_mean_line" yaml:"min_mean_line"`
	MinHan       float64 `json:"min_han" yaml:"min_han"`
	MaxSensitive float64 `json:"max_sensitive" yaml:"max_sensitive"`
	MaxRepeated  float64 `json:"max_repeated" yaml:"max_repeated"`
	// Sensitive are the words to look for; the published list is not part of
	// this program.
	Sensitive []string `json:"sensitive" yaml:"sensitive"`
}

// Name is "chinesewebtext".
func (ChineseWebText) Name() string { return "chinesewebtext" }

// Apply judges d and does not edit it.
func (f ChineseWebText) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f ChineseWebText) judge(r *reading, _ *refine.Document) refine.Verdict {
	s := newSheet(5)
	n := float64(r.length())
	lines := float64(strings.Count(r.text, "\n") + 1)
	s.record("chinesewebtext.length", n, float64(f.MinLength), f.MinLength != 0 && n <= float64(f.MinLength))
	s.atLeast("chinesewebtext.mean-line", n/lines, f.MinMeanLine)
	if r.text == "" {
		return s.v // no other value is defined
	}
	han := 0
	for _, c := range r.text {
		if 0x4E00 <= c && c <= 0x9FA5 {
			han++
		}
	}
	s.atLeast("chinesewebtext.han", float64(han)/n, f.MinHan)
	sensitive := 0
	for _, w := range f.Sensitive {
		if strings.Contains(r.text, w) {
			sensitive++
		}
	}
	s.atMost("chinesewebtext.sensitive", float64(sensitive)/lines, f.MaxSensitive)
	s.atMost("chinesewebtext.repeated-13-gram", r.repeated13(), f.MaxRepeated)
	return s.v
}

// repeated13 returns the share of the runs of 13 characters that occur more
// than once. The last run is left out, as in the program measured after; a
// shorter text is one run.
func (r *reading) repeated13() float64 {
	const n = 13
	r.chars = r.chars[:0]
	for _, c := range trim(r.text) {
		if c != ' ' && c != '\n' && c != '\t' {
			r.chars = append(r.chars, unicode.ToLower(c))
		}
	}
	total := len(r.chars) - n
	if total <= 0 {
		return 0
	}
	repeated := 0
	for _, count := range r.charGrams(n, total) {
		if count > 1 {
			repeated += int(count)
		}
	}
	return float64(repeated) / float64(total)
}

// charGrams returns how often each of the first total runs of n characters
// occurs, one count for each different run.
func (r *reading) charGrams(n, total int) []int32 {
	t := &r.table
	t.reset(total)
	r.counts = append(r.counts[:0], make([]int32, total)...) // by where a run is first
	lead := power(n)                                         // the factor of the character that leaves
	hash := uint64(0)
	for i, c := range r.chars[:total+n-1] {
		hash = hash*polyBase + uint64(c) + 1
		if i >= n {
			hash -= lead * (uint64(r.chars[i-n]) + 1)
		}
		if i < n-1 {
			continue
		}
		start := i - n + 1
		at := t.place(hash)
		for {
			s := &t.slots[at]
			if s.first == 0 {
				*s = slot{tagOf(hash), int32(start + 1)}
				r.counts[start] = 1
				break
			}
			if s.tag == tagOf(hash) && sameRunes(r.chars[s.first-1:][:n], r.chars[start:][:n]) {
				r.counts[s.first-1]++
				break
			}
			at = t.next(at)
		}
	}
	return slices.DeleteFunc(r.counts, func(n int32) bool { return n == 0 })
}

func sameRunes(a, b []rune) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// runesOf returns the characters of the text.
func (r *reading) runesOf() []rune {
	r.chars = r.chars[:0]
	for _, c := range r.text {
		r.chars = append(r.chars, c)
	}
	return r.chars
}
