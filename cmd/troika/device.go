package main

import (
	"fmt"

	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/train"
)

// device opens the processor with the number of threads that was asked for.
func (a *app) device() *cpu.Device { return cpu.New(cpu.Options{Threads: a.Threads}) }

// trainingProgress returns an OnStep that draws one bar for a run, with its loss
// and speed beside it.
func (a *app) trainingProgress(name string) func(train.Progress) {
	var bar *term.Bar
	return func(p train.Progress) {
		if bar == nil {
			bar = a.Progress.Bar(name, int64(p.Steps), term.Items("steps"))
			bar.Set(int64(p.Step - 1))
		}
		bar.Note("loss %.3f, %.0f tokens/s", p.Loss, p.TokensPS)
		bar.Set(int64(p.Step))
		if p.ValidLoss != nil {
			args := []any{"step", p.Step, "loss", fmt.Sprintf("%.4f", *p.ValidLoss)}
			if p.ValidAccuracy != nil {
				args = append(args, "accuracy", fmt.Sprintf("%.3f", *p.ValidAccuracy))
			}
			a.Log.Info("validation", args...)
		}
		if p.Step == p.Steps {
			bar.Done()
		}
	}
}

// pairProgress returns an OnPair that draws a bar.
func (a *app) pairProgress() func(done, all int) {
	var bar *term.Bar
	return func(done, all int) {
		if bar == nil {
			bar = a.Progress.Bar("ask the base", int64(all), term.Items("pairs"))
		}
		if bar.Set(int64(done)); done == all {
			bar.Done()
		}
	}
}
