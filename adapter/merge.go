package adapter

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/tensor"
)

// Merged is a base checkpoint with an adapter's part added to its matrices. It
// implements [checkpoint.Reader] and [checkpoint.Describer]; matrices that the adapter
// acts on are computed when they are read, in float64, and are F32 whatever the base has:
// rounded to 16 bits, much of what was learned would be lost.
type Merged struct {
	base   checkpoint.Reader
	file   *safetensors.File
	scale  float64
	rank   int
	merged map[string]string // layer paths by the names of their matrices
}

// Merge opens the adapter in dir over a base checkpoint in Hugging Face's layout. A
// tensor of the adapter that fits no matrix of the base is an error that names it.
// Closing the result closes the adapter; the base stays the caller's.
func Merge(base checkpoint.Reader, dir string) (*Merged, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	cfg := Config{Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, RSLoRA: c.UseRSLoRA}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("merge adapter %s: %w", dir, err)
	}
	m := &Merged{base: base, scale: float64(cfg.Scale()), rank: c.Rank, merged: map[string]string{}}
	if m.file, err = safetensors.OpenFile(filepath.Join(dir, WeightsFile)); err != nil {
		return nil, fmt.Errorf("merge adapter: %w", err)
	}
	if err := m.match(); err != nil {
		_ = m.file.Close() // the error before matters
		return nil, fmt.Errorf("merge adapter %s: %w", dir, err)
	}
	return m, nil
}

// match finds the base's matrix for each pair of the adapter.
func (m *Merged) match() error {
	names, there := m.file.Names(), m.base.Names()
	for _, name := range names {
		path, ok := strings.CutPrefix(name, namePrefix)
		layer, isA := strings.CutSuffix(path, ".lora_A.weight")
		if !isA {
			layer, _ = strings.CutSuffix(path, ".lora_B.weight")
		}
		other := namePrefix + layer + map[bool]string{true: ".lora_B.weight", false: ".lora_A.weight"}[isA]
		matrix := layer + ".weight"
		switch {
		case !ok || layer == path || !slices.Contains(there, matrix):
			return fmt.Errorf("tensor %s belongs to no matrix of the base", name)
		case !slices.Contains(names, other):
			return fmt.Errorf("tensor %s has no %s beside it", name, other)
		}
		m.merged[matrix] = layer
	}
	return nil
}

// Layers returns how many matrices the adapter changes.
func (m *Merged) Layers() int { return len(m.merged) }

// Names implements [checkpoint.Reader].
func (m *Merged) Names() []string { return m.base.Names() }

// Metadata implements [checkpoint.Reader].
func (m *Merged) Metadata() map[string]string { return m.base.Metadata() }

// Close implements [checkpoint.Reader].
func (m *Merged) Close() error { return m.file.Close() }

// Entry implements [checkpoint.Describer].
func (m *Merged) Entry(name string) (checkpoint.Entry, error) {
	var e checkpoint.Entry
	var err error
	if d, ok := m.base.(checkpoint.Describer); ok {
		e, err = d.Entry(name)
	} else {
		var t tensor.Tensor
		if t, err = m.base.Tensor(name); err == nil {
			e = checkpoint.EntryOf(name, t)
		}
	}
	if _, ok := m.merged[name]; ok {
		e.DType = tensor.F32
	}
	return e, err
}

// Tensor implements [checkpoint.Reader].
func (m *Merged) Tensor(name string) (tensor.Tensor, error) {
	t, err := m.base.Tensor(name)
	layer, ok := m.merged[name]
	if err != nil || !ok {
		return t, err
	}
	if len(t.Shape) != 2 {
		return tensor.Tensor{}, fmt.Errorf("merge adapter: tensor %s has shape %v, want a matrix", name, t.Shape)
	}
	rows, cols := t.Shape[0], t.Shape[1]
	w, err := t.Float32s()
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("merge adapter: tensor %s: %w", name, err)
	}
	a, err := matrix(m.file, namePrefix+layer+".lora_A.weight", m.rank, cols)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("merge adapter: %w", err)
	}
	b, err := matrix(m.file, namePrefix+layer+".lora_B.weight", rows, m.rank)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("merge adapter: %w", err)
	}
	out, sum := make([]float32, rows*cols), make([]float64, cols)
	for i := range rows {
		clear(sum)
		for r := range m.rank {
			factor := m.scale * float64(b[i*m.rank+r])
			for j, v := range a[r*cols:][:cols] {
				sum[j] += factor * float64(v)
			}
		}
		for j, v := range w[i*cols:][:cols] {
			out[i*cols+j] = float32(float64(v) + sum[j])
		}
	}
	return tensor.FromFloat32s(out, rows, cols), nil
}
