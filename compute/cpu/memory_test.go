package cpu

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/troikaml/troika/compute"
)

func TestSizeClass(t *testing.T) {
	last := -1
	for n := 1; n < 1<<22; n += 1 + n/97 {
		class, size := sizeClass(n)
		if size < n || size%64 != 0 || class < last || class >= classes {
			t.Fatalf("%d bytes: class %d of %d bytes after class %d", n, class, size, last)
		}
		if n >= smallest && size > n+n/4 {
			t.Errorf("%d bytes take %d", n, size)
		}
		if again, same := sizeClass(size); again != class || same != size {
			t.Errorf("class %d of %d bytes is not its own", class, size)
		}
		last = class
	}
	if class, _ := sizeClass(1 << 40); class >= classes {
		t.Errorf("a terabyte is of class %d of %d", class, classes)
	}
}

func TestBlocksAreAligned(t *testing.T) {
	var p pool
	for n := 1; n < 8<<20; n += 1 + n/3 {
		b := p.get(n)
		if at := uintptr(unsafe.Pointer(&b.f[0])); at%64 != 0 {
			t.Errorf("%d bytes lie at %x", n, at)
		}
		p.put(b)
	}
	p.close()
}

// What is freed is kept for later, but tensors and pool together never pass the
// highest need so far by more than their share.
func TestPoolIsBounded(t *testing.T) {
	var p pool
	const big = 96 << 20
	a, b := p.get(big), p.get(big)
	p.put(a)
	p.put(b)
	if p.pooled != p.peak || p.live != 0 {
		t.Errorf("pooled %d, live %d, want all of %d kept", p.pooled, p.live, p.peak)
	}
	c := p.get(big)
	if c != b && c != a {
		t.Error("a kept block was not reused")
	}
	if d := p.get(big / 2); p.live+p.pooled > p.most() {
		t.Errorf("live %d and pooled %d pass %d", p.live, p.pooled, p.most())
	} else {
		p.put(d)
	}
	for range 20 {
		var held []*block
		for n := 1 << 20; n < 64<<20; n += n / 2 {
			held = append(held, p.get(n))
			if p.live+p.pooled > p.most() {
				t.Fatalf("live %d and pooled %d pass %d", p.live, p.pooled, p.most())
			}
		}
		for _, h := range held {
			p.put(h)
		}
	}
	p.put(c)
	p.close()
	if p.pooled != 0 || p.live != 0 {
		t.Errorf("%d bytes pooled and %d live after close", p.pooled, p.live)
	}
}

func TestGuardsShowStrayWrites(t *testing.T) {
	for _, off := range []int{-1, 5, -guardLen, 5 + guardLen - 1} {
		d := New(Options{Threads: 1, Guard: true})
		x := d.New(compute.Float(5))
		zone := x.Mem.Data.(*block).zone
		d.Run(compute.Fill{Value: 1}, []*compute.Tensor{x})
		zone[guardLen+off] = 1
		d.Free(x)
		if d.GuardError() == nil {
			t.Errorf("a write at %d of 5 elements was not seen", off)
		}
		d.Close()
	}
}

func TestWorkers(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		var w workers
		w.start(threads)
		for _, n := range []int{0, 1, 2, 7, 1000} {
			var mu sync.Mutex
			seen := make([]int, n)
			w.share(n, 3, func(first, end int) {
				mu.Lock()
				defer mu.Unlock()
				for i := first; i < end; i++ {
					seen[i]++
				}
			})
			for i, times := range seen {
				if times != 1 {
					t.Fatalf("%d workers: item %d of %d ran %d times", threads, i, n, times)
				}
			}
		}
		w.stop()
	}
}

