package finetune_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve/finetune"
	"github.com/troikaml/troika/train"
)

// steps returns the steps that a job tells of, in order.
func (f *fixture) steps(t *testing.T, id string) []string {
	t.Helper()
	var messages []string
	q := job.EventQuery{Kinds: []string{job.KindMetrics}, Limit: 1000}
	events, more, err := f.jobs.Events(t.Context(), strings.TrimPrefix(id, "ftjob-"), q)
	if err != nil || more {
		t.Fatal(err, more)
	}
	for _, e := range events {
		messages = append(messages, e.Message)
	}
	return messages
}

// untilStep waits until a job has told of so many steps.
func (f *fixture) untilStep(t *testing.T, id string, n int) {
	t.Helper()
	for late := time.Now().Add(4 * time.Minute); len(f.steps(t, id)) < n; <-time.After(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("job %s tells of %d steps, want %d", id, len(f.steps(t, id)), n)
		}
	}
}

// A job that is paused, resumed, and loses its runner at random moments makes the bits
// and tells of the steps of one that ran through.
func TestSameBits(t *testing.T) {
	rounds, lines := 12, 20 // of which a step takes two
	if testing.Short() {
		rounds, lines = 3, 4
	}
	steps := 2 * lines // of four epochs
	f := newFixture(t, starterDir, nil)
	stop := f.work(t)
	training, validation := f.send(t, examples(0, lines)), f.send(t, examples(50, 2))
	body := `{"model":"starter","training_file":"` + training + `","validation_file":"` + validation +
		`","seed":11,"hyperparameters":{"n_epochs":4,"batch_size":2}}`
	straight := f.create(t, body)
	f.await(t, straight, "succeeded")
	disturbed := f.create(t, body)
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for i := range rounds {
		f.untilStep(t, disturbed, i*steps/rounds)
		<-time.After(time.Duration(random.Int64N(int64(30 * time.Millisecond))))
		if i%2 == 0 { // as when the server stops and starts again
			stop()
			stop = f.work(t)
			continue
		}
		if j, err := f.client.FineTuning.Jobs.Pause(t.Context(), disturbed); err != nil || j.Status != "paused" {
			break // it was over
		}
		if _, err := f.client.FineTuning.Jobs.Resume(t.Context(), disturbed); err != nil {
			t.Fatal(err)
		}
	}
	done := f.await(t, disturbed, "succeeded")
	if !bytes.Equal(f.weights(t, straight), f.weights(t, disturbed)) {
		t.Error("the disturbed job made other bits")
	}
	want, got := f.steps(t, straight), f.steps(t, disturbed)
	if len(want) != steps || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the disturbed job tells of %d steps, the other of %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	page, err := f.client.FineTuning.Jobs.Checkpoints.List(t.Context(), disturbed, openai.FineTuningJobCheckpointListParams{})
	if err != nil || len(page.Data) != 3 || page.Data[2].StepNumber != int64(lines) || page.Data[0].FineTunedModelCheckpoint != done.FineTunedModel {
		t.Errorf("checkpoints %+v, %v", page, err)
	}
	dirs, err := filepath.Glob(filepath.Join(f.home, "tuned", straight, "step-*", "*.safetensors"))
	if err != nil || len(dirs) != 3 {
		t.Fatal(dirs, err)
	}
	for _, one := range dirs {
		a, err := os.ReadFile(one)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(strings.Replace(one, straight, disturbed, 1))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs in the disturbed job: %v", one, err)
		}
	}
	for _, left := range f.left {
		if left.Live != 0 || left.Weights != 0 {
			t.Errorf("a run left %+v on its device", left)
		}
	}
}

