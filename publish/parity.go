package publish

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// ErrParity says that what would be served is not what was trained.
var ErrParity = errors.New("the model as served is not the one that was trained")

// MaxKL bounds, in nats at each position, how far the served distribution may be from
// the recorded one where bits cannot be compared: between devices of different names.
// It is over the likeliest tokens and the rest as one, so the true divergence may be more.
const MaxKL = 1e-3

// Subject is a model on the way to being served.
type Subject struct {
	Device compute.Device
	Bundle *bundle.Bundle
	Model  model.Model
	Set    *adapter.Set // of Model
	// Slot serves the adapter whose directory is Adapter; [nn.NoAdapter] and "" for a
	// base.
	Slot    int32
	Adapter string
	// Base is what the adapter says that it was trained on; zero where it does not say.
	Base troika.Digest
}

// Proof says what was compared, of a model that passed.
type Proof struct {
	// Recorded says that the trainer's own record stood beside the adapter. Without it,
	// the trainer's path was computed from the saved adapter.
	Recorded  bool `json:"recorded"`
	Probes    int  `json:"probes"`
	Positions int  `json:"positions"`
	// Exact says that all logits had the record's bits. Where the record is of another
	// device, KL is the largest divergence from it, in nats.
	Exact bool    `json:"exact"`
	KL    float64 `json:"kl"`
}

// String says it in a sentence.
func (p *Proof) String() string {
	how := "the trainer's bits"
	if !p.Exact {
		how = fmt.Sprintf("within %.2g nats of the trainer's", p.KL)
	}
	if !p.Recorded {
		how += " (computed now: no record stands beside the model)"
	}
	return fmt.Sprintf("served as trained: template, token ids, and logits at %d positions with %s", p.Positions, how)
}

// Prove compares what serving would compute with what training did: the template, the
// token ids of a few conversations, the base, and the logits at every position, through
// the serving engine. An error wraps [ErrParity] where they differ, and says where first.
func Prove(ctx context.Context, s Subject) (*Proof, error) {
	ids, err := probeIDs(s.Bundle, s.Bundle.Facts.MaxPositions-1)
	if err != nil {
		return nil, err
	}
	var trained *Trained
	if s.Adapter != "" {
		if trained, err = readTrained(s.Adapter); err != nil {
			return nil, err
		}
	}
	if err := s.sameInputs(trained, ids); err != nil {
		return nil, err
	}
	slot := int32(nn.NoAdapter)
	if s.Adapter != "" {
		x, err := adapter.Load(s.Device, s.Model, s.Adapter)
		if err != nil {
			return nil, err
		}
		defer x.Free()
		slot = s.Set.Add(x)
		defer s.Set.Remove(slot)
	}
	longest := 0
	for _, one := range ids {
		longest = max(longest, len(one))
	}
	// Chunks of a few tokens, so that the cache is read as well.
	const chunk = 16
	engine, err := infer.New(s.Device, s.Model, infer.Options{Context: longest + 1, Sequences: 1, Chunk: chunk})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	proof := &Proof{Recorded: trained != nil, Probes: len(ids), Exact: true}
	for i, one := range ids {
		served, err := serverLogits(ctx, engine, s.Slot, one)
		if err != nil {
			return nil, err
		}
		if trained != nil {
			if err := proof.compare(trained, i, served, s.Device.Name()); err != nil {
				return nil, err
			}
		}
		now, err := trainerLogits(s.Device, s.Model, slot, one)
		if err != nil {
			return nil, err
		}
		if err := sameBits(i, now, served); err != nil {
			return nil, err
		}
		proof.Positions += len(one)
	}
	return proof, nil
}

// sameInputs compares what reaches the model.
func (s *Subject) sameInputs(t *Trained, ids [][]int32) error {
	if t != nil {
		template := ""
		if now := s.Bundle.TemplateDigest(); now != t.Template {
			template = fmt.Sprintf("the chat template was %s in training and is %s", t.Template, now)
		}
		where := s.firstToken(t, ids)
		switch {
		case template != "" && where != "":
			return fmt.Errorf("%w: %s; first, %s", ErrParity, template, where)
		case template != "" || where != "":
			return fmt.Errorf("%w: %s", ErrParity, template+where)
		}
	}
	if s.Base.IsZero() {
		return nil
	}
	now, err := s.Bundle.Digest()
	if err != nil {
		return err
	}
	if now != s.Base {
		return fmt.Errorf("%w: its base was %s in training, and %s is %s", ErrParity, s.Base, s.Bundle.Dir, now)
	}
	return nil
}

// firstToken says where token ids differ first, or nothing.
func (s *Subject) firstToken(t *Trained, ids [][]int32) string {
	if len(t.Probes) != len(ids) {
		return fmt.Sprintf("%d probes were recorded, there are %d", len(t.Probes), len(ids))
	}
	name := func(ids []int32, at int) string {
		if at >= len(ids) {
			return "none"
		}
		return fmt.Sprintf("%d %q", ids[at], s.Bundle.Tokenizer.Bytes(ids[at]))
	}
	for i, p := range t.Probes {
		for at := range max(len(p.IDs), len(ids[i])) {
			if at >= len(p.IDs) || at >= len(ids[i]) || p.IDs[at] != ids[i][at] {
				return fmt.Sprintf("probe %d has token %s at position %d, and had %s in training",
					i+1, name(ids[i], at), at, name(p.IDs, at))
			}
		}
	}
	return ""
}

// compare holds the served logits of a probe against the record.
func (p *Proof) compare(t *Trained, probe int, served [][]float32, device string) error {
	for at, logits := range served {
		row := &t.Probes[probe].Rows[at]
		for _, id := range row.Top {
			if id < 0 || int(id) >= len(logits) {
				return fmt.Errorf("%w: the record of probe %d, position %d is of another vocabulary", ErrParity, probe+1, at)
			}
		}
		if newRow(logits).Bits == row.Bits {
			continue
		}
		kl := row.divergence(logits)
		if device == t.Device {
			return fmt.Errorf("%w: the logits of probe %d differ first at position %d, by %.3g nats, on the device of training, %s: %s",
				ErrParity, probe+1, at, kl, device, "the weights are others")
		}
		if !(kl <= MaxKL) {
			return fmt.Errorf("%w: the logits of probe %d are %.3g nats away at position %d, more than %g; trained on %s, served on %s",
				ErrParity, probe+1, kl, at, MaxKL, t.Device, device)
		}
		p.Exact, p.KL = false, max(p.KL, kl)
	}
	return nil
}

// sameBits compares logits of both paths on one device.
func sameBits(probe int, trained, served [][]float32) error {
	for at := range served {
		for id, v := range served[at] {
			if math.Float32bits(v) != math.Float32bits(trained[at][id]) {
				return fmt.Errorf("%w: probe %d, position %d, token %d: the trainer's path gives the logit %v, the server's %v",
					ErrParity, probe+1, at, id, trained[at][id], v)
			}
		}
	}
	return nil
}
