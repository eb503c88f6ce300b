package filter

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
)

// FineWebQuality is the quality filter of FineWeb (Penedo et al. 2024, section
// 3.6), measured as datatrove does. A threshold of 0 switches its rule off.
// Rules and values over the lines that are not blank: "fineweb.line-punct"
// (share of lines that end with a sentence mark of any script),
// ".short-lines" (share of lines of at most ShortLine characters),
// ".dup-line-chars" (characters of lines that occurred before, as a share of
// the text's without line feeds), ".newlines" (line feeds a word).
type FineWebQuality struct {
	// Lang picks the way of finding words, as segment.For reads it.
	Lang         string  `json:"lang" yaml:"lang"`
	MinLinePunct float64 `json:"min_line_punct" yaml:"min_line_punct"`
	// KeepUnpunctuated keeps a document in which no line ends with a mark.
	KeepUnpunctuated bool    `json:"keep_unpunctuated" yaml:"keep_unpunctuated"`
	ShortLine        int     `json:"short_line" yaml:"short_line"`
	MaxShortLines    float64 `json:"max_short_lines" yaml:"max_short_lines"`
	MaxDupLineChars  float64 `json:"max_dup_line_chars" yaml:"max_dup_line_chars"`
	MaxNewlines      float64 `json:"max_newlines" yaml:"max_newlines"`
}

// Name is "fineweb".
func (FineWebQuality) Name() string { return "fineweb" }

// Apply judges d and does not edit it.
func (f FineWebQuality) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f FineWebQuality) judge(r *reading, _ *refine.Document) refine.Verdict {
	s := newSheet(4)
	r.pieces = r.pieces[:0]
	ended, short := 0, 0
	for line := range strings.SplitSeq(r.text, "\n") {
		if isBlank(line) {
			continue
		}
		r.pieces = append(r.pieces, line)
		if last, _ := utf8.DecodeLastRuneInString(line); endsSentence(last) {
			ended++
		}
		// A line of more bytes than four a character cannot be short.
		if len(line) <= 4*f.ShortLine && utf8.RuneCountInString(line) <= f.ShortLine {
			short++
		}
	}
	if len(r.pieces) == 0 {
		s.record("fineweb.empty", 1, 0, true)
		return s.v
	}
	n := float64(len(r.pieces))
	punct := float64(ended) / n
	s.record("fineweb.line-punct", punct, f.MinLinePunct, punct < f.MinLinePunct && !(punct == 0 && f.KeepUnpunctuated))
	s.atMost("fineweb.short-lines", float64(short)/n, f.MaxShortLines)
	newlines := strings.Count(r.text, "\n")
	_, dup := r.duplicates(r.pieces)
	s.atMost("fineweb.dup-line-chars", float64(dup)/float64(r.length()-newlines), f.MaxDupLineChars)
	s.atMost("fineweb.newlines", float64(newlines)/float64(len(r.wordsIn(f.Lang))), f.MaxNewlines)
	return s.v
}
