package eval

import (
	"fmt"
	"slices"
	"strings"
)

// Judgement is what another model said of answers.
type Judgement struct {
	Model    string `json:"model"` // that judged
	Examples int    `json:"examples"`
	// Win is the share of examples on which the tuned model's answer was preferred to
	// the base's, a tie and a verdict that nobody can read counting half. Nil where
	// answers were scored.
	Win    *Scored `json:"win_rate,omitempty"`
	Wins   int     `json:"wins,omitempty"` // in both orders together
	Ties   int     `json:"ties,omitempty"`
	Losses int     `json:"losses,omitempty"`
	// Consistent is the share of examples on which both orders had the same verdict, and
	// First that of verdicts, ties aside, for the answer that was shown first: one half
	// without a bias for a place.
	Consistent float64 `json:"consistent,omitempty"`
	First      float64 `json:"first_preferred,omitempty"`
	// Base and Tuned are the mean scores by a rubric; nil where answers were compared or
	// there is no such model.
	Base  *Scored `json:"base,omitempty"`
	Tuned *Scored `json:"tuned,omitempty"`
	// Gain is the paired difference in score of tuned over base.
	Gain       *Difference `json:"gain,omitempty"`
	Unreadable int         `json:"unreadable,omitempty"` // verdicts
}

// String says in a few lines what the judge said.
func (j *Judgement) String() string {
	var b strings.Builder
	if w := j.Win; w != nil {
		_, _ = fmt.Fprintf(&b, "judged by %s: win rate of tuned over base %.3f [%.3f, %.3f] on %d examples: %d won, %d tied, %d lost\n",
			j.Model, w.Value, w.CI[0], w.CI[1], j.Examples, j.Wins, j.Ties, j.Losses)
		_, _ = fmt.Fprintf(&b, "both orders agree on %.0f %%, the first place is preferred in %.0f %% of verdicts", 100*j.Consistent, 100*j.First)
	} else {
		_, _ = fmt.Fprintf(&b, "scored by %s on %d examples: base %.2f [%.2f, %.2f]", j.Model, j.Examples, j.Base.Value, j.Base.CI[0], j.Base.CI[1])
		if t, d := j.Tuned, j.Gain; t != nil {
			_, _ = fmt.Fprintf(&b, ", tuned %.2f [%.2f, %.2f], difference %+.2f [%+.2f, %+.2f], p = %.4f",
				t.Value, t.CI[0], t.CI[1], d.Value, d.Interval[0], d.Interval[1], d.P)
		}
	}
	if j.Unreadable > 0 {
		_, _ = fmt.Fprintf(&b, "; %d verdicts could not be read", j.Unreadable)
	}
	return b.String()
}

// Preference is what a judge said of an answer to one question beside another answer.
type Preference struct {
	// Points of the answer in each order: 1 where it was preferred, 0.5 for a tie and
	// what nobody can read, 0. In the first order the other answer comes first.
	Points     [2]float64
	Unreadable int // of the two
}

// Prefer sums up the preferences of a judge for the tuned model's answers.
func Prefer(model string, all []Preference, r Resampling) (*Judgement, error) {
	j := &Judgement{Model: model, Examples: len(all)}
	points := make([]float64, len(all))
	first, decided, same := 0, 0, 0
	for i, p := range all {
		points[i] = (p.Points[0] + p.Points[1]) / 2
		switch {
		case points[i] > 0.5:
			j.Wins++
		case points[i] < 0.5:
			j.Losses++
		default:
			j.Ties++
		}
		if p.Points[0] == p.Points[1] {
			same++
		}
		for order, v := range p.Points {
			if v == 0.5 {
				continue
			}
			decided++
			if (v == 1) == (order == 1) {
				first++
			}
		}
		j.Unreadable += p.Unreadable
	}
	e, err := Bootstrap(len(points), mean(points), r)
	if err != nil {
		return nil, err
	}
	j.Win = &Scored{Name: "win rate", Value: e.Value, CI: e.Interval}
	j.Consistent = ratio(same, len(all))
	if decided > 0 {
		j.First = ratio(first, decided)
	}
	return j, nil
}

// Grade sums up the scores that a judge gave the answers of the base and, unless nil, of
// the tuned model; NaN stands for a verdict that nobody can read, whose example is left
// out.
func Grade(model string, base, tuned []float64, r Resampling) (*Judgement, error) {
	j := &Judgement{Model: model}
	var b, t []float64
	for i, v := range base {
		both := []float64{v}
		if tuned != nil {
			both = append(both, tuned[i])
		}
		bad := 0
		for _, x := range both {
			if x != x {
				bad++
			}
		}
		if j.Unreadable += bad; bad > 0 {
			continue
		}
		b, t = append(b, v), append(t, both[len(both)-1])
	}
	j.Examples = len(b)
	scored := func(name string, v []float64) (*Scored, error) {
		e, err := Bootstrap(len(v), mean(v), r)
		return &Scored{Name: name, Value: e.Value, CI: e.Interval}, err
	}
	var err error
	if j.Base, err = scored("base", b); err != nil || tuned == nil {
		return j, err
	}
	if j.Tuned, err = scored("tuned", t); err != nil {
		return nil, err
	}
	d, err := Paired(len(b), mean(b), mean(t), r)
	j.Gain = &d
	return j, err
}

// mean is a statistic of values.
func mean(values []float64) Statistic {
	values = slices.Clone(values)
	return func(indices []int) float64 {
		var sum float64
		for _, i := range indices {
			sum += values[i]
		}
		return sum / float64(len(indices))
	}
}
