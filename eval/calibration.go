package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/tokenizer/chat"
)

// Calibration says how far the probabilities that a model gives labels can be believed.
type Calibration struct {
	// Accuracy is that of the likeliest label.
	Accuracy float64 `json:"accuracy"`
	// ECE is the expected calibration error: the mean distance, over the examples, of a
	// bin's accuracy from its confidence (Guo et al., On Calibration of Modern Neural
	// Networks, 2017, with its 15 bins).
	ECE   float64  `json:"ece"`
	ECECI Interval `json:"ece_ci95"`
	// Brier is the mean squared distance of the probabilities of all labels from 1 for the
	// right one and 0 for the others: 0 is best, 2 worst.
	Brier   float64  `json:"brier"`
	BrierCI Interval `json:"brier_ci95"`
	// LogLoss is the mean of -log of the right label's probability.
	LogLoss float64 `json:"log_loss"`
	// Bins are those that are not empty, by confidence.
	Bins []Bin `json:"bins"`
}

// Bin is the examples whose likeliest label has a probability above Low, up to High.
type Bin struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Examples   int     `json:"examples"`
	Confidence float64 `json:"confidence"` // mean probability of the likeliest label
	Accuracy   float64 `json:"accuracy"`
}

// calibrationBins is how many bins of equal width there are.
const calibrationBins = 15

// leastProbability is what a right label counts with at least, so that a loss is finite.
const leastProbability = 1e-15

// Calibrate measures probabilities [example][label], each example's of sum one, against
// the number of the right label of each example.
func Calibrate(probabilities [][]float64, right []int, r Resampling) (*Calibration, error) {
	n := len(right)
	if len(probabilities) != n || n == 0 {
		return nil, fmt.Errorf("calibrate: %d examples have probabilities, %d have labels", len(probabilities), n)
	}
	c := &Calibration{}
	places, confidence, hits, brier := make([]int, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, p := range probabilities {
		if right[i] < 0 || right[i] >= len(p) {
			return nil, fmt.Errorf("calibrate: example %d has label %d of %d", i, right[i], len(p))
		}
		top := 0
		for l, v := range p {
			if !(v >= 0 && v <= 1+1e-9) {
				return nil, fmt.Errorf("calibrate: example %d: %g is no probability", i, v)
			}
			if v > p[top] {
				top = l
			}
			d := v
			if l == right[i] {
				d = v - 1
			}
			brier[i] += d * d
		}
		places[i], confidence[i] = place(p[top]), p[top]
		if top == right[i] {
			hits[i] = 1
		}
		c.LogLoss -= math.Log(max(p[right[i]], leastProbability)) / float64(n)
	}
	gap := func(indices []int) float64 {
		var gaps [calibrationBins]float64
		for _, i := range indices {
			gaps[places[i]] += hits[i] - confidence[i]
		}
		var sum float64
		for _, g := range gaps {
			sum += math.Abs(g)
		}
		return sum / float64(len(indices))
	}
	ece, err := Bootstrap(n, gap, r)
	if err != nil {
		return nil, err
	}
	b, err := Bootstrap(n, mean(brier), r)
	if err != nil {
		return nil, err
	}
	c.ECE, c.ECECI, c.Brier, c.BrierCI = ece.Value, ece.Interval, b.Value, b.Interval
	c.Accuracy = mean(hits)(identity(n))
	c.Bins = bins(places, confidence, hits)
	return c, nil
}

// place returns the bin of a probability; one on a border belongs to the lower bin.
func place(p float64) int {
	i := int(math.Ceil(p*calibrationBins)) - 1
	return max(0, min(i, calibrationBins-1))
}

func bins(places []int, confidence, hits []float64) []Bin {
	var list []Bin
	for k := range calibrationBins {
		b := Bin{Low: float64(k) / calibrationBins, High: float64(k+1) / calibrationBins}
		for i, at := range places {
			if at == k {
				b.Examples++
				b.Confidence += confidence[i]
				b.Accuracy += hits[i]
			}
		}
		if b.Examples > 0 {
			b.Confidence /= float64(b.Examples)
			b.Accuracy /= float64(b.Examples)
			list = append(list, b)
		}
	}
	return list
}

// LabelProbabilities returns, for each question, how likely the model is to answer with
// each of the labels, of all the labels: the probability of the label's tokens and of the
// end after them, through the engine that serves. progress, if not nil, is called after
// each question with the number done, by one goroutine at a time.
func LabelProbabilities(ctx context.Context, c *infer.Chat, questions []bundle.Conversation, labels []string, progress func(done int)) ([][]float64, error) {
	out := make([][]float64, len(questions))
	err := eachQuestion(ctx, len(questions), func(ctx context.Context, i int) error {
		logs := make([]float64, len(labels))
		for l, label := range labels {
			var err error
			if logs[l], err = labelLogprob(ctx, c, questions[i], label); err != nil {
				return fmt.Errorf("probability of label %q for question %d: %w", label, i+1, err)
			}
		}
		out[i] = softmax(logs)
		return nil
	}, progress)
	return out, err
}

// labelLogprob returns the logarithm of the probability of an answer.
func labelLogprob(ctx context.Context, c *infer.Chat, question bundle.Conversation, answer string) (float64, error) {
	prompt, completion, err := answered(c.Bundle, question, answer)
	if err != nil {
		return 0, err
	}
	var sum float64
	at := 0
	_, err = c.Engine.Generate(ctx, infer.Request{
		Prompt: slices.Concat(prompt, completion), Slot: c.Slot, MaxTokens: -1, Logprobs: true, Echo: true,
	}, func(t infer.Token) error {
		if at >= len(prompt) {
			sum += t.Logprob
		}
		at++
		return nil
	})
	if err == nil && at != len(prompt)+len(completion) {
		err = fmt.Errorf("%d of %d tokens were scored", at, len(prompt)+len(completion))
	}
	return sum, err
}

// answered returns the tokens before an answer, and those of the answer up to its end.
func answered(b *bundle.Bundle, question bundle.Conversation, answer string) (prompt, completion []int32, err error) {
	question.Messages = append(slices.Clone(question.Messages), chat.Message{Role: "assistant", Content: answer})
	turns, err := b.Turns(question)
	if err != nil {
		return nil, nil, err
	}
	if len(turns) == 0 {
		return nil, nil, fmt.Errorf("the model's chat template drops the answer")
	}
	last := turns[len(turns)-1]
	completion = last.Completion
	for i, t := range completion {
		if slices.Contains(b.Generation.EOS, t) { // what follows the end is nobody's choice
			completion = completion[:i+1]
			break
		}
	}
	return last.Prompt, completion, nil
}

// softmax turns logarithms into shares of one.
func softmax(logs []float64) []float64 {
	peak := slices.Max(logs)
	out := make([]float64, len(logs))
	var sum float64
	for i, v := range logs {
		out[i] = math.Exp(v - peak)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
