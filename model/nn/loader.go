package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Source supplies named tensors: a checkpoint, or an initialiser.
type Source interface {
	// Tensor returns the tensor of that name and shape. It may alias a file.
	Tensor(name string, shape []int) (tensor.Tensor, error)
	// Names lists what the source holds.
	Names() []string
	// Release says that the tensor's bytes will not be read again.
	Release(name string)
}

// Loader builds blocks from a Source. Its methods record the first error, which
// Finish returns; until then they return usable zero blocks.
type Loader struct {
	dev       compute.Device
	src       Source
	trainable bool
	used      map[string]bool
	linears   []*Linear
	params    []Parameter
	free      []func()
	err       error
}

// Parameter is a trainable tensor and its name.
type Parameter struct {
	Name   string
	Tensor *compute.Tensor
	// Decay says whether weight decay applies: to matrices, not to norms and biases.
	Decay bool
	// Rate multiplies the learning rate; 0 means 1.
	Rate float64
}

// NewLoader returns a loader onto dev. With trainable, matrices become F32 tensors
// that can change.
func NewLoader(dev compute.Device, src Source, trainable bool) *Loader {
	return &Loader{dev: dev, src: src, trainable: trainable, used: map[string]bool{}}
}

func (l *Loader) fetch(name string, shape ...int) (tensor.Tensor, bool) {
	if l.err != nil {
		return tensor.Tensor{}, false
	}
	t, err := l.src.Tensor(name, shape)
	if err == nil && !slices.Equal(t.Shape, shape) {
		err = fmt.Errorf("tensor %s has shape %v, the configuration asks for %v", name, t.Shape, shape)
	}
	if err != nil {
		l.err = err
		return tensor.Tensor{}, false
	}
	l.used[name] = true
	return t, true
}

// Vector loads a vector of n values, widened to F32.
func (l *Loader) Vector(name string, n int) *compute.Tensor {
	return l.floats(name, false, n)
}

// fail records an error of what is built.
func (l *Loader) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// values reads a tensor, widened to F32; the caller may change them.
func (l *Loader) values(name string, shape ...int) []float32 {
	t, ok := l.fetch(name, shape...)
	if !ok {
		return nil
	}
	v, err := t.Float32s()
	if err != nil {
		l.err = fmt.Errorf("tensor %s: %w", name, err)
	}
	return v
}

func (l *Loader) floats(name string, decay bool, shape ...int) *compute.Tensor {
	v := l.values(name, shape...)
	if l.err != nil {
		return nil
	}
	x := compute.FromFloats(l.dev, v, shape...)
	l.owns(x)
	if l.trainable {
		l.params = append(l.params, Parameter{Name: name, Tensor: x, Decay: decay})
	}
	return x
}

// owns makes what is built free x.
func (l *Loader) owns(x *compute.Tensor) {
	dev := l.dev // not l, which holds the head of the checkpoint
	l.free = append(l.free, func() { dev.Free(x) })
}

// matrix loads a weight in the loader's mode.
func (l *Loader) matrix(name string, out, in int) (compute.Weight, *compute.Tensor) {
	if l.trainable {
		return nil, l.floats(name, true, out, in)
	}
	t, ok := l.fetch(name, out, in)
	if !ok {
		return nil, nil
	}
	w, err := l.dev.Prepare(t)
	if err != nil {
		l.err = fmt.Errorf("tensor %s: %w", name, err)
		return nil, nil
	}
	l.src.Release(name)
	l.free = append(l.free, w.Free)
	return w, nil
}

// Linear loads path.weight [out, in] and, with bias, path.bias [out].
func (l *Loader) Linear(path string, out, in int, bias bool) *Linear {
	y := &Linear{Path: path, In: in, Out: out, Index: len(l.linears)}
	y.Weight, y.Param = l.matrix(path+".weight", out, in)
	if bias {
		y.Bias = l.Vector(path+".bias", out)
	}
	l.linears = append(l.linears, y)
	return y
}

// Norm loads path.weight [n].
func (l *Loader) Norm(path string, n int, eps float32) *RMSNorm {
	return &RMSNorm{Scale: l.Vector(path+".weight", n), Eps: eps}
}

// LayerNorm loads path.weight [n] and path.bias [n].
func (l *Loader) LayerNorm(path string, n int, eps float32) *LayerNorm {
	return &LayerNorm{Scale: l.Vector(path+".weight", n), Bias: l.Vector(path+".bias", n), Eps: eps}
}

// Embedding loads path.weight [rows, cols].
func (l *Loader) Embedding(path string, rows, cols int) *Embedding {
	e := &Embedding{}
	e.Weight, e.Param = l.matrix(path+".weight", rows, cols)
	return e
}

// Head loads the output projection at path, or shares the embedding when tied. A
// tied checkpoint may still carry a copy, which is passed over.
func (l *Loader) Head(path string, e *Embedding, vocab, width int, tied bool) *Linear {
	if !tied {
		y := l.Linear(path, vocab, width, false)
		l.linears = l.linears[:len(l.linears)-1] // adapters leave the head alone
		return y
	}
	l.used[path+".weight"] = true
	return &Linear{Path: path, In: width, Out: vocab, Index: -1, Weight: e.Weight, Param: e.Param}
}

// Ignore passes over tensors whose name ends in one of the suffixes: buffers that
// some exporters write and no computation reads.
func (l *Loader) Ignore(suffixes ...string) {
	for _, name := range l.src.Names() {
		for _, s := range suffixes {
			if strings.HasSuffix(name, s) {
				l.used[name] = true
			}
		}
	}
}

// Finish returns the first error, or an error naming the tensors that nothing
// used. On an error everything loaded is freed.
func (l *Loader) Finish() (*Loaded, error) {
	if l.err == nil {
		var left []string
		for _, name := range l.src.Names() {
			if !l.used[name] {
				left = append(left, name)
			}
		}
		if n := len(left); n > 0 {
			slices.Sort(left)
			l.err = fmt.Errorf("%d tensors belong to no part of the architecture: %s",
				n, strings.Join(left[:min(n, 5)], ", "))
		}
	}
	m := &Loaded{Linears: l.linears, Parameters: l.params, free: l.free}
	if l.err != nil {
		m.Free()
		return nil, l.err
	}
	return m, nil
}

// Loaded is what a Loader built.
type Loaded struct {
	Linears    []*Linear   // every layer an adapter may act on, in order
	Parameters []Parameter // in trainable mode, in order
	free       []func()
}

// Free gives the memory back.
func (m *Loaded) Free() {
	for _, f := range m.free {
		f()
	}
	m.free = nil
}
