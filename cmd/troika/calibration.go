package main

import (
	"context"
	"slices"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/internal/term"
)

// mostLabels bounds the labels whose probabilities are asked for: each is read once for
// each example.
const mostLabels = 256

// calibration asks the model in a slot how likely it holds each label.
func (m *measurement) calibration(ctx context.Context, name string, slot int32) (*eval.Calibration, error) {
	engine, err := infer.New(m.s.dev, m.s.model, infer.Options{Context: m.s.context()})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	bar := m.Progress.Bar("calibrate "+name, int64(len(m.questions)), term.Items("documents"))
	defer bar.Abort()
	c := &infer.Chat{Bundle: m.s.bundle, Engine: engine, Slot: slot}
	p, err := eval.LabelProbabilities(ctx, c, m.questions, m.labels, func(done int) { bar.Set(int64(done)) })
	if err != nil {
		return nil, err
	}
	bar.Done()
	right := make([]int, len(m.gold))
	for i, g := range m.gold {
		right[i] = slices.Index(m.labels, g.Label)
	}
	return eval.Calibrate(p, right, resampling)
}
