package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

// Handler does the jobs of one kind. It returns nil when the work is done, an
// error that wraps [ErrPause] to set the job aside, and any other error to fail
// it. It looks at ctx at least once a step and returns soon after it ends, with
// what it has saved; context.Cause tells why: [ErrCancelled], [ErrPaused],
// [ErrRevoked], [ErrShutdown] or [ErrFenced]. What it writes while it winds
// down wants context.WithoutCancel. A panic fails the job.
type Handler func(ctx context.Context, run *Run) error

// Why a handler's context ends.
var (
	ErrCancelled = errors.New("the job was cancelled")
	ErrPaused    = errors.New("the job was paused")
	ErrRevoked   = errors.New("the leave to run the job was revoked")
	ErrShutdown  = errors.New("the runner is stopping")
)

// ErrPause is wrapped by errors of handlers and admitters that ask for the job
// to be paused with the error's text as its reason; see [Pause]. An error that
// says that the disk is full means the same.
var ErrPause = errors.New("pause")

// Pause returns an error with the text of reason that wraps it and [ErrPause].
func Pause(reason error) error { return &pauseError{reason} }

type pauseError struct{ reason error }

func (e *pauseError) Error() string   { return e.reason.Error() }
func (e *pauseError) Unwrap() []error { return []error{ErrPause, e.reason} }

// Codes of endings. An error that has a method Code() string brings its own.
const (
	CodeFailed   = "failed"
	CodeRefused  = "refused" // by the admitter
	CodePanic    = "panic"
	CodeDiskFull = "disk_full"
	CodeAsked    = "asked" // the handler asked for a pause
	CodeRevoked  = "revoked"
	CodeShutdown = "shutdown"
)

// Run is one run of a job, under one lease. It is safe for concurrent use.
type Run struct {
	// Job is the record as it was when the lease was taken.
	Job Job
	// Resume says that the job has run before. The handler goes on from what it
	// finds, which may be nothing.
	Resume bool

	store       *Store
	grant       Grant
	done, total atomic.Int64
}

// Emit appends an event to the job.
func (r *Run) Emit(ctx context.Context, e Event) error { return r.store.Emit(ctx, r.Job.Lease, e) }

// Progress notes how far the job is. It costs nothing: the record takes it with
// the next heartbeat.
func (r *Run) Progress(done, total int64) {
	r.done.Store(done)
	r.total.Store(total)
}

func (r *Run) progress() Progress { return Progress{Done: r.done.Load(), Total: r.total.Load()} }

// SetResult records the JSON of v as what the job made; see [Store.SetResult].
func (r *Run) SetResult(ctx context.Context, v any) error {
	b, err := marshal(v)
	if err != nil {
		return fmt.Errorf("result of job %s: %w", r.Job.ID, err)
	}
	return r.store.SetResult(ctx, r.Job.Lease, b)
}

// Recipe reads the job's recipe into v. A field that v lacks is an error: a
// setting that is not understood must not be passed over.
func (r *Run) Recipe(v any) error {
	d := json.NewDecoder(bytes.NewReader(r.Job.Spec.Recipe))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("recipe of job %s: %w", r.Job.ID, err)
	}
	return nil
}

// Worker is what runners share: it takes jobs, calls handlers, keeps leases
// alive and records how runs end. All fields but Admitter and Log are needed.
// It is safe for concurrent use.
type Worker struct {
	Store *Store
	// Owner names the worker in leases.
	Owner    string
	Handlers map[string]Handler
	Admitter Admitter // nil means AllowAll
	// TTL is how long a lease lasts without a heartbeat; there are three in that
	// time.
	TTL time.Duration
	// Poll is how often to look for changes that other processes make.
	Poll time.Duration
	Log  *slog.Logger // nil is silent
}

// Begin asks the admitter for leave to run j and takes its lease. The caller
// must call Finish with the run. [ErrBusy] and [ErrTaken] say that there is no
// run now. A job that the admitter refuses is recorded as failed, or paused if
// it asks for that, and gives ErrTaken.
func (w *Worker) Begin(ctx context.Context, j Job) (*Run, error) {
	admitter := w.Admitter
	if admitter == nil {
		admitter = AllowAll{}
	}
	g, refused := admitter.Admit(ctx, j.Spec)
	if errors.Is(refused, ErrBusy) {
		return nil, fmt.Errorf("begin job %s: %w", j.ID, refused)
	}
	j, err := w.Store.Acquire(ctx, j.ID, w.Owner, w.TTL)
	if err != nil {
		if refused == nil {
			g.Release()
		}
		return nil, fmt.Errorf("begin: %w", err)
	}
	r := &Run{Job: j, Resume: j.Lease.Token > 1, store: w.Store, grant: g}
	r.Progress(j.Progress.Done, j.Progress.Total)
	if refused == nil {
		return r, nil
	}
	end := endingOf(refused, nil)
	if end.State == Failed && end.Code == CodeFailed {
		end.Code = CodeRefused
	}
	w.end(ctx, r, end)
	return nil, fmt.Errorf("begin job %s: %w: %w", j.ID, ErrTaken, refused)
}

// Finish calls the handler of a run, waits for it and records how it ended.
// When ctx ends, the run is told to stop with [ErrShutdown] and its job is
// queued again.
func (w *Worker) Finish(ctx context.Context, r *Run) {
	defer r.grant.Release()
	inner, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.watch(ctx, r, stop, over)
	}()
	err := w.call(inner, r)
	close(over)
	<-watched
	w.end(ctx, r, endingOf(err, context.Cause(inner)))
}

