package infer

import (
	"context"
	"fmt"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// HeldPages counts pages that sequences hold. No sequence may be running.
func (e *Engine) HeldPages() int {
	e.Close()
	held := 0
	for _, n := range e.pages.uses {
		held += n
	}
	if len(e.pages.free)+e.pages.idle.Len() != len(e.pages.uses) {
		held += len(e.pages.uses) - len(e.pages.free) - e.pages.idle.Len()
	}
	return held
}

// Steps is an engine whose turns a test takes.
type Steps struct {
	*Engine
	names []string
	list  []*sequence
}

// NewSteps makes one. Close it.
func NewSteps(dev compute.Device, m model.Model, o Options) (*Steps, error) {
	e, err := newEngine(dev, m, o)
	return &Steps{Engine: e}, err
}

// Start puts a request in the queue.
func (s *Steps) Start(ctx context.Context, name string, r Request) error {
	q, err := s.enqueue(ctx, r)
	if err == nil {
		s.names, s.list = append(s.names, name), append(s.list, q)
	}
	return err
}

// Turn takes a turn and tells what it did to each request that had not ended before:
// that it waits, from which token to which the cache was filled, and how it ended.
func (s *Steps) Turn() string {
	var before []int
	var open []bool
	for _, q := range s.list {
		before, open = append(before, q.at), append(open, !q.ended)
	}
	s.turn()
	var parts []string
	for i, q := range s.list {
		if !open[i] {
			continue
		}
		var what string
		switch {
		case q.err != nil:
			what = q.err.Error()
		case q.pages == nil && !q.ended:
			what = "waits"
		default:
			what = fmt.Sprintf("%d-%d", max(before[i], q.cached), q.at)
			if q.ended {
				what += " " + string(q.finish)
			}
		}
		parts = append(parts, s.names[i]+" "+what)
	}
	return strings.Join(parts, ", ")
}

// Close ends everything.
func (s *Steps) Close() {
	s.closed = true
	s.turn()
	s.kv.Free()
}

// Answer returns the tokens that the i-th request was given, after its end.
func (s *Steps) Answer(i int) []int32 {
	var got []int32
	for t := range s.list[i].tokens {
		got = append(got, t.ID)
	}
	return got
}
