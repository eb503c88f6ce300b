package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/cmd/internal/tasks"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/tfidf"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/train"
)

// quickstart is one walk from raw documents to a served model.
type quickstart struct {
	*app
	o    quickstartOptions
	home string

	version   *dataset.Version
	prompt    dataset.Prompt
	test      []eval.Example
	maxTokens int    // of an answer: the longest label, its end included
	secret    string // of the key that the proof uses, where the server asks for one
	report    eval.Report
	given     map[string][]string // answers by model, of the test split
	adapter   troika.Digest
	seconds   map[string]float64
}

// resampling fixes the draws of every interval.
var resampling = eval.Resampling{Seed: 1}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// build makes the dataset version and stores it.
func (q *quickstart) build(ctx context.Context, s *session) error {
	if err := q.buildVersion(ctx, s); err != nil {
		return err
	}
	if q.o.instruction != "" {
		q.prompt.Instruction = q.o.instruction
	}
	if err := addVersion(ctx, q.home, q.o.name, q.version); err != nil {
		return err
	}
	for _, r := range q.version.Split(dataset.Test) {
		q.test = append(q.test, eval.Example{ID: r.ID, Text: r.Text, Label: r.Label})
	}
	for _, label := range q.version.Labels() {
		q.maxTokens = max(q.maxTokens, len(s.bundle.Tokenizer.EncodeOrdinary(label))+1)
	}
	m := q.version.Manifest()
	q.say("dataset %s", q.version.Digest())
	for _, split := range m.Splits {
		q.say("  %-10s %5d documents", split.Name, split.Records)
	}
	for reason, n := range m.Dropped {
		q.say("  dropped    %5d %s", n, reason)
	}
	return nil
}

func (q *quickstart) buildVersion(ctx context.Context, s *session) error {
	var err error
	if q.o.data == "" {
		root, err := q.goRoot(ctx)
		if err != nil {
			return err
		}
		q.say("reading the doc comments of Go's standard library in %s", root)
		q.prompt = dataset.Prompt{Instruction: tasks.GoInstruction}
		q.version, err = tasks.GoAreas(os.DirFS(filepath.Join(root, "src")), s.bundle.Tokenizer)
		return err
	}
	info, err := os.Stat(q.o.data)
	if err != nil {
		return err
	}
	dir := os.DirFS(q.o.data)
	if !info.IsDir() {
		dir = onlyFile{os.DirFS(filepath.Dir(q.o.data)), filepath.Base(q.o.data)}
	}
	q.say("reading the documents in %s", q.o.data)
	q.prompt = dataset.Prompt{Instruction: tasks.FolderInstruction}
	version, failures, err := tasks.Folder(dir, s.bundle.Tokenizer)
	for _, f := range failures {
		// A document that cannot be read is left out; a line of a data file that is
		// broken says that the file is not what its owner thinks.
		if f.Line > 0 {
			return fmt.Errorf("read documents: %w", f)
		}
		q.Log.Warn("document skipped", "reason", f.Error())
	}
	q.version = version
	return err
}

// baselines measures what needs no model.
func (q *quickstart) baselines(ctx context.Context, _ *session) error {
	var trainSet []eval.Example
	var gold []string
	for _, r := range q.version.Split(dataset.Train) {
		trainSet = append(trainSet, eval.Example{ID: r.ID, Text: r.Text, Label: r.Label})
		gold = append(gold, r.Label)
	}
	most, err := eval.Majority(gold)
	if err != nil {
		return err
	}
	if q.report.Majority, _, err = eval.Evaluate(ctx, eval.Constant(most), q.version.Labels(), q.test, resampling); err != nil {
		return err
	}
	linear, err := tfidf.Train(ctx, trainSet, tfidf.Defaults())
	if err != nil {
		return err
	}
	q.report.TFIDF, _, err = eval.Evaluate(ctx, linear, q.version.Labels(), q.test, resampling)
	return err
}

func (q *quickstart) evaluateBase(ctx context.Context, s *session) error {
	var err error
	q.report.Base, err = q.evaluate(ctx, s, q.o.model, nn.NoAdapter)
	return err
}

func (q *quickstart) evaluateTuned(ctx context.Context, s *session) error {
	var err error
	if q.report.Tuned, err = q.evaluate(ctx, s, q.o.name, 0); err != nil {
		return err
	}
	q.report.Gain, err = eval.Compare(eval.Accuracy, q.report.Base, q.report.Tuned, resampling)
	return err
}

// evaluate puts the test split to a model and keeps its answers for the proof.
func (q *quickstart) evaluate(ctx context.Context, s *session, name string, slot int32) (*eval.Result, error) {
	questions := make([]bundle.Conversation, len(q.test))
	for i, e := range q.test {
		questions[i] = bundle.Conversation{Messages: q.prompt.Messages(e.Text)}
	}
	answers, err := q.answers(ctx, s, name, slot, questions, infer.ChatOptions{MaxTokens: q.maxTokens})
	if err != nil {
		return nil, err
	}
	if q.given == nil {
		q.given = map[string][]string{}
	}
	q.given[name] = answers
	return eval.Score(q.version.Labels(), q.test, predictions(answers), resampling)
}

// tune trains the adapter.
func (q *quickstart) tune(ctx context.Context, s *session) error {
	trainSet, err := s.encode(q.version, dataset.Train, q.prompt, nil, train.FromChat)
	if err != nil {
		return err
	}
	validSet, err := s.encode(q.version, dataset.Validation, q.prompt, nil, train.FromChat)
	if err != nil {
		return err
	}
	out := filepath.Join(q.home, adaptersFolder, q.o.name)
	_, err = s.tune(ctx, tuning{
		adapter: q.o.adapter, train: q.o.train, dataset: q.version.Digest(), instruction: q.prompt.Instruction,
		run: filepath.Join(q.home, runsFolder, q.o.name), out: out, onStep: q.trainingProgress("tune"),
	}, trainSet, validSet)
	if err != nil {
		return err
	}
	q.adapter, err = adapter.Digest(out)
	return err
}

// onlyFile is a folder that shows one file.
type onlyFile struct {
	fs.FS
	name string
}

// ReadDir implements [fs.ReadDirFS].
func (f onlyFile) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, dir)
	var out []fs.DirEntry
	for _, e := range entries {
		if e.Name() == f.name {
			out = append(out, e)
		}
	}
	return out, err
}

// say tells a person what is going on.
func (q *quickstart) say(format string, args ...any) {
	if !q.JSON {
		_, _ = fmt.Fprintf(q.Progress, format+"\n", args...)
	}
}
