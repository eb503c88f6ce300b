package nn

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/troikaml/troika/compute"
)

// MoEConfig describes the layers whose MLP is a mixture of experts.
type MoEConfig struct {
	Experts, PerToken int
	IntermediateSize  int    // of one expert
	Normalize         bool   // the weights of the chosen experts sum up to one
	Layers            []bool // which have experts; the others have a plain MLP
}

// maxExperts bounds what a configuration may ask for, with the other limits.
const maxExperts = 1 << 12

// moe reads the fields of a mixture of experts.
func (c *TransformerConfig) moe() (*MoEConfig, error) {
	m := &MoEConfig{
		Experts: cmp.Or(c.NumExperts, c.NumLocalExperts), PerToken: c.NumExpertsPerTok,
		IntermediateSize: c.MoEIntermediateSize, Normalize: c.NormTopKProb,
	}
	var errs []error
	in := func(name string, v, most int) {
		if v < 1 || v > most {
			errs = append(errs, fmt.Errorf("%s is %d, want 1 to %d", name, v, most))
		}
	}
	in("num_experts", m.Experts, maxExperts)
	in("num_experts_per_tok", m.PerToken, max(1, m.Experts))
	in("moe_intermediate_size", m.IntermediateSize, 4*maxWidth)
	step := 1
	if c.DecoderSparseStep != nil {
		step = *c.DecoderSparseStep
		in("decoder_sparse_step", step, maxLayers)
	}
	if c.MLPBias {
		errs = append(errs, errors.New("mlp_bias is set, which is not supported beside experts"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	m.Layers = make([]bool, c.NumHiddenLayers)
	for i := range m.Layers {
		m.Layers[i] = (i+1)%step == 0 && !slices.Contains(c.MLPOnlyLayers, i)
	}
	return m, nil
}

// Experts is a gated MLP of which each row uses the few parts that a router chooses:
// the sum of their results by its weights. No adapter acts on it, nor on its router,
// which is not a linear layer for PEFT either.
type Experts struct {
	Router         *Linear // [experts, C]
	gate, up, down compute.GroupedMatMul
	route          compute.MoERoute
	act            compute.Activation
}

// Experts loads path.gate.weight and, for each expert, path.experts.{e}.gate_proj.weight,
// up_proj and down_proj. They are frozen.
func (l *Loader) Experts(path string, cfg *DecoderConfig) *Experts {
	c, m := cfg.HiddenSize, cfg.MoE
	if l.trainable {
		l.fail(errors.New("the experts of a mixture cannot be trained; tune an adapter instead"))
	}
	x := &Experts{
		Router: &Linear{Path: path + ".gate", In: c, Out: m.Experts, Index: -1},
		route:  compute.MoERoute{Experts: m.PerToken, Normalize: m.Normalize},
		act:    cfg.Activation,
	}
	x.Router.Weight, x.Router.Param = l.matrix(path+".gate.weight", m.Experts, c)
	x.gate = l.group(path, "gate_proj", m.Experts, m.IntermediateSize, c)
	x.up = l.group(path, "up_proj", m.Experts, m.IntermediateSize, c)
	x.down = l.group(path, "down_proj", m.Experts, c, m.IntermediateSize)
	return x
}

// group loads one matrix [out, in] of each expert.
func (l *Loader) group(path, part string, experts, out, in int) (op compute.GroupedMatMul) {
	for e := range experts {
		w, _ := l.matrix(fmt.Sprintf("%s.experts.%d.%s.weight", path, e, part), out, in)
		op.W = append(op.W, w)
	}
	return op
}

// Forward applies the mixture to h [T, C].
func (x *Experts) Forward(o compute.Ops, b *Batch, h *compute.Tensor) *compute.Tensor {
	chosen := o.Apply(x.route, x.Router.Forward(o, b, h))
	weights, ids := chosen[0], chosen[1]
	gated := o.Block(func() *compute.Tensor { // the widest tensors
		return compute.Do(o, compute.GLU{Act: x.act}, compute.Do(o, x.gate, h, ids), compute.Do(o, x.up, h, ids))
	})
	return compute.Do(o, compute.WeightedSum{}, compute.Do(o, x.down, gated, ids), weights)
}
