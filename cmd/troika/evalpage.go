package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/page"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/train"
)

// shownAnswers bounds the examples of a page.
const shownAnswers = 50

// writePage writes a report as an HTML file.
func (m *measurement) writePage(report *eval.Report, o evalOptions) error {
	p := &page.Page{Title: "Evaluation of " + m.s.ref.Name, Report: report, By: o.by}
	for i := range m.gold[:min(shownAnswers, len(m.gold))] {
		one := page.Answer{ID: m.gold[i].ID, Question: m.gold[i].Text, Right: m.gold[i].Label, Base: m.said[0][i]}
		if report.Tuned != nil {
			one.Tuned = m.said[1][i]
		}
		p.Answers = append(p.Answers, one)
	}
	p.Lineage = []page.Fact{{Name: "model", Value: m.s.ref.Name}, {Name: "test examples", Value: report.Dataset}}
	if m.s.ref.Adapter != "" {
		if err := m.lineage(p); err != nil {
			return err
		}
	}
	var text strings.Builder
	if err := p.Write(&text); err != nil {
		return err
	}
	return fsx.WriteFile(o.html, []byte(text.String()), 0o644)
}

// lineage adds what an adapter was made from, and how its training went.
func (m *measurement) lineage(p *page.Page) error {
	ref := m.s.ref
	digest, err := adapter.Digest(ref.Adapter)
	if err != nil {
		return err
	}
	fact := func(name string, value any) {
		p.Lineage = append(p.Lineage, page.Fact{Name: name, Value: fmt.Sprint(value)})
	}
	fact("adapter", digest)
	made, err := readProvenance(ref.Adapter)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // made elsewhere
	}
	if err != nil {
		return err
	}
	recipe, err := json.Marshal(map[string]any{"adapter": made.Adapter, "train": made.Train})
	if err != nil {
		return err
	}
	fact("base", made.Base+" "+made.BaseSHA.String())
	fact("training data", made.Dataset)
	fact("recipe", string(recipe))
	fact("trained by", "troika "+made.Version)
	fact("measured by", "troika "+buildVersion())
	home, err := m.Home()
	if err != nil {
		return err
	}
	run := made.Job
	if run == "" {
		run = filepath.Base(ref.Adapter)
		if dir, err := filepath.Abs(filepath.Dir(ref.Adapter)); err != nil || dir != filepath.Join(home, adaptersFolder) {
			return err // its run may be anywhere
		}
	}
	p.Losses, err = readLosses(filepath.Join(home, runsFolder, run, "metrics.jsonl"))
	return err
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
