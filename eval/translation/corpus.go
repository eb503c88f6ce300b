package translation

import (
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika/eval"
)

// Corpus holds the counts of each sentence under one measure. It is safe for
// concurrent use.
type Corpus struct {
	counts [][]int // of each sentence
	score  func(sums []int) float64
}

func count(hypotheses, references []string, size int, of func(counts []int, hypothesis, reference string), score func([]int) float64) (*Corpus, error) {
	if len(hypotheses) != len(references) {
		return nil, fmt.Errorf("%d translations but %d references", len(hypotheses), len(references))
	}
	if len(hypotheses) == 0 {
		return nil, errors.New("no translations")
	}
	c := &Corpus{counts: make([][]int, len(hypotheses)), score: score}
	for i, h := range hypotheses {
		c.counts[i] = make([]int, size)
		of(c.counts[i], h, references[i])
	}
	return c, nil
}

// Len returns the number of sentences.
func (c *Corpus) Len() int { return len(c.counts) }

// Score returns the score of all sentences, 0 to 100.
func (c *Corpus) Score() float64 {
	sums := make([]int, len(c.counts[0]))
	for _, one := range c.counts {
		add(sums, one)
	}
	return c.score(sums)
}

// Statistic returns the score of a sample of the sentences, by their indices.
func (c *Corpus) Statistic() eval.Statistic {
	return func(indices []int) float64 {
		sums := make([]int, len(c.counts[0]))
		for _, i := range indices {
			add(sums, c.counts[i])
		}
		return c.score(sums)
	}
}

func add(sums, counts []int) {
	for i, n := range counts {
		sums[i] += n
	}
}

// The counts of BLEU: lengths in words, then matches and n-grams of each order.
const (
	bleuOrder  = 4
	ownLength  = 0
	refLength  = 1
	matches    = 2
	ngrams     = matches + bleuOrder
	bleuCounts = ngrams + bleuOrder
)

// BLEU counts translations of references, sentence by sentence.
func BLEU(t Tokenizer, hypotheses, references []string) (*Corpus, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	of := func(counts []int, hypothesis, reference string) {
		h, r := t.words(hypothesis), t.words(reference)
		counts[ownLength], counts[refLength] = len(h), len(r)
		for n := range bleuOrder {
			counts[matches+n] = shared(h, r, n+1)
			counts[ngrams+n] = max(0, len(h)-n)
		}
	}
	return count(hypotheses, references, bleuCounts, of, bleu)
}

// bleu is the geometric mean of the precisions of n-grams, times a penalty for what
// is shorter than its reference. Orders without a match count for half, a quarter, an
// eighth of one.
func bleu(sums []int) float64 {
	if sums[matches] == 0 {
		return 0 // longer n-grams match where their words do
	}
	logs, half := 0.0, 1.0
	for n := range bleuOrder {
		matched, total := float64(sums[matches+n]), float64(sums[ngrams+n])
		if total == 0 {
			return 0
		}
		if matched == 0 {
			half *= 2
			matched = 1 / half
		}
		logs += math.Log(100 * matched / total)
	}
	penalty := 0.0
	if own, ref := float64(sums[ownLength]), float64(sums[refLength]); own < ref {
		penalty = 1 - ref/own
	}
	return math.Exp(penalty + logs/bleuOrder)
}

// shared counts the n-grams that h and r have in common, each as often as both do.
func shared[T comparable](h, r []T, n int) int {
	if len(h) < n || len(r) < n {
		return 0
	}
	type gram [maxOrder]T
	at := func(s []T, i int) (g gram) {
		copy(g[:], s[i:i+n])
		return g
	}
	left := make(map[gram]int, len(r))
	for i := range len(r) - n + 1 {
		left[at(r, i)]++
	}
	total := 0
	for i := range len(h) - n + 1 {
		g := at(h, i)
		if left[g] > 0 {
			left[g]--
			total++
		}
	}
	return total
}
