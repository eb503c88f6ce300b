package cpu

import (
	"fmt"
	"math"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

const (
	smallest = 256     // bytes of the smallest block
	mapFrom  = 1 << 17 // blocks from this size on are mapped, the others lie on the heap
	slack    = 4 << 20
	classes  = 160 // up to 2^41 bytes
	spare    = 2   // classes above the right one whose blocks serve as well
	guardLen = 16  // floats on either side of a guarded tensor
)

// block is a piece of memory of one size class.
type block struct {
	f     []float32 // all of it; nil in a rehearsal
	size  int       // bytes
	class int
	raw   []byte // the mapping behind f, nil on the heap
	zone  []float32
}

// sizeClass returns the number and the size of the class for n bytes. There are
// four classes from one power of two to the next.
func sizeClass(n int) (class, size int) {
	n = max(n, smallest)
	shift := bits.Len(uint(n-1)) - 3
	quarter := (n-1)>>shift + 1 // 5 to 8
	return shift*4 + quarter - 28, quarter << shift
}

// pool hands out blocks. It keeps what is freed as long as tensors and kept
// blocks together stay below the most that tensors ever took, plus a sixteenth and
// some slack: the next step of a training run finds its memory, and the pool hardly
// raises the peak.
type pool struct {
	mu           sync.Mutex
	free         [classes][]*block
	live, pooled int64
	peak         int64 // of live
	held         int64 // outside of the pool
	top          int64 // the most of all three together
	heap         int64 // of blocks that are not mapped, live and pooled
	heapPeak     int64
	dropped      int64 // of such blocks, left to the collector
	guard        bool
	dry          bool // blocks have a size and no memory
	closed       bool
	damage       error // the first guard zone found changed
}

// get returns a block of at least n bytes.
func (p *pool) get(n int) *block {
	if p.guard {
		return p.guarded(n)
	}
	class, size := sizeClass(n)
	p.mu.Lock()
	// A step whose batch is a little smaller than the last one's finds blocks a little
	// larger: to map others would cost more than the rest of those.
	for c := class; c <= min(class+spare, classes-1); c++ {
		if list := p.free[c]; len(list) > 0 {
			b := list[len(list)-1]
			list[len(list)-1] = nil
			p.free[c] = list[:len(list)-1]
			p.pooled -= int64(b.size)
			p.live += int64(b.size)
			p.peak = max(p.peak, p.live)
			p.mu.Unlock()
			return b
		}
	}
	p.live += int64(size)
	p.peak = max(p.peak, p.live)
	drop := p.shrink(nil)
	p.rise()
	if size < mapFrom {
		p.heap += int64(size)
		p.heapPeak = max(p.heapPeak, p.heap)
	}
	p.mu.Unlock()
	release(drop)
	b := newBlock(size, p.dry)
	b.class = class
	return b
}

// newBlock returns fresh memory, size a multiple of 64; none where it is dry.
func newBlock(size int, dry bool) *block {
	b := &block{size: size}
	if dry {
		return b
	}
	if size >= mapFrom {
		b.raw, b.f = mapFloats(size)
	}
	if b.f == nil {
		b.f = make([]float32, size/4)
	}
	return b
}

// put takes b back.
func (p *pool) put(b *block) {
	size := int64(b.size)
	var drop []*block
	p.mu.Lock()
	p.live -= size
	switch {
	case b.zone != nil:
		p.inspect(b)
	case p.closed:
		drop = append(drop, b)
	default:
		p.free[b.class] = append(p.free[b.class], b)
		p.pooled += size
		drop = p.shrink(drop)
	}
	p.mu.Unlock()
	release(drop)
}

// count adds n bytes, or takes them away, that are held outside of the pool.
func (p *pool) count(n int64) {
	p.mu.Lock()
	p.held += n
	p.rise()
	p.mu.Unlock()
}

// rise notes how much is held at once. The caller holds the lock.
func (p *pool) rise() { p.top = max(p.top, p.live+p.pooled+p.held) }

// most is what tensors and kept blocks may take together.
func (p *pool) most() int64 { return p.peak + p.peak/16 + slack }

// shrink takes blocks out of the pool, largest first, until the bound holds. The
// caller holds the lock and releases them after it.
func (p *pool) shrink(drop []*block) []*block {
	for class := classes - 1; class >= 0 && p.live+p.pooled > p.most(); class-- {
		for len(p.free[class]) > 0 && p.live+p.pooled > p.most() {
			list := p.free[class]
			b := list[0] // the one that rested longest
			copy(list, list[1:])
			list[len(list)-1] = nil
			p.free[class] = list[:len(list)-1]
			p.pooled -= int64(b.size)
			if b.size < mapFrom {
				p.heap -= int64(b.size)
				p.dropped += int64(b.size)
			}
			drop = append(drop, b)
		}
	}
	return drop
}

// release gives the memory of blocks back to the system.
func release(blocks []*block) {
	for _, b := range blocks {
		if b.raw != nil {
			unmap(b.raw)
		}
		b.f, b.raw = nil, nil
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for class, list := range p.free {
		release(list)
		p.free[class] = nil
	}
	p.pooled = 0
}

// guardPattern is a signalling value that spoils every sum it enters.
var guardPattern = math.Float32frombits(0x7fa5a5a5)

// guarded returns fresh memory of exactly n bytes between two zones.
func (p *pool) guarded(n int) *block {
	n = (n + 3) / 4
	zone := make([]float32, n+2*guardLen)
	for i := range zone {
		zone[i] = guardPattern
	}
	b := &block{zone: zone, f: zone[guardLen : guardLen+n : guardLen+n], size: 4 * n}
	p.mu.Lock()
	p.live += int64(4 * n)
	p.rise()
	p.mu.Unlock()
	return b
}

func (p *pool) inspect(b *block) {
	want := math.Float32bits(guardPattern)
	for i := range guardLen {
		before, after := b.zone[i], b.zone[len(b.zone)-1-i]
		if p.damage == nil && (math.Float32bits(before) != want || math.Float32bits(after) != want) {
			p.damage = fmt.Errorf("memory around a tensor of %d elements was written", len(b.f))
		}
	}
}

// GuardError reports whether memory outside a tensor was written since the
// device was made with [Options.Guard]. Zones are looked at when a tensor is
// freed.
func (d *Device) GuardError() error {
	d.mem.mu.Lock()
	defer d.mem.mu.Unlock()
	return d.mem.damage
}

// Stats implements [compute.Device]. Live counts whole blocks.
func (d *Device) Stats() compute.Stats {
	d.mem.mu.Lock()
	defer d.mem.mu.Unlock()
	return compute.Stats{
		Live: d.mem.live + d.mem.held, Pooled: d.mem.pooled, Weights: d.arena.size(), Peak: d.mem.top,
		Garbage: min(d.mem.heapPeak+2*d.mem.heapPeak/10, d.mem.dropped),
	}
}

// New implements [compute.Device].
func (d *Device) New(s compute.Spec) *compute.Tensor {
	if s.DType != tensor.F32 && s.DType != tensor.I32 {
		compute.Fail("New", "dtype %s is not a device dtype", s.DType)
	}
	return compute.NewTensor(s, d.mem.get(4*s.Len()))
}

// Free implements [compute.Device].
func (d *Device) Free(t *compute.Tensor) {
	if t.Mem.Release() {
		d.mem.put(t.Mem.Data.(*block))
	}
}

// view returns a tensor's values.
func view(t *compute.Tensor) compute.View {
	f := t.Mem.Data.(*block).f[:t.Len()]
	if t.DType == tensor.I32 {
		return compute.View{Spec: t.Spec, I: asInts(f)}
	}
	return compute.View{Spec: t.Spec, F: f}
}

func asInts(f []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(f))), len(f))
}

