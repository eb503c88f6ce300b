package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/train"
)

// intent is a tuning run that may come to be.
type intent struct{ train.Tuning }

// rehearse goes through the run without computing it.
func (i intent) rehearse(ctx context.Context) (*train.Rehearsal, error) {
	return i.Rehearse(ctx, rehearsing)
}

// rehearsing makes a device that computes nothing.
func rehearsing(see func(compute.Op, []compute.Spec)) (compute.Device, func()) {
	dev := cpu.New(cpu.Options{Rehearse: see})
	return dev, dev.Close
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
	for rank := i.Adapter.Rank / 2; rank >= 1; rank /= 2 {
		steps = append(steps, func(j *intent) string {
			j.Adapter.Rank = rank
			return fmt.Sprintf("--rank %d", rank)
		})
	}
	return steps
}

// packings halves the micro-batches down to the longest example, in more of them.
func (i intent) packings() (steps []func(*intent) string) {
	longest := i.longest()
	for n := 2; i.Config.MicroTokens/n >= longest; n *= 2 {
		steps = append(steps, func(j *intent) string {
			j.Config.MicroTokens, j.Config.Accumulate = i.Config.MicroTokens/n, i.Config.Accumulate*n
			return fmt.Sprintf("--micro-tokens %d --accumulate %d", j.Config.MicroTokens, j.Config.Accumulate)
		})
	}
	return steps
}

func (i intent) longest() int {
	n := 0
	for _, s := range i.Train {
		n = max(n, len(s.Tokens))
	}
	return n
}

// lengths leaves out long examples, as long as most are left.
func (i intent) lengths() (steps []func(*intent) string) {
	for most := i.longest() * 3 / 4; most > 1; most = most * 3 / 4 {
		short := i.shorter(i.Train, most)
		if 2*len(short) < len(i.Train) {
			break
		}
		steps = append(steps, func(j *intent) string {
			j.Train, j.Valid = short, i.shorter(i.Valid, most)
			j.Config.MicroTokens = min(j.Config.MicroTokens, max(2, most))
			return fmt.Sprintf("--micro-tokens %d, without the %d longest examples", j.Config.MicroTokens, (len(i.Train)-len(short))/i.group())
		})
	}
	return steps
}

// group is how many sequences an example is.
func (i intent) group() int {
	if i.Beta != 0 {
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
			j.Mixture = name
			return fmt.Sprintf("a base quantised by --type %s", name)
		})
	}
	return steps
}

// errNoRoom says that a run's time cannot be told: it would have to be tried.
var errNoRoom = errors.New("no room to try it")

// timeRun tells how long a run that was rehearsed takes on this machine: it is tried where
// there is the memory for it, and saves a state in the home folder for that.
func (a *app) timeRun(ctx context.Context, t *train.Tuning, r *train.Rehearsal) (train.Times, error) {
	if free := availableMemory(); free > 0 && r.Memory() > free {
		return train.Times{}, fmt.Errorf("%w: the machine has %.1f MB left", errNoRoom, float64(free)/1e6)
	}
	home, err := a.Home()
	if err != nil {
		return train.Times{}, err
	}
	dev := a.device()
	defer dev.Close()
	return t.Time(ctx, r, dev, home)
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
