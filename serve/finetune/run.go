package finetune

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/train"
)

// Files of a run's folder; docs/format/run.md describes them.
const (
	stateFile   = "state.safetensors"
	metricsFile = "metrics.jsonl"
	stateMeta   = "troika.train"
)

// A changedError says that the base is not what it was when the job was accepted.
type changedError struct{ text string }

func (e *changedError) Error() string { return e.text }

// Code implements the codes of package job.
func (*changedError) Code() string { return "base_changed" }

// tuning is one run of a job.
type tuning struct {
	*Service
	run    *job.Run
	recipe recipe
	bundle *bundle.Bundle
	train  []train.Sequence
	valid  []train.Sequence
	model  model.Model
	dev    compute.Device
	lora   *adapter.LoRA
	prefer *train.Preference // of the method dpo
	told   map[int]bool      // steps whose checkpoints are on record
	failed error             // what a step could not record
	stop   context.CancelFunc
}

// run does a job. It implements [job.Handler].
func (s *Service) run(ctx context.Context, run *job.Run) error {
	s.tidy(ctx)
	t := &tuning{Service: s, run: run, told: map[int]bool{}}
	if err := t.open(ctx); err != nil {
		return stopped(ctx, err)
	}
	dev, giveBack := s.o.Device()
	defer giveBack()
	t.dev = dev
	var err error
	if t.model, err = t.bundle.Load(dev, false); err != nil {
		return err
	}
	defer t.model.Free()
	set := adapter.NewSet(t.model)
	if err := t.ask(ctx); err != nil {
		return stopped(ctx, err)
	}
	if t.lora, err = adapter.New(dev, t.model, t.recipe.Adapter, t.recipe.Train.Seed); err != nil {
		return err
	}
	defer t.lora.Free()
	set.Add(t.lora)
	if err := t.learn(ctx); err != nil {
		return stopped(ctx, err)
	}
	return t.finish(ctx)
}

// stopped returns why a run was told to stop, where it was: what it says then is of no
// interest.
func stopped(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !job.DiskFull(err) {
		return cause
	}
	return err
}

// open reads the dataset and the base without its weights.
func (t *tuning) open(ctx context.Context) error {
	if err := t.run.Recipe(&t.recipe); err != nil {
		return err
	}
	j := t.run.Job
	if _, err := recipeOf(j); err != nil {
		return err
	}
	dir, err := t.o.Base(t.recipe.Base)
	if err != nil {
		return err
	}
	if t.bundle, err = bundle.Open(dir, t.o.Known); err != nil {
		return err
	}
	digest, err := t.bundle.Digest()
	if err != nil {
		return err
	}
	if want := t.recipe.base(j); digest != want {
		return &changedError{fmt.Sprintf("the base %s has changed since the job was accepted: it was %s, it is %s", t.recipe.Base, want, digest)}
	}
	version, err := t.o.Datasets.Open(ctx, t.recipe.dataset(j).String())
	if err != nil {
		return err
	}
	if t.train, err = t.encode(ctx, version, dataset.Train); err != nil {
		return err
	}
	if t.valid, err = t.encode(ctx, version, dataset.Validation); err != nil {
		return err
	}
	if err := t.run.Emit(ctx, job.Event{Key: "started", Message: "Fine-tuning job started"}); err != nil {
		return err
	}
	checkpoints, err := t.checkpoints(ctx, j.ID)
	for _, c := range checkpoints {
		t.told[c.Step] = true
	}
	return err
}

// encode renders a split as the model sees it.
func (t *tuning) encode(ctx context.Context, v *dataset.Version, split string) ([]train.Sequence, error) {
	examples, err := v.Examples(split, dataset.Prompt{})
	if err != nil {
		return nil, err
	}
	render := rendering(t.recipe.Method)
	var out []train.Sequence
	for _, e := range examples {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		seqs, err := render(t.bundle, e)
		if err != nil {
			return nil, err
		}
		out = append(out, seqs...)
	}
	return out, nil
}

// identity tells what a run is: its state belongs to no other.
func (t *tuning) identity(step int) provenance {
	j := t.run.Job
	return provenance{
		Model: t.recipe.stepName(j, step), Job: IDPrefix + j.ID, Step: step,
		Base: t.recipe.Base, BaseSHA: t.recipe.base(j), Dataset: t.recipe.dataset(j),
		Adapter: t.recipe.Adapter, Train: t.recipe.Train, Beta: t.recipe.Hyper.Beta, Version: t.o.Version,
	}
}

