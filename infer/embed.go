package infer

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// Embedder makes vectors of texts. It is safe for concurrent use; one pass runs at a time.
type Embedder struct {
	dev  compute.Device
	m    model.Model
	opts bundle.Embedding
	turn chan struct{} // holds one while a pass runs
	once sync.Once
	done chan struct{}
}

// NewEmbedder returns an embedder over a model, which stays the caller's.
func NewEmbedder(dev compute.Device, m model.Model, opts bundle.Embedding) *Embedder {
	return &Embedder{dev: dev, m: m, opts: opts, turn: make(chan struct{}, 1), done: make(chan struct{})}
}

// MaxTokens returns the longest text.
func (e *Embedder) MaxTokens() int { return e.opts.MaxTokens }

// passTokens bounds the tokens of one pass, and with them its memory and how long
// another request waits for its turn. A longer text has a pass of its own.
const passTokens = 2048

// Embed returns a vector of length one for each text, whose bits do not depend on what
// else is asked. Between passes it lets others go on, and ends with ctx.
func (e *Embedder) Embed(ctx context.Context, texts [][]int32) ([][]float32, error) {
	for i, t := range texts {
		if len(t) == 0 || len(t) > e.opts.MaxTokens {
			return nil, fmt.Errorf("embed text %d of %d tokens: want 1 to %d", i, len(t), e.opts.MaxTokens)
		}
	}
	out := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		n, tokens := 1, len(texts[0])
		for n < len(texts) && tokens+len(texts[n]) <= passTokens {
			tokens += len(texts[n])
			n++
		}
		some, err := e.pass(ctx, texts[:n])
		if err != nil {
			return nil, err
		}
		out, texts = append(out, some...), texts[n:]
	}
	return out, nil
}

func (e *Embedder) pass(ctx context.Context, texts [][]int32) (out [][]float32, err error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, ErrClosed
	}
	select { // the turn may have come together with an end
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, ErrClosed
	default:
	}
	defer compute.Recover(&err)
	b := &model.Batch{}
	for _, t := range texts {
		b.Sequence(t, 0, nil)
	}
	free, err := b.Upload(e.dev)
	if err != nil {
		return nil, err
	}
	defer free()
	o := compute.NewEager(e.dev)
	defer o.Close()
	h := e.m.Forward(o, b, nil)
	rows, width := compute.Floats(e.dev, h), h.Shape[1]
	for _, s := range b.Spans {
		v := pool(e.opts.Pooling, rows[s.Row*width:][:s.Rows*width], width)
		Normalize(v)
		out = append(out, v)
	}
	return out, nil
}

// Close waits for the pass that runs, and ends all others with [ErrClosed].
func (e *Embedder) Close() {
	e.once.Do(func() {
		close(e.done)
		e.turn <- struct{}{}
	})
}

// pool joins the hidden states of one text.
func pool(by bundle.Pooling, rows []float32, width int) []float32 {
	v := make([]float32, width)
	switch by {
	case bundle.PoolCLS:
		copy(v, rows)
	case bundle.PoolLast:
		copy(v, rows[len(rows)-width:])
	default:
		n := float64(len(rows) / width)
		for c := range v {
			var sum float64
			for at := c; at < len(rows); at += width {
				sum += float64(rows[at])
			}
			v[c] = float32(sum / n)
		}
	}
	return v
}

// Normalize brings a vector to length one; a vector of zeros stays.
func Normalize(v []float32) {
	var square float64
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	if square == 0 {
		return
	}
	by := 1 / math.Sqrt(square)
	for i, x := range v {
		v[i] = float32(float64(x) * by)
	}
}
