package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/train"
)

// tuning is one LoRA run.
type tuning struct {
	adapter adapter.Config
	train   train.Config
	beta    float64       // of preferences; 0: answers are learned by themselves
	dataset troika.Digest // of the training data
	// instruction asks for the label of labelled texts.
	instruction string
	run         string // folder of the run's state and metrics
	out         string // folder of the adapter
	resume      bool
	until       int // the step to stop at; 0: the last
	onStep      func(train.Progress)
	// onPair is told how many preferences of how many the base was asked about.
	onPair func(done, all int)
}

// provenanceFile stands beside an adapter and says what it was made from.
const provenanceFile = "troika.json"

// provenance is the content of troika.json.
type provenance struct {
	Base    string         `json:"base"`
	BaseSHA troika.Digest  `json:"base_digest"`
	Dataset troika.Digest  `json:"dataset"`
	Adapter adapter.Config `json:"adapter"`
	Train   train.Config   `json:"train"`
	Beta    float64        `json:"beta,omitempty"`
	// Instruction asks for the label, where the dataset has labelled texts.
	Instruction string `json:"instruction,omitempty"`
	// Job made the adapter, and Step is the one that it was written after; empty and 0
	// where no job did.
	Job     string `json:"job,omitempty"`
	Step    int    `json:"step,omitempty"`
	Version string `json:"troika_version"`
}

// readProvenance reads what an adapter directory says that it was made from; the error
// wraps [fs.ErrNotExist] where it says nothing.
func readProvenance(dir string) (*provenance, error) {
	path := filepath.Join(dir, provenanceFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what the adapter was made from: %w", err)
	}
	var made provenance
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &made, nil
}

// tune trains a fresh adapter on a session's base and writes it. The adapter stays
// loaded in the session, prepared as for serving.
func (s *session) tune(ctx context.Context, t tuning, trainSet, validSet []train.Sequence) (*train.Result, error) {
	base, err := s.bundle.Digest()
	if err != nil {
		return nil, err
	}
	made := provenance{
		Base: s.ref.Base, BaseSHA: base, Dataset: t.dataset, Adapter: t.adapter, Train: t.train, Beta: t.beta,
		Instruction: t.instruction, Step: t.until, Version: buildVersion(),
	}
	var pref *train.Preference
	if t.beta != 0 {
		if pref, err = s.preference(t, trainSet, validSet); err != nil {
			return nil, err
		}
	}
	x, err := adapter.New(s.dev, s.model, t.adapter, t.train.Seed)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	// What a killed run was writing there is of no more use.
	fsx.Sweep(t.run)
	fsx.Sweep(t.out)
	res, err := s.train(ctx, t, made, x, train.Job{Train: trainSet, Valid: validSet, Preference: pref})
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return nil, err
	}
	proof, err := s.record(x)
	if err != nil {
		return nil, err
	}
	if err := x.Save(t.out, s.ref.Base, fsx.Bytes(provenanceFile, append(text, '\n')), proof); err != nil {
		return nil, err
	}
	frozen, err := x.Freeze()
	if err != nil {
		return nil, err
	}
	s.lora = frozen
	s.set.Add(frozen)
	return res, nil
}

// record computes what a trained adapter answers, for the proof before publishing.
func (s *session) record(x *adapter.LoRA) (fsx.File, error) {
	slot := s.set.Add(x)
	defer s.set.Remove(slot)
	t, err := publish.Record(s.dev, s.bundle, s.model, slot)
	if err != nil {
		return fsx.File{}, err
	}
	return t.File()
}

// preference asks the base, from which training starts, about all pairs.
func (s *session) preference(t tuning, trainSet, validSet []train.Sequence) (*train.Preference, error) {
	all := (len(trainSet) + len(validSet)) / 2
	margins := func(pairs []train.Sequence, before int) ([]float64, error) {
		return train.Margins(s.dev, s.model, pairs, t.train.MicroTokens, func(done int) { t.onPair(before+done, all) })
	}
	of, err := margins(trainSet, 0)
	if err != nil {
		return nil, err
	}
	valid, err := margins(validSet, len(trainSet)/2)
	return &train.Preference{Beta: t.beta, Train: of, Valid: valid}, err
}

// train runs the optimizer on x, which acts in slot 0 meanwhile. The job has the data.
func (s *session) train(ctx context.Context, t tuning, made provenance, x *adapter.LoRA, j train.Job) (*train.Result, error) {
	identity, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	defer s.set.Remove(s.set.Add(x))
	facts := s.bundle.Facts
	j.Device, j.Model, j.Params, j.Context, j.Vocab = s.dev, s.model, x.Params(), facts.MaxPositions, facts.VocabSize
	j.Config, j.Dir, j.Resume, j.Identity, j.OnStep = t.train, t.run, t.resume, string(identity), t.onStep
	if t.until == 0 {
		return train.Run(ctx, j)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var last train.Progress
	j.OnStep = func(p train.Progress) {
		t.onStep(p)
		if last = p; p.Step >= t.until {
			stop()
		}
	}
	res, err := train.Run(ctx, j)
	if errors.Is(err, train.ErrStopped) && last.Step == t.until {
		return &train.Result{Steps: last.Step, Loss: last.Loss}, nil
	}
	return res, err
}

// readChat reads a chat JSONL file, and returns the digest of its bytes.
func readChat(name string) ([]dataset.Example, troika.Digest, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, troika.Digest{}, err
	}
	examples, err := dataset.ReadChat(bytes.NewReader(data), name)
	return examples, troika.Sum(data), err
}
