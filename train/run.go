package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// ErrStopped is returned when the context ended: the state is saved and the run can
// be resumed.
var ErrStopped = errors.New("training stopped; the state is saved")

// Job is one training run.
type Job struct {
	Device  compute.Device
	Model   model.Model
	Params  []model.Parameter // what is trained: an adapter's or the model's
	Train   []Sequence
	Valid   []Sequence // may be empty
	Context int        // longest sequence the model takes
	Vocab   int
	Config  Config
	// Preference is nil where answers are learned by themselves.
	Preference *Preference
	// Dir holds state.safetensors and metrics.jsonl. Resume continues what is there;
	// otherwise the run starts anew.
	Dir    string
	Resume bool
	// Identity is mixed into the run's digest: the base model and the dataset, which
	// a resumed run must share.
	Identity string
	// OnStep is called after each step, from the training goroutine.
	OnStep func(Progress)
}

// Progress is the measurements of one step, and a line of metrics.jsonl.
type Progress struct {
	Step      int      `json:"step"`
	Steps     int      `json:"steps"`
	Loss      float64  `json:"loss"` // mean over labelled tokens, or over pairs
	ValidLoss *float64 `json:"valid_loss,omitempty"`
	// Accuracy is the share of pairs in which the better answer gained on the worse
	// one; nil unless preferences are learned.
	Accuracy      *float64 `json:"accuracy,omitempty"`
	ValidAccuracy *float64 `json:"valid_accuracy,omitempty"`
	LR            float64  `json:"lr"`
	GradNorm      float64  `json:"grad_norm"` // before clipping
	Tokens        int      `json:"tokens"`    // of the step
	TokensPS      float64  `json:"tokens_per_s"`
	Seconds       float64  `json:"seconds"` // of the step
}

// Result is what a finished run reports.
type Result struct {
	Steps     int     `json:"steps"`
	Loss      float64 `json:"loss"` // of the last step
	ValidLoss float64 `json:"valid_loss,omitempty"`
	// ValidAccuracy is that of the last step; nil unless preferences are learned.
	ValidAccuracy *float64 `json:"valid_accuracy,omitempty"`
	Tokens        int      `json:"tokens"` // trained on since this start
	Seconds       float64  `json:"seconds"`
}

type runner struct {
	*Job
	params []parameter
	plan   plan
	// What is minimised, and what is measured on the validation set.
	learn, validate objective

	at      place
	metrics *os.File
	result  Result
}

