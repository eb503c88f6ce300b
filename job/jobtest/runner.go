package jobtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/troikaml/troika/job"
)

// Config is what a runner under test works with. Its leases and polls may be
// as short or as long as the runner likes.
type Config struct {
	// Dir is a folder for the runner alone; the same for runners that follow
	// one another on one record.
	Dir      string
	Store    *job.Store
	Handlers map[string]job.Handler
	Admitter job.Admitter // nil admits all
	Parallel int          // runs at a time at most
}

// Start starts a runner. The function it returns stops it, as a program that
// exits would, and waits until everything has ended.
type Start func(t *testing.T, c Config) (stop func())

// patience bounds every wait of the suite, on a machine that is busy otherwise.
const patience = 30 * time.Second

// Runner runs the contract of runners: jobs end as their handlers say, stop
// within one step when told to, and go on where they were. The record of each
// test is on a database of its own.
func Runner(t *testing.T, open OpenDB, start Start) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *bench){
		"succeeds":                 runnerSucceeds,
		"fails":                    runnerFails,
		"cancel within a step":     func(t *testing.T, b *bench) { runnerCancel(t, b, b.store) },
		"cancelled from elsewhere": func(t *testing.T, b *bench) { runnerCancel(t, b, b.other) },
		"pause and resume":         runnerPause,
		"pause asked by handler":   runnerAsksPause,
		"restart":                  runnerRestart,
		"one at a time, in order":  runnerOrder,
		"as many as memory admits": runnerMemory,
		"refused":                  runnerRefused,
		"revoked":                  runnerRevoked,
		"lease lost":               runnerLeaseLost,
		"unknown kind":             runnerUnknownKind,
	} {
		t.Run(name, func(t *testing.T) {
			s, other := openStore(t, open), openStore(t, open)
			goroutines := runtime.NumGoroutine()
			b := &bench{store: s, other: other, dir: t.TempDir(), start: start, steps: make(chan string)}
			test(t, b)
			eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
		})
	}
}

// bench is what the tests of a runner share: a record and a handler of kind
// "steps" that takes a step whenever the test takes it from the channel.
type bench struct {
	store *job.Store
	other *job.Store // the same record, as another process sees it
	dir   string
	start Start
	steps chan string // each step says "recipe@step"

	mu   sync.Mutex
	runs []string // how each run began
	at   map[string]int
}

// stepper is the recipe of a job that takes steps.
type stepper struct {
	N     int `json:"n"`
	Steps int `json:"steps"`
}

// handle takes steps, remembers the last one as a saved file would, and looks
// at its context once a step.
func (b *bench) handle(ctx context.Context, run *job.Run) error {
	var recipe stepper
	if err := run.Recipe(&recipe); err != nil {
		return err
	}
	b.mu.Lock()
	if b.at == nil {
		b.at = map[string]int{}
	}
	step := b.at[run.Job.ID]
	b.runs = append(b.runs, fmt.Sprintf("%d from %d resume=%v", recipe.N, step, run.Resume))
	b.mu.Unlock()
	for step < max(recipe.Steps, 1) {
		select {
		case b.steps <- fmt.Sprintf("%d@%d", recipe.N, step+1):
		case <-ctx.Done():
			return fmt.Errorf("stopped at step %d: %w", step, context.Cause(ctx))
		}
		step++
		b.mu.Lock()
		b.at[run.Job.ID] = step
		b.mu.Unlock()
		run.Progress(int64(step), int64(recipe.Steps))
	}
	return run.SetResult(ctx, map[string]int{"steps": step})
}

// begins returns how each run began so far.
func (b *bench) begins() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.runs, "; ")
}

// run starts a runner for jobs of kind "steps" and those of more handlers.
func (b *bench) run(t *testing.T, c Config) (stop func()) {
	t.Helper()
	c.Dir, c.Store = b.dir, b.store
	if c.Handlers == nil {
		c.Handlers = map[string]job.Handler{}
	}
	c.Handlers["steps"] = b.handle
	stop = sync.OnceFunc(b.start(t, c))
	t.Cleanup(stop)
	return stop
}

func (b *bench) submit(t *testing.T, n, steps int) job.Job {
	t.Helper()
	sp := spec("steps", n)
	sp.Recipe = fmt.Appendf(nil, `{"n":%d,"steps":%d}`, n, steps)
	return submit(t, b.store, "", sp)
}

