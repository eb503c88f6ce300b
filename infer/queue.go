package infer

import (
	"errors"
	"slices"
)

// ErrFull is returned to a request when too many wait already.
var ErrFull = errors.New("too many requests are waiting")

// queue holds the sequences that wait, and decides whose turn it is: that of the client
// that was served least among those who wait, as virtual token counters do (Sheng et al.,
// "Fairness in Serving Large Language Models", 2024). Within a client it is first come,
// first served. It is guarded by the engine's mu.
type queue struct {
	limit   int // the most that may wait; 0: any number
	waiting int
	clients []*client // who waits or runs, in the order they came
}

// client is whose requests a queue keeps apart.
type client struct {
	name    string
	waiting []*sequence
	served  int // tokens, by their weight

	// Of the loop alone:
	running int
	drawn   int // tokens that are not in served yet
}

// What a token counts. Drawing one costs a pass of its own, reading one shares a pass
// with others.
const (
	readWeight = 1
	drawWeight = 2
)

// push adds a sequence, or returns ErrFull. A client may wait with as many as there are
// places left: alone it fills half of the queue, and there is always room for another.
func (q *queue) push(s *sequence) error {
	i := slices.IndexFunc(q.clients, func(c *client) bool { return c.name == s.Client })
	var c *client
	if i < 0 {
		c = &client{name: s.Client, served: q.least()}
	} else {
		c = q.clients[i]
	}
	if q.limit > 0 && len(c.waiting) >= q.limit-q.waiting {
		return ErrFull
	}
	if i < 0 {
		q.clients = append(q.clients, c)
	}
	s.client = c
	c.waiting = append(c.waiting, s)
	q.waiting++
	return nil
}

// least is what a client that comes, or comes back, counts as served: time in which it
// asked for nothing gives it no claim on others.
func (q *queue) least() int {
	if len(q.clients) == 0 {
		return 0
	}
	return slices.MinFunc(q.clients, func(a, b *client) int { return a.served - b.served }).served
}

// head returns the sequence whose turn it is, or nil. It keeps its turn until it is
// started or removed, so that one that needs much memory is not passed by for ever.
func (q *queue) head() *sequence {
	var first *client
	for _, c := range q.clients {
		if len(c.waiting) > 0 && (first == nil || c.served < first.served) {
			first = c
		}
	}
	if first == nil {
		return nil
	}
	return first.waiting[0]
}

// start takes out a sequence that will run.
func (q *queue) start(s *sequence) {
	q.remove(s)
	s.client.running++
	s.client.served += readWeight * (len(s.Prompt) - s.cached)
}

// settle puts what was drawn to what was served.
func (q *queue) settle() {
	for _, c := range q.clients {
		c.served += drawWeight * c.drawn
		c.drawn = 0
	}
}

// remove takes out a sequence that waits.
func (q *queue) remove(s *sequence) {
	s.client.waiting = slices.DeleteFunc(s.client.waiting, func(o *sequence) bool { return o == s })
	q.waiting--
}

// all returns who waits.
func (q *queue) all() []*sequence {
	var list []*sequence
	for _, c := range q.clients {
		list = append(list, c.waiting...)
	}
	return list
}

// tidy forgets clients that have nothing here.
func (q *queue) tidy() {
	q.clients = slices.DeleteFunc(q.clients, func(c *client) bool { return c.running == 0 && len(c.waiting) == 0 })
}
