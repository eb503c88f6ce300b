package adapter

import (
	"fmt"
	"slices"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

// Frozen is an adapter that no longer changes, in the layout that its device
// computes fastest with: A, and B times the scale. On a device whose products have
// the same bits by weights and by tensors, such as compute/cpu, it answers with the
// bits of the [LoRA] that it was made from.
type Frozen struct {
	pairs []frozenPair
	bytes int64
}

// frozenPair is Pair, prepared.
type frozenPair struct {
	layer *nn.Linear
	a     compute.Weight // [Rank, In]
	b     compute.Weight // [Out, Rank], times the scale
}

// Freeze copies the adapter for serving. It costs as much memory again: the caller
// still owns x.
func (x *LoRA) Freeze() (*Frozen, error) {
	f := &Frozen{}
	for _, p := range x.pairs {
		a, err := f.prepare(x.dev, p.A, 1)
		if err != nil {
			f.Free()
			return nil, err
		}
		b, err := f.prepare(x.dev, p.B, x.Config.Scale())
		if err != nil {
			a.Free()
			f.Free()
			return nil, err
		}
		f.pairs = append(f.pairs, frozenPair{layer: p.Layer, a: a, b: b})
	}
	return f, nil
}

// prepare keeps a matrix in the narrowest type that holds all of its values exactly: what
// was saved in 16 bits takes them again, and no bit of an answer changes.
func (f *Frozen) prepare(dev compute.Device, t *compute.Tensor, scale float32) (compute.Weight, error) {
	v := compute.Floats(dev, t)
	for i := range v {
		v[i] *= scale
	}
	w, err := dev.Prepare(narrowest(tensor.FromFloat32s(v, t.Shape...), v))
	if err != nil {
		return nil, fmt.Errorf("freeze adapter: %w", err)
	}
	if s, ok := w.(interface{ Bytes() int64 }); ok {
		f.bytes += s.Bytes() // with what the device pads
	} else {
		f.bytes += int64(w.DType().Bytes(len(v)))
	}
	return w, nil
}

// narrowest returns t, whose values are given, in F16 or BF16 where neither changes any.
func narrowest(t tensor.Tensor, values []float32) tensor.Tensor {
	for _, d := range []tensor.DType{tensor.F16, tensor.BF16} {
		small, err := t.Encode(d)
		if err != nil {
			continue
		}
		back, err := small.Float32s()
		if err == nil && slices.Equal(back, values) {
			return small
		}
	}
	return t
}

// Open reads a PEFT adapter directory for m, as [Load] does, to be served.
func Open(dev compute.Device, m model.Model, dir string) (*Frozen, error) {
	x, err := Load(dev, m, dir)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	return x.Freeze()
}

// Bytes returns the memory the adapter's values take.
func (f *Frozen) Bytes() int64 { return f.bytes }

// Free gives the memory back.
func (f *Frozen) Free() {
	for _, p := range f.pairs {
		p.a.Free()
		p.b.Free()
	}
	f.pairs, f.bytes = nil, 0
}

// actions implements [Adapter].
func (f *Frozen) actions(yield func(*nn.Linear, action)) {
	for i := range f.pairs {
		yield(f.pairs[i].layer, &f.pairs[i])
	}
}

// act implements action. Dropout is training's: a frozen adapter has none.
func (p *frozenPair) act(o compute.Ops, _ *nn.Batch, x, y *compute.Tensor) *compute.Tensor {
	u := compute.Do(o, compute.Linear{W: p.a}, x)
	return compute.Do(o, compute.Linear{W: p.b}, u, y)
}
