package cpu

import (
	"iter"
	"sync"

	"github.com/troikaml/troika/compute/cpu/kernel"
)

// arena holds prepared weights one after the other in chunks that ask for huge pages:
// no weight ends in small pages, whose first touch costs more than their contents.
type arena struct {
	mu    sync.Mutex
	open  *chunk // where weights go
	bytes int64
	dry   bool // spans have no memory
}

type chunk struct {
	mem     *block
	used    int   // bytes
	touched int   // bytes, whole huge pages, that spans were or are told to touch
	live    []int // spans of each huge page
	refs    int
}

// span is a weight's memory.
type span struct {
	n     int
	bytes []byte // nil in a rehearsal
	fresh []byte // what of it begins huge pages that no span before touches
	at    int    // in from
	from  *chunk
}

// get returns n bytes on a 64-byte boundary with undefined contents.
func (a *arena) get(n int) *span {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := (n + 63) &^ 63
	a.bytes += int64(n)
	if size >= chunkBytes/2 {
		return a.newChunk(size).span(n, size)
	}
	if a.open == nil || a.open.used+size > a.open.mem.size {
		a.open = a.newChunk(max(size, chunkBytes))
	}
	return a.open.span(n, size)
}

func (a *arena) newChunk(size int) *chunk {
	return &chunk{mem: newBlock(size, a.dry), live: make([]int, (size+hugePage-1)/hugePage)}
}

// span takes the next size bytes of the chunk, of which n are asked for.
func (c *chunk) span(n, size int) *span {
	s := &span{n: n, at: c.used, from: c}
	c.used += size
	c.refs++
	for i := range c.pages(s) {
		c.live[i]++
	}
	if c.mem.f == nil {
		return s
	}
	all := asBytes(c.mem.f)
	s.bytes = all[s.at:][:n:n]
	if c.mem.raw != nil && c.touched < s.at+n {
		s.fresh = all[c.touched : s.at+n]
		c.touched = (s.at + n + hugePage - 1) &^ (hugePage - 1)
	}
	return s
}

// pages yields the numbers of the huge pages that hold some of s.
func (c *chunk) pages(s *span) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := s.at / hugePage; i*hugePage < s.at+s.n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// put takes a span back. The system gets pages that no weight is left in, and a chunk
// when its last weight goes.
func (a *arena) put(s *span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= int64(s.n)
	c := s.from
	c.refs--
	if c.refs == 0 {
		if c == a.open {
			a.open = nil
		}
		release([]*block{c.mem})
		return
	}
	for i := range c.pages(s) {
		c.live[i]--
		if end := (i + 1) * hugePage; c.live[i] == 0 && end <= c.used && c.mem.raw != nil {
			dropPages(asBytes(c.mem.f)[i*hugePage : end])
		}
	}
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
