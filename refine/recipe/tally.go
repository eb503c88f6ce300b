package recipe

import (
	"cmp"
	"slices"
)

// Report is what a run found, for people and programs: report.json.
type Report struct {
	Recipe  string `json:"recipe"`
	Version string `json:"version"`
	Counts  Counts `json:"counts"`
	// Steps are the recipe's steps in their order: the funnel.
	Steps []StepReport `json:"steps"`
	// Failures are the first items that could not be read.
	Failures []failure `json:"failures,omitempty"`
}

// StepReport is what one step did.
type StepReport struct {
	Step string `json:"step"`
	// In documents came to the step, Dropped of them ended there, Edited others
	// were changed.
	In      int `json:"in"`
	Dropped int `json:"dropped"`
	Edited  int `json:"edited"`
	// Lines were taken out.
	Lines int `json:"lines"`
	// Reasons counts drops and lines by rule.
	Reasons []ReasonCount `json:"reasons,omitempty"`
}

// ReasonCount is how often a rule led to a drop.
type ReasonCount struct {
	Rule      string `json:"rule"`
	Documents int    `json:"documents"`
	Lines     int    `json:"lines"`
}

// mostFailures bounds the failures that a report lists.
const mostFailures = 100

// tally counts while the output is written.
type tally struct {
	report Report
	steps  map[string]int
	rules  []map[string]*ReasonCount
}

func newTally(r *Recipe) *tally {
	t := &tally{report: Report{Recipe: r.Name, Version: r.Version}, steps: map[string]int{}}
	for i, s := range r.Steps {
		t.steps[s.Step] = i
		t.report.Steps = append(t.report.Steps, StepReport{Step: s.Step})
		t.rules = append(t.rules, map[string]*ReasonCount{})
	}
	return t
}

func (t *tally) failure(f *failure) {
	t.report.Counts.Failed++
	if len(t.report.Failures) < mostFailures {
		t.report.Failures = append(t.report.Failures, *f)
	}
}

func (t *tally) record(bytes int64) {
	t.report.Counts.Records++
	t.report.Counts.Bytes += bytes
}

func (t *tally) rule(step int, rule string) *ReasonCount {
	c := t.rules[step][rule]
	if c == nil {
		c = &ReasonCount{Rule: rule}
		t.rules[step][rule] = c
	}
	return c
}

func (t *tally) document(e *entry) {
	d := &e.Decision
	t.report.Counts.Documents++
	last := len(t.report.Steps) - 1
	if d.Drop != nil {
		t.report.Counts.Dropped++
		last = t.steps[d.Drop.Step]
		t.report.Steps[last].Dropped++
		t.rule(last, d.Drop.Rule).Documents++
	} else {
		t.report.Counts.Kept++
	}
	for i := range t.report.Steps[:last+1] {
		t.report.Steps[i].In++
	}
	for _, s := range d.Edited {
		t.report.Steps[t.steps[s]].Edited++
	}
	for _, l := range d.Lines {
		t.report.Steps[t.steps[l.Step]].Lines++
		t.rule(t.steps[l.Step], l.Rule).Lines++
	}
}

func (t *tally) finish() *Report {
	for i, rules := range t.rules {
		for _, c := range rules {
			t.report.Steps[i].Reasons = append(t.report.Steps[i].Reasons, *c)
		}
		slices.SortFunc(t.report.Steps[i].Reasons, func(a, b ReasonCount) int {
			return cmp.Or(b.Documents-a.Documents, b.Lines-a.Lines, cmp.Compare(a.Rule, b.Rule))
		})
	}
	return &t.report
}