// step lets one step be taken and checks which.
func (b *bench) step(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-b.steps:
		if got != want {
			t.Errorf("step %s, want %s", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("step %s was not taken", want)
	}
}

// wait waits until a job is in a state and nobody holds it.
func (b *bench) wait(t *testing.T, id string, state job.State) job.Job {
	t.Helper()
	var j job.Job
	eventually(t, fmt.Sprintf("job %s is %s", id, state), func() bool {
		j = get(t, b.store, id)
		return j.State == state && j.Lease.Owner == ""
	})
	return j
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			stacks := make([]byte, 64<<10)
			t.Fatalf("not within %s: %s\n%s", patience, what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func runnerSucceeds(t *testing.T, b *bench) {
	before := b.submit(t, 1, 2) // before the runner is there
	stop := b.run(t, Config{})
	b.step(t, "1@1")
	if j := get(t, b.store, before.ID); j.State != job.Running || j.Lease.Token != 1 || j.StartedAt.IsZero() {
		t.Errorf("a running job: %+v", j)
	}
	b.step(t, "1@2")
	j := b.wait(t, before.ID, job.Succeeded)
	if string(j.Result) != `{"steps":2}` || j.Progress != (job.Progress{Done: 2, Total: 2}) || j.Reason != "" || j.FinishedAt.IsZero() {
		t.Errorf("succeeded: %+v", j)
	}
	after := b.submit(t, 2, 1)
	b.step(t, "2@1")
	b.wait(t, after.ID, job.Succeeded)
	stop()
	if got := told(t, b.store, before.ID); got != "queued running succeeded" {
		t.Errorf("events tell of %s", got)
	}
	if got := b.begins(); got != "1 from 0 resume=false; 2 from 0 resume=false" {
		t.Errorf("runs: %s", got)
	}
}

// codeError is an error that brings its code.
type codeError struct{ error }

func (codeError) Code() string { return "bad_data" }

func runnerFails(t *testing.T, b *bench) {
	defer b.run(t, Config{Handlers: map[string]job.Handler{
		"fails":  func(context.Context, *job.Run) error { return errors.New("line 3 is wrong") },
		"codes":  func(context.Context, *job.Run) error { return fmt.Errorf("read: %w", codeError{errors.New("cut off")}) },
		"panics": func(context.Context, *job.Run) error { panic("a bug") },
	}})()
	for kind, want := range map[string]string{
		"fails": "failed: line 3 is wrong", "codes": "bad_data: read: cut off", "panics": "panic: the program made a mistake: a bug",
	} {
		j := b.wait(t, submit(t, b.store, "", spec(kind, 1)).ID, job.Failed)
		if got := j.Code + ": " + j.Reason; got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	// A recipe that the handler does not know fails the job by name.
	j := b.wait(t, submit(t, b.store, "", job.Spec{Kind: "steps", Recipe: []byte(`{"stesp":3}`)}).ID, job.Failed)
	if !strings.Contains(j.Reason, `"stesp"`) {
		t.Errorf("an unknown setting: %s", j.Reason)
	}
}

func runnerCancel(t *testing.T, b *bench, client *job.Store) {
	memory := job.NewMemory(100)
	defer b.run(t, Config{Admitter: memory})()
	j, queued := b.submit(t, 1, 1000), b.submit(t, 2, 1)
	b.step(t, "1@1")
	for _, id := range []string{queued.ID, j.ID} {
		c, err := client.Cancel(t.Context(), id, "wrong file")
		if err != nil || c.State != job.Cancelled || c.Reason != "wrong file" {
			t.Errorf("cancelled: %+v, %v", c, err)
		}
	}
	// The handler is in the middle of a step, which nobody takes: it stops
	// there, and what it held is free again.
	j = b.wait(t, j.ID, job.Cancelled)
	eventually(t, "memory is free", func() bool { return memory.InUse() == 0 })
	if j.Progress.Done != 1 || j.Result != nil {
		t.Errorf("cancelled at %+v", j)
	}
	next := b.submit(t, 3, 1)
	b.step(t, "3@1")
	b.wait(t, next.ID, job.Succeeded)
	if got := b.begins(); got != "1 from 0 resume=false; 3 from 0 resume=false" {
		t.Errorf("runs: %s", got)
	}
}

func runnerPause(t *testing.T, b *bench) {
	defer b.run(t, Config{})()
	j := b.submit(t, 1, 3)
	b.step(t, "1@1")
	if _, err := b.store.Pause(t.Context(), j.ID, "lunch"); err != nil {
		t.Fatal(err)
	}
	if p := b.wait(t, j.ID, job.Paused); p.Reason != "lunch" || p.Progress.Done != 1 {
		t.Errorf("paused: %+v", p)
	}
	other := b.submit(t, 2, 1) // its place is free meanwhile
	b.step(t, "2@1")
	b.wait(t, other.ID, job.Succeeded)
	if _, err := b.store.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.step(t, "1@2")
	b.step(t, "1@3")
	b.wait(t, j.ID, job.Succeeded)
	if got := b.begins(); got != "1 from 0 resume=false; 2 from 0 resume=false; 1 from 1 resume=true" {
		t.Errorf("runs: %s", got)
	}
	if got := told(t, b.store, j.ID); got != "queued running paused queued running succeeded" {
		t.Errorf("events tell of %s", got)
	}
}

// sqliteError looks like what a database says whose disk is full.
type sqliteError struct{}

func (sqliteError) Error() string { return "database or disk is full (13)" }
func (sqliteError) Code() int     { return 13 }

func runnerAsksPause(t *testing.T, b *bench) {
	reasons := []error{
		fmt.Errorf("save step 7: %w", syscall.ENOSPC),
		fmt.Errorf("emit: %w", sqliteError{}),
		job.Pause(errors.New("the base model is not there: pull it")),
		fmt.Errorf("wait for the weekend: %w", job.ErrPause),
		nil,
	}
	defer b.run(t, Config{Handlers: map[string]job.Handler{
		"full": func(_ context.Context, run *job.Run) error { return reasons[run.Job.Lease.Token-1] },
	}})()
	j := submit(t, b.store, "", spec("full", 1))
	for _, want := range []string{
		"disk_full: save step 7: " + syscall.ENOSPC.Error(), "disk_full: emit: database or disk is full (13)",
		"asked: the base model is not there: pull it", "asked: wait for the weekend: pause",
	} {
		p := b.wait(t, j.ID, job.Paused)
		if got := p.Code + ": " + p.Reason; got != want {
			t.Errorf("paused: %s, want %s", got, want)
		}
		if _, err := b.store.Resume(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
	}
	b.wait(t, j.ID, job.Succeeded)
}

func runnerRestart(t *testing.T, b *bench) {
	stop := b.run(t, Config{})
	j, next := b.submit(t, 1, 3), b.submit(t, 2, 1)
	b.step(t, "1@1")
	stop()
	if q := b.wait(t, j.ID, job.Queued); q.Code != job.CodeShutdown || q.Progress.Done != 1 {
		t.Errorf("stopped: %+v", q)
	}
	defer b.run(t, Config{})()
	b.step(t, "1@2")
	b.step(t, "1@3")
	b.step(t, "2@1")
	b.wait(t, next.ID, job.Succeeded)
	if got := b.begins(); got != "1 from 0 resume=false; 1 from 1 resume=true; 2 from 0 resume=false" {
		t.Errorf("runs: %s", got)
	}
}

func runnerOrder(t *testing.T, b *bench) {
	var jobs []job.Job
	for n := range 5 {
		jobs = append(jobs, b.submit(t, n, 2))
	}
	defer b.run(t, Config{})()
	for n := range jobs { // were two at work, their steps would mix
		b.step(t, fmt.Sprintf("%d@1", n))
		b.step(t, fmt.Sprintf("%d@2", n))
	}
	for _, j := range jobs {
		b.wait(t, j.ID, job.Succeeded)
	}
}

func runnerMemory(t *testing.T, b *bench) {
	var mu sync.Mutex
	var order []int64
	now, most := int64(0), int64(0)
	gate := make(chan struct{})
	defer b.run(t, Config{Parallel: 100, Admitter: job.NewMemory(10), Handlers: map[string]job.Handler{
		"big": func(ctx context.Context, run *job.Run) error {
			need := run.Job.Spec.Needs.Memory
			mu.Lock()
			now, order = now+need, append(order, need)
			most = max(most, now)
			mu.Unlock()
			select {
			case <-gate:
			case <-ctx.Done():
			}
			mu.Lock()
			now -= need
			mu.Unlock()
			return nil
		},
	}})()
	var jobs []job.Job
	for _, need := range []int64{4, 6, 3, 11, 7, 1, 0} {
		sp := spec("big", int(need))
		sp.Needs.Memory = need
		jobs = append(jobs, submit(t, b.store, "", sp))
	}
	eventually(t, "two run at once", func() bool { mu.Lock(); defer mu.Unlock(); return now == 10 })
	close(gate)
	for i, j := range jobs {
		if i == 3 {
			if f := b.wait(t, j.ID, job.Failed); f.Code != job.CodeRefused || !strings.Contains(f.Reason, "11 bytes") {
				t.Errorf("too big: %+v", f)
			}
			continue
		}
		b.wait(t, j.ID, job.Succeeded)
	}
	// The last two are what could start together: their order is free.
	if most > 10 || len(order) != 6 || order[2] != 3 && order[2] != 7 || order[5] != 0 {
		t.Errorf("at most %d bytes at once, begun in the order %v", most, order)
	}
}

// admit is an Admitter by a function.
type admit func(job.Spec) (job.Grant, error)

func (a admit) Admit(_ context.Context, s job.Spec) (job.Grant, error) { return a(s) }

func runnerRefused(t *testing.T, b *bench) {
	var mu sync.Mutex
	answers := []error{job.ErrBusy, job.Pause(errors.New("the licence ended")), nil, errors.New("not for sale")}
	defer b.run(t, Config{Admitter: admit(func(s job.Spec) (job.Grant, error) {
		mu.Lock()
		defer mu.Unlock()
		err := answers[0]
		answers = answers[1:]
		if err != nil {
			return nil, err
		}
		return job.AllowAll{}.Admit(t.Context(), s)
	})})()
	j := b.submit(t, 1, 1)
	if p := b.wait(t, j.ID, job.Paused); p.Reason != "the licence ended" {
		t.Errorf("paused: %+v", p)
	}
	if _, err := b.store.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.step(t, "1@1")
	b.wait(t, j.ID, job.Succeeded)
	if f := b.wait(t, b.submit(t, 2, 1).ID, job.Failed); f.Code != job.CodeRefused || f.Reason != "not for sale" {
		t.Errorf("refused: %+v", f)
	}
	if got := b.begins(); got != "1 from 0 resume=true" {
		t.Errorf("runs: %s", got)
	}
}

// lent is a grant that can be revoked.
type lent struct {
	revoked  chan struct{}
	released chan struct{}
}

func (l *lent) Done() <-chan struct{} { return l.revoked }
func (l *lent) Err() error            { return errors.New("the contract ended") }
func (l *lent) Release()              { close(l.released) }

func runnerRevoked(t *testing.T, b *bench) {
	grants := make(chan *lent, 1)
	lend := admit(func(job.Spec) (job.Grant, error) {
		l := &lent{revoked: make(chan struct{}), released: make(chan struct{})}
		grants <- l
		return l, nil
	})
	defer b.run(t, Config{Admitter: job.All{job.NewMemory(1), lend}})()
	j := b.submit(t, 1, 2)
	b.step(t, "1@1")
	l := <-grants
	close(l.revoked)
	if p := b.wait(t, j.ID, job.Paused); p.Code != job.CodeRevoked || !strings.HasSuffix(p.Reason, "the contract ended") {
		t.Errorf("revoked: %+v", p)
	}
	<-l.released
	if _, err := b.store.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.step(t, "1@2")
	b.wait(t, j.ID, job.Succeeded)
	<-(<-grants).released
}

// runnerLeaseLost takes the lease of a run away: its handler is stopped, and
// the next run of the job waits until it has, since files have no fence.
func runnerLeaseLost(t *testing.T, b *bench) {
	stopped := make(chan error, 1)
	goOn := make(chan struct{})
	var inside atomic.Int64
	stop := b.run(t, Config{Parallel: 2, Handlers: map[string]job.Handler{
		"waits": func(ctx context.Context, run *job.Run) error {
			if inside.Add(1) != 1 {
				t.Error("two runs of one job at once")
			}
			defer inside.Add(-1)
			if run.Job.Lease.Token > 1 {
				return nil
			}
			<-ctx.Done()
			stopped <- errors.Join(context.Cause(ctx), run.Emit(context.WithoutCancel(ctx), job.Event{Message: "stale"}))
			<-goOn
			return nil // it claims to be done
		},
	}})
	j := submit(t, b.store, "", spec("waits", 1))
	eventually(t, "the job runs", func() bool { return get(t, b.store, j.ID).State == job.Running })
	if _, err := b.store.Reclaim(t.Context(), get(t, b.store, j.ID).Lease.Owner); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-stopped:
		want(t, "the handler's context and event", err, job.ErrFenced)
	case <-time.After(patience):
		t.Fatal("the handler was not stopped")
	}
	<-time.After(100 * time.Millisecond) // a second run would begin now
	close(goOn)
	b.wait(t, j.ID, job.Succeeded)
	stop()
	if got := told(t, b.store, j.ID); got != "queued running queued running succeeded" {
		t.Errorf("events tell of %s", got)
	}
}

func runnerUnknownKind(t *testing.T, b *bench) {
	stop := b.run(t, Config{})
	strange := submit(t, b.store, "", spec("strange", 1))
	known := b.submit(t, 1, 1)
	b.step(t, "1@1")
	b.wait(t, known.ID, job.Succeeded)
	stop()
	if j := get(t, b.store, strange.ID); j.State != job.Queued || j.Lease.Token != 0 {
		t.Errorf("a job that nobody can do: %+v", j)
	}
}
