package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// checkLabels fails unless the label of every row with a weight is below n.
func checkLabels(op compute.Op, labels []int32, weights []float32, n int) {
	for t, w := range weights {
		if w != 0 && (labels[t] < 0 || int(labels[t]) >= n) {
			compute.Fail(op.Name(), "label %d is %d, outside of %d logits", t, labels[t], n)
		}
	}
}

// sumExp writes exp(x-peak) to y, peak being the largest element, and returns
// log(sum(exp(x))) and the sum of y. y may be x.
func sumExp(y, x []float32) (lse, sum float64) {
	peak := kernel.Peak(x)
	sum = kernel.ExpSum(y[:len(x)], x, peak)
	return float64(peak) + math.Log(sum), sum
}

func (c *call) crossEntropy(op compute.CrossEntropy) {
	x, labels, weights, loss := c.in[0].F, c.in[1].I, c.in[2].F, c.out[0].F
	cols := c.in[0].Shape[1]
	checkLabels(op, labels, weights, cols)
	c.dev.work.each(len(weights), 4*cols, func(first, end int) {
		s := c.dev.scratches.get()
		defer c.dev.scratches.put(s)
		for t := first; t < end; t++ {
			loss[t] = 0
			if w := weights[t]; w != 0 {
				row := x[t*cols:][:cols]
				lse, _ := sumExp(s.floats(cols), row)
				loss[t] = float32(float64(w) * (lse - float64(row[labels[t]])))
			}
		}
	})
}

func (c *call) crossEntropyBack(op compute.CrossEntropyBack) {
	x, labels, weights, dloss, dx := c.in[0].F, c.in[1].I, c.in[2].F, c.in[3].F, c.out[0].F
	cols := c.in[0].Shape[1]
	checkLabels(op, labels, weights, cols)
	c.dev.work.each(len(weights), 4*cols, func(first, end int) {
		for t := first; t < end; t++ {
			row, to := x[t*cols:][:cols], dx[t*cols:][:cols]
			g := weights[t] * dloss[t]
			if g == 0 {
				clear(to)
				continue
			}
			_, sum := sumExp(to, row)
			kernel.ScaleTo(to, float32(float64(g)/sum), to)
			to[labels[t]] -= g
		}
	})
}

// logitBytes bounds the logits that the head's loss holds at once.
const logitBytes = 64 << 20

// headLoss takes the rows in chunks. The bits of a row depend on that row alone,
// so the chunks leave no trace.
func (c *call) headLoss(op compute.HeadLoss) bool {
	w, ok := op.W.(matrix)
	if !ok {
		return false
	}
	h, labels, weights := c.in[0].F, c.in[1].I, c.in[2].F
	loss, dh := c.out[0].F, c.out[1].F
	vocab, cols := w.Dims()
	checkLabels(op, labels, weights, vocab)
	chunk := logitRows(len(weights), vocab)
	logits, done := c.dev.scratch(chunk * vocab)
	defer done()
	for t := 0; t < len(weights); t += chunk {
		n := min(chunk, len(weights)-t)
		x := logits[:n*vocab]
		w.product(x, h[t*cols:(t+n)*cols], n, false)
		c.dev.work.each(n, 4*vocab, func(first, end int) {
			for r := first; r < end; r++ {
				loss[t+r] = lossRow(x[r*vocab:][:vocab], labels[t+r], weights[t+r])
			}
		})
		w.productBack(dh[t*cols:(t+n)*cols], x, n, false)
	}
	return true
}

// logitRows is how many rows of logits are held at once.
func logitRows(rows, vocab int) int { return evenly(rows, max(6, logitBytes/(4*vocab))) }

// evenly returns the size of the fewest equal parts of n rows that have at most
// most rows, rounded up to whole tiles.
func evenly(n, most int) int {
	parts := max(1, (n+most-1)/most)
	return min(n, roundUp((n+parts-1)/parts, 6))
}

// lossRow returns the loss of one row of logits and puts their gradient in their
// place.
func lossRow(x []float32, label int32, weight float32) float32 {
	if weight == 0 {
		clear(x)
		return 0
	}
	at := float64(x[label])
	lse, sum := sumExp(x, x)
	kernel.ScaleTo(x, float32(float64(weight)/sum), x)
	x[label] -= weight
	return float32(float64(weight) * (lse - at))
}
