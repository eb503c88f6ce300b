package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/job"
)

// ErrLocked is wrapped by Open when another runner holds the folder.
var ErrLocked = fsx.ErrLocked

// owner names the runner in leases. The lock makes sure that there is one at a
// time, so whoever holds the lock owns the leases of its former self.
const owner = "local"

// lockName is the file of the folder that is locked.
const lockName = ".jobs.lock"

// Times that hold where Options leaves them out.
const (
	defaultLease = 30 * time.Second
	defaultPoll  = time.Second
)

// Options say what a runner does. Dir, Store and Handlers are needed.
type Options struct {
	// Dir is a folder on a local disk that this runner has to itself, where the
	// database is: two runners never share a record.
	Dir   string
	Store *job.Store
	// Handlers do the jobs of their kinds; jobs of other kinds stay queued.
	Handlers map[string]job.Handler
	// Admitter is asked before each run; nil means job.AllowAll.
	Admitter job.Admitter
	// Parallel is how many jobs run at a time at most, as far as Admitter lets
	// them; 0 means one.
	Parallel int
	// Lease is how long a lease lasts without a heartbeat; 0 means 30 s.
	Lease time.Duration
	// Poll is how often to look for changes by other processes, such as a
	// cancellation from the command line; 0 means 1 s. Changes by this one are
	// seen at once.
	Poll time.Duration
	Log  *slog.Logger // nil is silent
}

// Runner runs jobs in this process.
type Runner struct {
	worker   job.Worker
	kinds    []string
	parallel int
	lock     *fsx.Lock
}

// Open locks the folder, takes back the jobs that a former process left, and
// returns the runner, which the caller closes. [ErrLocked] says that another
// one is open, in this process or elsewhere.
func Open(ctx context.Context, o Options) (*Runner, error) {
	lock, err := fsx.TryLock(filepath.Join(o.Dir, lockName))
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("open job runner: another program runs the jobs of %s: %w", o.Dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open job runner: %w", err)
	}
	r := &Runner{
		worker: job.Worker{
			Store: o.Store, Owner: owner, Handlers: o.Handlers, Admitter: o.Admitter,
			TTL: o.Lease, Poll: o.Poll, Log: o.Log,
		},
		kinds:    slices.Sorted(maps.Keys(o.Handlers)),
		parallel: max(o.Parallel, 1),
		lock:     lock,
	}
	if r.worker.TTL <= 0 {
		r.worker.TTL = defaultLease
	}
	if r.worker.Poll <= 0 {
		r.worker.Poll = defaultPoll
	}
	if r.worker.Log == nil {
		r.worker.Log = slog.New(slog.DiscardHandler)
	}
	if err := r.reclaim(ctx); err != nil {
		return nil, fmt.Errorf("open job runner: %w", errors.Join(err, lock.Release()))
	}
	return r, nil
}

// reclaim takes all leases of this folder back. Nothing may be running.
func (r *Runner) reclaim(ctx context.Context) error {
	back, err := r.worker.Store.Reclaim(ctx, owner)
	for _, j := range back {
		r.worker.Log.InfoContext(ctx, "a job goes on after its runner was lost", "job", j.ID, "kind", j.Spec.Kind)
	}
	return err
}

// Close unlocks the folder. Run must have returned.
func (r *Runner) Close() error {
	if err := r.lock.Release(); err != nil {
		return fmt.Errorf("close job runner: %w", err)
	}
	return nil
}

// Run runs jobs until ctx ends. Then it tells the handlers to stop, waits for
// them however long they take, and returns with their jobs queued for the next
// process.
func (r *Runner) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	ended := make(chan string)
	poll := time.NewTicker(r.worker.Poll)
	defer poll.Stop()
	active := map[string]bool{}
	for {
		changed := r.worker.Store.Changed()
		for len(active) < r.parallel {
			run := r.next(ctx, active)
			if run == nil {
				break
			}
			id := run.Job.ID
			active[id] = true
			running.Go(func() {
				r.worker.Finish(ctx, run)
				select {
				case ended <- id:
				case <-ctx.Done():
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case id := <-ended:
			delete(active, id)
		case <-changed:
		case <-poll.C:
			if len(active) > 0 {
				continue
			}
			// A lease that was given while the disk failed may be on record
			// although nobody got it.
			if err := r.reclaim(ctx); err != nil {
				r.complain(ctx, err)
			}
		}
	}
}

// next begins the run of the job whose turn it is, or returns nil. A job that
// lost its lease and still winds down here is not begun a second time: leases
// fence the record, but not the files of a run.
func (r *Runner) next(ctx context.Context, active map[string]bool) *job.Run {
	for ctx.Err() == nil {
		waiting, err := r.worker.Store.Waiting(ctx, r.kinds, 1)
		if err != nil {
			r.complain(ctx, err)
			return nil
		}
		if len(waiting) == 0 || active[waiting[0].ID] {
			return nil
		}
		run, err := r.worker.Begin(ctx, waiting[0])
		switch {
		case err == nil:
			return run
		case errors.Is(err, job.ErrTaken): // or refused: the next one may do
		case errors.Is(err, job.ErrBusy):
			return nil
		default:
			r.complain(ctx, err)
			return nil
		}
	}
	return nil
}

// complain logs an error unless it comes from stopping.
func (r *Runner) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		r.worker.Log.ErrorContext(ctx, "cannot start jobs", "error", err)
	}
}
