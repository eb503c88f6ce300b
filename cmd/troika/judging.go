package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/judge"
	"github.com/troikaml/troika/internal/term"
)

// judgeKey is the environment variable with the key of the judge's API.
const judgeKey = "TROIKA_JUDGE_KEY"

// judgeOptions say which model judges answers.
type judgeOptions struct {
	url, model, rubric, records string
	parallel                    int
}

func (o *judgeOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.url, "judge", "", "OpenAI-compatible API whose model judges answers, such as http://127.0.0.1:8080/v1")
	f.StringVar(&o.model, "judge-model", "", "model that judges")
	f.StringVar(&o.rubric, "judge-rubric", "", "file with a rubric to score answers by, in place of comparing them")
	f.StringVar(&o.records, "judge-records", "", "file of the judge's responses, from which a rerun takes them (default judge.jsonl of --home)")
	f.IntVar(&o.parallel, "judge-parallel", 4, "requests to the judge at once")
}

// check refuses flags that do not fit together.
func (o *judgeOptions) check(tuned bool) error {
	switch {
	case o.model == "" && (o.url != "" || o.rubric != "" || o.records != ""):
		return usagef("--judge-model is missing: the model that judges")
	case o.model != "" && o.rubric == "" && !tuned:
		return usagef("--judge-model: a base alone has no answers to compare; score them with --judge-rubric")
	case o.parallel < 1:
		return usagef("--judge-parallel %d: want at least 1", o.parallel)
	}
	return nil
}

// judged has another model judge the answers.
func (m *measurement) judged(ctx context.Context, o *judgeOptions, tuned bool) (result *eval.Judgement, err error) {
	if o.records == "" {
		home, err := m.Home()
		if err != nil {
			return nil, err
		}
		o.records = filepath.Join(home, "judge.jsonl")
	}
	records, err := judge.OpenRecords(o.records)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	j := &judge.Judge{URL: o.url, Model: o.model, Key: m.Getenv(judgeKey), Records: records, Parallel: o.parallel}
	items := make([]judge.Item, len(m.gold))
	for i, g := range m.gold {
		items[i] = judge.Item{ID: g.ID, Question: g.Text, Reference: g.Label, Base: m.said[0][i]}
		if tuned {
			items[i].Tuned = m.said[1][i]
		}
	}
	bar := m.Progress.Bar("judge answers", int64(len(items)), term.Items("documents"))
	defer bar.Abort()
	progress := func(done int) { bar.Set(int64(done)) }
	if o.rubric == "" {
		all, err := j.Compare(ctx, items, progress)
		if err != nil {
			return nil, err
		}
		bar.Done()
		return eval.Prefer(o.model, all, resampling)
	}
	rubric, err := os.ReadFile(o.rubric)
	if err != nil {
		return nil, err
	}
	base, better, err := j.Score(ctx, string(rubric), items, tuned, progress)
	if err != nil {
		return nil, err
	}
	bar.Done()
	result, err = eval.Grade(o.model, base, better, resampling)
	if err != nil {
		err = fmt.Errorf("none of the verdicts of %s could be read: %w", o.model, err)
	}
	return result, err
}
