package jobtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/store"
)

// recordOneHolder lets many workers of two processes fight for few jobs: each
// job is run once at a time, tokens only grow.
func recordOneHolder(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	other, err := job.Open(t.Context(), open(t, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	const jobs, workers, rounds = 2, 6, 5
	var ids [jobs]string
	var inside, token [jobs]atomic.Int64
	for i := range ids {
		ids[i] = submit(t, s, "", spec("a", i)).ID
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			s := []*job.Store{s, other}[w%2]
			for round := range rounds {
				n := (w + round) % jobs
				j, err := s.Acquire(t.Context(), ids[n], fmt.Sprint("worker ", w), time.Minute)
				if errors.Is(err, job.ErrTaken) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside[n].Add(1) != 1 {
					t.Error("two hold one job")
				}
				if was := token[n].Swap(j.Lease.Token); was >= j.Lease.Token {
					t.Errorf("token %d after %d", j.Lease.Token, was)
				}
				inside[n].Add(-1)
				if _, err := s.End(t.Context(), j.Lease, job.Progress{}, job.Ending{State: job.Queued}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range ids {
		if token[i].Load() == 0 {
			t.Errorf("nobody got job %d", i)
		}
	}
}

// heldCalls are all writes of a holder.
func heldCalls(s *job.Store) map[string]func(ctx context.Context, l job.Lease) error {
	return map[string]func(ctx context.Context, l job.Lease) error{
		"heartbeat": func(ctx context.Context, l job.Lease) error {
			_, err := s.Heartbeat(ctx, l, time.Minute, job.Progress{Done: 99})
			return err
		},
		"event":  func(ctx context.Context, l job.Lease) error { return s.Emit(ctx, l, job.Event{Message: "stale"}) },
		"result": func(ctx context.Context, l job.Lease) error { return s.SetResult(ctx, l, json.RawMessage(`"stale"`)) },
		"end": func(ctx context.Context, l job.Lease) error {
			_, err := s.End(ctx, l, job.Progress{}, job.Ending{State: job.Succeeded})
			return err
		},
	}
}

// recordStaleHolder takes a job over from a holder that sleeps; when it wakes
// up, nothing that it writes arrives.
func recordStaleHolder(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	stale := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "sleeper", time.Microsecond)
	<-time.After(time.Millisecond)
	back, err := s.Reclaim(t.Context(), "")
	if err != nil || len(back) != 1 || back[0].ID != stale.ID || back[0].State != job.Queued || back[0].Code != job.CodeLost {
		t.Fatalf("reclaimed %+v, %v", back, err)
	}
	refused := func(when string, lease job.Lease) {
		before := get(t, s, stale.ID)
		for name, call := range heldCalls(s) {
			want(t, name+" "+when, call(t.Context(), lease), job.ErrFenced)
		}
		if after := get(t, s, stale.ID); fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
			t.Errorf("%s the record changed: %+v, was %+v", when, after, before)
		}
	}
	refused("before anyone took over", stale.Lease)
	now := acquire(t, s, stale.ID, "sleeper", time.Minute) // of the same name, as after a restart
	if now.Lease.Token <= stale.Lease.Token {
		t.Errorf("token %d after %d", now.Lease.Token, stale.Lease.Token)
	}
	refused("after another took over", stale.Lease)
	guess := now.Lease
	guess.Owner = "other"
	refused("by another owner", guess)
	guess.Owner = ""
	refused("by nobody", guess)
	for name, call := range heldCalls(s) {
		if name != "end" {
			if err := call(t.Context(), now.Lease); err != nil {
				t.Errorf("%s of the holder: %v", name, err)
			}
		}
	}
	done, err := s.End(t.Context(), now.Lease, job.Progress{Done: 3, Total: 3}, job.Ending{State: job.Succeeded})
	if err != nil || done.State != job.Succeeded || done.Progress.Done != 3 || string(done.Result) != `"stale"` || done.Lease.Owner != "" {
		t.Errorf("ended: %+v, %v", done, err)
	}
	refused("after the end", now.Lease)
}

// recordStaleTransaction has the work write its own row in the transaction of
// the result: for a stale holder both are undone.
func recordStaleTransaction(t *testing.T, open OpenDB) {
	db := open(t, t.Name())
	s, err := job.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Query(t.Context()).NewRaw("CREATE TABLE published (token BIGINT NOT NULL)").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish := func(l job.Lease) error {
		return db.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := db.Query(ctx).NewRaw("INSERT INTO published (token) VALUES (?)", l.Token).Exec(ctx); err != nil {
				return err
			}
			return s.SetResult(ctx, l, json.RawMessage("{}"))
		})
	}
	stale := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "w", time.Minute)
	if _, err := s.Reclaim(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	now := acquire(t, s, stale.ID, "w", time.Minute)
	want(t, "publishing by a stale holder", publish(stale.Lease), job.ErrFenced)
	if err := publish(now.Lease); err != nil {
		t.Error(err)
	}
	if _, err := s.Cancel(t.Context(), now.ID, ""); err != nil {
		t.Fatal(err)
	}
	want(t, "publishing after the job was cancelled", publish(now.Lease), job.ErrState)
	var tokens []int64
	if err := db.Query(t.Context()).NewRaw("SELECT token FROM published").Scan(t.Context(), &tokens); err != nil || fmt.Sprint(tokens) != "[2]" {
		t.Errorf("published by tokens %v, %v", tokens, err)
	}
}

func recordReclaim(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	live := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "live", time.Minute)
	dead := acquire(t, s, submit(t, s, "", spec("a", 2)).ID, "dead", time.Minute)
	late := acquire(t, s, submit(t, s, "", spec("a", 3)).ID, "late", time.Microsecond)
	<-time.After(time.Millisecond)
	// A heartbeat in time, or late but before anyone noticed, keeps the lease.
	if _, err := s.Heartbeat(t.Context(), late.Lease, time.Minute, job.Progress{Done: 1, Total: 2}); err != nil {
		t.Fatal(err)
	}
	if back, err := s.Reclaim(t.Context(), ""); err != nil || len(back) != 0 {
		t.Errorf("reclaimed %v, %v", back, err)
	}
	back, err := s.Reclaim(t.Context(), "dead")
	if err != nil || len(back) != 1 || back[0].ID != dead.ID {
		t.Fatalf("reclaimed %v, %v", back, err)
	}
	if got := told(t, s, dead.ID); got != "queued running queued" {
		t.Errorf("events tell of %s", got)
	}
	for _, id := range []string{live.ID, late.ID} {
		if j := get(t, s, id); j.State != job.Running {
			t.Errorf("a living holder's job is %s", j.State)
		}
	}
	if j := get(t, s, late.ID); j.Progress != (job.Progress{Done: 1, Total: 2}) {
		t.Errorf("progress %+v", j.Progress)
	}
	for name, call := range map[string]func() (job.Job, error){
		"no owner": func() (job.Job, error) { return s.Acquire(t.Context(), dead.ID, "", time.Minute) },
		"no time":  func() (job.Job, error) { return s.Acquire(t.Context(), dead.ID, "w", 0) },
	} {
		if _, err := call(); err == nil {
			t.Errorf("a lease with %s was given", name)
		}
	}
}

