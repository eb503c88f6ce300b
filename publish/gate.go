package publish

import (
	"errors"
	"fmt"

	"github.com/troikaml/troika/eval"
)

// ErrRefused says that a candidate did not pass the gate.
var ErrRefused = errors.New("the gate refused the candidate")

// Gate says what a candidate must show.
type Gate struct {
	Metric eval.Metric
	// Margin is what the candidate must be better by: the lower end of the 95 %
	// interval of the difference must lie above it. Below 0, it may be that much worse.
	Margin float64
}

// Verdict is what a gate said, in numbers.
type Verdict struct {
	Metric     eval.Metric      `json:"metric"`
	Margin     float64          `json:"margin"`
	Data       string           `json:"data"` // digest of the test examples
	Examples   int              `json:"examples"`
	Against    string           `json:"against"` // name of the model before
	Before     float64          `json:"before"`
	Candidate  float64          `json:"candidate"`
	Difference *eval.Difference `json:"difference"`
	Passed     bool             `json:"passed"`
	// Forced says that somebody published it although it had not passed.
	Forced bool `json:"forced,omitempty"`
	// Proof says that the candidate is served as it was trained.
	Proof *Proof `json:"proof,omitempty"`
}

// Judge compares two results on the same examples in the same order.
func (g Gate) Judge(before, candidate *eval.Result, r eval.Resampling) (Verdict, error) {
	d, err := eval.Compare(g.Metric, before, candidate, r)
	if err != nil {
		return Verdict{}, fmt.Errorf("judge candidate: %w", err)
	}
	return Verdict{
		Metric: g.Metric, Margin: g.Margin, Examples: before.Examples, Difference: d,
		Before: g.Metric.Of(before), Candidate: g.Metric.Of(candidate), Passed: d.Interval[0] > g.Margin,
	}, nil
}

// Reason says in a sentence what the gate found.
func (v *Verdict) Reason() string {
	verb := "is not shown to be better"
	if v.Passed {
		verb = "is better"
	}
	return fmt.Sprintf("%s %.3f against %.3f of %s on %d examples: %+.3f [%+.3f, %+.3f]: %s by more than %g",
		v.Metric, v.Candidate, v.Before, v.Against, v.Examples,
		v.Difference.Value, v.Difference.Interval[0], v.Difference.Interval[1], verb, v.Margin)
}
