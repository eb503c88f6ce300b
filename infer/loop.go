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

// end gives back a sequence's pages and tells its caller. Without an error, its cache
// holds what it should up to s.at.
func (e *Engine) end(s *sequence, finish Finish, err error) {
	if err == nil {
		e.pages.filled(s)
	}
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
	type row struct {
		s    *sequence
		next int // the place in s.all of the token that the row's logits are about
	}
	var wanted []row
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
		if s.Echo && s.at == 0 {
			s.tokens <- Token{TokenLogprob: TokenLogprob{ID: s.all[0]}, Echoed: true}
		}
		for i := range n {
			if next := s.at + i + 1; next == len(s.all) || s.Echo {
				wanted = append(wanted, row{s, next})
				rows = append(rows, int32(len(b.Tokens)+i))
			}
		}
		b.Sequence(s.all[s.at:s.at+n], s.at, s.pages)
		for range n {
			b.AdapterSlots = append(b.AdapterSlots, s.Slot)
		}
		s.at += n
	}
	err = e.forward(b, rows, func(i int, logits []float32) {
		w := wanted[i]
		if w.s.Observe != nil {
			w.s.Observe(w.next-1, logits)
		}
		if w.next < len(w.s.all) {
			w.s.echo(w.next, logits)
		} else {
			e.draw(w.s, logits)
		}
	})
	if err != nil {
		return err
	}
	for _, s := range e.running {
		e.pages.filled(s)
	}
	return nil
}

// logitRows bounds the rows whose logits are held at once.
const logitRows = 32

// forward calls visit with the logits of the given rows in order. visit may change
// them and must not keep them.
func (e *Engine) forward(b *model.Batch, rows []int32, visit func(i int, logits []float32)) error {
	free, err := b.Upload(e.dev)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	defer free()
	o := compute.NewEager(e.dev)
	defer o.Close()
	h := e.m.Forward(o, b, e.kv)
	for at := 0; at < len(rows); at += logitRows {
		some := rows[at:min(at+logitRows, len(rows))]
		// Their own operators, so that the logits are freed group by group.
		group := compute.NewEager(e.dev)
		pick := group.Own(compute.FromInts(e.dev, some, len(some)))
		y := e.m.Logits(group, b, compute.Do(group, compute.GatherRows{}, h, pick))
		values, width := compute.Floats(e.dev, y), y.Shape[1]
		group.Close()
		for i := range some {
			visit(at+i, values[i*width:][:width])
		}
	}
	return nil
}

// echo emits a token of the prompt, given the logits of the one before.
func (s *sequence) echo(at int, logits []float32) {
	t := Token{TokenLogprob: TokenLogprob{ID: s.all[at]}}
	if s.Logprobs {
		t = logprobs(logits, t.ID, s.TopLogprobs)
	}
	t.Echoed = true
	s.tokens <- t
}

// draw adds the next token to s and ends s when it is the last. It may change logits.
func (e *Engine) draw(s *sequence, logits []float32) {
	if s.MaxTokens < 0 {
		e.end(s, FinishLength, nil)
		return
	}
	if s.complete() { // before the first token: nothing may be said at all
		e.end(s, FinishStop, nil)
		return
	}
	own := logits
	if s.Logprobs && (s.Sampling.adjusts() || s.Constraint != nil) {
		own = slices.Clone(logits)
	}
	s.Sampling.Adjust(logits, s.past)
	s.constrain(logits)
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
	if s.Constraint != nil {
		if err := s.Constraint.Accept(t.ID); err != nil {
			e.end(s, "", fmt.Errorf("draw under a constraint: %w", err))
			return
		}
	}
	s.tokens <- t
	switch {
	case s.complete():
		e.end(s, FinishStop, nil)
	case s.drawn == s.MaxTokens:
		e.end(s, FinishLength, nil)
	}
}
