package recipe

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/text"
)

// Stage judges units beside all other units of the corpus: whole documents, or
// the paragraphs of documents.
type Stage interface {
	// Rule names what the stage finds, as it stands in the reason of a drop.
	Rule() string
	// Paragraphs reports whether units are paragraphs; else they are documents.
	Paragraphs() bool
	// Begin starts a pass over the corpus. Files go below dir, memory bounds
	// the bytes that the pass may hold.
	Begin(dir string, memory int64) (Pass, error)
}

// Pass is one pass of a stage over a corpus. Add is safe for concurrent use.
type Pass interface {
	// Add puts in a unit. Numbers do not repeat and come in any order.
	Add(number uint64, scope, text string) error
	// Drops yields what has to go, in ascending order of numbers, after the
	// last Add.
	Drops(ctx context.Context) iter.Seq2[UnitDrop, error]
	// Close frees the files of the pass.
	Close() error
}

// UnitDrop is a unit that has to go.
type UnitDrop struct {
	Number uint64
	// Twin is the number of the unit that stays in its place.
	Twin uint64
	// Value and Threshold explain the drop, as in a refine.Reason.
	Value, Threshold float64
}

// dedupStage finds duplicates through an index of keys. The value of a drop is
// the size of its cluster, the threshold is 1: one of a cluster stays.
type dedupStage struct {
	rule       string
	paragraphs bool
	keys       int
	byLang     bool
	sign       func(dst []uint64, scope, text string) []uint64
}

func (s *dedupStage) Rule() string     { return s.rule }
func (s *dedupStage) Paragraphs() bool { return s.paragraphs }

func (s *dedupStage) Begin(dir string, memory int64) (Pass, error) {
	index, err := dedup.NewIndex(dir, s.keys, memory)
	return &dedupPass{s, index}, err
}

type dedupPass struct {
	stage *dedupStage
	index *dedup.Index
}

func (p *dedupPass) Add(number uint64, scope, text string) error {
	if !p.stage.byLang {
		scope = ""
	}
	return p.index.Add(number, p.stage.sign(nil, scope, text))
}

