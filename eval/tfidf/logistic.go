package tfidf

import (
	"context"
	"math"
	"sync"
)

// logistic is multinomial logistic regression with an L2 penalty on the
// weights, not on the intercepts:
//
//	f(w) = 1/n sum_i -log p(y_i | x_i) + 1/(2 C n) |w|^2
//
// Parameters are one vector: width rows of classes weights, then one row of
// intercepts.
type logistic struct {
	x, byFeature *matrix // documents by features, and transposed
	y            []int32
	classes      int
	penalty      float64 // 1/(C n)
	threads      int

	loss     []float64 // by document
	residual []float64 // documents x classes: probability less gold
}

func newLogistic(x *matrix, y []int32, classes int, c float64, threads int) *logistic {
	n := x.rows()
	return &logistic{
		x: x, byFeature: x.transpose(), y: y, classes: classes,
		penalty: 1 / (c * float64(n)), threads: threads,
		loss: make([]float64, n), residual: make([]float64, n*classes),
	}
}

func (l *logistic) size() int { return (l.x.width + 1) * l.classes }

// value returns f(w) and fills gradient with its derivative. Documents, then
// features, are spread over threads; each sum is formed in one fixed order.
func (l *logistic) value(w, gradient []float64) float64 {
	n, k := l.x.rows(), l.classes
	l.each(n, func(i int) {
		p := l.residual[i*k : (i+1)*k]
		l.scores(w, i, p)
		l.loss[i] = softmax(p, int(l.y[i]))
		p[l.y[i]]--
	})
	scale := 1 / float64(n)
	l.each(l.x.width, func(f int) {
		g, wf := gradient[f*k:(f+1)*k], w[f*k:(f+1)*k]
		clear(g)
		documents, values := l.byFeature.row(f)
		for at, i := range documents {
			r := l.residual[int(i)*k : (int(i)+1)*k]
			for c := range g {
				g[c] += values[at] * r[c]
			}
		}
		for c := range g {
			g[c] = g[c]*scale + l.penalty*wf[c]
		}
	})
	weights := l.x.width * k
	intercepts := gradient[weights:]
	clear(intercepts)
	total := 0.0
	for i := range n {
		total += l.loss[i]
		for c := range intercepts {
			intercepts[c] += l.residual[i*k+c] * scale
		}
	}
	return total*scale + l.penalty/2*dot(w[:weights], w[:weights])
}

// scores fills out with the linear scores of document i.
func (l *logistic) scores(w []float64, i int, out []float64) {
	columns, values := l.x.row(i)
	linear(w, columns, values, out)
}

func linear(w []float64, columns []int32, values, out []float64) {
	k := len(out)
	copy(out, w[len(w)-k:])
	for at, f := range columns {
		wf := w[int(f)*k : (int(f)+1)*k]
		for c := range out {
			out[c] += values[at] * wf[c]
		}
	}
}

// softmax turns scores into probabilities in place and returns the negative
// log-probability of class y.
func softmax(scores []float64, y int) float64 {
	top := math.Inf(-1)
	for _, s := range scores {
		top = max(top, s)
	}
	gold, sum := scores[y]-top, 0.0
	for c, s := range scores {
		scores[c] = math.Exp(s - top)
		sum += scores[c]
	}
	for c := range scores {
		scores[c] /= sum
	}
	return math.Log(sum) - gold
}

// each calls f for 0 to n-1, spread over l.threads goroutines.
func (l *logistic) each(n int, f func(i int)) {
	const chunk = 256
	var wg sync.WaitGroup
	for t := range max(1, l.threads) {
		wg.Go(func() {
			for from := t * chunk; from < n; from += max(1, l.threads) * chunk {
				for i := from; i < min(from+chunk, n); i++ {
					f(i)
				}
			}
		})
	}
	wg.Wait()
}

// minimize runs L-BFGS (Nocedal and Wright, Numerical Optimization, 2006,
// algorithm 7.5) from zero until no component of the gradient exceeds
// tolerance, and returns the parameters and whether it got there.
func (l *logistic) minimize(ctx context.Context, tolerance float64, iterations int) ([]float64, bool, error) {
	size := l.size()
	w, g := make([]float64, size), make([]float64, size)
	next, nextG, direction := make([]float64, size), make([]float64, size), make([]float64, size)
	var h history
	f := l.value(w, g)
	for range iterations {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		if largest(g) <= tolerance {
			return w, true, nil
		}
		h.direction(g, direction)
		slope := dot(g, direction)
		step := 1.0
		if h.len() == 0 {
			step = 1 / math.Sqrt(dot(g, g)) // the gradient alone says nothing about length
		}
		var nextF float64
		for try := 0; ; try++ {
			for i := range w {
				next[i] = w[i] + step*direction[i]
			}
			nextF = l.value(next, nextG)
			const armijo = 1e-4
			if nextF <= f+armijo*step*slope {
				break
			}
			if try == 40 {
				return w, false, nil // no descent left at this precision
			}
			step /= 2
		}
		h.add(w, next, g, nextG)
		w, next, g, nextG, f = next, w, nextG, g, nextF
	}
	return w, largest(g) <= tolerance, nil
}

// history is the last steps and changes of gradient that L-BFGS keeps.
type history struct {
	s, y [][]float64
	rho  []float64
}

const historyLength = 10 // as in scipy's L-BFGS-B

func (h *history) len() int { return len(h.s) }

func (h *history) add(w, next, g, nextG []float64) {
	s, y := h.slot(len(w))
	for i := range w {
		s[i], y[i] = next[i]-w[i], nextG[i]-g[i]
	}
	curvature := dot(s, y)
	if curvature <= 1e-300 { // a step without curvature would break descent
		return
	}
	h.s, h.y, h.rho = append(h.s, s), append(h.y, y), append(h.rho, 1/curvature)
}

// slot returns room for one pair, taking the oldest pair's once the history is
// full.
func (h *history) slot(size int) (s, y []float64) {
	if len(h.s) < historyLength {
		return make([]float64, size), make([]float64, size)
	}
	s, y = h.s[0], h.y[0]
	h.s, h.y, h.rho = h.s[1:], h.y[1:], h.rho[1:]
	return s, y
}

// direction fills d with the quasi-Newton direction for gradient g.
func (h *history) direction(g, d []float64) {
	for i := range g {
		d[i] = -g[i]
	}
	alpha := make([]float64, h.len())
	for i := h.len() - 1; i >= 0; i-- {
		alpha[i] = h.rho[i] * dot(h.s[i], d)
		addScaled(d, h.y[i], -alpha[i])
	}
	if n := h.len(); n > 0 {
		scale := 1 / (h.rho[n-1] * dot(h.y[n-1], h.y[n-1]))
		for i := range d {
			d[i] *= scale
		}
	}
	for i := range h.len() {
		addScaled(d, h.s[i], alpha[i]-h.rho[i]*dot(h.y[i], d))
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func addScaled(dst, src []float64, scale float64) {
	for i, v := range src {
		dst[i] += scale * v
	}
}

func largest(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}
