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
	// Dropout is non-nil in training.
	Dropout *Dropout

	tokens, positions *compute.Tensor
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
	b.tokens = compute.FromInts(dev, b.Tokens, len(b.Tokens))
	b.positions = compute.FromInts(dev, b.Positions, len(b.Positions))
	b.slots = b.bySlot(dev)
	return func() {
		dev.Free(b.tokens)
		dev.Free(b.positions)
		for _, s := range b.slots {
			if s.Rows != nil {
				dev.Free(s.Rows)
			}
		}
		b.tokens, b.positions, b.slots = nil, nil, nil
	}, nil
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
