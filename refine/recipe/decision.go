package recipe

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
	"github.com/troikaml/troika/refine/filter"
)

// Decision is all that was decided about one document: a line of
// decisions.jsonl.
type Decision struct {
	// ID and Source are the document's.
	ID     string `json:"id"`
	Source string `json:"source"`
	// Lang is the language that was found, or empty.
	Lang string `json:"lang,omitempty"`
	// Kept says whether the document is in the output.
	Kept bool `json:"kept"`
	// Drop says why not.
	Drop *Drop `json:"drop,omitempty"`
	// Before and After are the lengths of the text in characters, as it was
	// extracted and as it is written, or as it was when it was dropped.
	Before int `json:"before"`
	After  int `json:"after"`
	// Edited are the steps that changed the text, in their order.
	Edited []string `json:"edited,omitempty"`
	// Lines are the lines that were taken out of the extracted text, in the
	// order of the steps.
	Lines []Line `json:"lines,omitempty"`
	// Counts are what the steps counted, by step and kind.
	Counts map[string]map[string]int `json:"counts,omitempty"`
	// Scores are what the steps measured, by step and name.
	Scores map[string]map[string]float64 `json:"scores,omitempty"`
	// Hits are the questions of benchmarks that the text holds.
	Hits []decontaminate.Hit `json:"hits,omitempty"`
}

// Drop is the reason why a document is not in the output.
type Drop struct {
	// Step is the step or stage that dropped the document.
	Step string `json:"step"`
	refine.Reason
	// Twin is the ID of the document that stays in its place, for duplicates.
	Twin string `json:"twin,omitempty"`
}

// Line is one line that a step took out.
type Line struct {
	// Line counts from 0 in the extracted text, before any step.
	Line int `json:"line"`
	// Step took it out.
	Step string `json:"step"`
	refine.Reason
	// Text is the beginning of the line, with what is private hidden.
	Text string `json:"text"`
}

// lineExcerpt is how many characters of a line or text a decision shows.
const lineExcerpt = 160

// chain runs steps over documents. It is safe for concurrent use.
type chain struct {
	links []link
	// mask hides what is private in excerpts; it may be empty.
	mask []refine.Step
}

// link is a step, or several filters that were made one.
type link struct {
	step  refine.Step
	specs []Spec
}

// owner returns the name of the step that a rule or score belongs to: filters
// begin both with their own name and a dot.
func (l *link) owner(rule string) string {
	if len(l.specs) > 1 {
		name, _, _ := strings.Cut(rule, ".")
		for _, s := range l.specs {
			if s.part.Step.Name() == name {
				return s.Step
			}
		}
	}
	return l.specs[0].Step
}

// newChain returns a chain of the parts, which are steps all.
func newChain(steps, all []Spec) *chain {
	c := &chain{}
	for _, s := range all {
		if s.part.Mask != nil {
			c.mask = append(c.mask, s.part.Mask)
		}
	}
	for _, s := range steps {
		if n := len(c.links); n > 0 && s.fuses && c.links[n-1].takes(s) {
			c.links[n-1].specs = append(c.links[n-1].specs, s)
			continue
		}
		c.links = append(c.links, link{step: s.part.Step, specs: []Spec{s}})
	}
	for i := range c.links {
		l := &c.links[i]
		if len(l.specs) == 1 {
			continue
		}
		row := make([]refine.Step, len(l.specs))
		for k, s := range l.specs {
			row[k] = s.part.Step
		}
		l.step = filter.Fuse(row)[0]
	}
	return c
}

// takes reports whether a filter can join those of a link: two of one name
// could not be told apart.
func (l *link) takes(s Spec) bool {
	return l.specs[0].fuses && !slices.ContainsFunc(l.specs, func(o Spec) bool { return o.part.Step.Name() == s.part.Step.Name() })
}

// apply runs the steps over e until one drops the document.
func (c *chain) apply(ctx context.Context, e *entry) error {
	lines := e.Map
	for i := range c.links {
		l := &c.links[i]
		before := e.Doc.Text
		v, err := l.step.Apply(ctx, e.Doc)
		if err != nil {
			return fmt.Errorf("step %s: document %s: %w", l.step.Name(), e.Doc.ID, err)
		}
		if err := c.record(ctx, &e.Decision, l, v, before, lines); err != nil {
			return err
		}
		if f, ok := l.step.(finder); ok && len(v.Counts) > 0 {
			e.Decision.Hits = f.find(e.Doc)
		}
		if e.Doc.Text != before {
			e.Decision.Edited = append(e.Decision.Edited, l.specs[0].Step)
			lines = remap(lines, before, e.Doc.Text, v.Lines)
			if !utf8.ValidString(e.Doc.Text) {
				return fmt.Errorf("step %s: document %s: it left text that is not UTF-8", l.step.Name(), e.Doc.ID)
			}
		}
		e.Decision.After = utf8.RuneCountInString(e.Doc.Text)
		e.Decision.Lang = e.Doc.Lang
		if v.Drop != nil {
			e.drop(Drop{Step: l.owner(v.Drop.Rule), Reason: clean(*v.Drop)}, c.excerpt(ctx, e.Doc.Text))
			return nil
		}
	}
	e.Map = lines
	return nil
}

