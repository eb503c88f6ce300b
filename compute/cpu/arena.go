package cpu

import (
	"sync"

	"github.com/troikaml/troika/compute/cpu/kernel"
)

const (
	chunkBytes = 8 << 20 // of small weights together
	ownChunk   = 4 << 20 // weights from this size on have a chunk to themselves
)

// arena holds prepared weights in chunks that ask for huge pages.
type arena struct {
	mu    sync.Mutex
	open  *chunk // where small weights go
	bytes int64
	dry   bool // spans have no memory
}

type chunk struct {
	mem  *block
	used int // bytes
	refs int
}

// span is a weight's memory.
type span struct {
	n     int
	bytes []byte // nil in a rehearsal
	from  *chunk
}

// get returns n bytes on a 64-byte boundary with undefined contents.
func (a *arena) get(n int) *span {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := (n + 63) &^ 63
	a.bytes += int64(n)
	if size >= ownChunk {
		c := &chunk{mem: newBlock(size, a.dry), refs: 1}
		return c.span(0, n)
	}
	if a.open == nil || a.open.used+size > chunkBytes {
		a.open = &chunk{mem: newBlock(chunkBytes, a.dry)}
	}
	c := a.open
	s := c.span(c.used, n)
	c.used += size
	c.refs++
	return s
}

// span returns n bytes of the chunk from at on.
func (c *chunk) span(at, n int) *span {
	s := &span{n: n, from: c}
	if c.mem.f != nil {
		s.bytes = asBytes(c.mem.f)[at:][:n:n]
	}
	return s
}

// put takes a span back. A chunk goes when its last weight does.
func (a *arena) put(s *span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= int64(s.n)
	c := s.from
	c.refs--
	if c.refs > 0 {
		return
	}
	if c == a.open {
		a.open = nil
	}
	release([]*block{c.mem})
}

func (a *arena) size() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes
}

// scratch is the working memory of one goroutine.
type scratch struct {
	kernel kernel.Scratch
	own    []float32
}

// floats returns n floats with undefined contents, the same memory each time.
func (s *scratch) floats(n int) []float32 {
	if len(s.own) < n {
		s.own = make([]float32, n)
	}
	return s.own[:n]
}

// scratches lends working memory to goroutines. It keeps as many as ever ran at
// once.
type scratches struct {
	mu   sync.Mutex
	free []*scratch
}

func (l *scratches) get() *scratch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s
	}
	return new(scratch)
}

func (l *scratches) put(s *scratch) {
	l.mu.Lock()
	l.free = append(l.free, s)
	l.mu.Unlock()
}
