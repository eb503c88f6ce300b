package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/train"
)

// tuning is one LoRA run.
type tuning struct {
	adapter adapter.Config
	train   train.Config
	dataset troika.Digest // of the training data
	run     string        // folder of the run's state and metrics
	out     string        // folder of the adapter
	resume  bool
	onStep  func(train.Progress)
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
	Version string         `json:"troika_version"`
}

// tune trains a fresh adapter on a session's base and writes it. The adapter stays
// loaded in the session, prepared as for serving.
func (s *session) tune(ctx context.Context, t tuning, trainSet, validSet []train.Sequence) (*train.Result, error) {
	base, err := s.bundle.Digest()
	if err != nil {
		return nil, err
	}
	made := provenance{
		Base: s.ref.Base, BaseSHA: base, Dataset: t.dataset, Adapter: t.adapter, Train: t.train, Version: buildVersion(),
	}
	x, err := adapter.New(s.dev, s.model, t.adapter, t.train.Seed)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	// What a killed run was writing there is of no more use.
	fsx.Sweep(t.run)
	fsx.Sweep(t.out)
	res, err := s.train(ctx, t, made, x, trainSet, validSet)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := x.Save(t.out, s.ref.Base, fsx.Bytes(provenanceFile, append(text, '\n'))); err != nil {
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

// train runs the optimizer on x, which acts in slot 0 meanwhile.
func (s *session) train(ctx context.Context, t tuning, made provenance, x *adapter.LoRA, trainSet, validSet []train.Sequence) (*train.Result, error) {
	identity, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	defer s.set.Remove(s.set.Add(x))
	facts := s.bundle.Facts
	return train.Run(ctx, train.Job{
		Device: s.dev, Model: s.model, Params: x.Params(), Train: trainSet, Valid: validSet,
		Context: facts.MaxPositions, Vocab: facts.VocabSize, Config: t.train, Dir: t.run, Resume: t.resume,
		Identity: string(identity), OnStep: t.onStep,
	})
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
