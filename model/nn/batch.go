package nn

import (
	"fmt"

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
	return func() {
		dev.Free(b.tokens)
		dev.Free(b.positions)
		b.tokens, b.positions = nil, nil
	}, nil
}
