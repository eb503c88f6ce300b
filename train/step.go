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
	right  float64 // pairs in which the better answer is preferred
	tokens int
}

func (m *micro) add(o micro) {
	m.loss += o.loss
	m.weight += o.weight
	m.right += o.right
	m.tokens += o.tokens
}

// packed is one forward pass over sequences laid end to end. Rows whose next token has
// a weight are the batch's outputs, listed with that token and weight.
type packed struct {
	batch   *model.Batch
	labels  []int32
	weights []float32
	ends    []int // of each sequence's rows in the list
}

func pack(seqs []Sequence, pick []int) *packed {
	p := &packed{batch: &model.Batch{}}
	for _, i := range pick {
		s := &seqs[i]
		first := int32(len(p.batch.Tokens))
		// The last token predicts nothing that is known.
		p.batch.Sequence(s.Tokens[:len(s.Tokens)-1], 0, nil)
		for j := 1; j < len(s.Tokens); j++ {
			if s.Weights[j] != 0 {
				p.batch.Outputs = append(p.batch.Outputs, first+int32(j-1))
				p.labels = append(p.labels, s.Tokens[j])
				p.weights = append(p.weights, s.Weights[j])
			}
		}
		p.ends = append(p.ends, len(p.labels))
	}
	return p
}

// loss runs the model forward and returns the loss of each labelled row.
func (p *packed) loss(o compute.Ops, m model.Model) (*compute.Tensor, func()) {
	dev := o.Device()
	l := compute.FromInts(dev, p.labels, len(p.labels))
	w := compute.FromFloats(dev, p.weights, len(p.weights))
	free := func() {
		dev.Free(l)
		dev.Free(w)
	}
	h := m.Forward(o, p.batch, nil)
	if head := m.OutputHead(); head.Weight != nil && head.Bias == nil {
		return o.Apply(compute.HeadLoss{W: head.Weight}, h, l, w)[0], free
	}
	return compute.Do(o, compute.CrossEntropy{}, m.Logits(o, p.batch, h), l, w), free
}

// objective is what a run minimises. It is handed the loss of each labelled row of a
// batch of the sequences pick, and returns the value and its gradient by each row's
// loss; nil stands for ones.
type objective func(p *packed, pick []int, rows []float32) (out micro, grad []float32)

// likelihood is the weighted sum of the rows' losses.
func likelihood(p *packed, _ []int, rows []float32) (micro, []float32) {
	out := micro{tokens: len(p.batch.Tokens)}
	for i, v := range rows {
		out.loss += float64(v)
		out.weight += float64(p.weights[i])
	}
	return out, nil
}

// backward adds the gradients of one micro-batch to the parameters.
func backward(dev compute.Device, m model.Model, params []parameter, seqs []Sequence, pick []int, of objective, drop *nn.Dropout) (out micro, err error) {
	defer compute.Recover(&err)
	p := pack(seqs, pick)
	p.batch.Dropout = drop
	freeBatch, err := p.batch.Upload(dev)
	if err != nil {
		return micro{}, err
	}
	defer freeBatch()
	tape := autograd.New(dev)
	defer tape.Close()
	for _, x := range params {
		tape.Watch(x.Tensor)
	}
	l, free := p.loss(tape, m)
	defer free()
	out, grad := of(p, pick, compute.Floats(dev, l))
	if grad == nil {
		err = tape.Backward(l)
	} else {
		err = tape.BackwardFrom(l, compute.FromFloats(dev, grad, len(grad)))
	}
	if err != nil {
		return micro{}, err
	}
	for i := range params {
		x := &params[i]
		if g := tape.Grad(x.Tensor); x.grad == nil {
			x.grad = g.Retain()
		} else {
			dev.Run(compute.Add{InPlace: true}, []*compute.Tensor{x.grad, g})
		}
	}
	return out, nil
}

// Loss returns the mean loss of sequences under a model, weighted, and leaves the
// model alone. Sequences are packed in order.
func Loss(dev compute.Device, m model.Model, seqs []Sequence, microTokens int) (float64, error) {
	total, err := measure(dev, m, seqs, 1, microTokens, likelihood)
	return total.loss / total.weight, err
}

// measure sums an objective over sequences, packed in order, of which each group
// stays together.
func measure(dev compute.Device, m model.Model, seqs []Sequence, group, microTokens int, of objective) (total micro, err error) {
	defer compute.Recover(&err)
	for _, pick := range inOrder(seqs, group, microTokens) {
		rows, p, err := forward(dev, m, seqs, pick)
		if err != nil {
			return micro{}, err
		}
		part, _ := of(p, pick, rows)
		total.add(part)
	}
	return total, nil
}

// inOrder packs sequences in order, of which each group stays together.
func inOrder(seqs []Sequence, group, microTokens int) [][]int {
	var picks [][]int
	for first := 0; first < len(seqs); {
		var pick []int
		for room := microTokens; first < len(seqs); first += group {
			n := tokensOf(seqs[first : first+group])
			if n > room && pick != nil {
				break
			}
			room -= n
			for i := range group {
				pick = append(pick, first+i)
			}
		}
		picks = append(picks, pick)
	}
	return picks
}

func tokensOf(seqs []Sequence) int {
	n := 0
	for i := range seqs {
		n += len(seqs[i].Tokens)
	}
	return n
}

// forward returns the losses of the labelled rows of some sequences.
func forward(dev compute.Device, m model.Model, seqs []Sequence, pick []int) ([]float32, *packed, error) {
	p := pack(seqs, pick)
	freeBatch, err := p.batch.Upload(dev)
	if err != nil {
		return nil, nil, err
	}
	defer freeBatch()
	o := compute.NewEager(dev)
	defer o.Close()
	l, free := p.loss(o, m)
	defer free()
	return compute.Floats(dev, l), p, nil
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
		if p.Rate != 0 {
			op.LR = float32(rate * p.Rate)
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