// recordWindingDown pauses and resumes a job whose run has not yet stopped: no
// second run may begin until it has.
func recordWindingDown(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	j := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "w", time.Minute)
	if p, err := s.Pause(t.Context(), j.ID, "lunch"); err != nil || p.Reason != "lunch" || p.Code != job.CodePaused {
		t.Fatal(p, err)
	}
	if p, err := s.Heartbeat(t.Context(), j.Lease, time.Minute, job.Progress{}); err != nil || p.State != job.Paused {
		t.Errorf("heartbeat while winding down: %s, %v", p.State, err)
	}
	if err := s.Emit(t.Context(), j.Lease, job.Event{Message: "saved"}); err != nil {
		t.Errorf("event while winding down: %v", err)
	}
	if r, err := s.Resume(t.Context(), j.ID); err != nil || r.State != job.Queued || r.Reason != "" {
		t.Fatal(r, err)
	}
	if waiting, err := s.Waiting(t.Context(), []string{"a"}, 5); err != nil || len(waiting) != 0 {
		t.Errorf("it waits already: %v, %v", waiting, err)
	}
	_, err := s.Acquire(t.Context(), j.ID, "other", time.Minute)
	want(t, "a second run", err, job.ErrTaken)
	end, err := s.End(t.Context(), j.Lease, job.Progress{Done: 5}, job.Ending{State: job.Paused, Reason: "disk full"})
	if err != nil || end.State != job.Queued || end.Progress.Done != 5 {
		t.Errorf("ended: %+v, %v", end, err)
	}
	events, _, err := s.Events(t.Context(), j.ID, job.EventQuery{Newest: true, Limit: 1})
	if err != nil || len(events) != 1 || events[0].Level != job.LevelWarn {
		t.Errorf("the reason was lost: %+v, %v", events, err)
	}
	if got := acquire(t, s, j.ID, "other", time.Minute); got.Lease.Token != 2 {
		t.Errorf("token %d", got.Lease.Token)
	}
}

func recordChanged(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	j := submit(t, s, "", spec("a", 1))
	changed := s.Changed()
	if _, err := s.Resume(t.Context(), j.ID); err != nil { // queued already
		t.Fatal(err)
	}
	select {
	case <-changed:
		t.Error("told of nothing")
	default:
	}
	if _, err := s.Pause(t.Context(), j.ID, ""); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("not told")
	}
}

// recordJoins submits within a transaction that fails: the job is gone with it.
func recordJoins(t *testing.T, open OpenDB) {
	db := open(t, t.Name())
	s, err := job.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("on second thoughts")
	var id string
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		j, err := s.Submit(ctx, "k", spec("a", 1))
		if err != nil {
			return err
		}
		id = j.ID
		return failed
	})
	want(t, "the transaction", err, failed)
	_, err = s.Get(t.Context(), id)
	want(t, "get", err, store.ErrNotFound)
	if j := submit(t, s, "k", spec("a", 2)); j.State != job.Queued {
		t.Errorf("%+v", j)
	}
}
