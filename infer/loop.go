package infer

import (
	"fmt"
	"slices"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// loop runs steps until the engine is closed.
func (e *Engine) loop() {
	defer close(e.done)
	for {
		if !e.admit() {
			return
		}
		if len(e.running) == 0 {
			<-e.wake
			continue
		}
		e.drop()
		if len(e.running) == 0 {
			continue
		}
		if err := e.step(); err != nil {
			for _, s := range slices.Clone(e.running) {
				e.end(s, "", err)
			}
		}
	}
}

// admit starts waiting sequences, first come first served, while their pages and
// a place are free. It returns false when the engine was closed, after ending
// every sequence.
func (e *Engine) admit() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		for _, s := range append(slices.Clone(e.running), e.waiting...) {
			e.end(s, "", ErrClosed)
		}
		e.waiting = nil
		return false
	}
	for len(e.waiting) > 0 && len(e.running) < e.opts.Sequences {
		s := e.waiting[0]
		// Pages for the whole sequence are taken at once, so that none ever stalls
		// half way for want of memory.
		if !e.pages.take(s) {
			break
		}
		e.waiting = e.waiting[1:]
		e.running = append(e.running, s)
	}
	// A request that gave up while waiting must not hold its place in the queue.
	e.waiting = slices.DeleteFunc(e.waiting, func(s *sequence) bool {
		if s.ctx.Err() == nil {
			return false
		}
		e.end(s, "", s.ctx.Err())
		return true
	})
	return true
}

// drop ends sequences whose caller is gone.
func (e *Engine) drop() {
	for _, s := range slices.Clone(e.running) {
		select {
		case <-s.stop:
			e.end(s, FinishStop, nil)
		case <-s.ctx.Done():
			e.end(s, "", s.ctx.Err())
		default:
		}
	}
}

// end gives back a sequence's pages and tells its caller.
func (e *Engine) end(s *sequence, finish Finish, err error) {
	e.pages.release(s.pages)
	s.pages = nil
	s.finish, s.err = finish, err
	if i := slices.Index(e.running, s); i >= 0 {
		e.running = slices.Delete(e.running, i, i+1)
	}
	close(s.tokens)
}

// step runs one forward pass and draws a token for each sequence whose prompt is
// through.
func (e *Engine) step() (err error) {
	defer compute.Recover(&err)
	b := &model.Batch{}
	var drawing []*sequence
	var rows []int32
	room := e.opts.Chunk
	for _, s := range e.running {
		n := len(s.all) - s.at
		if n > 1 {
			n = min(n, room)
			room -= n
		}
		if n == 0 {
			continue // the chunk is full: its turn comes next step
		}
		b.Sequence(s.all[s.at:s.at+n], s.at, s.pages)
		for range n {
			b.AdapterSlots = append(b.AdapterSlots, s.Slot)
		}
		s.at += n
		if s.at == len(s.all) {
			drawing = append(drawing, s)
			rows = append(rows, int32(len(b.Tokens)-1))
		}
	}
	logits, err := e.forward(b, rows)
	if err != nil {
		return err
	}
	for _, s := range e.running {
		e.pages.filled(s)
	}
	for i, s := range drawing {
		e.draw(s, logits[i])
	}
	return nil
}

// forward returns the logits of the given rows.
func (e *Engine) forward(b *model.Batch, rows []int32) ([][]float32, error) {
	free, err := b.Upload(e.dev)
	if err != nil {
		return nil, fmt.Errorf("step: %w", err)
	}
	defer free()
	o := compute.NewEager(e.dev)
	defer o.Close()
	h := e.m.Forward(o, b, e.kv)
	if len(rows) == 0 {
		return nil, nil
	}
	pick := o.Own(compute.FromInts(e.dev, rows, len(rows)))
	y := e.m.Logits(o, b, compute.Do(o, compute.GatherRows{}, h, pick))
	return slices.Collect(slices.Chunk(compute.Floats(e.dev, y), y.Shape[1])), nil
}

// draw adds the next token to s and ends s when it is the last. It may change logits.
func (e *Engine) draw(s *sequence, logits []float32) {
	own := logits
	if s.Logprobs && s.Sampling.adjusts() {
		own = slices.Clone(logits)
	}
	s.Sampling.Adjust(logits, s.past)
	t := Token{TokenLogprob: TokenLogprob{ID: s.Sampling.Draw(logits, len(s.all))}}
	if s.Logprobs {
		t = logprobs(own, t.ID, s.TopLogprobs)
	}
	s.all = append(s.all, t.ID)
	s.drawn++
	if s.past != nil {
		s.past.Add(t.ID)
	}
	if slices.Contains(s.End, t.ID) {
		e.end(s, FinishStop, nil)
		return
	}
	s.tokens <- t
	if s.drawn == s.MaxTokens {
		e.end(s, FinishLength, nil)
	}
}
