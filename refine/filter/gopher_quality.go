package filter

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text/segment"
)

// GopherQuality is the quality filter of Gopher (Rae et al. 2021, appendix
// A.1.1), measured as datatrove does. A threshold of 0 switches its rule off.
// Rules and values: "gopher-quality.words" (words with a character that is no
// punctuation mark), ".mean-word" (their mean length in characters), ".hash"
// and ".ellipsis" (occurrences a word), ".bullet-lines" and ".ellipsis-lines"
// (shares of lines), ".alpha-words" (share of words with a letter),
// ".stop-words" (how many of StopWords occur).
type GopherQuality struct {
	// Lang picks the way of finding words, as segment.For reads it.
	Lang             string   `json:"lang" yaml:"lang"`
	MinWords         int      `json:"min_words" yaml:"min_words"`
	MaxWords         int      `json:"max_words" yaml:"max_words"`
	MinMeanWord      float64  `json:"min_mean_word" yaml:"min_mean_word"`
	MaxMeanWord      float64  `json:"max_mean_word" yaml:"max_mean_word"`
	MaxSymbols       float64  `json:"max_symbols" yaml:"max_symbols"`
	MaxBulletLines   float64  `json:"max_bullet_lines" yaml:"max_bullet_lines"`
	MaxEllipsisLines float64  `json:"max_ellipsis_lines" yaml:"max_ellipsis_lines"`
	MinAlphaWords    float64  `json:"min_alpha_words" yaml:"min_alpha_words"`
	MinStopWords     int      `json:"min_stop_words" yaml:"min_stop_words"`
	StopWords        []string `json:"stop_words" yaml:"stop_words"`
}

// Name is "gopher-quality".
func (GopherQuality) Name() string { return "gopher-quality" }

// Apply judges d and does not edit it.
func (f GopherQuality) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f GopherQuality) judge(r *reading, _ *refine.Document) refine.Verdict {
	words := r.wordsIn(f.Lang)
	wordy, chars, alpha := 0, 0, 0
	for _, w := range words {
		hasAlpha, mark := wordClass(w.Text)
		if hasAlpha {
			alpha++
		}
		if !mark {
			wordy++
			chars += w.Runes
		}
	}
	s := newSheet(8)
	n := float64(wordy)
	s.record("gopher-quality.words", n, float64(f.MinWords), wordy < f.MinWords)
	s.atMost("gopher-quality.words", n, float64(f.MaxWords))
	if wordy == 0 {
		return s.v // no other value is defined
	}
	mean := float64(chars) / n
	s.atLeast("gopher-quality.mean-word", mean, f.MinMeanWord)
	s.atMost("gopher-quality.mean-word", mean, f.MaxMeanWord)
	all := float64(len(words))
	s.atMost("gopher-quality.hash", float64(strings.Count(r.text, "#"))/all, f.MaxSymbols)
	s.atMost("gopher-quality.ellipsis", float64(strings.Count(r.text, "...")+strings.Count(r.text, "…"))/all, f.MaxSymbols)
	lines := r.splitLines()
	bullets, ellipses := 0, 0
	for _, line := range lines {
		if head := trimLeft(line); strings.HasPrefix(head, "•") || strings.HasPrefix(head, "-") {
			bullets++
		}
		if tail := trimRight(line); strings.HasSuffix(tail, "...") || strings.HasSuffix(tail, "…") {
			ellipses++
		}
	}
	s.atMost("gopher-quality.bullet-lines", float64(bullets)/float64(len(lines)), f.MaxBulletLines)
	s.atMost("gopher-quality.ellipsis-lines", float64(ellipses)/float64(len(lines)), f.MaxEllipsisLines)
	s.atLeast("gopher-quality.alpha-words", float64(alpha)/all, f.MinAlphaWords)
	s.atLeast("gopher-quality.stop-words", float64(countPresent(words, f.StopWords)), float64(f.MinStopWords))
	return s.v
}

// wordClass reports whether w holds a letter, and whether every character of it
// is a punctuation mark.
func wordClass(w string) (alpha, mark bool) {
	mark = true
	for i := 0; i < len(w); {
		c := w[i]
		if c < utf8.RuneSelf {
			i++
			if 'a' <= c|0x20 && c|0x20 <= 'z' {
				return true, false
			}
			mark = mark && isMark(rune(c))
			continue
		}
		r, size := utf8.DecodeRuneInString(w[i:])
		i += size
		if 0x4E00 <= r && r < 0xA000 {
			return true, false // a Han character
		}
		if unicode.IsLetter(r) {
			// Some sentence marks of rare scripts are letters to Unicode, none of
			// the common ones.
			alpha = true
		}
		mark = mark && isMark(r)
		if alpha && !mark {
			break
		}
	}
	return alpha, mark
}

// countPresent returns how many of the wanted words are among words.
func countPresent(words []segment.Word, wanted []string) int {
	if len(wanted) == 0 {
		return 0
	}
	// Most words are told apart by their first byte and length.
	var first [256]uint32 // bit n: a wanted word of n bytes begins so
	for _, w := range wanted {
		if w != "" {
			first[w[0]] |= 1 << min(len(w), 31)
		}
	}
	var seen uint64
	found := 0
	for _, w := range words {
		if first[w.Text[0]]>>min(len(w.Text), 31)&1 == 0 {
			continue
		}
		for i, want := range wanted {
			if i < 64 && seen>>i&1 == 0 && w.Text == want {
				seen |= 1 << i
				found++
			}
		}
	}
	return found
}
