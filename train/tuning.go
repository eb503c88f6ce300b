package train

import (
	"context"
	"fmt"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

// Tuning is a run that trains a LoRA on a model of a folder, and may come to be.
type Tuning struct {
	Bundle       *bundle.Bundle
	Mixture      string // that the base would be quantised by, see [bundle.Mixtures]; "": as it is
	Adapter      adapter.Config
	Config       Config
	Beta         float64 // of preferences; 0: answers are learned by themselves
	Train, Valid []Sequence
}

// Rehearse goes through the run without computing it, on a device that open makes to report
// to see, and that is given back afterwards.
func (t *Tuning) Rehearse(ctx context.Context, open func(see func(compute.Op, []compute.Spec)) (compute.Device, func())) (*Rehearsal, error) {
	var watch Watch
	dev, giveBack := open(watch.See)
	defer giveBack()
	m, err := t.Bundle.Rehearse(dev, t.Mixture)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	j, free, err := t.job(dev, m)
	if err != nil {
		return nil, err
	}
	defer free()
	return Rehearse(ctx, j, &watch)
}

// Time tells how long the run that was rehearsed takes on a device that computes, as
// [Rehearsal.Time] does, with a copy of the base and an adapter of its own. scratch is the
// folder where a state is saved for that.
func (t *Tuning) Time(ctx context.Context, r *Rehearsal, dev compute.Device, scratch string) (Times, error) {
	if t.Mixture != "" {
		return Times{}, fmt.Errorf("time training: the base is not quantised by %s yet", t.Mixture)
	}
	m, err := t.Bundle.Load(within{dev, ctx}, false)
	if err != nil {
		return Times{}, fmt.Errorf("time training: %w", err)
	}
	defer m.Free()
	j, free, err := t.job(dev, m)
	if err != nil {
		return Times{}, fmt.Errorf("time training: %w", err)
	}
	defer free()
	j.Dir = scratch
	return r.Time(ctx, j)
}

// job makes the run, with a new adapter.
func (t *Tuning) job(dev compute.Device, m model.Model) (j Job, free func(), err error) {
	x, err := adapter.New(dev, m, t.Adapter, t.Config.Seed)
	if err != nil {
		return Job{}, nil, err
	}
	adapter.NewSet(m).Add(x)
	j = Job{
		Device: dev, Model: m, Params: x.Params(), Train: t.Train, Valid: t.Valid,
		Context: t.Bundle.Facts.MaxPositions, Vocab: t.Bundle.Facts.VocabSize, Config: t.Config,
	}
	if t.Beta != 0 {
		j.Preference = &Preference{Beta: t.Beta, Train: make([]float64, len(t.Train)/2), Valid: make([]float64, len(t.Valid)/2)}
	}
	return j, x.Free, nil
}
