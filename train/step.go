package train

import (
	"fmt"
	"math"

	"github.com/troikaml/troika/autograd"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// parameter is a trainable tensor with the state of its optimizer.
type parameter struct {
	model.Parameter
	m, v *compute.Tensor // moments
	grad *compute.Tensor // accumulated; nil between steps
}

// micro is the loss of one micro-batch.
type micro struct {
	loss   float64 // weighted sum
	weight float64 // sum of weights
	tokens int
}

func (m *micro) add(o micro) {
	m.loss += o.loss
	m.weight += o.weight
	m.tokens += o.tokens
}

// batch lays sequences end to end. Rows whose next token has a weight are listed
// with that token and weight.
func batch(seqs []Sequence, pick []int) (b *model.Batch, rows, labels []int32, weights []float32) {
	b = &model.Batch{}
	for _, i := range pick {
		s := &seqs[i]
		first := int32(len(b.Tokens))
		// The last token predicts nothing that is known.
		b.Sequence(s.Tokens[:len(s.Tokens)-1], 0, nil)
		for j := 1; j < len(s.Tokens); j++ {
			if s.Weights[j] != 0 {
				rows = append(rows, first+int32(j-1))
				labels = append(labels, s.Tokens[j])
				weights = append(weights, s.Weights[j])
			}
		}
	}
	return b, rows, labels, weights
}

// loss runs the model forward and returns the loss of each labelled row.
func loss(o compute.Ops, m model.Model, b *model.Batch, rows, labels []int32, weights []float32) (*compute.Tensor, func()) {
	dev := o.Device()
	r, l := compute.FromInts(dev, rows, len(rows)), compute.FromInts(dev, labels, len(labels))
	w := compute.FromFloats(dev, weights, len(weights))
	free := func() {
		dev.Free(r)
		dev.Free(l)
		dev.Free(w)
	}
	h := compute.Do(o, compute.GatherRows{}, m.Forward(o, b, nil), r)
	if head := m.OutputHead(); head.Weight != nil && head.Bias == nil {
		return o.Apply(compute.HeadLoss{W: head.Weight}, h, l, w)[0], free
	}
	return compute.Do(o, compute.CrossEntropy{}, m.Logits(o, b, h), l, w), free
}

// backward adds the gradients of one micro-batch to the parameters.
func backward(dev compute.Device, m model.Model, params []parameter, seqs []Sequence, pick []int, drop *nn.Dropout) (out micro, err error) {
	defer compute.Recover(&err)
	b, rows, labels, weights := batch(seqs, pick)
	b.Dropout = drop
	freeBatch, err := b.Upload(dev)
	if err != nil {
		return micro{}, err
	}
	defer freeBatch()
	tape := autograd.New(dev)
	defer tape.Close()
	for _, p := range params {
		tape.Watch(p.Tensor)
	}
	l, free := loss(tape, m, b, rows, labels, weights)
	defer free()
	out = sum(dev, l, weights, len(b.Tokens))
	if err := tape.Backward(l); err != nil {
		return micro{}, err
	}
	for i := range params {
		p := &params[i]
		if g := tape.Grad(p.Tensor); p.grad == nil {
			p.grad = g.Retain()
		} else {
			dev.Run(compute.Add{InPlace: true}, []*compute.Tensor{p.grad, g})
		}
	}
	return out, nil
}

func sum(dev compute.Device, loss *compute.Tensor, weights []float32, tokens int) micro {
	out := micro{tokens: tokens}
	for i, v := range compute.Floats(dev, loss) {
		out.loss += float64(v)
		out.weight += float64(weights[i])
	}
	return out
}

// Loss returns the mean loss of sequences under a model, weighted, and leaves the
// model alone. Sequences are packed in order.
func Loss(dev compute.Device, m model.Model, seqs []Sequence, microTokens int) (mean float64, err error) {
	defer compute.Recover(&err)
	var total micro
	for first := 0; first < len(seqs); {
		pick := []int{first}
		room := microTokens - len(seqs[first].Tokens)
		for first++; first < len(seqs) && len(seqs[first].Tokens) <= room; first++ {
			room -= len(seqs[first].Tokens)
			pick = append(pick, first)
		}
		part, err := forwardLoss(dev, m, seqs, pick)
		if err != nil {
			return 0, err
		}
		total.add(part)
	}
	return total.loss / total.weight, nil
}

func forwardLoss(dev compute.Device, m model.Model, seqs []Sequence, pick []int) (micro, error) {
	b, rows, labels, weights := batch(seqs, pick)
	freeBatch, err := b.Upload(dev)
	if err != nil {
		return micro{}, err
	}
	defer freeBatch()
	o := compute.NewEager(dev)
	defer o.Close()
	l, free := loss(o, m, b, rows, labels, weights)
	defer free()
	return sum(dev, l, weights, len(b.Tokens)), nil
}

// update applies AdamW with the accumulated gradients and clears them. weight is
// the sum of the weights that the gradients were summed over. It returns the
// gradient's norm before clipping.
func update(dev compute.Device, params []parameter, c *Config, step int, rate, weight float64) (float64, error) {
	var squares float64
	for _, p := range params {
		s := dev.Run(compute.SumSquares{}, []*compute.Tensor{p.grad})[0]
		squares += float64(compute.Floats(dev, s)[0])
		dev.Free(s)
	}
	norm := math.Sqrt(squares) / weight
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, fmt.Errorf("step %d: the gradient is not finite; lower the learning rate", step)
	}
	scale := 1 / weight
	if c.ClipNorm > 0 && norm > c.ClipNorm {
		scale *= c.ClipNorm / norm
	}
	for i := range params {
		p := &params[i]
		op := compute.AdamW{
			LR: float32(rate), Beta1: float32(c.Beta1), Beta2: float32(c.Beta2), Eps: float32(c.Eps),
			GradScale: float32(scale), Step: step,
		}
		if p.Decay {
			op.WeightDecay = float32(c.WeightDecay)
		}
		dev.Run(op, []*compute.Tensor{p.Tensor, p.grad, p.m, p.v})
		dev.Free(p.grad)
		p.grad = nil
	}
	return norm, nil
}
