package nn

import (
	"fmt"
	"slices"

	"github.com/troikaml/troika/compute"
)

// NoAdapter is the adapter slot of rows that use the base model alone.
const NoAdapter = -1

// Batch is one forward pass: T tokens of one or more sequences, laid end to end.
type Batch struct {
	Tokens    []int32 // [T]
	Positions []int32 // [T], each token's position in its sequence
	Spans     []compute.Span
	// AdapterSlots picks the adapter of each row, [T]; nil means slot 0 for all,
	// which is NoAdapter where no adapter is loaded.
	AdapterSlots []int32
	// Outputs are the ascending rows whose hidden states are asked for; nil means all.
	// The others go no further than the keys and values of the last layer.
	Outputs []int32
	// Dropout is non-nil in training.
	Dropout *Dropout

	tokens, positions *compute.Tensor
	outputs           *compute.Tensor // nil for all
	out               *Batch          // of the rows in Outputs
	slots             []SlotRows
}

// SlotRows are the rows of a batch that one adapter acts on.
type SlotRows struct {
	Slot int32
	Rows *compute.Tensor // ascending indices of the rows, nil for every row
	List []int32         // the same on the host
}

// Dropout seeds the random choices of one training pass: module i of the model
// draws from stream Step<<16|i.
type Dropout struct {
	Seed uint64
	Step uint64 // counts micro-batches from the start of the run
}

// Sequence appends n tokens that start at position start of a new Span.
func (b *Batch) Sequence(tokens []int32, start int, pages []int32) {
	b.Spans = append(b.Spans, compute.Span{Row: len(b.Tokens), Rows: len(tokens), Start: start, Pages: pages})
	for i, t := range tokens {
		b.Tokens = append(b.Tokens, t)
		b.Positions = append(b.Positions, int32(start+i))
	}
}

// Upload copies the indices to the device. The returned function frees them.
func (b *Batch) Upload(dev compute.Device) (free func(), err error) {
	if len(b.Tokens) == 0 || len(b.Positions) != len(b.Tokens) ||
		(b.AdapterSlots != nil && len(b.AdapterSlots) != len(b.Tokens)) {
		return nil, fmt.Errorf("batch has %d tokens, %d positions and %d adapter slots",
			len(b.Tokens), len(b.Positions), len(b.AdapterSlots))
	}
	for i, r := range b.Outputs {
		if r < 0 || int(r) >= len(b.Tokens) || i > 0 && r <= b.Outputs[i-1] {
			return nil, fmt.Errorf("batch of %d tokens is asked for rows %v, which are to ascend", len(b.Tokens), b.Outputs)
		}
	}
	b.tokens = compute.FromInts(dev, b.Tokens, len(b.Tokens))
	b.positions = compute.FromInts(dev, b.Positions, len(b.Positions))
	b.slots = b.bySlot(dev)
	b.out = b
	if n := len(b.Outputs); n > 0 && n < len(b.Tokens) {
		b.outputs = compute.FromInts(dev, b.Outputs, n)
		b.out = &Batch{Dropout: b.Dropout}
		for _, r := range b.Outputs {
			if b.AdapterSlots != nil {
				b.out.AdapterSlots = append(b.out.AdapterSlots, b.AdapterSlots[r])
			}
		}
		b.out.slots = b.out.bySlot(dev)
	}
	return func() {
		dev.Free(b.tokens)
		dev.Free(b.positions)
		freeSlots(dev, b.slots)
		if b.outputs != nil {
			dev.Free(b.outputs)
			freeSlots(dev, b.out.slots)
		}
		b.tokens, b.positions, b.outputs, b.slots, b.out = nil, nil, nil, nil, nil
	}, nil
}

func freeSlots(dev compute.Device, slots []SlotRows) {
	for _, s := range slots {
		if s.Rows != nil {
			dev.Free(s.Rows)
		}
	}
}

// output returns the rows of x [T, C] that are asked for.
func (b *Batch) output(o compute.Ops, x *compute.Tensor) *compute.Tensor {
	if b.outputs == nil {
		return x
	}
	return compute.Do(o, compute.GatherRows{}, x, b.outputs)
}

// Slots returns the rows of an uploaded batch by their adapter slot, in ascending
// order of slots; rows of NoAdapter are left out. The tensors are the batch's.
func (b *Batch) Slots() []SlotRows { return b.slots }

// bySlot sorts the rows by slot and uploads their indices.
func (b *Batch) bySlot(dev compute.Device) []SlotRows {
	if b.AdapterSlots == nil {
		return []SlotRows{{Slot: 0}}
	}
	slots := slices.Compact(slices.Sorted(slices.Values(b.AdapterSlots)))
	if len(slots) == 1 && slots[0] != NoAdapter {
		return []SlotRows{{Slot: slots[0]}}
	}
	var all []SlotRows
	for _, slot := range slots {
		if slot == NoAdapter {
			continue
		}
		var rows []int32
		for r, s := range b.AdapterSlots {
			if s == slot {
				rows = append(rows, int32(r))
			}
		}
		all = append(all, SlotRows{Slot: slot, Rows: compute.FromInts(dev, rows, len(rows)), List: rows})
	}
	return all
}
