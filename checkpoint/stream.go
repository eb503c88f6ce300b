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
	put    func(data []byte) error
	pad    func(n int) error
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

// NewStream makes a stream that hands the bytes of each entry of order to put, in one or
// more pieces, and after them their number to pad, which may be nil.
func NewStream(order []Entry, put func(data []byte) error, pad func(n int) error, end End) *Stream {
	if pad == nil {
		pad = func(int) error { return nil }
	}
	return &Stream{order: slices.Clone(order), put: put, pad: pad, end: end}
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
	return s.store(name, func(e Entry) error { return e.Check(t) }, func(put func([]byte) error) error { return put(t.Data) })
}

// Fill stores the next tensor in pieces, which fill hands to put in order: for one that
// memory should not hold at once. It does not keep them. An error of fill's is returned.
func (s *Stream) Fill(name string, fill func(put func(data []byte) error) error) error {
	return s.store(name, func(Entry) error { return nil }, fill)
}

// store stores the next tensor if check takes its entry.
func (s *Stream) store(name string, check func(e Entry) error, fill func(put func(data []byte) error) error) error {
	if s.closed {
		return fmt.Errorf("write tensor %q: %w", name, ErrClosed)
	}
	if s.err != nil {
		return s.err
	}
	e, err := s.expect(name)
	if err == nil {
		err = check(e)
	}
	if err == nil {
		err = s.pieces(e, fill)
	}
	s.err = err
	return err
}

// expect returns the next entry, which must be of that name.
func (s *Stream) expect(name string) (Entry, error) {
	if s.next == len(s.order) {
		return Entry{}, fmt.Errorf("tensor %q: %w: all %d tensors are written", name, ErrPlan, len(s.order))
	}
	e := s.order[s.next]
	if e.Name != name {
		return e, fmt.Errorf("tensor %q: %w: the next one is %q", name, ErrPlan, e.Name)
	}
	return e, nil
}

// pieces writes what fill hands over, which must be the bytes of e.
func (s *Stream) pieces(e Entry, fill func(put func(data []byte) error) error) error {
	want, err := e.Bytes()
	if err != nil {
		return err
	}
	n := 0
	err = fill(func(data []byte) error {
		if n += len(data); n > want {
			return fmt.Errorf("tensor %q: %w: more than the %d bytes that %s %v needs", e.Name, ErrPlan, want, e.DType, e.Shape)
		}
		if err := s.put(data); err != nil {
			return fmt.Errorf("write tensor %q: %w", e.Name, err)
		}
		return nil
	})
	if err == nil && n != want {
		err = fmt.Errorf("tensor %q: %w: got %d bytes, %s %v needs %d", e.Name, ErrPlan, n, e.DType, e.Shape, want)
	}
	if err != nil {
		return err
	}
	if err := s.pad(n); err != nil {
		return fmt.Errorf("write tensor %q: %w", e.Name, err)
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
