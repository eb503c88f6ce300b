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
}

type chunk struct {
	mem  *block
	used int // bytes
	refs int
}

// span is a weight's memory.
type span struct {
	bytes []byte
	from  *chunk
}

// get returns n bytes on a 64-byte boundary with undefined contents.
func (a *arena) get(n int) *span {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := (n + 63) &^ 63
	a.bytes += int64(n)
	if size >= ownChunk {
		c := &chunk{mem: newBlock(size), refs: 1}
		return &span{bytes: asBytes(c.mem.f)[:n:n], from: c}
	}
	if a.open == nil || a.open.used+size > chunkBytes {
		a.open = &chunk{mem: newBlock(chunkBytes)}
	}
	c := a.open
	s := &span{bytes: asBytes(c.mem.f)[c.used:][:n:n], from: c}
	c.used += size
	c.refs++
	return s
}

// put takes a span back. A chunk goes when its last weight does.
func (a *arena) put(s *span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= int64(len(s.bytes))
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

// scratches lends working memory to goroutines that run kernels.
type scratches struct {
	mu   sync.Mutex
	free []*kernel.Scratch
}

func (s *scratches) get() *kernel.Scratch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		k := s.free[n-1]
		s.free = s.free[:n-1]
		return k
	}
	return new(kernel.Scratch)
}

func (s *scratches) put(k *kernel.Scratch) {
	s.mu.Lock()
	s.free = append(s.free, k)
	s.mu.Unlock()
}
