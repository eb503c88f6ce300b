package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/train"
)

// testData is what a model is measured on.
type testData struct {
	examples []dataset.Example
	digest   troika.Digest // of the file's bytes, or of the dataset
	lines    []byte        // the examples' records as JSON lines
	text     []train.Text  // in the examples' stead, where there is nothing to ask
}

// preferences reports whether each example has two answers.
func (t *testData) preferences() bool {
	return len(t.examples) > 0 && !slices.ContainsFunc(t.examples, func(e dataset.Example) bool { return e.Rejected == nil })
}

// testSource names test examples: what --data and --split say.
type testSource struct{ data, split string }

func (o *testSource) flags(f *pflag.FlagSet) {
	f.StringVar(&o.data, "data", "", "test conversations: JSON lines, a folder, or a dataset")
	f.StringVar(&o.split, "split", dataset.Test, "split of a dataset: "+strings.Join(dataset.Splits(), ", "))
}

// testData reads test examples. Of labelled texts, a tuned model is asked what it was
// tuned on.
func (a *app) testData(ctx context.Context, ref modelRef, from testSource) (*testData, error) {
	if !slices.Contains(dataset.Splits(), from.split) {
		return nil, usagef("--split %q: want one of %s", from.split, strings.Join(dataset.Splits(), ", "))
	}
	t := &testData{}
	var err error
	if isFile(from.data) {
		if t.examples, t.digest, err = readChat(from.data); err == nil {
			t.lines, err = os.ReadFile(from.data)
		}
		return t, err
	}
	v, _, err := a.givenVersion(ctx, from.data)
	if err != nil {
		return nil, err
	}
	if len(v.Split(from.split)) == 0 {
		return nil, fmt.Errorf("%s: its %s split is empty; --split takes another", from.data, from.split)
	}
	t.digest = v.Digest()
	if plain(v) {
		for _, r := range v.Split(from.split) {
			t.text = append(t.text, train.Text{Name: r.ID, Text: r.Text})
		}
		return t, nil
	}
	if err := answered(v, from.split); err != nil {
		return nil, fmt.Errorf("%s: %w", from.data, err)
	}
	instruction, err := learnedInstruction(ref)
	if err != nil {
		return nil, err
	}
	if t.examples, err = v.Examples(from.split, asked(v, instruction)); err != nil {
		return nil, fmt.Errorf("%s: %w", from.data, err)
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, r := range v.Split(from.split) {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	t.lines = lines.Bytes()
	return t, nil
}

// gateData reads the test examples of a gate, which compares answers.
func (a *app) gateData(ctx context.Context, ref modelRef, from testSource) (*testData, error) {
	t, err := a.testData(ctx, ref, from)
	switch {
	case err != nil:
		return nil, err
	case t.text != nil:
		return nil, usagef("--data %s has texts alone, which ask nothing: the gate compares answers", from.data)
	case t.preferences():
		return nil, usagef("--data %s has preferences, which have no right answer: the gate compares answers", from.data)
	}
	return t, nil
}

// learnedInstruction returns the instruction that a tuned model has learned to follow; "" where
// it has learned none or says nothing.
func learnedInstruction(ref modelRef) (string, error) {
	made, err := provenanceOf(ref)
	if err != nil || made == nil {
		return "", err
	}
	return made.Instruction, nil
}