// Cancelling stops a job within a step and gives its memory back; its checkpoints stay.
func TestCancel(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	f.work(t)
	training := f.send(t, examples(0, 100))
	id := f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":50,"batch_size":1}}`)
	f.untilStep(t, id, 5)
	before := len(f.steps(t, id))
	j, err := f.client.FineTuning.Jobs.Cancel(t.Context(), id)
	if err != nil || j.Status != "cancelled" || j.FinishedAt == 0 || j.FineTunedModel != "" {
		t.Fatal(j, err)
	}
	at := len(f.steps(t, id))
	for start := time.Now(); ; <-time.After(time.Millisecond) {
		f.mu.Lock()
		n := len(f.left)
		f.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal("the run goes on after its job was cancelled")
		}
	}
	if after := len(f.steps(t, id)); after > at+1 {
		t.Errorf("%d steps before cancelling, %d then, %d at the end: more than one came after", before, at, after)
	}
	if left := f.left[0]; left.Live != 0 || left.Weights != 0 {
		t.Errorf("the run left %+v on its device", left)
	}
	for name, do := range map[string]func() (*openai.FineTuningJob, error){
		"pause":  func() (*openai.FineTuningJob, error) { return f.client.FineTuning.Jobs.Pause(t.Context(), id) },
		"resume": func() (*openai.FineTuningJob, error) { return f.client.FineTuning.Jobs.Resume(t.Context(), id) },
	} {
		if _, err := do(); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%s after cancelling: %v", name, err)
		}
	}
	if j, err := f.client.FineTuning.Jobs.Cancel(t.Context(), id); err != nil || j.Status != "cancelled" {
		t.Errorf("cancelling again: %v", err)
	}
	// The next job clears what is of no more use.
	state := filepath.Join(f.home, "runs", id, "state.safetensors")
	if _, err := os.Stat(state); err != nil {
		t.Errorf("the stopped run saved nothing: %v", err)
	}
	next := f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":1,"batch_size":100}}`)
	f.await(t, next, "succeeded")
	if _, err := os.Stat(state); err == nil {
		t.Error("the state of a cancelled job stays for ever")
	}
}

// Jobs that wait can be paused, and keep their place.
func TestPauseQueued(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training := f.send(t, examples(0, 4))
	id := f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":1}}`)
	if j, err := f.client.FineTuning.Jobs.Pause(t.Context(), id); err != nil || j.Status != "paused" || !strings.Contains(j.RawJSON(), `"status_details":"paused by a client"`) {
		t.Fatal(j, err)
	}
	f.work(t)
	<-time.After(50 * time.Millisecond)
	f.await(t, id, "paused")
	if j, err := f.client.FineTuning.Jobs.Resume(t.Context(), id); err != nil || j.Status != "queued" && j.Status != "running" {
		t.Fatal(j, err)
	}
	f.await(t, id, "succeeded")
}