// ask asks the base about the preferences of a job, if it has any.
func (t *tuning) ask(ctx context.Context) error {
	if t.recipe.Method != methodDPO {
		return nil
	}
	t.prefer = &train.Preference{Beta: t.recipe.Hyper.Beta}
	for _, s := range []struct {
		pairs   []train.Sequence
		margins *[]float64
	}{{t.train, &t.prefer.Train}, {t.valid, &t.prefer.Valid}} {
		// Some at a time, so that a job that is cancelled stops.
		for at := 0; at < len(s.pairs); at += askedPairs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			some, err := train.Margins(t.dev, t.model, s.pairs[at:min(at+askedPairs, len(s.pairs))], stepTokens, func(int) {})
			if err != nil {
				return err
			}
			*s.margins = append(*s.margins, some...)
		}
	}
	return nil
}

// askedPairs is twice how many preferences the base is asked about at a time.
const askedPairs = 16

// learn trains, from where a former run was.
func (t *tuning) learn(ctx context.Context) error {
	dir := t.runDir(t.run.Job.ID)
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fsx.Sweep(dir) // what a killed run was writing
	if err := t.resume(ctx, dir); err != nil {
		return err
	}
	identity, err := json.Marshal([]troika.Digest{t.recipe.base(t.run.Job), t.recipe.dataset(t.run.Job)})
	if err != nil {
		return err
	}
	ctx, t.stop = context.WithCancel(ctx)
	defer t.stop()
	facts := t.bundle.Facts
	_, err = train.Run(ctx, train.Job{
		Device: t.dev, Model: t.model, Params: t.lora.Params(), Train: t.train, Valid: t.valid,
		Context: facts.MaxPositions, Vocab: facts.VocabSize, Config: t.recipe.Train, Dir: dir, Resume: true,
		Identity: string(identity), Preference: t.prefer,
		OnStep: func(p train.Progress) {
			if t.failed == nil {
				t.failed = t.step(context.WithoutCancel(ctx), p)
			}
			if t.failed != nil {
				t.stop()
			}
		},
	})
	if t.failed != nil {
		return t.failed
	}
	return err
}

// resume tells again of the steps that a former run has saved: a kill may have come
// between a step and the event that tells of it.
func (t *tuning) resume(ctx context.Context, dir string) error {
	saved, err := savedStep(dir)
	if err != nil || saved == 0 {
		return err
	}
	for _, step := range t.recipe.epochEnds() {
		if step <= saved && step < t.recipe.Train.Steps && !t.told[step] {
			// The checkpoint could not be written when it was time, and the state is
			// past it: from the start it is met again, with the same bits.
			return os.Remove(filepath.Join(dir, stateFile))
		}
	}
	lines, err := readMetrics(dir)
	if err != nil {
		return err
	}
	for _, p := range lines {
		if p.Step > saved-t.recipe.Train.SaveEvery && p.Step <= saved {
			if err := t.tell(ctx, p); err != nil {
				return err
			}
		}
	}
	t.run.Progress(int64(saved), int64(t.recipe.Train.Steps))
	return nil
}

// savedStep returns the step of a run's state, 0 where there is none.
func savedStep(dir string) (int, error) {
	f, err := safetensors.OpenFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	var at struct {
		Step int `json:"step"`
	}
	if err := json.Unmarshal([]byte(f.Metadata()[stateMeta]), &at); err != nil {
		return 0, fmt.Errorf("read %s: %w", filepath.Join(dir, stateFile), err)
	}
	return at.Step, nil
}

