package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ExactMatch returns the share of predictions that equal their gold text once
// white space around both is removed. The slices must be equally long and not
// empty.
func ExactMatch(gold, predicted []string) (float64, error) {
	if len(gold) != len(predicted) {
		return 0, fmt.Errorf("exact match: %d gold texts but %d predictions", len(gold), len(predicted))
	}
	if len(gold) == 0 {
		return 0, errors.New("exact match: no examples")
	}
	hits := 0
	for i := range gold {
		if strings.TrimSpace(gold[i]) == strings.TrimSpace(predicted[i]) {
			hits++
		}
	}
	return ratio(hits, len(gold)), nil
}

// Perplexity returns exp(nll/tokens) for a sum of negative log-likelihoods in
// nats over so many predicted tokens. It is +Inf where the exponent is too
// large for a float64.
func Perplexity(nll float64, tokens int64) (float64, error) {
	if tokens <= 0 {
		return 0, fmt.Errorf("perplexity: %d tokens", tokens)
	}
	if math.IsNaN(nll) || nll < 0 {
		return 0, fmt.Errorf("perplexity: summed negative log-likelihood is %v", nll)
	}
	return math.Exp(nll / float64(tokens)), nil
}

// Majority returns the most frequent label of train; of equally frequent ones,
// the one that sorts first. It is the answer of the weakest baseline.
func Majority(train []string) (string, error) {
	if len(train) == 0 {
		return "", errors.New("majority label: no examples")
	}
	counts := make(map[string]int)
	for _, label := range train {
		counts[label]++
	}
	best := ""
	for label, n := range counts {
		if m := counts[best]; n > m || n == m && label < best {
			best = label
		}
	}
	return best, nil
}

// Labels returns the distinct labels of the examples, sorted.
func Labels(examples []Example) []string {
	seen := make(map[string]bool)
	var labels []string
	for _, e := range examples {
		if !seen[e.Label] {
			seen[e.Label] = true
			labels = append(labels, e.Label)
		}
	}
	slices.Sort(labels)
	return labels
}

// accuracy returns the share of right answers as a statistic.
func (c *coding) accuracy() Statistic {
	return func(indices []int) float64 {
		hits := 0
		for _, i := range indices {
			if c.gold[i] == c.predicted[i] {
				hits++
			}
		}
		return ratio(hits, len(indices))
	}
}

// macroF1 returns the macro-averaged F1 as a statistic. It owns scratch space,
// so one statistic serves one goroutine.
func (c *coding) macroF1() Statistic {
	t := newTally(c.labels)
	return func(indices []int) float64 {
		t.reset()
		for _, i := range indices {
			t.add(c.gold[i], c.predicted[i], 1)
		}
		return t.macroF1()
	}
}
