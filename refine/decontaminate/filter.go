package decontaminate

import (
	"context"

	"github.com/troikaml/troika/refine"
)

// Rule begins the rule of every drop; the name of the benchmark follows.
const Rule = "contaminated:"

// Filter is the step that drops contaminated documents. It is read-only and safe
// for concurrent use.
type Filter struct{ set *Set }

// New returns the filter of a set, or ErrEmpty where it could find nothing.
func New(set *Set) (*Filter, error) {
	if len(set.entries) == 0 {
		return nil, ErrEmpty
	}
	return &Filter{set}, nil
}

// Name implements refine.Step.
func (f *Filter) Name() string { return "decontaminate" }

// Apply implements refine.Step. A drop names the benchmark whose item the
// document holds the greatest share of, and that share; Counts holds for each
// benchmark the number of its items that were hit.
func (f *Filter) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	hits := f.set.Match(d.Text)
	if len(hits) == 0 {
		return refine.Verdict{}, nil
	}
	worst := hits[0]
	counts := map[string]int{}
	for _, h := range hits {
		counts[h.Benchmark]++
		if h.Share() > worst.Share() {
			worst = h
		}
	}
	return refine.Verdict{
		Drop:   &refine.Reason{Rule: Rule + worst.Benchmark + "#" + worst.ID, Value: worst.Share(), Threshold: f.set.settings.MinShare},
		Counts: counts,
	}, nil
}
