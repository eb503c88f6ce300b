package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/page"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/train"
)

// shownAnswers bounds the examples of a page.
const shownAnswers = 50

// sheet is what a page shows of a measurement.
type sheet struct {
	ref    modelRef // that was measured
	report *eval.Report
	gold   []eval.Example
	said   [][]string // by the model before, and by ref where that is tuned
	// against names the model before, where that is not the base.
	against string
	by      string // the field that the report's slices are by
}

// writePage writes a measurement as an HTML file.
func (a *app) writePage(ctx context.Context, name string, s sheet) error {
	p := &page.Page{Model: s.ref.Name, Chinese: a.chinese(), Report: s.report, Against: s.against, By: s.by}
	for i, e := range s.gold[:min(shownAnswers, len(s.gold))] {
		one := page.Answer{ID: e.ID, Question: e.Text, Right: e.Label, Base: s.said[0][i]}
		if len(s.said) > 1 {
			one.Tuned = s.said[1][i]
		}
		p.Answers = append(p.Answers, one)
	}
	var err error
	if p.Chain, err = a.chain(ctx, s.ref, s.report, s.against); err != nil {
		return err
	}
	if p.Losses, err = a.lossesOf(s.ref); err != nil {
		return err
	}
	var text strings.Builder
	if err := p.Write(&text); err != nil {
		return err
	}
	return fsx.WriteFile(name, []byte(text.String()), 0o644)
}

// chinese says whether the user's locale is a Chinese one.
func (a *app) chinese() bool {
	return strings.HasPrefix(cmp.Or(a.Getenv("LC_ALL"), a.Getenv("LC_MESSAGES"), a.Getenv("LANG")), "zh")
}

// lossesOf returns how a model's training went; none where its run is not known.
func (a *app) lossesOf(ref modelRef) ([]page.Loss, error) {
	made, err := provenanceOf(ref)
	if err != nil || made == nil {
		return nil, err
	}
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	run := made.Job
	if run == "" {
		run = filepath.Base(ref.Adapter)
		if dir, err := filepath.Abs(filepath.Dir(ref.Adapter)); err != nil || dir != filepath.Join(home, adaptersFolder) {
			return nil, err // its run may be anywhere
		}
	}
	return readLosses(filepath.Join(home, runsFolder, run, "metrics.jsonl"))
}

// readLosses reads the metrics of a run; none where there are none.
func readLosses(name string) ([]page.Loss, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []page.Loss
	for line := range strings.Lines(string(text)) {
		var p train.Progress
		if json.Unmarshal([]byte(line), &p) != nil {
			break // cut by a kill
		}
		out = append(out, page.Loss{Step: p.Step, Train: p.Loss, Valid: p.ValidLoss})
	}
	return out, nil
}
