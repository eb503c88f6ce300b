package filter

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text/segment"
)

// C4 holds the line and page rules of C4 (Raffel et al. 2020, section 2.2),
// measured as datatrove does; the list of bad words is none of them. It takes
// lines out and edits those that stay: white space at both ends and Wikipedia's
// citation marks go. The order of the rules matters, and is this:
//
//   - a line is taken out by "c4.word-length" (characters of its longest word),
//     "c4.terminal-mark" (0: it does not end with one of . ? ! " ' or ends with
//     an ellipsis), "c4.line-words" (its words, between white space);
//   - the document is dropped by "c4.lorem-ipsum" and "c4.curly-bracket";
//   - a line is taken out by "c4.javascript" and "c4.policy";
//   - the document is dropped by "c4.sentences" (those of the lines left).
//
// datatrove's rules for documents see only lines that came so far; so do these.
type C4 struct {
	// Lang picks the way of finding words, as segment.For reads it; sentences
	// end at words that are sentence marks.
	Lang            string `json:"lang" yaml:"lang"`
	MinSentences    int    `json:"min_sentences" yaml:"min_sentences"`         // 0: off
	MinLineWords    int    `json:"min_line_words" yaml:"min_line_words"`       // 0: off
	MaxWordLength   int    `json:"max_word_length" yaml:"max_word_length"`     // 0: off
	TerminalMark    bool   `json:"terminal_mark" yaml:"terminal_mark"`         // keep only lines that end with a mark
	KeepCitations   bool   `json:"keep_citations" yaml:"keep_citations"`       // leave [1], [edit] and [citation needed]
	KeepLoremIpsum  bool   `json:"keep_lorem_ipsum" yaml:"keep_lorem_ipsum"`   // switch that rule off
	KeepJavascript  bool   `json:"keep_javascript" yaml:"keep_javascript"`     // switch that rule off
	KeepCurly       bool   `json:"keep_curly" yaml:"keep_curly"`               // switch that rule off
	KeepPolicyLines bool   `json:"keep_policy_lines" yaml:"keep_policy_lines"` // switch that rule off
}

// policies are the phrases of lines about terms and cookies.
var policies = []phrase{
	newPhrase("terms of use"), newPhrase("privacy policy"), newPhrase("cookie policy"),
	newPhrase("uses cookies"), newPhrase("use of cookies"), newPhrase("use cookies"),
}

var loremIpsum, javascript = newPhrase("lorem ipsum"), newPhrase("javascript")

// Name is "c4".
func (C4) Name() string { return "c4" }

// Apply judges d, takes lines out of it and edits lines. A document that is
// dropped is not edited.
func (f C4) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f C4) judge(r *reading, d *refine.Document) refine.Verdict {
	s := newSheet(2)
	var b strings.Builder
	sentences, kept := 0, 0
	lines := wordLines{words: r.wordsIn(f.Lang)}
	r.kept = r.kept[:0]
	for i, raw := range r.splitLines() {
		raw = trim(raw)
		words := lines.next(raw)
		line := raw
		if !f.KeepCitations {
			line = withoutCitations(raw)
		}
		drop, page := f.line(r, raw, line)
		if page {
			s.record(drop.Rule, drop.Value, drop.Threshold, true)
			s.v.Lines = nil
			return s.v
		}
		if drop.Rule != "" {
			s.v.Lines = append(s.v.Lines, refine.LineDrop{Line: i, Reason: drop})
			continue
		}
		if len(line) != len(raw) {
			words = r.split(nil, line)
		}
		sentences += countSentences(words)
		r.kept = append(r.kept, words...)
		if kept > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		kept++
	}
	s.atLeast("c4.sentences", float64(sentences), float64(f.MinSentences))
	if s.v.Drop != nil {
		s.v.Lines = nil
		return s.v
	}
	if text := trim(b.String()); text != d.Text {
		d.Text = text
		r.reset(text)
		// Words never reach across lines: those of the lines are the text's.
		r.words, r.kept = r.kept, r.words
		r.haveWords, r.wordsLang = true, f.Lang
	}
	return s.v
}

// wordLines deals the words of a text out to its lines.
type wordLines struct{ words []segment.Word }

// next returns the words of the next line.
func (w *wordLines) next(line string) []segment.Word {
	n := 0
	for {
		line = trimLeft(line)
		if line == "" {
			words := w.words[:n]
			w.words = w.words[n:]
			return words
		}
		line = line[len(w.words[n].Text):]
		n++
	}
}

