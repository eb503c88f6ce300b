package finetune

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/train"
)

// IDPrefix stands before the ID of a job in the record, where clients see it.
const IDPrefix = "ftjob-"

// Parts of names.
const (
	namePrefix     = "ft:"
	checkpointMark = ":ckpt-step-"
	shortID        = 8 // characters of a job's ID that stand in its model's name
)

// recipe is what a job was asked for: its spec's recipe. The dataset version and the
// base are the spec's inputs.
type recipe struct {
	Base           string            `json:"base"`
	Org            string            `json:"org"`
	Suffix         string            `json:"suffix,omitempty"`
	TrainingFile   string            `json:"training_file"`
	ValidationFile string            `json:"validation_file,omitempty"`
	Method         string            `json:"method,omitempty"` // empty: supervised
	Hyper          hyper             `json:"hyperparameters"`
	Seed           int64             `json:"seed"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Integrations   json.RawMessage   `json:"integrations,omitempty"`
	Adapter        adapter.Config    `json:"adapter"`
	Train          train.Config      `json:"train"`
	// Tokens are those of the training data, once through.
	Tokens int64 `json:"tokens"`
	// Sequences is how many the training data come to, or pairs of them: a step takes
	// batch_size.
	Sequences int `json:"sequences"`
}

// hyper are the hyperparameters of a job, as OpenAI names them.
type hyper struct {
	NEpochs                int     `json:"n_epochs"`
	BatchSize              int     `json:"batch_size"`
	LearningRateMultiplier float64 `json:"learning_rate_multiplier"`
	Beta                   float64 `json:"beta,omitempty"` // of dpo
}

// The methods, as OpenAI names them.
const (
	methodSupervised = "supervised"
	methodDPO        = "dpo"
)

// renderer shows an example as the model will see it.
type renderer func(*bundle.Bundle, dataset.Example) ([]train.Sequence, error)

// rendering returns how a method sees examples.
func rendering(method string) renderer {
	if method == methodDPO {
		return train.FromPreference
	}
	return train.FromChat
}

// recipeOf reads the recipe of a job.
func recipeOf(j job.Job) (recipe, error) {
	var r recipe
	if err := json.Unmarshal(j.Spec.Recipe, &r); err != nil {
		return recipe{}, fmt.Errorf("recipe of job %s: %w", j.ID, err)
	}
	if len(j.Spec.Inputs) != 2 {
		return recipe{}, fmt.Errorf("job %s has %d inputs, want a dataset and a base", j.ID, len(j.Spec.Inputs))
	}
	return r, nil
}

// The inputs of a job.
func (recipe) dataset(j job.Job) troika.Digest { return j.Spec.Inputs[0] }
func (recipe) base(j job.Job) troika.Digest    { return j.Spec.Inputs[1] }

// modelName names the tuned model of a job.
func (r recipe) modelName(j job.Job) string {
	return namePrefix + strings.Join([]string{r.Base, r.Org, r.Suffix, j.ID[:shortID]}, ":")
}

// stepName names the model at a step.
func (r recipe) stepName(j job.Job, step int) string {
	if step == r.Train.Steps {
		return r.modelName(j)
	}
	return fmt.Sprintf("%s%s%d", r.modelName(j), checkpointMark, step)
}

// keptEpochs is how many epochs leave a checkpoint, as at OpenAI's: the last ones.
const keptEpochs = 3

// epochEnds returns the steps after which the last epochs are through, the end of the
// run among them.
func (r recipe) epochEnds() []int {
	var steps []int
	for epoch := max(1, r.Hyper.NEpochs-keptEpochs+1); epoch <= r.Hyper.NEpochs; epoch++ {
		step := ceil(epoch*r.Sequences, r.Hyper.BatchSize)
		if n := len(steps); n == 0 || steps[n-1] != step {
			steps = append(steps, step)
		}
	}
	return steps
}

func ceil(a, b int) int { return (a + b - 1) / b }

// Bounds of hyperparameters.
const (
	maxEpochs     = 50
	maxBatch      = 256
	maxMultiplier = 100
	maxBeta       = 2
)

// stepTokens is what a step of automatic size takes, about: enough for the processor
// to be busy, few enough for a small file to have steps at all.
const stepTokens = 2048

// resolve fills in what was left to us, and plans the run.
func (r *recipe) resolve(asked askedHyper, c counts) {
	r.Tokens, r.Sequences = c.tokens, c.sequences
	r.Hyper = hyper{NEpochs: 3, LearningRateMultiplier: 1}
	mean := max(1, int(c.tokens)/c.sequences)
	r.Hyper.BatchSize = max(1, min(stepTokens/mean, c.sequences/8, maxBatch/4))
	if n, ok := asked.NEpochs.number(); ok {
		r.Hyper.NEpochs = int(n)
	}
	if n, ok := asked.BatchSize.number(); ok {
		r.Hyper.BatchSize = int(n)
	}
	if n, ok := asked.LearningRateMultiplier.number(); ok {
		r.Hyper.LearningRateMultiplier = n
	}
	if r.Method == methodDPO {
		r.Hyper.Beta = 0.1
		if n, ok := asked.Beta.number(); ok {
			r.Hyper.Beta = n
		}
	}
	steps := ceil(r.Hyper.NEpochs*r.Sequences, r.Hyper.BatchSize)
	t := train.DefaultConfig()
	t.Steps, t.Epochs = steps, 0
	// A micro-batch of at most two tokens holds one sequence, or pair, whatever its
	// length: a step takes batch_size of them, no more and no less.
	t.MicroTokens, t.Accumulate = 2, r.Hyper.BatchSize
	t.LR *= r.Hyper.LearningRateMultiplier
	t.Warmup = min(t.Warmup, steps/10)
	t.Seed = uint64(r.Seed)
	t.SaveEvery = max(1, min(t.SaveEvery, steps/20))
	t.ValidEvery = max(1, steps/10)
	r.Train = t
	r.Adapter = adapter.Config{Rank: 16, Alpha: 32}
}

// askedHyper are hyperparameters as a client sends them.
type askedHyper struct {
	NEpochs                auto `json:"n_epochs"`
	BatchSize              auto `json:"batch_size"`
	LearningRateMultiplier auto `json:"learning_rate_multiplier"`
	Beta                   auto `json:"beta"`
}

// auto is a number, or "auto", or nothing, which means the same.
type auto struct{ raw json.RawMessage }

// UnmarshalJSON implements [json.Unmarshaler].
func (a *auto) UnmarshalJSON(b []byte) error {
	a.raw = append(a.raw[:0], b...)
	return nil
}

// number returns the number; false for auto.
func (a auto) number() (float64, bool) {
	var n float64
	if len(a.raw) == 0 || string(a.raw) == "null" || json.Unmarshal(a.raw, &n) != nil {
		return 0, false
	}
	return n, true
}

// check refuses what is neither auto nor a number within bounds.
func (a auto) check(name string, low, high float64, whole bool) error {
	if len(a.raw) == 0 || string(a.raw) == "null" || string(a.raw) == `"auto"` {
		return nil
	}
	n, ok := a.number()
	if !ok || n < low || n > high || whole && n != math.Trunc(n) {
		kind := "number"
		if whole {
			kind = "whole number"
		}
		return badParam("hyperparameters."+name, "Invalid '%s': %.40s is neither \"auto\" nor a %s from %g to %g.", name, a.raw, kind, low, high)
	}
	return nil
}

// check refuses hyperparameters of other methods and out of bounds.
func (h askedHyper) check(method string) error {
	if len(h.Beta.raw) > 0 && method != methodDPO {
		return badParam("hyperparameters.beta", "'beta' is a hyperparameter of the method dpo.")
	}
	if err := h.Beta.check("beta", 1e-6, maxBeta, false); err != nil {
		return err
	}
	if err := h.NEpochs.check("n_epochs", 1, maxEpochs, true); err != nil {
		return err
	}
	if err := h.BatchSize.check("batch_size", 1, maxBatch, true); err != nil {
		return err
	}
	return h.LearningRateMultiplier.check("learning_rate_multiplier", 1e-6, maxMultiplier, false)
}

// given reports whether anything was sent.
func (h askedHyper) given() bool {
	return len(h.NEpochs.raw)+len(h.BatchSize.raw)+len(h.LearningRateMultiplier.raw)+len(h.Beta.raw) > 0
}
