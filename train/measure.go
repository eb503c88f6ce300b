package train

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// Likelihood is what a model makes of one sequence.
type Likelihood struct {
	// Loss is the sum of -log p over the labelled tokens, in nats, by their weights.
	Loss float64
	// Weight is the sum of the weights.
	Weight float64
}

// Likelihoods returns that of each sequence under a model, which it leaves alone.
// Sequences are packed in order.
func Likelihoods(dev compute.Device, m model.Model, seqs []Sequence, microTokens int) ([]Likelihood, error) {
	out := make([]Likelihood, len(seqs))
	_, err := measure(dev, m, seqs, 1, microTokens, func(p *packed, pick []int, rows []float32) (micro, []float32) {
		from := 0
		for i, at := range pick {
			for row := from; row < p.ends[i]; row++ {
				out[at].Loss += float64(rows[row])
				out[at].Weight += float64(p.weights[row])
			}
			from = p.ends[i]
		}
		return micro{}, nil
	})
	return out, err
}
