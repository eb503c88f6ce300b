package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/train"
)

// intent is a tuning run that may come to be.
type intent struct {
	bundle      *bundle.Bundle
	mixture     string // that the base would be quantised by; "": as it is
	adapter     adapter.Config
	train       train.Config
	beta        float64
	learn, test []train.Sequence
}

// rehearse goes through the run without computing it.
func (i intent) rehearse(ctx context.Context) (*train.Rehearsal, error) {
	var watch train.Watch
	dev := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dev.Close()
	m, err := i.bundle.Rehearse(dev, i.mixture)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	x, err := adapter.New(dev, m, i.adapter, i.train.Seed)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	adapter.NewSet(m).Add(x)
	j := train.Job{
		Device: dev, Model: m, Params: x.Params(), Train: i.learn, Valid: i.test,
		Context: i.bundle.Facts.MaxPositions, Vocab: i.bundle.Facts.VocabSize, Config: i.train,
	}
	if i.beta != 0 {
		j.Preference = &train.Preference{
			Beta: i.beta, Train: make([]float64, len(i.learn)/2), Valid: make([]float64, len(i.test)/2),
		}
	}
	return train.Rehearse(ctx, j, &watch)
}

// planMemory is what a run takes, in bytes.
type planMemory struct {
	Weights int64 `json:"weights"`
	Tensors int64 `json:"tensors"` // activations, gradients, adapter and optimizer
	Saving  int64 `json:"saving"`  // copies of the state while it is written
	Garbage int64 `json:"garbage"` // that the collector may leave
	Program int64 `json:"program"` // tokenizer, examples and the program itself
	Total   int64 `json:"total"`
}

func memoryOf(r *train.Rehearsal, program int64) planMemory {
	m := planMemory{Weights: r.Weights, Tensors: r.Peak, Saving: r.Saving, Garbage: r.Garbage, Program: program}
	m.Total = r.Memory() + program
	return m
}

// change is another run than the one that was asked for.
type change struct {
	What   string `json:"change"`
	Memory int64  `json:"memory_bytes"`
	Fits   bool   `json:"fits"`
}

// changes says what would take less memory than the run that takes so much, and whether it
// fits limit.
func (i intent) changes(ctx context.Context, program, takes, limit int64) ([]change, error) {
	var list []change
	try := func(what string, j intent) (bool, error) {
		r, err := j.rehearse(ctx)
		if err != nil {
			return false, err
		}
		c := change{What: what, Memory: memoryOf(r, program).Total}
		c.Fits = c.Memory <= limit
		list = append(list, c)
		return c.Fits, nil
	}
	least := i // all changes at once
	// Of each kind, the mildest that fits, or the furthest there is.
	kind := func(steps []func(j *intent) string) error {
		var last []change
		for _, step := range steps {
			j := i
			what := step(&j)
			if what == "" {
				continue
			}
			n := len(list)
			fits, err := try(what, j)
			if err != nil {
				return err
			}
			last = slices.Clone(list[n:])
			list = list[:n]
			if fits {
				break
			}
		}
		if len(steps) > 0 {
			steps[len(steps)-1](&least)
		}
		list = append(list, slices.DeleteFunc(last, func(c change) bool { return c.Memory >= takes })...)
		return nil
	}
	for _, steps := range [][]func(*intent) string{i.ranks(), i.packings(), i.lengths(), i.mixtures()} {
		if err := kind(steps); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(list, func(c change) bool { return c.Fits }) {
		if _, err := try("all of these together", least); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ranks halves the rank down to 1.
func (i intent) ranks() (steps []func(*intent) string) {
	for rank := i.adapter.Rank / 2; rank >= 1; rank /= 2 {
		steps = append(steps, func(j *intent) string {
			j.adapter.Rank = rank
			return fmt.Sprintf("--rank %d", rank)
		})
	}
	return steps
}

// packings halves the micro-batches down to the longest example, in more of them.
func (i intent) packings() (steps []func(*intent) string) {
	longest := i.longest()
	for n := 2; i.train.MicroTokens/n >= longest; n *= 2 {
		steps = append(steps, func(j *intent) string {
			j.train.MicroTokens, j.train.Accumulate = i.train.MicroTokens/n, i.train.Accumulate*n
			return fmt.Sprintf("--micro-tokens %d --accumulate %d", j.train.MicroTokens, j.train.Accumulate)
		})
	}
	return steps
}

func (i intent) longest() int {
	n := 0
	for _, s := range i.learn {
		n = max(n, len(s.Tokens))
	}
	return n
}

// lengths leaves out long examples, as long as most are left.
func (i intent) lengths() (steps []func(*intent) string) {
	for most := i.longest() * 3 / 4; most > 1; most = most * 3 / 4 {
		short := i.shorter(i.learn, most)
		if 2*len(short) < len(i.learn) {
			break
		}
		steps = append(steps, func(j *intent) string {
			j.learn, j.test = short, i.shorter(i.test, most)
			j.train.MicroTokens = min(j.train.MicroTokens, max(2, most))
			return fmt.Sprintf("--micro-tokens %d, without the %d longest examples", j.train.MicroTokens, (len(i.learn)-len(short))/i.group())
		})
	}
	return steps
}

// group is how many sequences an example is.
func (i intent) group() int {
	if i.beta != 0 {
		return 2
	}
	return 1
}

// shorter returns the examples of at most so many tokens.
func (i intent) shorter(seqs []train.Sequence, most int) []train.Sequence {
	var out []train.Sequence
	for at := 0; at < len(seqs); at += i.group() {
		one := seqs[at : at+i.group()]
		if !slices.ContainsFunc(one, func(s train.Sequence) bool { return len(s.Tokens) > most }) {
			out = append(out, one...)
		}
	}
	return out
}

// mixtures quantises the base more and more.
func (i intent) mixtures() (steps []func(*intent) string) {
	for _, name := range []string{"Q8_0", "Q4_K_M"} {
		steps = append(steps, func(j *intent) string {
			j.mixture = name
			return fmt.Sprintf("a base quantised by --type %s", name)
		})
	}
	return steps
}

// timeRun tells how long a run takes on this machine.
func (a *app) timeRun(ctx context.Context, r *train.Rehearsal) (train.Times, error) {
	home, err := a.Home()
	if err != nil {
		return train.Times{}, err
	}
	dev := a.device()
	defer dev.Close()
	return r.Time(ctx, dev, func(bytes int64) error {
		name := filepath.Join(home, fmt.Sprintf(".plan-%d", os.Getpid()))
		defer os.Remove(name) //nolint:errcheck // scratch
		return fsx.WriteFile(name, make([]byte, bytes), 0o600)
	})
}

// planTime is how long a run takes on this machine.
type planTime struct {
	Training  float64 `json:"training"`
	Measuring float64 `json:"measuring"`
	Saving    float64 `json:"saving"`
	Total     float64 `json:"total"`
}

func timeOf(t train.Times) *planTime {
	return &planTime{
		Training: t.Training.Seconds(), Measuring: t.Measuring.Seconds(), Saving: t.Saving.Seconds(),
		Total: t.Total().Round(time.Microsecond).Seconds(),
	}
}
