package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
)

// checkLabels fails unless the label of every row with a weight is below n.
func checkLabels(op compute.Op, labels []int32, weights []float32, n int) {
	for t, w := range weights {
		if w != 0 && (labels[t] < 0 || int(labels[t]) >= n) {
			compute.Fail(op.Name(), "label %d is %d, outside of %d logits", t, labels[t], n)
		}
	}
}

// logSum returns log(sum(exp(x))).
func logSum(x []float32) float64 {
	peak := float32(math.Inf(-1))
	for _, v := range x {
		peak = max(peak, v)
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v - peak))
	}
	return float64(peak) + math.Log(sum)
}

func (c *call) crossEntropy(op compute.CrossEntropy) {
	x, labels, weights, loss := c.in[0].F, c.in[1].I, c.in[2].F, c.out[0].F
	cols := c.in[0].Shape[1]
	checkLabels(op, labels, weights, cols)
	c.dev.work.each(len(weights), 12*cols, func(first, end int) {
		for t := first; t < end; t++ {
			loss[t] = 0
			if w := weights[t]; w != 0 {
				row := x[t*cols:][:cols]
				loss[t] = float32(float64(w) * (logSum(row) - float64(row[labels[t]])))
			}
		}
	})
}

func (c *call) crossEntropyBack(op compute.CrossEntropyBack) {
	x, labels, weights, dloss, dx := c.in[0].F, c.in[1].I, c.in[2].F, c.in[3].F, c.out[0].F
	cols := c.in[0].Shape[1]
	checkLabels(op, labels, weights, cols)
	c.dev.work.each(len(weights), 24*cols, func(first, end int) {
		for t := first; t < end; t++ {
			row, to := x[t*cols:][:cols], dx[t*cols:][:cols]
			if g := weights[t] * dloss[t]; g != 0 {
				softmaxGrad(to, row, int(labels[t]), g, logSum(row))
			} else {
				clear(to)
			}
		}
	})
}

// softmaxGrad writes g * (softmax(x) - onehot(label)). dx may be x.
func softmaxGrad(dx, x []float32, label int, g float32, lse float64) {
	x = x[:len(dx)]
	for i, v := range x {
		dx[i] = g * float32(math.Exp(float64(v)-lse))
	}
	dx[label] -= g
}

// logitBytes bounds the logits that the head's loss holds at once.
const logitBytes = 64 << 20

// headLoss takes the rows in chunks. The bits of a row depend on that row alone,
// so the chunks leave no trace.
func (c *call) headLoss(op compute.HeadLoss) bool {
	w, ok := op.W.(*weight)
	if !ok {
		return false
	}
	h, labels, weights := c.in[0].F, c.in[1].I, c.in[2].F
	loss, dh := c.out[0].F, c.out[1].F
	vocab, cols := w.Dims()
	checkLabels(op, labels, weights, vocab)
	chunk := min(len(weights), max(6, logitBytes/(4*vocab)/6*6)) // whole tiles
	logits, done := c.dev.scratch(chunk * vocab)
	defer done()
	for t := 0; t < len(weights); t += chunk {
		n := min(chunk, len(weights)-t)
		x := logits[:n*vocab]
		w.multiply(x, h[t*cols:(t+n)*cols], n)
		c.dev.work.each(n, 24*vocab, func(first, end int) {
			for r := first; r < end; r++ {
				row := x[r*vocab:][:vocab]
				g := weights[t+r]
				loss[t+r] = 0
				if g == 0 {
					clear(row)
					continue
				}
				lse := logSum(row)
				loss[t+r] = float32(float64(g) * (lse - float64(row[labels[t+r]])))
				softmaxGrad(row, row, int(labels[t+r]), g, lse)
			}
		})
		w.multiplyBack(dh[t*cols:(t+n)*cols], x, n)
	}
	return true
}
