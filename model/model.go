package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Batch, Span and the others are defined in model/nn and compute.
type (
	// Batch is one forward pass.
	Batch = nn.Batch
	// Parameter is a trainable tensor.
	Parameter = nn.Parameter
)

// Model is a network on a device. Forward may be called from several goroutines,
// each with its own Ops and Batch, while no parameter changes.
type Model interface {
	// Forward returns the final hidden states of the rows that an uploaded batch asks
	// for, [T, C] where that is all. kv is nil in training.
	Forward(o compute.Ops, b *Batch, kv compute.KV) *compute.Tensor
	// Logits returns [N, V] for N rows of hidden states.
	Logits(o compute.Ops, b *Batch, hidden *compute.Tensor) *compute.Tensor
	// OutputHead returns the projection that Logits applies; nil for an encoder, which
	// has no logits.
	OutputHead() *nn.Linear
	// Layers returns the linear layers that adapters may act on, in order.
	Layers() []*nn.Linear
	// Params returns the trainable tensors, in order; none when frozen.
	Params() []Parameter
	// KVSpec returns the shape of a cache with the given number of pages.
	KVSpec(pages int) compute.KVSpec
	// Free gives the memory back.
	Free()
}

// Facts is what every architecture tells about a configuration.
type Facts struct {
	VocabSize    int
	HiddenSize   int
	Layers       int
	MaxPositions int // longest sequence the model takes
	TiedHead     bool
	Encoder      bool    // embeds texts, generates nothing
	NormOffset   float32 // is added to the scales of norms
}

// Config is a checked configuration, ready to build from.
type Config interface {
	Facts() Facts
	// New builds the model from named tensors.
	New(l *nn.Loader) (Model, error)
}

// Architecture reads one family of config.json.
type Architecture struct {
	ModelType string   // "model_type" in config.json
	Classes   []string // "architectures" in config.json
	// Parse checks a config.json. Its errors name the field that is wrong.
	Parse func(config []byte) (Config, error)
	// GGUF says how its checkpoints lie in GGUF files; nil when they have no place
	// there.
	GGUF *recipe.Recipe
}

// InGGUF returns a with the recipe of a variant of the shared decoder.
func (a Architecture) InGGUF(d recipe.Decoder) Architecture {
	d.ModelType, d.Class = a.ModelType, a.Classes[0]
	a.GGUF = d.Recipe()
	return a
}

// EncoderInGGUF returns a with the recipe of a variant of the shared encoder.
func (a Architecture) EncoderInGGUF(e recipe.Encoder) Architecture {
	e.ModelType, e.Class = a.ModelType, a.Classes[0]
	a.GGUF = e.Recipe()
	return a
}

// Parse finds the architecture that a config.json names, and parses it.
func Parse(known []Architecture, config []byte) (Config, error) {
	a, err := Find(known, config)
	if err != nil {
		return nil, err
	}
	cfg, err := a.Parse(config)
	if err != nil {
		return nil, fmt.Errorf("config.json of a %s model: %w", a.ModelType, err)
	}
	return cfg, nil
}

// Find returns the architecture that a config.json names.
func Find(known []Architecture, config []byte) (Architecture, error) {
	var head struct {
		ModelType     string   `json:"model_type"`
		Architectures []string `json:"architectures"`
	}
	if err := json.Unmarshal(config, &head); err != nil {
		return Architecture{}, fmt.Errorf("parse config.json: %w", err)
	}
	names := make([]string, len(known))
	for i, a := range known {
		names[i] = a.ModelType
		if a.ModelType != head.ModelType {
			continue
		}
		if len(head.Architectures) > 0 && !slices.Contains(a.Classes, head.Architectures[0]) {
			return Architecture{}, fmt.Errorf("config.json: model class %s of model_type %s is not supported; known: %s",
				head.Architectures[0], head.ModelType, strings.Join(a.Classes, ", "))
		}
		return a, nil
	}
	return Architecture{}, fmt.Errorf("config.json: model_type %q is not supported; known: %s",
		head.ModelType, strings.Join(names, ", "))
}