// WriteFloats implements [compute.Device].
func (d *Device) WriteFloats(t *compute.Tensor, v []float32) {
	if len(v) != t.Len() || t.DType != tensor.F32 {
		compute.Fail("WriteFloats", "%d values for %v", len(v), t.Spec)
	}
	if !d.mem.dry {
		copy(view(t).F, v)
	}
}

// WriteInts implements [compute.Device].
func (d *Device) WriteInts(t *compute.Tensor, v []int32) {
	if len(v) != t.Len() || t.DType != tensor.I32 {
		compute.Fail("WriteInts", "%d values for %v", len(v), t.Spec)
	}
	if !d.mem.dry {
		copy(view(t).I, v)
	}
}

// ReadFloats implements [compute.Device].
func (d *Device) ReadFloats(dst []float32, t *compute.Tensor, first int) {
	if first < 0 || first+len(dst) > t.Len() || t.DType != tensor.F32 {
		compute.Fail("ReadFloats", "elements %d to %d of %v", first, first+len(dst), t.Spec)
	}
	if d.mem.dry {
		clear(dst)
		return
	}
	copy(dst, view(t).F[first:])
}

// scratch lends n floats with undefined contents until done is called.
func (d *Device) scratch(n int) (f []float32, done func()) {
	b := d.mem.get(4 * n)
	return b.f[:n], func() { d.mem.put(b) }
}