// Run trains until the steps are done or ctx ends. The parameters hold the result;
// the caller saves them in their final form.
func Run(ctx context.Context, job Job) (*Result, error) {
	r := &runner{Job: &job}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer r.free()
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer r.metrics.Close() //nolint:errcheck // each line was checked when written
	start := time.Now()
	for r.at.Step < r.at.Steps {
		if ctx.Err() != nil {
			return nil, errors.Join(ErrStopped, r.save())
		}
		if err := r.step(); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	r.result.Steps = r.at.Steps
	r.result.Seconds = time.Since(start).Seconds()
	return &r.result, nil
}

func (r *runner) check() error {
	if err := r.Config.check(); err != nil {
		return err
	}
	if len(r.Train) == 0 {
		return errors.New("no training examples")
	}
	if len(r.Params) == 0 {
		return errors.New("no parameters to train")
	}
	if r.Model.OutputHead() == nil {
		return errors.New("the model is an encoder: it makes embeddings, and has no output to learn from")
	}
	if err := errors.Join(checkSequences(r.Train, r.Context, r.Vocab), checkSequences(r.Valid, r.Context, r.Vocab)); err != nil {
		return err
	}
	if r.Preference != nil {
		return r.Preference.check(r.Train, r.Valid)
	}
	return nil
}

// digest identifies the run: the same digest means that resuming is meaningful.
func (r *runner) digest() (troika.Digest, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(struct {
		Config     Config
		Identity   string
		Preference *Preference `json:",omitempty"`
	}{r.Config, r.Identity, r.Preference}); err != nil {
		return troika.Digest{}, err
	}
	for _, s := range r.Train {
		err := errors.Join(binary.Write(h, binary.LittleEndian, int64(len(s.Tokens))),
			binary.Write(h, binary.LittleEndian, s.Tokens), binary.Write(h, binary.LittleEndian, s.Weights))
		if err != nil {
			return troika.Digest{}, err
		}
	}
	return troika.DigestOf(h), nil
}

// open prepares the optimizer, the place in the run and the metrics file.
func (r *runner) open() error {
	run, err := r.digest()
	if err != nil {
		return err
	}
	r.prepare()
	r.at.Run = run
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	if r.Resume {
		at, found, err := restore(r.Device, r.Dir, r.params, run)
		if err != nil {
			return err
		}
		if found {
			r.at = at
		}
	} else if err := os.Remove(filepath.Join(r.Dir, stateFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := trimMetrics(r.Dir, r.at.Step); err != nil {
		return err
	}
	r.metrics, err = os.OpenFile(filepath.Join(r.Dir, metricsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return err
}

// prepare makes the optimizer's state and deals out the data.
func (r *runner) prepare() {
	for _, p := range r.Params {
		q := parameter{Parameter: p, m: r.Device.New(p.Tensor.Spec), v: r.Device.New(p.Tensor.Spec)}
		r.Device.Run(compute.Fill{}, []*compute.Tensor{q.m})
		r.Device.Run(compute.Fill{}, []*compute.Tensor{q.v})
		r.params = append(r.params, q)
	}
	r.plan = plan{seqs: r.Train, group: 1, capacity: r.Config.MicroTokens, seed: r.Config.Seed}
	r.learn, r.validate = likelihood, likelihood
	if p := r.Preference; p != nil {
		r.plan.group = 2
		r.learn, r.validate = p.objective(p.Train), p.objective(p.Valid)
	}
	r.at.Steps = r.Config.Steps
	if r.at.Steps == 0 {
		r.at.Steps = r.plan.steps(r.Config.Epochs, r.Config.Accumulate)
	}
}

func (r *runner) free() {
	for _, p := range r.params {
		r.Device.Free(p.m)
		r.Device.Free(p.v)
		if p.grad != nil {
			r.Device.Free(p.grad)
		}
	}
}

func (r *runner) save() error { return save(r.Device, r.Dir, r.params, r.at) }

// dropout is that of a micro-batch, by its number in the run.
func (r *runner) dropout(micro uint64) *nn.Dropout {
	return &nn.Dropout{Seed: r.Config.Seed, Step: micro}
}

// step runs Accumulate micro-batches and one update.
func (r *runner) step() error {
	start := time.Now()
	var total micro
	for range r.Config.Accumulate {
		pick, next := r.plan.next(r.at.Cursor)
		part, err := backward(r.Device, r.Model, r.params, r.Train, pick, r.learn, r.dropout(r.at.Micro))
		if err != nil {
			return fmt.Errorf("step %d: %w", r.at.Step+1, err)
		}
		total.add(part)
		r.at.Cursor = next
		r.at.Micro++
	}
	rate := r.Config.Rate(r.at.Step+1, r.at.Steps)
	norm, err := update(r.Device, r.params, &r.Config, r.at.Step+1, rate, total.weight)
	if err != nil {
		return err
	}
	r.at.Step++
	seconds := time.Since(start).Seconds()
	p := Progress{
		Step: r.at.Step, Steps: r.at.Steps, Loss: total.loss / total.weight, LR: rate, GradNorm: norm,
		Tokens: total.tokens, TokensPS: float64(total.tokens) / seconds, Seconds: seconds,
	}
	p.Accuracy = r.accuracy(total)
	r.result.Loss = p.Loss
	r.result.Tokens += total.tokens
	return r.after(&p)
}

// accuracy returns the share of pairs in which the better answer is preferred.
func (r *runner) accuracy(m micro) *float64 {
	if r.Preference == nil {
		return nil
	}
	share := m.right / m.weight
	return &share
}

// after validates, reports and saves when a step asks for it.
func (r *runner) after(p *Progress) error {
	due := func(every int) bool { return p.Step == p.Steps || (every > 0 && p.Step%every == 0) }
	if len(r.Valid) > 0 && due(r.Config.ValidEvery) {
		v, err := measure(r.Device, r.Model, r.Valid, r.plan.group, r.Config.MicroTokens, r.validate)
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		mean := v.loss / v.weight
		p.ValidLoss, p.ValidAccuracy = &mean, r.accuracy(v)
		r.result.ValidLoss, r.result.ValidAccuracy = mean, p.ValidAccuracy
	}
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := r.metrics.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	if r.OnStep != nil {
		r.OnStep(*p)
	}
	if due(r.Config.SaveEvery) {
		return r.save()
	}
	return nil
}
