package adapter

import (
	"slices"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Adapter is what a [Set] carries: a [LoRA], which training may change, or a
// [Frozen], which computes faster.
type Adapter interface {
	// Bytes returns the memory the adapter's values take.
	Bytes() int64
	// Free gives the memory back. No set may carry the adapter then.
	Free()
	// actions yields what the adapter does to each layer that it acts on.
	actions(yield func(*nn.Linear, action))
}

// action is an adapter's part in one layer.
type action interface {
	// act returns y [T, Out] with the contribution of x [T, In] added.
	act(o compute.Ops, b *nn.Batch, x, y *compute.Tensor) *compute.Tensor
}

// Set is the adapters of one base model, by slot. It installs itself in the
// model's layers; a model has at most one Set. Slots may be added or cleared only
// while no forward pass runs.
type Set struct {
	layers []*nn.Linear
	slots  []Adapter
}

// NewSet installs an empty set in m. Until an adapter is put in, the model
// answers as the base.
func NewSet(m model.Model) *Set {
	s := &Set{layers: m.Layers()}
	for _, l := range s.layers {
		l.Hook = &hook{}
	}
	return s
}

// Add puts an adapter in a free slot and returns the slot. The caller keeps owning
// the adapter and frees it after [Set.Remove].
func (s *Set) Add(x Adapter) int32 {
	slot := slices.Index(s.slots, nil)
	if slot < 0 {
		slot = len(s.slots)
		s.slots = append(s.slots, nil)
	}
	s.slots[slot] = x
	x.actions(func(l *nn.Linear, a action) {
		h := l.Hook.(*hook)
		for len(h.actions) <= slot {
			h.actions = append(h.actions, nil)
		}
		h.actions[slot] = a
	})
	return int32(slot)
}

// Remove clears a slot.
func (s *Set) Remove(slot int32) {
	s.slots[slot] = nil
	for _, l := range s.layers {
		if h := l.Hook.(*hook); int(slot) < len(h.actions) {
			h.actions[slot] = nil
		}
	}
}

// hook implements [nn.Hook] for one layer.
type hook struct{ actions []action } // by slot

// Forward implements [nn.Hook]. Frozen adapters act together, each on its rows; of others
// the rows that share a slot are gathered, so each runs once. A batch of one slot needs
// neither.
func (h *hook) Forward(o compute.Ops, b *nn.Batch, x, y *compute.Tensor) *compute.Tensor {
	var together []compute.LowRankGroup
	for _, g := range b.Slots() {
		if g.Slot < 0 || int(g.Slot) >= len(h.actions) || h.actions[g.Slot] == nil {
			continue
		}
		a := h.actions[g.Slot]
		if g.Rows == nil {
			return a.act(o, b, x, y)
		}
		if f, ok := a.(*frozenPair); ok {
			together = append(together, compute.LowRankGroup{Rows: g.List, A: f.a, B: f.b})
			continue
		}
		part := a.act(o, b, compute.Do(o, compute.GatherRows{}, x, g.Rows), compute.Do(o, compute.GatherRows{}, y, g.Rows))
		o.Apply(compute.ScatterRows{}, y, part, g.Rows)
	}
	if together != nil {
		o.Apply(compute.LowRank{Groups: together}, y, x)
	}
	return y
}

// actions implements [Adapter].
func (x *LoRA) actions(yield func(*nn.Linear, action)) {
	for _, p := range x.pairs {
		yield(p.Layer, &trainable{
			a: p.A, b: p.B, scale: x.Config.Scale(), dropout: float32(x.Config.Dropout), index: p.Layer.Index,
		})
	}
}

// trainable is the action of a LoRA.
type trainable struct {
	a, b           *compute.Tensor
	scale, dropout float32
	index          int
}

// act returns y + scale * B(A(dropout(x))).
func (p *trainable) act(o compute.Ops, b *nn.Batch, x, y *compute.Tensor) *compute.Tensor {
	if b.Dropout != nil && p.dropout > 0 {
		x = compute.Do(o, compute.Dropout{
			P: p.dropout, Seed: b.Dropout.Seed, Stream: b.Dropout.Step<<16 | uint64(p.index),
		}, x)
	}
	u := compute.Do(o, compute.MatMul{TransB: true}, x, p.a)
	return compute.Do(o, compute.MatMul{TransB: true, Alpha: p.scale}, u, p.b, y)
}
