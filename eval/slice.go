package eval

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Slice is how systems did on the examples that share a value.
type Slice struct {
	Value    string    `json:"value"`
	Examples int       `json:"examples"`
	Base     Accurate  `json:"base"`
	Tuned    *Accurate `json:"tuned,omitempty"`
	// Gain is the paired difference in accuracy of tuned over base.
	Gain *Difference `json:"gain,omitempty"`
}

// Accurate is an accuracy with its interval.
type Accurate struct {
	Accuracy float64  `json:"accuracy"`
	CI       Interval `json:"accuracy_ci95"`
}

// Slices breaks results down by a value of each example, sorted by it. Both results are
// freshly scored by [Score] on the same examples in the order of values; tuned may be
// nil.
func Slices(values []string, base, tuned *Result, r Resampling) ([]Slice, error) {
	groups := map[string][]int{}
	for i, v := range values {
		groups[v] = append(groups[v], i)
	}
	var out []Slice
	for _, value := range slices.Sorted(maps.Keys(groups)) {
		s, err := slice(groups[value], base, tuned, r)
		if err != nil {
			return nil, fmt.Errorf("slice %q: %w", value, err)
		}
		s.Value = value
		out = append(out, *s)
	}
	return out, nil
}

func slice(of []int, base, tuned *Result, r Resampling) (*Slice, error) {
	first, err := base.part(of)
	if err != nil {
		return nil, err
	}
	s := &Slice{Examples: len(of)}
	if s.Base, err = first.accurate(r); err != nil || tuned == nil {
		return s, err
	}
	second, err := tuned.part(of)
	if err != nil {
		return nil, err
	}
	t, err := second.accurate(r)
	if err != nil {
		return nil, err
	}
	d, err := Paired(len(of), first.accuracy(), second.accuracy(), r)
	s.Tuned, s.Gain = &t, &d
	return s, err
}

// part is the coding of some of a result's examples.
func (r *Result) part(of []int) (*coding, error) {
	if r.codes == nil {
		return nil, errors.New("a result that was read from a file has no predictions")
	}
	c := &coding{labels: r.codes.labels}
	for _, i := range of {
		if i >= len(r.codes.gold) {
			return nil, fmt.Errorf("example %d of %d", i, len(r.codes.gold))
		}
		c.gold, c.predicted = append(c.gold, r.codes.gold[i]), append(c.predicted, r.codes.predicted[i])
	}
	return c, nil
}

func (c *coding) accurate(r Resampling) (Accurate, error) {
	e, err := Bootstrap(len(c.gold), c.accuracy(), r)
	return Accurate{e.Value, e.Interval}, err
}

// Regression is an example that the base answers right and the tuned model does not.
type Regression struct {
	Example
	Tuned string `json:"tuned"` // what the tuned model said
}

// Regressions lists what was lost, in the order of the examples. An answer is right when
// it is the label, but for white space around both.
func Regressions(examples []Example, base, tuned []Prediction) ([]Regression, error) {
	if len(base) != len(examples) || len(tuned) != len(examples) {
		return nil, fmt.Errorf("list regressions: %d examples, answers %d and %d", len(examples), len(base), len(tuned))
	}
	right := func(e Example, p Prediction) bool { return strings.TrimSpace(p.Label) == strings.TrimSpace(e.Label) }
	var out []Regression
	for i, e := range examples {
		if right(e, base[i]) && !right(e, tuned[i]) {
			out = append(out, Regression{Example: e, Tuned: tuned[i].Label})
		}
	}
	return out, nil
}

// Forgetting is what tuning did to text that it was not about.
type Forgetting struct {
	Tokens int `json:"tokens"`
	// Base and Tuned are perplexities.
	Base  float64 `json:"base_perplexity"`
	Tuned float64 `json:"tuned_perplexity"`
	// Ratio is Tuned over Base: above 1, the tuned model says general text worse.
	Ratio float64 `json:"ratio"`
}
