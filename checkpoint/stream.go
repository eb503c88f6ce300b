package checkpoint

import (
	"fmt"
	"slices"

	"github.com/troikaml/troika/tensor"
)

// Stream is the part of a [Writer] that formats share: it takes the tensors of a
// plan in order, checks each against its entry, and sees that the file is whole or
// absent. A format embeds it.
type Stream struct {
	order  []Entry
	put    func(e Entry, data []byte) error
	end    End
	next   int
	err    error // the first failure; the stream is useless after it
	closed bool
}

// End is how a stream's file is completed or given up. Nil functions do nothing.
type End struct {
	Commit func() error
	Abort  func()
}

// NewStream makes a stream that hands the bytes of each entry of order to put.
func NewStream(order []Entry, put func(e Entry, data []byte) error, end End) *Stream {
	return &Stream{order: slices.Clone(order), put: put, end: end}
}

// Order implements [Writer].
func (s *Stream) Order() []string {
	names := make([]string, len(s.order))
	for i, e := range s.order {
		names[i] = e.Name
	}
	return names
}

// Write implements [Writer].
func (s *Stream) Write(name string, t tensor.Tensor) error {
	if s.closed {
		return fmt.Errorf("write tensor %q: %w", name, ErrClosed)
	}
	if s.err == nil {
		s.err = s.write(name, t)
	}
	return s.err
}

func (s *Stream) write(name string, t tensor.Tensor) error {
	if s.next == len(s.order) {
		return fmt.Errorf("tensor %q: %w: all %d tensors are written", name, ErrPlan, len(s.order))
	}
	e := s.order[s.next]
	if e.Name != name {
		return fmt.Errorf("tensor %q: %w: the next one is %q", name, ErrPlan, e.Name)
	}
	if err := e.Check(t); err != nil {
		return err
	}
	if err := s.put(e, t.Data); err != nil {
		return fmt.Errorf("write tensor %q: %w", name, err)
	}
	s.next++
	return nil
}

// Close implements [Writer].
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	if s.err == nil && s.next < len(s.order) {
		s.err = fmt.Errorf("tensor %q: %w: not written", s.order[s.next].Name, ErrPlan)
	}
	if s.err != nil {
		s.Abort()
		return s.err
	}
	s.closed = true
	if s.end.Commit != nil {
		return s.end.Commit()
	}
	return nil
}

// Abort gives the file up and leaves what stood at its path before. After Close it
// does nothing, so that it can be deferred.
func (s *Stream) Abort() {
	if s.closed {
		return
	}
	s.closed = true
	if s.end.Abort != nil {
		s.end.Abort()
	}
}