// record copies a verdict.
func (c *chain) record(ctx context.Context, d *Decision, l *link, v refine.Verdict, text string, lines []int32) error {
	if len(v.Lines) > 0 {
		split := strings.Split(text, "\n")
		for _, cut := range v.Lines {
			if cut.Line < 0 || cut.Line >= len(split) {
				return fmt.Errorf("step %s: document %s: it took out line %d of %d", l.step.Name(), d.ID, cut.Line, len(split))
			}
			d.Lines = append(d.Lines, Line{
				Line: origin(lines, cut.Line), Step: l.owner(cut.Rule), Reason: clean(cut.Reason), Text: c.excerpt(ctx, split[cut.Line]),
			})
		}
	}
	if len(v.Counts) > 0 {
		if d.Counts == nil {
			d.Counts = map[string]map[string]int{}
		}
		d.Counts[l.specs[0].Step] = maps.Clone(v.Counts)
	}
	for name, score := range v.Scores {
		if math.IsNaN(score) || math.IsInf(score, 0) {
			continue // a share of nothing says nothing
		}
		if d.Scores == nil {
			d.Scores = map[string]map[string]float64{}
		}
		step := l.owner(name)
		if d.Scores[step] == nil {
			d.Scores[step] = map[string]float64{}
		}
		d.Scores[step][name] = score
	}
	return nil
}

// clean keeps reasons within what JSON can say.
func clean(r refine.Reason) refine.Reason {
	for _, v := range []*float64{&r.Value, &r.Threshold} {
		switch {
		case math.IsNaN(*v):
			*v = 0
		case math.IsInf(*v, 0):
			*v = math.Copysign(math.MaxFloat64, *v)
		}
	}
	return r
}

// excerpt returns the beginning of a text with what is private hidden. Hiding
// comes first: what is cut in half would not be known for what it is.
func (c *chain) excerpt(ctx context.Context, s string) string {
	const enough = 8 * lineExcerpt // bytes
	return head(c.hide(ctx, head(s, enough)), lineExcerpt)
}

// hide applies the masking steps to a text that is shown to people.
func (c *chain) hide(ctx context.Context, s string) string {
	d := refine.Document{Text: s}
	for _, m := range c.mask {
		if _, err := m.Apply(ctx, &d); err != nil {
			return ""
		}
	}
	return d.Text
}

// head returns at most n characters of s.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// origin returns the number in the extracted text of line i of the present
// one. A nil map is the identity. A line that a step made up counts as the one
// before it.
func origin(lines []int32, i int) int {
	if lines == nil {
		return i
	}
	return int(lines[min(i, len(lines)-1)])
}

// remap follows lines through an edit: the result gives for each line of after
// its number in the extracted text. Where the step took out the lines it named
// and changed others in place, that is exact; otherwise lines are matched by
// their text, in order.
func remap(lines []int32, before, after string, dropped []refine.LineDrop) []int32 {
	nBefore, nAfter := strings.Count(before, "\n")+1, strings.Count(after, "\n")+1
	if nBefore == nAfter && len(dropped) == 0 {
		return lines
	}
	out := make([]int32, 0, nAfter)
	if after == "" || nBefore-len(dropped) == nAfter {
		gone := map[int]bool{}
		for _, d := range dropped {
			gone[d.Line] = true
		}
		for i := range nBefore {
			if !gone[i] {
				out = append(out, int32(origin(lines, i)))
			}
		}
		if len(out) == nAfter {
			return out
		}
		out = out[:0]
	}
	old := strings.Split(before, "\n")
	at := 0
	for line := range strings.SplitSeq(after, "\n") {
		// Steps mostly take lines out: the next equal line is the one.
		if found := slices.Index(old[min(at, len(old)):], line); found >= 0 {
			at += found + 1
		}
		out = append(out, int32(origin(lines, max(at-1, 0))))
	}
	return out
}