// A checkpoint that could not be written in time is made up for, with the bits that it
// would have had.
func TestMissingCheckpoint(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	stop := f.work(t)
	lines := 20
	if testing.Short() {
		lines = 6
	}
	training := f.send(t, examples(0, lines))
	body := `{"model":"starter","training_file":"` + training + `","seed":3,"hyperparameters":{"n_epochs":2,"batch_size":2}}`
	straight := f.create(t, body)
	f.await(t, straight, "succeeded")
	stop()
	// The folder that the adapters go to is a file: nothing can be written there.
	id := f.create(t, body)
	blocked := filepath.Join(f.home, "tuned", id)
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := job.Worker{Store: f.jobs, Owner: "test", Handlers: f.service.Handlers(), TTL: time.Minute, Poll: time.Second}
	j, err := f.jobs.Get(t.Context(), strings.TrimPrefix(id, "ftjob-"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	// The handler is called by hand: the record would call its failure final.
	if err := w.Handlers[j.Spec.Kind](t.Context(), run); err == nil || !strings.Contains(err.Error(), blocked) {
		t.Fatalf("without a place for adapters: %v", err)
	}
	if _, err := os.Stat(filepath.Join(f.home, "runs", id, "state.safetensors")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if _, err := f.jobs.Reclaim(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	f.work(t)
	f.await(t, id, "succeeded")
	if !bytes.Equal(f.weights(t, straight), f.weights(t, id)) {
		t.Error("the job made other bits")
	}
	page, err := f.client.FineTuning.Jobs.Checkpoints.List(t.Context(), id, openai.FineTuningJobCheckpointListParams{})
	if err != nil || len(page.Data) != 2 {
		t.Errorf("checkpoints %+v, %v", page, err)
	}
}

// What a job is said to need is what it takes, and its events tell what it will cost.
func TestNeeds(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	f.takes = train.Times{Training: 2500 * time.Millisecond, Measuring: 300 * time.Millisecond, Saving: 70 * time.Millisecond}
	f.work(t)
	training := f.send(t, examples(0, 8)+`{"messages":[{"role":"user","content":"`+strings.Repeat("one two ", 200)+`"},{"role":"assistant","content":"three"}]}`+"\n")
	id := f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":2,"batch_size":3}}`)
	done := f.await(t, id, "succeeded")
	j, err := f.jobs.Get(t.Context(), strings.TrimPrefix(id, "ftjob-"))
	if err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	b, err := bundle.Open(f.base, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	state, err := os.Stat(filepath.Join(f.home, "runs", id, "state.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	// A state is copied twice on its way to its file. What the proof for publishing takes
	// in the end is not planned.
	took := dev.Stats().Weights + f.left[0].Peak + f.left[0].Garbage + 2*state.Size()
	if need := j.Spec.Needs.Memory; need < took*90/100 || need > took*101/100 {
		t.Errorf("a job that took %d bytes is said to need %d", took, need)
	}
	var told struct {
		Tokens  int64
		Seconds float64
		Joules  int64 `json:"energy_joules"`
		Cost    int64 `json:"cost_micros"`
	}
	events, _, err := f.jobs.Events(t.Context(), j.ID, job.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if strings.HasPrefix(e.Message, "Estimated: ") {
			if err := json.Unmarshal(e.Data, &told); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Of a sequence of n tokens n-1 are predicted; the price is 36 an hour, and 1000 W.
	if want := done.TrainedTokens - 2*9; told.Tokens != want {
		t.Errorf("told of %d tokens, want %d", told.Tokens, want)
	}
	near := func(name string, got int64, want float64) {
		if math.Abs(float64(got)-want) > 1+want/1000 {
			t.Errorf("%s is %d for %g s, want %g", name, got, told.Seconds, want)
		}
	}
	near("energy", told.Joules, 1000*told.Seconds)
	near("cost", told.Cost, 10_000*told.Seconds)
	if told.Seconds != 2.87 {
		t.Errorf("%g s were told, want 2.87", told.Seconds)
	}
	if need := j.Spec.Needs.Seconds; need != 3 {
		t.Errorf("the job's estimate is of %d s, want 3", need)
	}
}

// A job whose time cannot be told soon enough is accepted all the same.
func TestUntimed(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	f.untimed = fmt.Errorf("load: %w", context.DeadlineExceeded)
	id := f.create(t, `{"model":"starter","training_file":"`+f.send(t, examples(0, 8))+`","hyperparameters":{"n_epochs":1}}`)
	j, err := f.jobs.Get(t.Context(), strings.TrimPrefix(id, "ftjob-"))
	if err != nil {
		t.Fatal(err)
	}
	if need := j.Spec.Needs; need.Seconds != 0 || need.Memory == 0 {
		t.Errorf("the job needs %+v, want its memory and no time", need)
	}
}

// Preferences are a method of their own, in OpenAI's format.
func TestPreferences(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	f.work(t)
	var pairs strings.Builder
	for i := range 6 {
		fmt.Fprintf(&pairs, `{"input":{"messages":[{"role":"user","content":"What is %d plus %d?"}]},`+
			`"preferred_output":[{"role":"assistant","content":"It is %d."}],"non_preferred_output":[{"role":"assistant","content":"no idea"}]}`+"\n", i, i, 2*i)
	}
	training := f.send(t, pairs.String())
	create := func(body string) *openai.FineTuningJob {
		id := f.create(t, body)
		return f.await(t, id, "succeeded")
	}
	j := create(`{"model":"starter","training_file":"` + training + `","seed":1,"method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.2,"n_epochs":4,"batch_size":2,"learning_rate_multiplier":50}}}}`)
	if j.Method.Type != "dpo" || j.Method.Dpo.Hyperparameters.Beta.OfFloat != 0.2 || j.Method.Dpo.Hyperparameters.NEpochs.OfInt != 4 {
		t.Errorf("method %s", j.Method.RawJSON())
	}
	version, err := f.datasets.Open(t.Context(), training)
	if err != nil {
		t.Fatal(err)
	}
	if r := version.Split(dataset.Train); len(r) != 6 || len(r[0].Rejected) != 1 {
		t.Errorf("the dataset has %d records, the first %+v", len(r), r[0])
	}
	if got := f.refused(t, `{"model":"starter","training_file":"`+training+`"}`); !strings.Contains(got["message"].(string), "line 1: two answers") {
		t.Errorf("supervised learning of preferences: %v", got)
	}
	// The better answers are what the tuned model says rather.
	events, _, err := f.jobs.Events(t.Context(), strings.TrimPrefix(j.ID, "ftjob-"), job.EventQuery{Kinds: []string{job.KindMetrics}, Limit: 100})
	if err != nil || len(events) != 12 {
		t.Fatalf("%d steps, %v", len(events), err)
	}
	var last struct {
		Loss     float64 `json:"train_loss"`
		Accuracy float64 `json:"train_accuracy"`
	}
	newest := slices.MaxFunc(events, func(a, b job.Event) int { return int(a.Number - b.Number) })
	if err := json.Unmarshal(newest.Data, &last); err != nil {
		t.Fatal(err)
	}
	if last.Accuracy != 1 || last.Loss > 0.5 {
		t.Errorf("the last step: %+v", last)
	}
}

// When a job will be over: as planned until a step is done, and then as it went since its
// newest start, however long it waited before.
func TestEstimatedFinish(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	now := began.Add(40 * time.Second)
	spec := job.Spec{Recipe: json.RawMessage(`{"base":"b"}`), Inputs: make([]troika.Digest, 2), Needs: job.Needs{Seconds: 100}}
	unplanned := spec
	unplanned.Needs.Seconds = 0
	old := began.Add(-time.Hour)
	for name, c := range map[string]struct {
		job  job.Job
		want time.Duration // from now; below 0 for none
	}{
		"queued":                {job.Job{State: job.Queued}, 100 * time.Second},
		"queued, unplanned":     {job.Job{Spec: unplanned, State: job.Queued}, -1},
		"queued again":          {job.Job{State: job.Queued, Progress: job.Progress{Done: 15, Total: 20}}, 25 * time.Second},
		"loading":               {job.Job{State: job.Running, Lease: job.Lease{Began: began}}, 60 * time.Second},
		"loading, unplanned":    {job.Job{Spec: unplanned, State: job.Running, Lease: job.Lease{Began: began}}, -1},
		"behind its plan":       {job.Job{State: job.Running, Lease: job.Lease{Began: old}}, 0},
		"running":               {job.Job{State: job.Running, Lease: job.Lease{Began: began}, Progress: job.Progress{Done: 4, Total: 10}}, 60 * time.Second},
		"running, unplanned":    {job.Job{Spec: unplanned, State: job.Running, Lease: job.Lease{Began: began}, Progress: job.Progress{Done: 8, Total: 10}}, 10 * time.Second},
		"running after a pause": {job.Job{State: job.Running, StartedAt: old, Lease: job.Lease{Began: began, Done: 10}, Progress: job.Progress{Done: 12, Total: 16}}, 80 * time.Second},
		"steps are all done":    {job.Job{State: job.Running, Lease: job.Lease{Began: began}, Progress: job.Progress{Done: 10, Total: 10}}, 0},
		"paused":                {job.Job{State: job.Paused, Progress: job.Progress{Done: 4, Total: 10}}, -1},
		"over":                  {job.Job{State: job.Cancelled}, -1},
	} {
		if c.job.Spec.Recipe == nil {
			c.job.Spec = spec
		}
		shown, err := finetune.Show(c.job, now)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want < 0 && shown.Estimated != nil:
			t.Errorf("%s: expected at %d, want no estimate", name, *shown.Estimated)
		case c.want >= 0 && (shown.Estimated == nil || *shown.Estimated != now.Add(c.want).Unix()):
			t.Errorf("%s: expected at %v, want %d", name, shown.Estimated, now.Add(c.want).Unix())
		}
	}
}
