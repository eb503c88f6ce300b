package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

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

// testData reads what --data names. Of labelled texts, a tuned model is asked what it
// was tuned on.
func (a *app) testData(ctx context.Context, s *session, o evalOptions) (*testData, error) {
	if !slices.Contains(dataset.Splits(), o.split) {
		return nil, usagef("--split %q: want one of %s", o.split, strings.Join(dataset.Splits(), ", "))
	}
	t := &testData{}
	var err error
	if isFile(o.data) {
		if t.examples, t.digest, err = readChat(o.data); err == nil {
			t.lines, err = os.ReadFile(o.data)
		}
		return t, err
	}
	v, _, err := a.givenVersion(ctx, o.data)
	if err != nil {
		return nil, err
	}
	if len(v.Split(o.split)) == 0 {
		return nil, fmt.Errorf("%s: its %s split is empty; --split takes another", o.data, o.split)
	}
	t.digest = v.Digest()
	if plain(v) {
		for _, r := range v.Split(o.split) {
			t.text = append(t.text, train.Text{Name: r.ID, Text: r.Text})
		}
		return t, nil
	}
	if err := answered(v, o.split); err != nil {
		return nil, fmt.Errorf("%s: %w", o.data, err)
	}
	instruction, err := learnedInstruction(s.ref)
	if err != nil {
		return nil, err
	}
	if t.examples, err = v.Examples(o.split, asked(v, instruction)); err != nil {
		return nil, fmt.Errorf("%s: %w", o.data, err)
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, r := range v.Split(o.split) {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	t.lines = lines.Bytes()
	return t, nil
}

// learnedInstruction returns the instruction that a tuned model has learned to follow; "" where
// it has learned none or says nothing.
func learnedInstruction(ref modelRef) (string, error) {
	if ref.Adapter == "" {
		return "", nil
	}
	made, err := readProvenance(ref.Adapter)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // made elsewhere
	}
	if err != nil {
		return "", err
	}
	return made.Instruction, nil
}