// Work may share out work of its own: callers help themselves, so nobody waits
// for a worker to become free.
func TestWorkersNest(t *testing.T) {
	var w workers
	w.start(3)
	defer w.stop()
	var mu sync.Mutex
	count := 0
	w.share(20, 1, func(int, int) {
		w.share(20, 1, func(int, int) {
			runtime.Gosched()
			mu.Lock()
			count++
			mu.Unlock()
		})
	})
	if count != 400 {
		t.Errorf("%d inner blocks ran, want 400", count)
	}
}

// A panic in a worker reaches the caller, whose border turns it into an error,
// and leaves the workers and the memory in order.
func TestWorkersPanic(t *testing.T) {
	d := New(Options{Threads: 3})
	defer d.Close()
	for range 10 {
		err := func() (err error) {
			defer compute.Recover(&err)
			d.work.share(100, 1, func(first, _ int) {
				if first == 57 {
					compute.Fail("Test", "block %d", first)
				}
			})
			return nil
		}()
		if err == nil {
			t.Fatal("a panic in a block was lost")
		}
	}
	table := d.New(compute.Float(4, 1000))
	ids := compute.FromInts(d, []int32{0, 4}, 2)
	err := func() (err error) {
		defer compute.Recover(&err)
		d.Run(compute.GatherRows{}, []*compute.Tensor{table, ids})
		return nil
	}()
	if err == nil {
		t.Error("an index outside of the table was taken")
	}
	d.Free(table)
	d.Free(ids)
	if n := d.Stats().Live; n != 0 {
		t.Errorf("%d bytes are held after a failed call", n)
	}
}

// Weights share chunks; a chunk goes back with its last weight.
func TestArena(t *testing.T) {
	var a arena
	var spans []*span
	for i := range 40 {
		s := a.get(1000 + 300_000*(i%20))
		if at := uintptr(unsafe.Pointer(&s.bytes[0])); at%64 != 0 {
			t.Errorf("span %d lies at %x", i, at)
		}
		for j := range s.bytes {
			s.bytes[j] = byte(i)
		}
		spans = append(spans, s)
	}
	for i, s := range spans {
		if s.bytes[0] != byte(i) || s.bytes[len(s.bytes)-1] != byte(i) {
			t.Errorf("span %d was written by another", i)
		}
		a.put(s)
	}
	if a.size() != 0 || a.open != nil {
		t.Errorf("%d bytes are held", a.size())
	}
}

// Pages between two weights go back with the weight that had them, the neighbours keep
// their bytes, and each huge page is touched for one weight alone.
func TestArenaPages(t *testing.T) {
	var a arena
	const n = 5<<20 + 64
	var spans []*span
	touched := 0
	for i := range 4 {
		s := a.get(n)
		if s.from.mem.raw == nil {
			t.Skip("memory is not mapped here")
		}
		for j := range s.bytes {
			s.bytes[j] = byte(i) + 1
		}
		if len(s.fresh) > 0 && &s.fresh[len(s.fresh)-1] != &s.bytes[n-1] {
			t.Errorf("span %d: what is fresh ends elsewhere", i)
		}
		if len(s.fresh) > n {
			t.Errorf("span %d of %d bytes: %d are fresh", i, n, len(s.fresh))
		}
		touched += (len(s.fresh) + hugePage - 1) / hugePage
		spans = append(spans, s)
	}
	if all := spans[0].from; spans[3].from != all || touched != (all.used+hugePage-1)/hugePage {
		t.Errorf("%d huge pages are touched for %d bytes", touched, all.used)
	}
	a.put(spans[1])
	inner := asBytes(spans[1].from.mem.f)[3*hugePage : 5*hugePage]
	if inner[0] != 0 || inner[len(inner)-1] != 0 {
		t.Error("whole pages of a weight that went are kept")
	}
	for _, i := range []int{0, 2, 3} {
		for _, b := range spans[i].bytes {
			if b != byte(i)+1 {
				t.Fatalf("span %d was cleared", i)
			}
		}
		a.put(spans[i])
	}
	if a.size() != 0 || a.open != nil {
		t.Errorf("%d bytes are held", a.size())
	}
}
