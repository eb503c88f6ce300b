package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// Preference makes a run learn which of two answers is better, by direct preference
// optimisation (Rafailov et al., 2023): of each pair it minimises
//
//	-log sigmoid(Beta * (margin - reference margin))
//
// where a margin is log p(better answer) - log p(worse answer), and the reference is
// the model that training starts from. Sequences 2i and 2i+1 of a job are the better
// and the worse answer to one question; tokens of answers have weight 1.
type Preference struct {
	// Beta is how far the model may go from the reference for the preferences' sake:
	// the smaller, the further. 0.1 is usual.
	Beta float64
	// Train and Valid are the reference margins of the job's pairs: see [Margins].
	Train, Valid []float64
}

// Margins returns log p(better) - log p(worse) of each pair of sequences under a model,
// which it leaves alone. It calls progress with the number of pairs that are done.
func Margins(dev compute.Device, m model.Model, pairs []Sequence, microTokens int, progress func(done int)) ([]float64, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("%d sequences are no pairs", len(pairs))
	}
	margins := make([]float64, len(pairs)/2)
	_, err := measure(dev, m, pairs, 2, microTokens, func(p *packed, pick []int, rows []float32) (micro, []float32) {
		p.eachPair(pick, rows, func(pair int, margin float64, _, _, _ int) { margins[pair] = margin })
		progress((pick[len(pick)-1] + 1) / 2)
		return micro{}, nil
	})
	return margins, err
}

// eachPair calls f with the margin of each pair, by its number among all, and with the
// borders of its rows: those of the better answer, then those of the worse one.
func (p *packed) eachPair(pick []int, rows []float32, f func(pair int, margin float64, from, middle, to int)) {
	from := 0
	for i := 0; i < len(pick); i += 2 {
		middle, to := p.ends[i], p.ends[i+1]
		margin := 0.0
		for _, v := range rows[from:middle] {
			margin -= float64(v)
		}
		for _, v := range rows[middle:to] {
			margin += float64(v)
		}
		f(pick[i]/2, margin, from, middle, to)
		from = to
	}
}

// objective compares with the reference margins of all pairs.
func (pref *Preference) objective(reference []float64) objective {
	return func(p *packed, pick []int, rows []float32) (micro, []float32) {
		out := micro{tokens: len(p.batch.Tokens)}
		grad := make([]float32, len(rows))
		p.eachPair(pick, rows, func(pair int, margin float64, from, middle, to int) {
			z := pref.Beta * (margin - reference[pair])
			out.loss += math.Log1p(math.Exp(-math.Abs(z))) + max(0, -z)
			out.weight++
			if z > 0 {
				out.right++
			}
			// A row's loss is -log p: the better answer's margin falls with it.
			pull := float32(pref.Beta / (1 + math.Exp(z)))
			for i := from; i < middle; i++ {
				grad[i] = pull
			}
			for i := middle; i < to; i++ {
				grad[i] = -pull
			}
		})
		return out, grad
	}
}

// ValidLoss returns the mean loss of the validation pairs under a model, and leaves the
// model alone.
func (pref *Preference) ValidLoss(dev compute.Device, m model.Model, pairs []Sequence, microTokens int) (float64, error) {
	total, err := measure(dev, m, pairs, 2, microTokens, pref.objective(pref.Valid))
	return total.loss / total.weight, err
}

// check holds a job to the form of pairs.
func (pref *Preference) check(train, valid []Sequence) error {
	if !(pref.Beta > 0) || math.IsInf(pref.Beta, 0) {
		return fmt.Errorf("beta is %g, want a positive number", pref.Beta)
	}
	for _, s := range [][]Sequence{train, valid} {
		for i := range s {
			for _, w := range s[i].Weights {
				if w != 0 && w != 1 {
					return fmt.Errorf("%s: a weight is %g, and preferences know 0 and 1", s[i].Name, w)
				}
			}
		}
	}
	if len(train) != 2*len(pref.Train) || len(valid) != 2*len(pref.Valid) {
		return errors.New("preferences need two sequences for each reference margin")
	}
	return nil
}
