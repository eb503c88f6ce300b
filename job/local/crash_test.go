package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/job/local"
	"github.com/troikaml/troika/store/sqlite"
)

// crashDir is how TestKilledAnywhere calls this program again, to be killed.
var crashDir = flag.String("crash.dir", "", "run the jobs of this folder until killed")

// chain is the recipe of the toy job: a chain of hashes, one link a step.
type chain struct {
	Seed  int64 `json:"seed"`
	Steps int   `json:"steps"`
}

// chainState is what it saves after every step.
type chainState struct {
	Step  int    `json:"step"`
	Hash  []byte `json:"hash"`
	Links []byte `json:"links"` // a byte of each
}

// runChain does a chain in dir. It leaves a file with a byte of each link, and
// the events of all steps.
func runChain(dir string) job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var recipe chain
		if err := run.Recipe(&recipe); err != nil {
			return err
		}
		name := filepath.Join(dir, fmt.Sprint("chain-", recipe.Seed))
		var state chainState
		saved, err := os.ReadFile(name + ".json")
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !run.Resume:
			return errors.New("a job that never ran has a state")
		default:
			if err := json.Unmarshal(saved, &state); err != nil {
				return err
			}
		}
		// What was saved is told first: a kill between saving and telling loses no
		// event, and the key keeps one from being there twice.
		for {
			run.Progress(int64(state.Step), int64(recipe.Steps))
			if state.Step > 0 {
				step := fmt.Sprint("step ", state.Step)
				if err := run.Emit(ctx, job.Event{Kind: job.KindMetrics, Key: step, Message: step}); err != nil {
					return err
				}
			}
			if state.Step == recipe.Steps {
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			sum := sha256.Sum256(fmt.Append(state.Hash, recipe.Seed, state.Step))
			state.Hash, state.Links, state.Step = sum[:], append(state.Links, sum[0]), state.Step+1
			if saved, err = json.Marshal(state); err != nil {
				return err
			}
			if err := fsx.WriteFile(name+".json", saved, 0o600); err != nil {
				return err
			}
		}
		if err := fsx.WriteFile(name+".out", state.Links, 0o600); err != nil {
			return err
		}
		return run.SetResult(ctx, map[string][]byte{"hash": state.Hash})
	}
}

func crashOptions(dir string, s *job.Store) local.Options {
	return local.Options{
		Dir: dir, Store: s, Handlers: map[string]job.Handler{"chain": runChain(dir)},
		Lease: 300 * time.Millisecond, Poll: 20 * time.Millisecond,
	}
}

