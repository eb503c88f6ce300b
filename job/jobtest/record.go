package jobtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/store"
)

// OpenDB opens a database for a test. The same name opens the same one again,
// as another process would.
type OpenDB func(t *testing.T, name string) *store.DB

// Record runs the contract of [job.Store] on databases that open makes.
func Record(t *testing.T, open OpenDB) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, OpenDB){
		"submit once a key":         recordSubmit,
		"submit and tell":           recordTell,
		"refuse bad specs":          recordBadSpecs,
		"transitions":               recordTransitions,
		"pages of jobs":             recordPages,
		"queue":                     recordQueue,
		"events":                    recordEvents,
		"bad events":                recordBadEvents,
		"one holder":                recordOneHolder,
		"stale holder":              recordStaleHolder,
		"stale holder rolls back":   recordStaleTransaction,
		"reclaim":                   recordReclaim,
		"winding down":              recordWindingDown,
		"changes are told":          recordChanged,
		"joins a transaction":       recordJoins,
		"unknown jobs are an error": recordUnknown,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func openStore(t *testing.T, open OpenDB) *job.Store {
	t.Helper()
	s, err := job.Open(t.Context(), open(t, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spec returns a spec that differs by n.
func spec(kind string, n int) job.Spec {
	return job.Spec{Kind: kind, Recipe: json.RawMessage(fmt.Sprintf(`{"n": %d}`, n))}
}

func submit(t *testing.T, s *job.Store, key string, sp job.Spec) job.Job {
	t.Helper()
	j, err := s.Submit(t.Context(), key, sp)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func get(t *testing.T, s *job.Store, id string) job.Job {
	t.Helper()
	j, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func acquire(t *testing.T, s *job.Store, id, owner string, ttl time.Duration) job.Job {
	t.Helper()
	j, err := s.Acquire(t.Context(), id, owner, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func want(t *testing.T, what string, got, target error) {
	t.Helper()
	if !errors.Is(got, target) {
		t.Errorf("%s: %v, want %v", what, got, target)
	}
}

// told returns the changes of state that the events of a job tell of.
func told(t *testing.T, s *job.Store, id string) string {
	t.Helper()
	events, more, err := s.Events(t.Context(), id, job.EventQuery{Limit: 1000})
	if err != nil || more {
		t.Fatal(err, more)
	}
	var states []string
	for i, e := range events {
		if e.Number != int64(i+1) {
			t.Errorf("event %d has number %d", i+1, e.Number)
		}
		if e.Kind != job.KindState {
			continue
		}
		var c job.Change
		if err := json.Unmarshal(e.Data, &c); err != nil {
			t.Fatal(err)
		}
		states = append(states, string(c.To))
	}
	return strings.Join(states, " ")
}

func recordSubmit(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	sp := job.Spec{
		Kind: "train", Recipe: json.RawMessage(` {"seed": 9007199254740993, "name": "马 <b>", "lr": 1e-4} `),
		Inputs: []troika.Digest{troika.Sum([]byte("base")), troika.Sum([]byte("data"))},
		Use:    job.Use{Purpose: "train", Party: "acme"}, Needs: job.Needs{Memory: 1 << 30, Threads: 2},
	}
	first := submit(t, s, "key", sp)
	if first.State != job.Queued || first.Key != "key" || first.CreatedAt.IsZero() || !first.StartedAt.IsZero() {
		t.Errorf("a new job: %+v", first)
	}
	if got := string(first.Spec.Recipe); got != `{"lr":1e-4,"name":"马 <b>","seed":9007199254740993}` {
		t.Errorf("recipe %s", got)
	}
	again := sp
	again.Recipe = json.RawMessage(`{"lr":1e-4,"seed":9007199254740993,"name":"马 <b>"}`)
	again.Needs.Memory = 5 // no part of what is asked for
	other, err := job.Open(t.Context(), open(t, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			j, err := []*job.Store{s, other}[i%2].Submit(t.Context(), "key", again)
			if err != nil {
				t.Error(err)
			}
			ids[i] = j.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != first.ID {
			t.Errorf("submitted again: job %s, want %s", id, first.ID)
		}
	}
	if got := get(t, other, first.ID); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", first) {
		t.Errorf("read back %+v, want %+v", got, first)
	}
	again.Inputs = again.Inputs[:1]
	_, err = s.Submit(t.Context(), "key", again)
	want(t, "another spec under the key", err, job.ErrConflict)
	again.Use.Party = "other"
	if j := submit(t, s, "key", again); j.ID == first.ID {
		t.Error("two parties share a key")
	}
	if a, b := submit(t, s, "", sp), submit(t, s, "", sp); a.ID == b.ID {
		t.Error("without a key two submissions are one job")
	}
}

func recordTell(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	tell := []job.Event{{Message: "one", Key: "k"}, {Level: job.LevelWarn, Message: "two"}}
	first, err := s.Submit(t.Context(), "key", spec("a", 1), tell...)
	if err != nil || first.Events != 3 {
		t.Fatal(first, err)
	}
	if again, err := s.Submit(t.Context(), "key", spec("a", 1), tell...); err != nil || again.Events != 3 {
		t.Errorf("submitted again: %d events, %v", again.Events, err)
	}
	acquire(t, s, first.ID, "w", time.Minute)
	events, _, err := s.Events(t.Context(), first.ID, job.EventQuery{})
	if err != nil || len(events) != 4 {
		t.Fatal(events, err)
	}
	for i, want := range []string{"the job is queued", "one", "two", "the job is running"} {
		if events[i].Message != want || events[i].Number != int64(i+1) {
			t.Errorf("event %d is %q", events[i].Number, events[i].Message)
		}
	}
	if _, err := s.Submit(t.Context(), "bad", spec("a", 1), job.Event{Level: "loud"}); err == nil {
		t.Error("a bad event was accepted")
	}
	if jobs, _, err := s.List(t.Context(), job.Query{}); err != nil || len(jobs) != 1 {
		t.Errorf("a refused submission left a job: %d, %v", len(jobs), err)
	}
}

func recordBadSpecs(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	for name, sp := range map[string]job.Spec{
		"no kind":         {},
		"kind":            {Kind: "Train it"},
		"recipe":          {Kind: "a", Recipe: json.RawMessage(`{"a":`)},
		"two recipes":     {Kind: "a", Recipe: json.RawMessage(`{} {}`)},
		"null":            {Kind: "a", Recipe: json.RawMessage(`null`)},
		"no object":       {Kind: "a", Recipe: json.RawMessage(`[1]`)},
		"long recipe":     {Kind: "a", Recipe: json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)},
		"unknown input":   {Kind: "a", Inputs: []troika.Digest{{}}},
		"many inputs":     {Kind: "a", Inputs: make([]troika.Digest, 10_001)},
		"negative memory": {Kind: "a", Needs: job.Needs{Memory: -1}},
		"party of two":    {Kind: "a", Use: job.Use{Party: "a\nb"}},
		"purpose":         {Kind: "a", Use: job.Use{Purpose: "\xff"}},
		"long party":      {Kind: "a", Use: job.Use{Party: strings.Repeat("p", 257)}},
	} {
		if _, err := s.Submit(t.Context(), "", sp); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := s.Submit(t.Context(), strings.Repeat("k", 257), spec("a", 1)); err == nil {
		t.Error("a long key was accepted")
	}
	if jobs, _, err := s.List(t.Context(), job.Query{}); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

// brought returns a job in a state, reached by calls that lead there.
func brought(t *testing.T, s *job.Store, state job.State) job.Job {
	t.Helper()
	j := submit(t, s, "", spec("a", 1))
	var err error
	switch state {
	case job.Queued:
		return j
	case job.Paused:
		j, err = s.Pause(t.Context(), j.ID, "later")
	case job.Cancelled:
		j, err = s.Cancel(t.Context(), j.ID, "")
	default:
		j = acquire(t, s, j.ID, "w", time.Minute)
		if state != job.Running {
			j, err = s.End(t.Context(), j.Lease, job.Progress{}, job.Ending{State: state})
		}
	}
	if err != nil || j.State != state {
		t.Fatalf("a job to be %s: %s, %v", state, j.State, err)
	}
	return j
}

// recordTransitions tries every call in every state: what it leads to is what
// the table allows.
func recordTransitions(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	calls := map[string]struct {
		call func(ctx context.Context, j job.Job) (job.Job, error)
		to   job.State
		same []job.State // where nothing happens
	}{
		"pause":  {func(ctx context.Context, j job.Job) (job.Job, error) { return s.Pause(ctx, j.ID, "") }, job.Paused, []job.State{job.Paused}},
		"resume": {func(ctx context.Context, j job.Job) (job.Job, error) { return s.Resume(ctx, j.ID) }, job.Queued, []job.State{job.Queued, job.Running}},
		"cancel": {func(ctx context.Context, j job.Job) (job.Job, error) { return s.Cancel(ctx, j.ID, "") }, job.Cancelled, []job.State{job.Cancelled}},
	}
	for _, state := range job.States() {
		for name, c := range calls {
			j := brought(t, s, state)
			got, err := c.call(t.Context(), j)
			is := state
			switch {
			case slices.Contains(c.same, state):
				if err != nil || got.Events != j.Events {
					t.Errorf("%s of a job that is %s: %v, %d events after %d", name, state, err, got.Events, j.Events)
				}
			case state.Can(c.to):
				is = c.to
				if err != nil || got.State != c.to || got.Events != j.Events+1 || got.State.Final() == got.FinishedAt.IsZero() {
					t.Errorf("%s of a job that is %s: %+v, %v", name, state, got, err)
				}
			default:
				want(t, name+" of a job that is "+string(state), err, job.ErrState)
			}
			if now := get(t, s, j.ID); now.State != is {
				t.Errorf("%s of a job that is %s made it %s", name, state, now.State)
			}
		}
		j := brought(t, s, state)
		_, err := s.Acquire(t.Context(), j.ID, "w", time.Minute)
		if state == job.Queued && err != nil {
			t.Error(err)
		} else if state != job.Queued {
			want(t, "acquire a job that is "+string(state), err, job.ErrTaken)
		}
	}
	j := brought(t, s, job.Failed)
	if got := told(t, s, j.ID); got != "queued running failed" {
		t.Errorf("events tell of %s", got)
	}
}

func recordPages(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	ann := spec("b", 0)
	ann.Use.Party = "ann"
	submit(t, s, "", ann)
	for i := range 7 {
		submit(t, s, "", spec("a", i))
	}
	list := func(q job.Query) (all string) {
		for {
			jobs, more, err := s.List(t.Context(), q)
			if err != nil || q.Limit > 0 && len(jobs) > q.Limit {
				t.Fatal(len(jobs), err)
			}
			for _, j := range jobs {
				all += j.Spec.Kind + string(j.Spec.Recipe) + " "
				q.After = j.ID
			}
			if !more {
				return strings.TrimSpace(all)
			}
			submit(t, s, "", spec("c", 1)) // newer ones do not disturb the pages
		}
	}
	rest := ` a{"n":5} a{"n":4} a{"n":3} a{"n":2} a{"n":1} a{"n":0} b{"n":0}`
	if got := list(job.Query{Limit: 3}); got != `a{"n":6}`+rest {
		t.Errorf("pages: %s", got)
	}
	if got := list(job.Query{Kinds: []string{"a", "b"}}); got != `a{"n":6}`+rest {
		t.Errorf("two kinds: %s", got)
	}
	party, nobody := "ann", ""
	if got := list(job.Query{Party: &party}); got != `b{"n":0}` {
		t.Errorf("a party: %s", got)
	}
	if got := list(job.Query{Party: &nobody, Kinds: []string{"b"}}); got != "" {
		t.Errorf("nobody's: %s", got)
	}
	if got := list(job.Query{States: []job.State{job.Paused, job.Failed}}); got != "" {
		t.Errorf("states: %s", got)
	}
	_, _, err := s.List(t.Context(), job.Query{After: "none"})
	want(t, "after no job", err, store.ErrNotFound)
	for _, limit := range []int{-1, 1001} {
		if _, _, err := s.List(t.Context(), job.Query{Limit: limit}); err == nil {
			t.Errorf("a page of %d was given", limit)
		}
	}
}

func recordQueue(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	var ids []string
	for i := range 4 {
		ids = append(ids, submit(t, s, "", spec("a", i)).ID)
	}
	submit(t, s, "", spec("other", 1))
	next := func() string {
		jobs, err := s.Waiting(t.Context(), []string{"a"}, 1)
		if err != nil || len(jobs) > 1 {
			t.Fatal(len(jobs), err)
		}
		if len(jobs) == 0 {
			return ""
		}
		return jobs[0].ID
	}
	if next() != ids[0] {
		t.Error("the oldest is not first")
	}
	if _, err := s.Pause(t.Context(), ids[0], ""); err != nil {
		t.Fatal(err)
	}
	acquire(t, s, ids[1], "w", time.Minute)
	if next() != ids[2] {
		t.Error("a paused or running job waits")
	}
	if _, err := s.Resume(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if next() != ids[0] {
		t.Error("a resumed job lost its place")
	}
	if jobs, err := s.Waiting(t.Context(), nil, 1); err != nil || len(jobs) != 0 {
		t.Errorf("of no kind: %d, %v", len(jobs), err)
	}
}

func recordEvents(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	j := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "w", time.Minute)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 5 {
				e := job.Event{Kind: job.KindMetrics, Key: fmt.Sprint("step ", w, i), Data: json.RawMessage(`{"loss":1.5}`)}
				for range 2 { // again, as after a crash
					if err := s.Emit(t.Context(), j.Lease, e); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	read := func(q job.EventQuery) (numbers []int64) {
		for {
			events, more, err := s.Events(t.Context(), j.ID, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				numbers = append(numbers, e.Number)
				if e.At.IsZero() || e.Level == "" {
					t.Errorf("event %+v", e)
				}
				q.After, q.Before = e.Number, 0
				if q.Newest {
					q.After, q.Before = 0, e.Number
				}
			}
			if !more {
				return numbers
			}
		}
	}
	up, down := read(job.EventQuery{Limit: 4}), read(job.EventQuery{Limit: 5, Newest: true})
	if len(up) != 22 || len(down) != 22 || get(t, s, j.ID).Events != 22 {
		t.Fatalf("%d events up, %d down", len(up), len(down))
	}
	for i := range up {
		if up[i] != int64(i+1) || down[i] != int64(22-i) {
			t.Errorf("place %d: %d up, %d down", i, up[i], down[i])
		}
	}
	if got := read(job.EventQuery{After: 20}); fmt.Sprint(got) != "[21 22]" {
		t.Errorf("after 20: %v", got)
	}
	if got := read(job.EventQuery{Kinds: []string{job.KindState, "other"}}); fmt.Sprint(got) != "[1 2]" {
		t.Errorf("changes of state: %v", got)
	}
	if got := read(job.EventQuery{After: 22}); len(got) != 0 {
		t.Errorf("after the last: %v", got)
	}
}

func recordBadEvents(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	j := acquire(t, s, submit(t, s, "", spec("a", 1)).ID, "w", time.Minute)
	for name, e := range map[string]job.Event{
		"level": {Level: "loud"},
		"kind":  {Kind: "Not a kind"},
		"key":   {Key: strings.Repeat("k", 257)},
		"data":  {Data: json.RawMessage("{")},
		"long":  {Data: json.RawMessage(`"` + strings.Repeat("x", 64<<10) + `"`)},
	} {
		if err := s.Emit(t.Context(), j.Lease, e); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// Texts come from errors and files: they are made to fit, not refused.
	if err := s.Emit(t.Context(), j.Lease, job.Event{Message: "a\x00\xff" + strings.Repeat("马", 5000)}); err != nil {
		t.Fatal(err)
	}
	events, _, err := s.Events(t.Context(), j.ID, job.EventQuery{After: 2})
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if m := events[0].Message; len(m) > 4100 || !strings.HasPrefix(m, "a\uFFFD\uFFFD马") || !strings.HasSuffix(m, "马…") {
		t.Errorf("message of %d bytes: %.20q", len(m), m)
	}
	for name, result := range map[string]string{"no JSON": "{", "nothing": "", "long": `"` + strings.Repeat("x", 1<<20) + `"`} {
		if err := s.SetResult(t.Context(), j.Lease, json.RawMessage(result)); err == nil {
			t.Errorf("result that is %s: accepted", name)
		}
	}
}

// recordUnknown checks every call on a job that is not there.
func recordUnknown(t *testing.T, open OpenDB) {
	s := openStore(t, open)
	ctx, l := t.Context(), job.Lease{JobID: "none", Owner: "w", Token: 1}
	_, err := s.Get(ctx, "none")
	want(t, "get", err, store.ErrNotFound)
	_, _, err = s.Events(ctx, "none", job.EventQuery{})
	want(t, "events", err, store.ErrNotFound)
	_, err = s.Cancel(ctx, "none", "")
	want(t, "cancel", err, store.ErrNotFound)
	_, err = s.Acquire(ctx, "none", "w", time.Minute)
	want(t, "acquire", err, store.ErrNotFound)
	_, err = s.Heartbeat(ctx, l, time.Minute, job.Progress{})
	want(t, "heartbeat", err, store.ErrNotFound)
	want(t, "emit", s.Emit(ctx, l, job.Event{}), store.ErrNotFound)
}
