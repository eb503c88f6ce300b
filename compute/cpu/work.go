package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// Work shorter than this many nanoseconds is not worth waking a worker for.
	worthSharing = 30_000
	// blockTime is what a block should take: short beside a time slice of the
	// operating system, long beside the cost of claiming it.
	blockTime = 200_000
	// patience is how often a goroutine looks before it sleeps: some fifty
	// microseconds.
	patience = 1500
)

// workers are the goroutines that help callers.
type workers struct {
	threads int
	jobs    chan *job
	running sync.WaitGroup
}

// job is a range of work that its caller and the workers share.
type job struct {
	fn     func(first, end int)
	n      int
	block  int
	next   atomic.Int64 // the first item that nobody claimed
	left   sync.WaitGroup
	open   atomic.Int64 // blocks that are not done
	failed atomic.Pointer[any]
}

func (w *workers) start(threads int) {
	w.threads = threads
	w.jobs = make(chan *job, 4*threads)
	for range threads - 1 {
		w.running.Go(func() {
			for {
				j, ok := w.next()
				if !ok {
					return
				}
				j.help()
			}
		})
	}
}

// next waits for a job: a while awake, since in a model's step one product follows the
// other within microseconds, and a sleeping processor takes longer than that to come
// back. It yields all the while.
func (w *workers) next() (j *job, ok bool) {
	for range patience {
		select {
		case j, ok = <-w.jobs:
			return j, ok
		default:
			runtime.Gosched()
		}
	}
	j, ok = <-w.jobs
	return j, ok
}

// wait returns when all blocks are done.
func (j *job) wait() {
	for range patience {
		if j.open.Load() == 0 {
			return
		}
		runtime.Gosched()
	}
	j.left.Wait()
}

func (w *workers) stop() {
	close(w.jobs)
	w.running.Wait()
}

// help claims blocks until none is left.
func (j *job) help() {
	for {
		first := int(j.next.Add(int64(j.block))) - j.block
		if first >= j.n {
			return
		}
		j.do(first, min(first+j.block, j.n))
	}
}

// do runs one block. A panic is kept for the caller: it is a programmer's
// mistake that the border above turns into an error.
func (j *job) do(first, end int) {
	defer func() {
		j.open.Add(-1)
		j.left.Done()
	}()
	defer func() {
		if r := recover(); r != nil {
			j.failed.CompareAndSwap(nil, &r)
		}
	}()
	j.fn(first, end)
}

// each runs fn over the items 0 to n, cut into blocks that may run at the same
// time. cost is an item's rough time in nanoseconds.
func (w *workers) each(n, cost int, fn func(first, end int)) {
	total := n * max(cost, 1)
	if n == 0 {
		return
	}
	if w.threads == 1 || n == 1 || total < worthSharing {
		fn(0, n)
		return
	}
	per := min(blockTime, total/(2*w.threads))
	w.share(n, max(1, per/max(cost, 1)), fn)
}

// share is each with the size of the blocks given.
func (w *workers) share(n, size int, fn func(first, end int)) {
	blocks := (n + size - 1) / size
	if w.threads == 1 || blocks <= 1 {
		if n > 0 {
			fn(0, n)
		}
		return
	}
	j := &job{fn: fn, n: n, block: size}
	j.left.Add(blocks)
	j.open.Store(int64(blocks))
	for range min(w.threads, blocks) - 1 {
		select {
		case w.jobs <- j:
		default: // the others have enough to do
		}
	}
	j.help()
	j.wait()
	if r := j.failed.Load(); r != nil {
		panic(*r)
	}
}