// readMetrics returns the steps of a run that were written whole.
func readMetrics(dir string) ([]train.Progress, error) {
	f, err := os.Open(filepath.Join(dir, metricsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var list []train.Progress
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var p train.Progress
		if json.Unmarshal(lines.Bytes(), &p) != nil {
			break // cut by a kill
		}
		list = append(list, p)
	}
	return list, lines.Err()
}

// step records a step: its event, and its checkpoint where it is time for one.
func (t *tuning) step(ctx context.Context, p train.Progress) error {
	t.run.Progress(int64(p.Step), int64(p.Steps))
	if err := t.tell(ctx, p); err != nil {
		return err
	}
	if p.Step == p.Steps || t.told[p.Step] || !slices.Contains(t.recipe.epochEnds(), p.Step) {
		return nil
	}
	return t.checkpoint(ctx, p)
}

// tell records the event of a step. It comes once, however often it is told.
func (t *tuning) tell(ctx context.Context, p train.Progress) error {
	data := map[string]any{
		"step": p.Step, "total_steps": p.Steps, "train_loss": p.Loss, "learning_rate": p.LR, "tokens": p.Tokens,
	}
	message := fmt.Sprintf("Step %d/%d: training loss=%.2f", p.Step, p.Steps, p.Loss)
	if p.Accuracy != nil { // of preferences
		data["train_accuracy"] = *p.Accuracy
	}
	if p.ValidLoss != nil {
		data["full_valid_loss"] = *p.ValidLoss
		if p.ValidAccuracy != nil {
			data["full_valid_accuracy"] = *p.ValidAccuracy
		}
		message += fmt.Sprintf(", full validation loss=%.2f", *p.ValidLoss)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return t.run.Emit(ctx, job.Event{Kind: job.KindMetrics, Key: fmt.Sprint("step ", p.Step), Message: message, Data: text})
}

// checkpoint writes the adapter as it is after a step, tells of it and serves it.
func (t *tuning) checkpoint(ctx context.Context, p train.Progress) error {
	c := Checkpoint{Step: p.Step, Name: t.recipe.stepName(t.run.Job, p.Step), TrainLoss: p.Loss, ValidLoss: p.ValidLoss}
	if c.ValidLoss == nil && len(t.valid) > 0 {
		measure := train.Loss
		if t.prefer != nil {
			measure = t.prefer.ValidLoss
		}
		loss, err := measure(t.dev, t.model, t.valid, t.recipe.Train.MicroTokens)
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		c.ValidLoss = &loss
	}
	made, err := json.MarshalIndent(t.identity(p.Step), "", "  ")
	if err != nil {
		return err
	}
	dir := t.adapterDir(t.run.Job.ID, p.Step)
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fsx.Sweep(dir)
	// The adapter acts in slot 0 while it is trained.
	trained, err := publish.Record(t.dev, t.bundle, t.model, 0)
	if err != nil {
		return err
	}
	proof, err := trained.File()
	if err != nil {
		return err
	}
	if err := t.lora.Save(dir, t.recipe.Base, fsx.Bytes(provenanceFile, append(made, '\n')), proof); err != nil {
		return err
	}
	if err := t.offer(t.run.Job, t.recipe, c); err != nil {
		warning := job.Event{Level: job.LevelWarn, Key: "not served " + c.Name, Message: fmt.Sprintf("%s is not served: %v", c.Name, err)}
		if err := t.run.Emit(ctx, warning); err != nil {
			return err
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	message := fmt.Sprintf("Checkpoint created at step %d", p.Step)
	if p.Step == p.Steps {
		message = "New fine-tuned model created: " + c.Name
	}
	t.told[p.Step] = true
	return t.run.Emit(ctx, job.Event{Kind: checkpointKind, Key: fmt.Sprint("checkpoint ", p.Step), Message: message, Data: data})
}

// finish records what the job made: the tuned model, its metrics as a file, and where
// it comes from.
func (t *tuning) finish(ctx context.Context) error {
	j := t.run.Job
	lines, err := readMetrics(t.runDir(j.ID))
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return errors.New("the run left no metrics")
	}
	if err := t.checkpoint(ctx, lines[len(lines)-1]); err != nil {
		return err
	}
	content, err := t.o.Files.Stage(ctx, bytes.NewReader(table(lines)))
	if err != nil {
		return err
	}
	defer content.Release(ctx)
	weights, err := os.ReadFile(filepath.Join(t.adapterDir(j.ID, t.recipe.Train.Steps), adapter.WeightsFile))
	if err != nil {
		return err
	}
	details, err := json.Marshal(t.identity(t.recipe.Train.Steps))
	if err != nil {
		return err
	}
	return t.o.DB.InTx(ctx, func(ctx context.Context) error {
		f, err := t.o.Files.Create(ctx, file.New{
			ID: "file-" + j.ID, Filename: "step_metrics.csv", Purpose: file.Results, Key: j.Spec.Use.Party,
		}, content)
		if err != nil {
			return err
		}
		err = t.o.Lineage.Append(ctx, lineage.Record{
			Output: troika.Sum(weights), Kind: "adapter", Details: details, Inputs: []lineage.Input{
				{Role: "base", Digest: t.recipe.base(j)}, {Role: "dataset", Digest: t.recipe.dataset(j)},
			},
		})
		if err != nil {
			return err
		}
		return t.run.SetResult(ctx, result{
			Model: t.recipe.modelName(j), ResultFile: f.ID, Tokens: t.recipe.Tokens * int64(t.recipe.Hyper.NEpochs),
		})
	})
}

// table writes metrics as CSV.
func table(lines []train.Progress) []byte {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	b := []byte("step,train_loss,valid_loss,learning_rate,tokens\n")
	for _, p := range lines {
		valid := ""
		if p.ValidLoss != nil {
			valid = number(*p.ValidLoss)
		}
		b = fmt.Appendf(b, "%d,%s,%s,%s,%d\n", p.Step, number(p.Loss), valid, number(p.LR), p.Tokens)
	}
	return b
}
