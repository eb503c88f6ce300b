package eval

import (
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// Sheet compares two systems by what they make of texts or answers that are given, where
// a [Report] compares answers of their own. A nil row was not measured.
type Sheet struct {
	Dataset  string   `json:"dataset,omitempty"`
	Examples int      `json:"examples"`
	Base     []Scored `json:"base,omitempty"`
	Tuned    []Scored `json:"tuned,omitempty"`
	// Gains are the paired differences of tuned over base, by the measures of both.
	Gains []Gain `json:"gains,omitempty"`
}

// The names of a sheet's measures.
const (
	// PerplexityScore is exp of the mean loss of the tokens of all texts: less is better.
	PerplexityScore = "perplexity"
	// PreferredScore is the share, of 100, of preferences whose better answer is more
	// probable than the worse one.
	PreferredScore = "preferred"
	// GainedScore is the share, of 100, of preferences whose better answer gained on the
	// worse one, in log-probability over the base's: the reward accuracy of direct
	// preference optimisation.
	GainedScore = "gained"
)

// TextLoss is how well a system predicts one text: the summed loss of its tokens, in nats,
// and their number.
type TextLoss struct{ Loss, Tokens float64 }

// CompareTexts makes the sheet of texts; tuned may be nil. Intervals are over texts.
func CompareTexts(base, tuned []TextLoss, r Resampling) (*Sheet, error) {
	statistic := func(texts []TextLoss) Statistic {
		return func(indices []int) float64 {
			var sum TextLoss
			for _, i := range indices {
				sum.Loss += texts[i].Loss
				sum.Tokens += texts[i].Tokens
			}
			return math.Exp(sum.Loss / sum.Tokens)
		}
	}
	for i, t := range base {
		if t.Tokens <= 0 {
			return nil, fmt.Errorf("compare texts: text %d has no tokens", i+1)
		}
	}
	if tuned == nil {
		return compare(len(base), len(base), statistic(base), nil, PerplexityScore, r)
	}
	return compare(len(base), len(tuned), statistic(base), statistic(tuned), PerplexityScore, r)
}

// ComparePreferences makes the sheet of preferences from the margins log p(better answer)
// - log p(worse answer); tuned may be nil. Intervals are over preferences.
func ComparePreferences(base, tuned []float64, r Resampling) (*Sheet, error) {
	share := func(holds func(i int) bool) Statistic {
		return func(indices []int) float64 {
			n := 0
			for _, i := range indices {
				if holds(i) {
					n++
				}
			}
			return 100 * ratio(n, len(indices))
		}
	}
	first := share(func(i int) bool { return base[i] > 0 })
	if tuned == nil {
		return compare(len(base), len(base), first, nil, PreferredScore, r)
	}
	s, err := compare(len(base), len(tuned), first, share(func(i int) bool { return tuned[i] > 0 }), PreferredScore, r)
	if err != nil {
		return nil, err
	}
	gained, err := scored(len(base), share(func(i int) bool { return tuned[i] > base[i] }), GainedScore, r)
	s.Tuned = append(s.Tuned, gained)
	return s, err
}

func compare(n, also int, base, tuned Statistic, name string, r Resampling) (*Sheet, error) {
	if n != also {
		return nil, fmt.Errorf("compare: %d examples against %d", n, also)
	}
	if n == 0 {
		return nil, errors.New("compare: no examples")
	}
	s := &Sheet{Examples: n}
	one, err := scored(n, base, name, r)
	if err != nil {
		return nil, err
	}
	s.Base = []Scored{one}
	if tuned == nil {
		return s, nil
	}
	if one, err = scored(n, tuned, name, r); err != nil {
		return nil, err
	}
	s.Tuned = []Scored{one}
	d, err := Paired(n, base, tuned, r)
	s.Gains = []Gain{{Name: name, Difference: d}}
	return s, err
}

func scored(n int, stat Statistic, name string, r Resampling) (Scored, error) {
	e, err := Bootstrap(n, stat, r)
	return Scored{Name: name, Value: e.Value, CI: e.Interval}, err
}

// WriteTable writes the rows as an aligned table for a terminal, then the gains.
func (s *Sheet) WriteTable(w io.Writer) error {
	columns := s.Base
	if len(s.Tuned) > len(columns) {
		columns = s.Tuned
	}
	// The writer keeps its first error for Flush.
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(tw, "system")
	for _, c := range columns {
		_, _ = fmt.Fprintf(tw, "\t%s [95 %%]", c.Name)
	}
	_, _ = fmt.Fprintln(tw)
	for _, row := range []struct {
		name   string
		scores []Scored
	}{{"base, untuned", s.Base}, {"tuned", s.Tuned}} {
		if row.scores == nil {
			continue
		}
		_, _ = fmt.Fprint(tw, row.name)
		for i := range columns {
			cell := "-"
			if i < len(row.scores) {
				v := row.scores[i]
				cell = fmt.Sprintf("%.2f [%.2f, %.2f]", v.Value, v.CI[0], v.CI[1])
			}
			_, _ = fmt.Fprint(tw, "\t", cell)
		}
		_, _ = fmt.Fprintln(tw)
	}
	for _, g := range s.Gains {
		_, _ = fmt.Fprintf(tw, "%s, tuned - base: %+.2f [%+.2f, %+.2f], p = %.4f\n", g.Name, g.Value, g.Interval[0], g.Interval[1], g.P)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
