package adapter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Config says what an adapter looks like.
type Config struct {
	Rank    int     `json:"rank"`
	Alpha   float64 `json:"alpha"`
	Dropout float64 `json:"dropout"`
	// Targets are the last elements of layer paths, such as "q_proj"; empty means
	// every linear layer but the output head.
	Targets []string `json:"targets,omitempty"`
	// RSLoRA scales by Alpha/sqrt(Rank) (Kalajdzievski, 2023).
	RSLoRA bool `json:"rslora,omitempty"`
	// LRRatio is the learning rate of B over that of A (LoRA+: Hayou et al., 2024); 0
	// means 1.
	LRRatio float64 `json:"lr_ratio,omitempty"`
}

func (c Config) check() error {
	switch {
	case c.Rank < 1 || c.Rank > 1<<14:
		return fmt.Errorf("adapter rank is %d, want 1 to %d", c.Rank, 1<<14)
	case !(c.Alpha > 0) || math.IsInf(c.Alpha, 0):
		return fmt.Errorf("adapter alpha is %g, want a positive number", c.Alpha)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("adapter dropout is %g, want 0 to 1", c.Dropout)
	case !(c.LRRatio >= 0) || math.IsInf(c.LRRatio, 0):
		return fmt.Errorf("adapter lr_ratio is %g, want a positive number, or 0 for 1", c.LRRatio)
	}
	return nil
}

// Scale returns the factor of B(A x).
func (c Config) Scale() float32 {
	if c.RSLoRA {
		return float32(c.Alpha / math.Sqrt(float64(c.Rank)))
	}
	return float32(c.Alpha / float64(c.Rank))
}

// LoRA is an adapter on a device. Its tensors may be changed by training only
// while nothing else runs.
type LoRA struct {
	Config Config
	dev    compute.Device
	pairs  []Pair
}

// Pair is an adapter's matrices for one layer.
type Pair struct {
	Layer *nn.Linear
	A     *compute.Tensor // [Rank, In]
	B     *compute.Tensor // [Out, Rank]
}

// New makes a fresh adapter for m. A is drawn as PEFT draws it, uniformly within
// 1/sqrt(In), from a generator keyed by seed; B is zero.
func New(dev compute.Device, m model.Model, cfg Config, seed uint64) (*LoRA, error) {
	return build(dev, m, cfg, func(l *nn.Linear) (a, b []float32, err error) {
		a, b = make([]float32, cfg.Rank*l.In), make([]float32, l.Out*cfg.Rank)
		bound := 1 / math.Sqrt(float64(l.In))
		for i := range a {
			r := compute.Philox([2]uint32{uint32(seed), uint32(seed >> 32)},
				[4]uint32{uint32(i / 4), uint32(l.Index), 0x4c6f5241, 0})[i%4]
			a[i] = float32((float64(r)/(1<<31) - 1) * bound)
		}
		return a, b, nil
	})
}

// build makes an adapter whose values come from fill.
func build(dev compute.Device, m model.Model, cfg Config, fill func(*nn.Linear) (a, b []float32, err error)) (*LoRA, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	x := &LoRA{Config: cfg, dev: dev}
	hit := map[string]bool{}
	for _, l := range m.Layers() {
		name := l.Path[strings.LastIndexByte(l.Path, '.')+1:]
		if len(cfg.Targets) > 0 && !slices.Contains(cfg.Targets, name) {
			continue
		}
		hit[name] = true
		a, b, err := fill(l)
		if err != nil {
			x.Free()
			return nil, err
		}
		x.pairs = append(x.pairs, Pair{
			Layer: l,
			A:     compute.FromFloats(dev, a, cfg.Rank, l.In),
			B:     compute.FromFloats(dev, b, l.Out, cfg.Rank),
		})
	}
	for _, t := range cfg.Targets {
		if !hit[t] {
			x.Free()
			return nil, fmt.Errorf("adapter target %q matches no layer of the model", t)
		}
	}
	if len(x.pairs) == 0 {
		return nil, errors.New("the model has no layers that an adapter may act on")
	}
	return x, nil
}

// Pairs returns the adapter's matrices in the order of the model's layers.
func (x *LoRA) Pairs() []Pair { return x.pairs }

// Params returns the trainable tensors: A and B of each layer, by PEFT's names.
func (x *LoRA) Params() []model.Parameter {
	var ps []model.Parameter
	for _, p := range x.pairs {
		ps = append(ps,
			model.Parameter{Name: tensorName(p.Layer, "A"), Tensor: p.A, Decay: true},
			model.Parameter{Name: tensorName(p.Layer, "B"), Tensor: p.B, Decay: true, Rate: x.Config.LRRatio})
	}
	return ps
}

// Bytes returns the memory the adapter's values take.
func (x *LoRA) Bytes() int64 {
	var n int64
	for _, p := range x.pairs {
		n += 4 * int64(p.A.Len()+p.B.Len())
	}
	return n
}

// Free gives the memory back.
func (x *LoRA) Free() {
	for _, p := range x.pairs {
		x.dev.Free(p.A)
		x.dev.Free(p.B)
	}
	x.pairs = nil
}
