package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/train"
)

// errOtherBits says that a retrained adapter is not the one that was there.
var errOtherBits = errors.New("training again gave other bits")

func newReproduceCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reproduce ADAPTER",
		Short: "Train an adapter again from what it names, and compare the bits",
		Long: `Train an adapter again from what it names, and compare the bits.

An adapter's troika.json names its base and dataset by their digests, the recipe, the seed
and the program. The base must be what it was, to the byte; the dataset is taken from
--home. The adapter itself stays untouched.`,
		Example: `  troika reproduce helpdesk
  troika reproduce ft:starter:troika:faq:abcdefgh --json`,
		Args: wantArgs("an adapter", 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.reproduce(cmd.Context(), args[0]) },
	}
}

// reproduced is the report of a run.
type reproduced struct {
	Name    string        `json:"name"`
	Base    troika.Digest `json:"base_digest"`
	Dataset troika.Digest `json:"dataset"`
	Steps   int           `json:"steps"`
	Before  troika.Digest `json:"adapter"`
	Again   troika.Digest `json:"again"`
	Equal   bool          `json:"equal"`
	Trained string        `json:"trained_by"` // versions of the program
	Version string        `json:"troika_version"`
}

func (a *app) reproduce(ctx context.Context, name string) error {
	ref, err := a.resolveModel(name)
	if err != nil {
		return err
	}
	if ref.Adapter == "" {
		return usagef("%s is a base: only adapters name what they were made from", name)
	}
	made, err := readProvenance(ref.Adapter)
	if err != nil {
		return err
	}
	rep := reproduced{Name: name, Base: made.BaseSHA, Dataset: made.Dataset, Trained: made.Version, Version: buildVersion()}
	if rep.Before, err = adapter.Digest(ref.Adapter); err != nil {
		return err
	}
	home, err := a.Home()
	if err != nil {
		return err
	}
	dir := filepath.Join(home, runsFolder, ".reproduce-"+rep.Before.Hex()[:16])
	if err := os.RemoveAll(dir); err != nil { // of one that was killed
		return err
	}
	out := filepath.Join(dir, "adapter")
	s, err := a.open(ref.Base)
	if err != nil {
		return err
	}
	defer s.Close()
	base, err := s.bundle.Digest()
	if err != nil {
		return err
	}
	if base != made.BaseSHA {
		return fmt.Errorf("the base %s has changed since %s was trained on it: it was %s, it is %s", ref.Base, ref.Name, made.BaseSHA, base)
	}
	again := retraining{session: s, made: made, name: name, title: "reproduce " + name, run: dir, out: out}
	if rep.Steps, err = a.retrain(ctx, home, again); err != nil {
		return err
	}
	if rep.Again, err = adapter.Digest(out); err != nil {
		return err
	}
	rep.Equal = rep.Again == rep.Before
	if !rep.Equal {
		err = firstDifference(ref.Adapter, out)
	}
	err = errors.Join(err, os.RemoveAll(dir), a.showReproduced(&rep))
	if err == nil && !rep.Equal {
		err = errOtherBits
	}
	return err
}

func (a *app) showReproduced(r *reproduced) error {
	if a.JSON {
		return a.WriteJSON(r)
	}
	verdict := "the same bits: " + r.Before.String()
	if !r.Equal {
		verdict = fmt.Sprintf("other bits: %s, and now %s", r.Before, r.Again)
	}
	_, err := fmt.Fprintf(a.Out, "%d steps over dataset %s on base %s\n%s\n", r.Steps, r.Dataset, r.Base, verdict)
	return err
}

// retraining does what an adapter's provenance says, on a base.
type retraining struct {
	*session // of the base
	made     *provenance
	name     string // of the adapter, for errors
	title    string // for the progress
	run, out string // folders
	resume   bool
}

// retrain trains, and writes the adapter to where it goes.
func (a *app) retrain(ctx context.Context, home string, r retraining) (steps int, err error) {
	made := r.made
	version, err := findVersion(ctx, home, made.Dataset)
	if err != nil {
		return 0, fmt.Errorf("the dataset of %s: %w", r.name, err)
	}
	render := train.FromChat
	if made.Beta != 0 {
		render = train.FromPreference
	}
	prompt := dataset.Prompt{Instruction: made.Instruction}
	trainSet, err := r.encode(version, dataset.Train, prompt, nil, render)
	if err != nil {
		return 0, err
	}
	validSet, err := r.encode(version, dataset.Validation, prompt, nil, render)
	if err != nil {
		return 0, err
	}
	res, err := r.tune(ctx, tuning{
		adapter: made.Adapter, train: made.Train, beta: made.Beta, dataset: made.Dataset, instruction: made.Instruction,
		run: r.run, out: r.out, until: made.Step, resume: r.resume,
		onStep: a.trainingProgress(r.title), onPair: a.pairProgress(),
	}, trainSet, validSet)
	if err != nil {
		return 0, err
	}
	return res.Steps, nil
}

// findVersion opens a dataset of a home by its digest.
func findVersion(ctx context.Context, home string, digest troika.Digest) (*dataset.Version, error) {
	var v *dataset.Version
	err := withDatasets(ctx, home, func(versions *dataset.Store) (err error) {
		v, err = versions.Open(ctx, digest.String())
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s is not in %s: %w", digest, home, fs.ErrNotExist)
	}
	return v, err
}

// firstDifference tells in which tensor two adapters differ first, and by how much.
func firstDifference(before, again string) error {
	a, err := safetensors.OpenFile(filepath.Join(before, adapter.WeightsFile))
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // only read
	b, err := safetensors.OpenFile(filepath.Join(again, adapter.WeightsFile))
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // only read
	if !slices.Equal(a.Names(), b.Names()) {
		return fmt.Errorf("%w: the tensors are others", errOtherBits)
	}
	for _, name := range a.Names() {
		x, err := a.Tensor(name)
		if err != nil {
			return err
		}
		y, err := b.Tensor(name)
		if err != nil {
			return err
		}
		was, err := x.Float32s()
		if err != nil {
			return err
		}
		is, err := y.Float32s()
		if err != nil {
			return err
		}
		if len(was) != len(is) {
			return fmt.Errorf("%w: %s has another shape", errOtherBits, name)
		}
		first, most := -1, 0.0
		for i := range was {
			if math.Float32bits(was[i]) != math.Float32bits(is[i]) {
				if first < 0 {
					first = i
				}
				most = max(most, math.Abs(float64(was[i])-float64(is[i])))
			}
		}
		if first >= 0 {
			return fmt.Errorf("%w: first in %s, value %d: it was %v, it is %v; at most %.3g apart in that tensor",
				errOtherBits, name, first, was[first], is[first], most)
		}
	}
	return fmt.Errorf("%w: the values are equal, the file around them is not", errOtherBits)
}