// call runs the handler and turns a panic into an error.
func (w *Worker) call(ctx context.Context, r *Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log().ErrorContext(ctx, "a job's handler panicked", "job", r.Job.ID, "panic", p, "stack", string(debug.Stack()))
			err = &panicError{p}
		}
	}()
	h := w.Handlers[r.Job.Spec.Kind]
	if h == nil {
		return fmt.Errorf("no handler for jobs of kind %q", r.Job.Spec.Kind)
	}
	return h(ctx, r)
}

type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("the program made a mistake: %v", e.value) }
func (*panicError) Code() string    { return CodePanic }

// watch keeps the lease of a run alive until over is closed, and stops the run
// when its job, its grant or the worker's context asks for it.
func (w *Worker) watch(ctx context.Context, r *Run, stop context.CancelCauseFunc, over <-chan struct{}) {
	poll := time.NewTicker(w.Poll)
	defer poll.Stop()
	beat := time.NewTicker(max(w.TTL/3, time.Millisecond))
	defer beat.Stop()
	shutdown, revoked := ctx.Done(), r.grant.Done()
	ctx = context.WithoutCancel(ctx)
	for {
		changed := r.store.Changed()
		j, err := r.store.Get(ctx, r.Job.ID)
		r.obey(j, err, stop, w.log())
		select {
		case <-over:
			return
		case <-shutdown:
			stop(ErrShutdown)
			shutdown = nil
		case <-revoked:
			stop(revocation(r.grant))
			revoked = nil
		case <-changed:
		case <-poll.C:
		case <-beat.C:
			j, err := r.store.Heartbeat(ctx, r.Job.Lease, w.TTL, r.progress())
			r.obey(j, err, stop, w.log())
		}
	}
}

func revocation(g Grant) error {
	if why := g.Err(); why != nil {
		return fmt.Errorf("%w: %w", ErrRevoked, why)
	}
	return ErrRevoked
}

// obey stops the run where its job is no longer running under its lease. A
// database that fails for a moment stops nothing: the lease is what counts.
func (r *Run) obey(j Job, err error, stop context.CancelCauseFunc, log *slog.Logger) {
	switch {
	case errors.Is(err, ErrFenced):
		stop(ErrFenced)
	case err != nil:
		log.Warn("cannot read a job's record", "job", r.Job.ID, "error", err)
	case j.Lease.Token != r.Job.Lease.Token || j.Lease.Owner != r.Job.Lease.Owner:
		stop(ErrFenced)
	case j.State == Cancelled:
		stop(ErrCancelled)
	case j.State != Running:
		stop(ErrPaused)
	}
}

// endingOf says how a run ended whose handler returned err after its context
// ended for cause, nil if it had not.
func endingOf(err, cause error) Ending {
	switch {
	case errors.Is(cause, ErrRevoked):
		return Ending{State: Paused, Code: CodeRevoked, Reason: cause.Error()}
	case err == nil:
		return Ending{State: Succeeded}
	case DiskFull(err):
		return Ending{State: Paused, Code: CodeDiskFull, Reason: err.Error()}
	case errors.Is(err, ErrPause):
		return Ending{State: Paused, Code: codeOf(err, CodeAsked), Reason: err.Error()}
	case errors.Is(cause, ErrShutdown):
		return Ending{State: Queued, Code: CodeShutdown}
	case cause != nil: // the job has its state already
		return Ending{State: Queued}
	}
	return Ending{State: Failed, Code: codeOf(err, CodeFailed), Reason: err.Error()}
}

// codeOf returns the code that err brings, or another.
func codeOf(err error, other string) string {
	if own, ok := errors.AsType[interface {
		error
		Code() string
	}](err); ok {
		return own.Code()
	}
	return other
}

// sqliteFull is SQLITE_FULL of https://sqlite.org/rescode.html; extended codes
// hold it in their low byte.
const sqliteFull = 13

// DiskFull reports whether err says so: in the system's words or the database's.
func DiskFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	db, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	return ok && db.Code()&0xff == sqliteFull
}

// Times of recording an end: a full disk may take a while to clear, but a
// worker that must stop leaves the lease to be reclaimed.
const (
	endRetry    = 200 * time.Millisecond
	endPatience = 5 * time.Second
)

// end records how a run ended. It tries until it is done, the lease is lost, or
// the worker has been told to stop a while ago.
func (w *Worker) end(ctx context.Context, r *Run, end Ending) {
	retry := time.NewTicker(endRetry)
	defer retry.Stop()
	shutdown := ctx.Done()
	var late <-chan time.Time
	for {
		_, err := w.Store.End(context.WithoutCancel(ctx), r.Job.Lease, r.progress(), end)
		if err == nil {
			return
		}
		if errors.Is(err, ErrFenced) {
			w.log().WarnContext(ctx, "a run had lost its lease", "job", r.Job.ID, "token", r.Job.Lease.Token)
			return
		}
		w.log().ErrorContext(ctx, "cannot record how a job ended", "job", r.Job.ID, "state", end.State, "error", err)
		select {
		case <-retry.C:
		case <-shutdown:
			shutdown, late = nil, time.After(endPatience)
		case <-late:
			return
		}
	}
}

func (w *Worker) log() *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log
}
