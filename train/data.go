package train

import (
	"fmt"
	"math/rand/v2"
)

// Sequence is one example: Tokens, and the weight of each token's loss. A token is
// predicted from the ones before it, so Weights[0] has no effect.
type Sequence struct {
	Name    string // for errors, such as "train.jsonl:12"
	Tokens  []int32
	Weights []float32
}

// checkSequences refuses what cannot be trained on, naming the example.
func checkSequences(seqs []Sequence, context, vocab int) error {
	for i, s := range seqs {
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("example %d", i+1)
		}
		switch {
		case len(s.Weights) != len(s.Tokens):
			return fmt.Errorf("%s: %d weights for %d tokens", name, len(s.Weights), len(s.Tokens))
		case len(s.Tokens) > context:
			return fmt.Errorf("%s: %d tokens are over the model's context of %d; shorten or split the example",
				name, len(s.Tokens), context)
		case s.labels() == 0:
			return fmt.Errorf("%s: no token to learn from", name)
		}
		for _, t := range s.Tokens {
			if t < 0 || int(t) >= vocab {
				return fmt.Errorf("%s: token %d is not in the model's vocabulary of %d", name, t, vocab)
			}
		}
	}
	return nil
}

// labels counts the tokens with a loss.
func (s *Sequence) labels() int {
	n := 0
	for i, w := range s.Weights {
		if i > 0 && w != 0 {
			n++
		}
	}
	return n
}

// plan deals sequences out to micro-batches: the micro-batches of an epoch are a
// function of the seed and the epoch alone.
type plan struct {
	seqs     []Sequence
	group    int // sequences that stay together
	capacity int
	seed     uint64
	epoch    int
	batches  [][]int // of the epoch
}

// epochBatches shuffles and packs one epoch: groups in shuffled order fill a
// micro-batch until the next does not fit.
func (p *plan) epochBatches(epoch int) [][]int {
	if p.batches != nil && p.epoch == epoch {
		return p.batches
	}
	order := rand.New(rand.NewPCG(p.seed, uint64(epoch))).Perm(len(p.seqs) / p.group)
	var batches [][]int
	room := 0
	for _, i := range order {
		first := i * p.group
		n := tokensOf(p.seqs[first : first+p.group])
		if n > room || len(batches) == 0 {
			batches = append(batches, nil)
			room = p.capacity
		}
		last := len(batches) - 1
		for j := range p.group {
			batches[last] = append(batches[last], first+j)
		}
		room -= n
	}
	p.epoch, p.batches = epoch, batches
	return batches
}

// cursor is a place in the endless row of micro-batches.
type cursor struct {
	Epoch int `json:"epoch"`
	Batch int `json:"batch"` // of the epoch
}

// next returns the micro-batch at c and the place after it.
func (p *plan) next(c cursor) ([]int, cursor) {
	batches := p.epochBatches(c.Epoch)
	b := batches[c.Batch]
	c.Batch++
	if c.Batch == len(batches) {
		c = cursor{Epoch: c.Epoch + 1}
	}
	return b, c
}

// steps returns how many optimizer steps cover a number of epochs.
func (p *plan) steps(epochs float64, accumulate int) int {
	n := float64(len(p.epochBatches(0))) * epochs / float64(accumulate)
	return max(1, int(n+0.999))
}
