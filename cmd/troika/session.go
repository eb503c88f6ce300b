package main

import (
	"fmt"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

// session is one base model on a device, with the adapter of a tuned model.
type session struct {
	dev    *cpu.Device
	ref    modelRef
	bundle *bundle.Bundle
	model  model.Model
	set    *adapter.Set
	lora   adapter.Adapter // nil for a base
	kv     tensor.DType    // of the caches of evaluation
}

// open loads a model by name. Close the session when done.
func (a *app) open(name string) (*session, error) {
	ref, err := a.resolveModel(name)
	if err != nil {
		return nil, err
	}
	return a.load(ref)
}

// load loads a model that was found. Close the session when done.
func (a *app) load(ref modelRef) (_ *session, err error) {
	s := &session{ref: ref}
	s.bundle, s.model, err = bundle.OpenModel(ref.Dir, all.Architectures(), func(facts model.Facts) (compute.Device, error) {
		if facts.Encoder {
			return nil, fmt.Errorf("model %s is an encoder: it makes embeddings (troika serve, /v1/embeddings) and generates nothing", ref.Name)
		}
		s.dev = a.device()
		return s.dev, nil
	})
	if err != nil {
		if s.dev != nil {
			s.dev.Close()
		}
		return nil, err
	}
	s.set = adapter.NewSet(s.model)
	if ref.Adapter != "" {
		x, err := adapter.Open(s.dev, s.model, ref.Adapter)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.lora = x
		s.set.Add(x)
	}
	return s, nil
}

// Close frees everything. Closing twice is allowed.
func (s *session) Close() {
	if s.model == nil {
		return
	}
	if s.lora != nil {
		s.lora.Free()
	}
	s.model.Free()
	s.model = nil
	s.dev.Close()
}

// checkIDs refuses tokens that the model does not have, and sequences over its
// context.
func (s *session) checkIDs(ids []int32) error {
	facts := s.bundle.Facts
	if len(ids) == 0 || len(ids) > facts.MaxPositions {
		return fmt.Errorf("%d tokens: the model takes 1 to %d", len(ids), facts.MaxPositions)
	}
	for _, id := range ids {
		if id < 0 || int(id) >= facts.VocabSize {
			return fmt.Errorf("token %d is not in the vocabulary of %d", id, facts.VocabSize)
		}
	}
	return nil
}
