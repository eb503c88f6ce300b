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
		worked, open := e.turn()
		switch {
		case !open:
			return
		case !worked:
			<-e.wake
		}
	}
}

// turn lets go who left, lets in who waits, and makes a step if anyone is there. It is
// no longer open when the engine was closed, after ending every sequence.
func (e *Engine) turn() (worked, open bool) {
	e.drop()
	if !e.admit() {
		return false, false
	}
	if len(e.running) == 0 {
		return false, true
	}
	if err := e.step(); err != nil {
		for _, s := range slices.Clone(e.running) {
			e.end(s, "", err)
		}
	}
	return true, true
}

// admit starts waiting sequences whose turn it is, while their pages and a place are
// free. It returns false when the engine was closed, after ending every sequence.
func (e *Engine) admit() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A request that gave up while waiting must not hold its place in the queue.
	for _, s := range e.queue.all() {
		if err := s.ctx.Err(); err != nil || e.closed {
			if err == nil {
				err = ErrClosed
			}
			e.queue.remove(s)
			s.close("", err)
		}
	}
	if e.closed {
		for _, s := range slices.Clone(e.running) {
			e.end(s, "", ErrClosed)
		}
		return false
	}
	e.queue.settle()
	for len(e.running) < e.opts.Sequences {
		s := e.queue.head()
		// Pages for the whole sequence are taken at once, so that none ever stalls
		// half way for want of memory.
		if s == nil || !e.pages.take(s) {
			break
		}
		e.queue.start(s)
		e.running = append(e.running, s)
	}
	e.queue.tidy()
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

// end gives back a running sequence's place and pages and tells its caller. Without an
// error, its cache holds what it should up to s.at.
func (e *Engine) end(s *sequence, finish Finish, err error) {
	if err == nil {
		e.pages.filled(s)
	}
	e.pages.release(s.pages)
	s.pages = nil
	s.client.running--
	e.running = slices.DeleteFunc(e.running, func(o *sequence) bool { return o == s })
	s.close(finish, err)
}

// close tells the caller that there is no more.
func (s *sequence) close(finish Finish, err error) {
	s.finish, s.err, s.ended = finish, err, true
	close(s.tokens)
}

// plan is the rows of a step.
type plan struct {
	model.Batch
	wanted []row
	rows   []int32 // of wanted, in the batch
}

// row is a row of a step whose logits are asked for.
type row struct {
	s    *sequence
	fed  int32 // the token that it reads
	next int   // the place in the sequence that its logits are about
	// guess says that fed is a guess; last, at the end of guesses, how many there are.
	guess bool
	last  int
}

// step runs one forward pass and draws a token for each sequence whose prompt is
// through, or several where they were guessed.
func (e *Engine) step() (err error) {
	defer compute.Recover(&err)
	var p plan
	room := e.opts.Chunk
	for _, s := range e.byService() {
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
		p.add(s, n, e.guess(s))
	}
	err = e.forward(&p.Batch, p.rows, func(i int, logits []float32) { e.visit(p.wanted[i], logits) })
	if err != nil {
		return err
	}
	for _, s := range e.running {
		e.pages.filled(s)
	}
	return nil
}

// byService returns the running sequences, those of the clients that were served least
// first: the room for prompts is given out in this order.
func (e *Engine) byService() []*sequence {
	order := slices.Clone(e.running)
	slices.SortStableFunc(order, func(a, b *sequence) int { return a.client.served - b.client.served })
	return order
}

// guess returns how a sequence that has one token to read may go on.
func (e *Engine) guess(s *sequence) []int32 {
	if s.draft == nil || len(s.all)-s.at != 1 || s.drawn == 0 {
		return nil
	}
	// The last token of all is never read.
	most := min(e.opts.Speculate+1-len(e.running), s.MaxTokens-s.drawn-1)
	if most < 1 {
		return nil
	}
	return s.draft.guess(s.all, most)
}

// add puts n tokens of a sequence into the batch, and what may follow them.
func (p *plan) add(s *sequence, n int, guess []int32) {
	tokens := s.all[s.at : s.at+n]
	if len(guess) > 0 {
		tokens = slices.Concat(tokens, guess)
	}
	for i, t := range tokens {
		if next := s.at + i + 1; next >= len(s.all) || s.Echo {
			r := row{s: s, fed: t, next: next, guess: i >= n}
			if i == len(tokens)-1 {
				r.last = len(guess)
			}
			p.wanted, p.rows = append(p.wanted, r), append(p.rows, int32(len(p.Tokens)+i))
		}
	}
	p.Sequence(tokens, s.at, s.pages)
	for range tokens {
		p.AdapterSlots = append(p.AdapterSlots, s.Slot)
	}
	s.at += n
}

// visit uses the logits of a row, unless it was fed a guess that turned out wrong.
func (e *Engine) visit(r row, logits []float32) {
	s := r.s
	if s.ended { // its caller may read it
		return
	}
	if r.next <= len(s.all) && s.all[r.next-1] == r.fed {
		if r.guess {
			s.draft.accepted++
		}
		if s.Observe != nil {
			s.Observe(r.next-1, logits)
		}
		if r.next < len(s.all) {
			s.echo(r.next, logits)
		} else {
			s.at = r.next
			e.draw(s, logits)
		}
	}
	if r.last > 0 && !s.ended {
		s.draft.learn(s.at-(r.next-r.last), r.last, e.opts.Speculate)
	}
}

// logitRows bounds the rows whose logits are held at once.
const logitRows = 32

// forward calls visit with the logits of the given rows in order. visit may change
// them and must not keep them.
func (e *Engine) forward(b *model.Batch, rows []int32, visit func(i int, logits []float32)) error {
	b.Outputs = rows
	if len(rows) == 0 { // none of a prompt's part; a pass makes one at least
		b.Outputs = []int32{int32(len(b.Tokens) - 1)}
	}
	free, err := b.Upload(e.dev)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	defer free()
	o := compute.NewEager(e.dev)
	defer o.Close()
	h := e.m.Forward(o, b, e.kv)
	for at := 0; at < len(rows); at += logitRows {
		n := min(logitRows, len(rows)-at)
		// Their own operators, so that the logits are freed group by group.
		group := compute.NewEager(e.dev)
		some := h
		if n < len(rows) {
			pick := make([]int32, n)
			for i := range pick {
				pick[i] = int32(at + i)
			}
			some = compute.Do(group, compute.GatherRows{}, h, group.Own(compute.FromInts(e.dev, pick, n)))
		}
		y := e.m.Logits(group, b, some)
		e.logits = slices.Grow(e.logits[:0], y.Shape[1])[:y.Shape[1]]
		for i := range n {
			e.dev.ReadFloats(e.logits, y, i*len(e.logits))
			visit(at+i, e.logits)
		}
		group.Close()
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
	s.client.drawn++
	if s.past != nil {
		s.past.Add(t.ID)
	}
	if slices.Contains(s.End, t.ID) {
		if s.EmitEnd {
			t.Ends = true
			s.tokens <- t
		}
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