// TestCrashingChild is no test: it is the program that TestKilledAnywhere kills.
func TestCrashingChild(t *testing.T) {
	if *crashDir == "" {
		t.Skip("TestKilledAnywhere calls it")
	}
	s, err := job.Open(t.Context(), openDB(t, *crashDir, "troika"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.Open(t.Context(), crashOptions(*crashDir, s))
	if err != nil {
		t.Fatal(err)
	}
	r.Run(t.Context())
}

// TestKilledAnywhere kills the program that runs the jobs at random moments,
// while a client polls and submits. Every job goes on as the same record and
// ends with the same bytes and events as one that was left in peace.
func TestKilledAnywhere(t *testing.T) {
	kills, steps := 50, 40
	if testing.Short() {
		kills, steps = 6, 20
	}
	dir := t.TempDir()
	s, err := job.Open(t.Context(), openDB(t, dir, "troika"))
	if err != nil {
		t.Fatal(err)
	}
	var jobs []job.Job
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	over := func() int {
		left, _, err := s.List(t.Context(), job.Query{States: []job.State{job.Queued, job.Running, job.Paused}, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(jobs) - len(left)
	}
	var moments []int // how many steps were done when a kill came
	for range kills {
		for over() == len(jobs) { // there is always something to do
			recipe := fmt.Appendf(nil, `{"seed":%d,"steps":%d}`, len(jobs), steps)
			j, err := s.Submit(t.Context(), fmt.Sprint("job ", len(jobs)), job.Spec{Kind: "chain", Recipe: recipe})
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, j)
		}
		killOnce(t, dir, s, jobs, random)
		moments = append(moments, int(get(t, s, jobs[len(jobs)-1].ID).Events))
	}
	finish(t, dir, s)
	t.Logf("seed %d: %d kills over %d jobs of %d steps, when their newest had so many events: %v", seed, kills, len(jobs), steps, moments)
	var runs int64
	for i, j := range jobs {
		runs += checkChain(t, dir, s, i, j, steps)
	}
	if runs < int64(len(jobs)+kills/4) {
		t.Errorf("%d runs of %d jobs: few of %d kills met one", runs, len(jobs), kills)
	}
}

// killOnce starts the program, polls as a client does, and kills it.
func killOnce(t *testing.T, dir string, s *job.Store, jobs []job.Job, random *rand.Rand) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestCrashingChild$", "-crash.dir="+dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := jobs[len(jobs)-1]
	runs := get(t, s, last.ID).Lease.Token
	// Half of the kills come as the program starts, half once it runs the job.
	if random.IntN(2) == 0 {
		tick := time.NewTicker(time.Millisecond)
		for late := time.After(10 * time.Second); ; {
			if j := get(t, s, last.ID); j.Lease.Token > runs || j.State.Final() {
				break
			}
			select {
			case <-tick.C:
				continue
			case <-late:
			}
			break
		}
		tick.Stop()
	}
	<-time.After(time.Duration(random.Int64N(int64(80 * time.Millisecond))))
	_ = cmd.Process.Kill()
	if cmd.Wait() == nil || cmd.ProcessState.ExitCode() >= 0 && cmd.ProcessState.ExitCode() != 1 || out.Len() > 0 {
		t.Fatalf("the program ended by itself: %s %s", cmd.ProcessState, &out)
	}
	if j := get(t, s, last.ID); j.ID != last.ID || j.Digest != last.Digest || !j.CreatedAt.Equal(last.CreatedAt) {
		t.Errorf("after a kill the job is %+v, was %+v", j, last)
	}
}

// finish runs what is left in this process.
func finish(t *testing.T, dir string, s *job.Store) {
	t.Helper()
	r, err := local.Open(t.Context(), crashOptions(dir, s))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		defer cancel()
		for {
			changed := s.Changed()
			left, _, err := s.List(ctx, job.Query{States: []job.State{job.Queued, job.Running}})
			if err != nil || len(left) == 0 {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}()
	r.Run(ctx)
}

func get(t *testing.T, s *job.Store, id string) job.Job {
	t.Helper()
	j, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// checkChain compares what a job left with the chain done in one go, and
// returns how many runs it took.
func checkChain(t *testing.T, dir string, s *job.Store, n int, j job.Job, steps int) int64 {
	t.Helper()
	var hash, links []byte
	for step := range steps {
		sum := sha256.Sum256(fmt.Append(hash, int64(n), step))
		hash, links = sum[:], append(links, sum[0])
	}
	j = get(t, s, j.ID)
	want, err := json.Marshal(map[string][]byte{"hash": hash})
	if err != nil {
		t.Fatal(err)
	}
	if j.State != job.Succeeded || !bytes.Equal(j.Result, want) {
		t.Errorf("job %d is %s (%s), result %s, want %s", n, j.State, j.Reason, j.Result, want)
	}
	if out, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("chain-%d.out", n))); err != nil || !bytes.Equal(out, links) {
		t.Errorf("job %d left %x, %v; want %x", n, out, err, links)
	}
	events, more, err := s.Events(t.Context(), j.ID, job.EventQuery{Limit: 1000})
	if err != nil || more {
		t.Fatal(err, more)
	}
	step := 0
	for i, e := range events {
		if e.Number != int64(i+1) {
			t.Errorf("job %d: event %d has number %d", n, i+1, e.Number)
		}
		if e.Kind != job.KindMetrics {
			continue
		}
		if step++; e.Message != fmt.Sprint("step ", step) {
			t.Errorf("job %d: %q where step %d belongs", n, e.Message, step)
		}
	}
	if step != steps {
		t.Errorf("job %d tells of %d steps, want %d", n, step, steps)
	}
	return j.Lease.Token
}

// A second program on the folder is refused while the first runs, and only so
// long.
func TestSecondProcessRefused(t *testing.T) {
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := job.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.Open(t.Context(), crashOptions(dir, s))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "-test.run=^TestCrashingChild$", "-crash.dir="+dir).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("another program runs the jobs of "+dir)) {
		t.Errorf("the second program: %v: %s", err, out)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
