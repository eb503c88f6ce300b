package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Work shorter than this many nanoseconds is not worth waking a worker for.
	worthSharing = 30_000
	// blockTime is what a block should take: short beside a time slice of the
	// operating system, long beside the cost of claiming it.
	blockTime = 200_000
	// patience is how often a goroutine looks before it sleeps: some two hundred
	// microseconds.
	patience = 1500

	// A helper is late when its caller waits for it this long, and this many times as
	// long as a block took the caller: the system has given its processor to another
	// program in the middle of a block. That happens once in a time slice, so a caller
	// then does without helpers for several, and for longer when they are late again.
	lateTime   = 2 * time.Millisecond
	lateBlocks = 4
	aloneLeast = 20 * time.Millisecond
	aloneMost  = 320 * time.Millisecond
)

// workers are the goroutines that help callers.
type workers struct {
	threads int
	jobs    chan *job
	running sync.WaitGroup
	late    lateness
}

// lateness remembers when helpers were late. It moves work in time and between
// processors, and changes no bit of it.
type lateness struct {
	started time.Time
	until   atomic.Int64 // when callers may share again, since started
	pause   atomic.Int64 // the last one
}

// alone reports whether callers do without helpers now.
func (l *lateness) alone() bool { return int64(time.Since(l.started)) < l.until.Load() }

// note is told how long a caller waited for helpers after its own blocks took it so long
// each.
func (l *lateness) note(waited, block time.Duration) {
	if waited < max(lateTime, lateBlocks*block) {
		return
	}
	now, until := int64(time.Since(l.started)), l.until.Load()
	pause := int64(aloneLeast)
	if until > 0 && now-until < int64(aloneMost) { // late again soon after they might
		pause = min(2*l.pause.Load(), int64(aloneMost))
	}
	l.pause.Store(pause)
	l.until.Store(now + pause)
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
	w.late.started = time.Now()
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

// help claims blocks until none is left, and returns how many it did.
func (j *job) help() (done int) {
	for ; ; done++ {
		first := int(j.next.Add(int64(j.block))) - j.block
		if first >= j.n {
			return done
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
	if w.threads == 1 || blocks <= 1 || w.late.alone() {
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
	begin := time.Now()
	done := j.help()
	own := time.Since(begin)
	j.wait()
	if done > 0 { // else nothing tells how long a block may take
		w.late.note(time.Since(begin)-own, own/time.Duration(done))
	}
	if r := j.failed.Load(); r != nil {
		panic(*r)
	}
}