func (p *dedupPass) Drops(ctx context.Context) iter.Seq2[UnitDrop, error] {
	return func(yield func(UnitDrop, error) bool) {
		for m, err := range p.index.Members(ctx) {
			if err == nil && !m.Duplicate() {
				continue
			}
			d := UnitDrop{Number: m.Number, Twin: m.First, Value: float64(m.Size), Threshold: 1}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

func (p *dedupPass) Close() error { return p.index.Close() }

// exactSettings are those of the removal of exact duplicates.
type exactSettings struct {
	// ByLang compares documents of one language alone.
	ByLang bool
	// MinChars is the length from which a text is compared.
	MinChars int
}

func newExact(rule string, paragraphs bool) func(exactSettings) (Stage, error) {
	return func(s exactSettings) (Stage, error) {
		if s.MinChars < 0 {
			return nil, fmt.Errorf("min_chars %d is below 0", s.MinChars)
		}
		return &dedupStage{
			rule: rule, paragraphs: paragraphs, keys: 1, byLang: s.ByLang,
			sign: func(dst []uint64, scope, text string) []uint64 {
				if utf8.RuneCountInString(text) < s.MinChars {
					return dst
				}
				return append(dst, dedup.Exact(scope, text))
			},
		}, nil
	}
}

// nearSettings are those of the removal of near-duplicates by MinHash.
type nearSettings struct {
	// ByLang compares documents of one language alone.
	ByLang bool
	// Shingle, Bands, Rows, Seed and MinWords are those of dedup.Rule.
	Shingle, Bands, Rows int
	Seed                 uint64
	MinWords             int
}

func nearDefaults(r dedup.Rule) nearSettings {
	return nearSettings{ByLang: true, Shingle: r.Shingle, Bands: r.Bands, Rows: r.Rows, Seed: r.Seed, MinWords: r.MinWords}
}

func newNear(rule string, paragraphs bool) func(nearSettings) (Stage, error) {
	return func(s nearSettings) (Stage, error) {
		signer, err := dedup.NewSigner(dedup.Rule{Shingle: s.Shingle, Bands: s.Bands, Rows: s.Rows, Seed: s.Seed, MinWords: s.MinWords})
		if err != nil {
			return nil, err
		}
		return &dedupStage{rule: rule, paragraphs: paragraphs, keys: s.Bands, byLang: s.ByLang, sign: signer.Keys}, nil
	}
}

// unitBits are the bits of a unit's number that count paragraphs: a unit is its
// document's number times 2^unitBits plus the paragraph.
const unitBits = 16

// sameID finds documents with the ID of an earlier one. It is no step of
// recipes: the later ones are failures.
var sameID = Spec{Step: "same-id", part: Part{Stage: &dedupStage{
	rule: "same-id", keys: 1,
	sign: func(dst []uint64, _, id string) []uint64 { return append(dst, text.Hash(id, 0)) },
}}}

// addUnits puts a document or its paragraphs into a pass.
func (r *runner) addUnits(p Pass, s Spec, number uint64, d *refine.Document) error {
	if s.Step == sameID.Step {
		return p.Add(number<<unitBits, "", d.ID)
	}
	switch {
	case s.part.Split != nil:
		return p.Add(number<<unitBits, d.Group, d.Text)
	case s.part.Pairs != nil:
		return s.part.Pairs.add(p, number, d)
	}
	// Scripts and regions of one language are compared with one another.
	lang, _, _ := strings.Cut(d.Lang, "-")
	if !s.part.Stage.Paragraphs() {
		return p.Add(number<<unitBits, lang, d.Text)
	}
	for i, par := range splitParagraphs(d.Text) {
		if i >= 1<<unitBits {
			break // what follows is kept
		}
		if err := p.Add(number<<unitBits|uint64(i), lang, strings.Join(par.lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// paragraph is a run of lines without an empty one.
type paragraph struct {
	first int // its first line
	lines []string
}

func splitParagraphs(text string) []paragraph {
	var out []paragraph
	open := false
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			open = false
		case open:
			last := &out[len(out)-1]
			last.lines = append(last.lines, line)
		default:
			out = append(out, paragraph{first: n, lines: []string{line}})
			open = true
		}
		n++
	}
	return out
}

// cutParagraphs takes paragraphs out of a document, each with the empty line
// after it.
func (c *chain) cutParagraphs(ctx context.Context, e *entry, name string, rule string, drops []UnitDrop) {
	before := strings.Split(e.Doc.Text, "\n")
	gone := make([]bool, len(before))
	pars := splitParagraphs(e.Doc.Text)
	for _, d := range drops {
		i := int(d.Number & (1<<unitBits - 1))
		if i >= len(pars) {
			continue // the number of another text
		}
		for k, line := range pars[i].lines {
			at := pars[i].first + k
			gone[at] = true
			e.Decision.Lines = append(e.Decision.Lines, Line{
				Line: origin(e.Map, at), Step: name, Text: c.excerpt(ctx, line),
				Reason: refine.Reason{Rule: rule, Value: d.Value, Threshold: d.Threshold},
			})
		}
		for at := pars[i].first + len(pars[i].lines); at < len(before) && strings.TrimSpace(before[at]) == ""; at++ {
			gone[at] = true
		}
	}
	var kept []string
	var lines []int32
	for i, line := range before {
		if !gone[i] {
			kept = append(kept, line)
			lines = append(lines, int32(origin(e.Map, i)))
		}
	}
	e.Doc.Text = strings.TrimRight(strings.Join(kept, "\n"), "\n")
	e.Map = lines[:min(len(lines), strings.Count(e.Doc.Text, "\n")+1)]
	e.Decision.Edited = append(e.Decision.Edited, name)
	e.Decision.After = len([]rune(e.Doc.Text))
}