// line returns why a line goes, or why the page does, or the zero Reason. line
// is raw less its citations.
func (f C4) line(r *reading, raw, line string) (why refine.Reason, page bool) {
	r.pieces = appendFields(r.pieces[:0], raw)
	if f.MaxWordLength > 0 {
		for _, w := range r.pieces {
			if len(w) <= f.MaxWordLength {
				continue // no more characters than bytes
			}
			if n := utf8.RuneCountInString(w); n > f.MaxWordLength {
				return refine.Reason{Rule: "c4.word-length", Value: float64(n), Threshold: float64(f.MaxWordLength)}, false
			}
		}
	}
	if f.TerminalMark && !endsC4(line) {
		return refine.Reason{Rule: "c4.terminal-mark", Threshold: 1}, false
	}
	if n := len(r.pieces); n < f.MinLineWords {
		return refine.Reason{Rule: "c4.line-words", Value: float64(n), Threshold: float64(f.MinLineWords)}, false
	}
	letters := lettersOf(line)
	switch {
	case !f.KeepLoremIpsum && loremIpsum.in(line, letters):
		return refine.Reason{Rule: "c4.lorem-ipsum", Value: 1}, true
	case !f.KeepJavascript && javascript.in(line, letters):
		return refine.Reason{Rule: "c4.javascript", Value: 1}, false
	case !f.KeepCurly && strings.Contains(line, "{"):
		return refine.Reason{Rule: "c4.curly-bracket", Value: 1}, true
	case !f.KeepPolicyLines && slices.ContainsFunc(policies, func(p phrase) bool { return p.in(line, letters) }):
		return refine.Reason{Rule: "c4.policy", Value: 1}, false
	}
	return refine.Reason{}, false
}

// endsC4 reports whether the line ends with a mark that C4 takes for an end.
func endsC4(line string) bool {
	return line != "" && strings.IndexByte(`.?!"'`, line[len(line)-1]) >= 0 && !strings.HasSuffix(line, "...")
}

// appendFields appends what stands between white space, as Python's str.split.
func appendFields(dst []string, s string) []string {
	for {
		if s = trimLeft(s); s == "" {
			return dst
		}
		end := 0
		for end < len(s) {
			if c := s[end]; c < utf8.RuneSelf {
				if segment.IsSpace(rune(c)) {
					break
				}
				end++
				continue
			}
			r, size := utf8.DecodeRuneInString(s[end:])
			if segment.IsSpace(r) {
				break
			}
			end += size
		}
		dst = append(dst, s[:end])
		s = s[end:]
	}
}

// phrase is a text in lower-case ASCII.
type phrase struct {
	text    string
	letters uint32
}

func newPhrase(text string) phrase { return phrase{text, lettersOf(text)} }

// in reports whether a line with these letters holds the phrase in any case.
func (p phrase) in(line string, letters uint32) bool {
	return letters&p.letters == p.letters && containsFold(line, p.text)
}

// lettersOf returns a bit for each ASCII letter of s in any case. Bits may be set
// by other characters too.
func lettersOf(s string) uint32 {
	var letters uint32
	for i := range len(s) {
		letters |= 1 << (s[i] & 31)
	}
	return letters
}

// containsFold reports whether s holds the lower-case ASCII phrase in any case.
func containsFold(s, phrase string) bool {
	first := phrase[0]
	for i := 0; i+len(phrase) <= len(s); i++ {
		if s[i]|0x20 == first && strings.EqualFold(s[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

// withoutCitations returns s without [12], [], [edit] and [citation needed].
func withoutCitations(s string) string {
	at := strings.IndexByte(s, '[')
	if at < 0 {
		return s
	}
	var b strings.Builder
	for at >= 0 {
		b.WriteString(s[:at])
		n := citation(s[at:])
		if n == 0 {
			b.WriteByte('[')
			n = 1
		}
		s = s[at+n:]
		at = strings.IndexByte(s, '[')
	}
	b.WriteString(s)
	return b.String()
}

// citation returns the length of the citation mark that s begins with, or 0.
func citation(s string) int {
	inside, _, found := strings.Cut(s[1:], "]")
	if !found {
		return 0
	}
	if inside != "edit" && inside != "citation needed" && strings.ContainsFunc(inside, func(r rune) bool { return !unicode.IsDigit(r) }) {
		return 0
	}
	return len(inside) + 2
}

// countSentences returns the number of sentences as spaCy's sentencizer cuts
// them: after sentence marks and the punctuation that follows those.
func countSentences(words []segment.Word) int {
	n, ended := 1, false
	for _, w := range words {
		if isEnd := w.Runes == 1 && isSentenceEnd(w.Text); isEnd {
			ended = true
		} else if ended && !isPunct(w.Text) {
			n, ended = n+1, false
		}
	}
	return n
}

func isSentenceEnd(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return endsSentence(r)
}

// isPunct reports whether all of w is punctuation to Unicode.
func isPunct(w string) bool {
	for _, r := range w {
		if !unicode.IsPunct(r) {
			return false
		}
	}
	return true
}
