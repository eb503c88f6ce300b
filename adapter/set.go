package adapter

import (
	"slices"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Set is the adapters of one base model, by slot. It installs itself in the
// model's layers; a model has at most one Set. Slots may be added or cleared only
// while no forward pass runs.
type Set struct {
	layers []*nn.Linear
	slots  []*LoRA
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
func (s *Set) Add(x *LoRA) int32 {
	slot := slices.Index(s.slots, nil)
	if slot < 0 {
		slot = len(s.slots)
		s.slots = append(s.slots, nil)
	}
	s.slots[slot] = x
	for _, p := range x.pairs {
		h := p.Layer.Hook.(*hook)
		for len(h.pairs) <= slot {
			h.pairs = append(h.pairs, nil)
		}
		h.pairs[slot] = &slotPair{a: p.A, b: p.B, scale: x.Config.Scale(), dropout: float32(x.Config.Dropout), index: p.Layer.Index}
	}
	return int32(slot)
}

// Remove clears a slot.
func (s *Set) Remove(slot int32) {
	s.slots[slot] = nil
	for _, l := range s.layers {
		if h := l.Hook.(*hook); int(slot) < len(h.pairs) {
			h.pairs[slot] = nil
		}
	}
}

type slotPair struct {
	a, b           *compute.Tensor
	scale, dropout float32
	index          int
}

// hook implements [nn.Hook] for one layer.
type hook struct{ pairs []*slotPair }

func (h *hook) pair(slot int32) *slotPair {
	if slot < 0 || int(slot) >= len(h.pairs) {
		return nil
	}
	return h.pairs[slot]
}

// Forward implements [nn.Hook]. Rows that share a slot are gathered, so each
// adapter runs once; a batch of one slot needs no gathering.
func (h *hook) Forward(o compute.Ops, b *nn.Batch, x, y *compute.Tensor) *compute.Tensor {
	if b.AdapterSlots == nil {
		return h.apply(o, b, h.pair(0), x, y)
	}
	rows := map[int32][]int32{}
	for r, slot := range b.AdapterSlots {
		rows[slot] = append(rows[slot], int32(r))
	}
	if len(rows) == 1 {
		return h.apply(o, b, h.pair(b.AdapterSlots[0]), x, y)
	}
	for slot := range int32(len(h.pairs)) {
		p := h.pair(slot)
		if p == nil || rows[slot] == nil {
			continue
		}
		ids := compute.FromInts(o.Device(), rows[slot], len(rows[slot]))
		part := h.apply(o, b, p, compute.Do(o, compute.GatherRows{}, x, ids), compute.Do(o, compute.GatherRows{}, y, ids))
		o.Apply(compute.ScatterRows{}, y, part, ids)
		o.Device().Free(ids)
	}
	return y
}

// apply returns y + scale * B(A(dropout(x))).
func (h *hook) apply(o compute.Ops, b *nn.Batch, p *slotPair, x, y *compute.Tensor) *compute.Tensor {
	if p == nil {
		return y
	}
	if b.Dropout != nil && p.dropout > 0 {
		x = compute.Do(o, compute.Dropout{
			P: p.dropout, Seed: b.Dropout.Seed, Stream: b.Dropout.Step<<16 | uint64(p.index),
		}, x)
	}
	u := compute.Do(o, compute.MatMul{TransB: true}, x, p.a)
	return compute.Do(o, compute.MatMul{TransB: true, Alpha: p.scale}, u, p.b, y)
}
