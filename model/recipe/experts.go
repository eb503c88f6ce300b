package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model/nn"
)

// Keys of a mixture of experts.
const (
	expertsKey    = "expert_count"
	usedKey       = "expert_used_count"
	expertSizeKey = "expert_feed_forward_length"
	// weightsNormKey says whether the weights of the chosen experts sum up to one. Without
	// it they do, as llama.cpp takes it for this family.
	weightsNormKey = "expert_weights_norm"
)

const routerName = "blk.{}.ffn_gate_inp.weight"

// expertRules are the rules of layers with experts.
func expertRules() []Rule {
	rules := []Rule{{HF: "model.layers.{}.mlp.gate.weight", GGUF: routerName}}
	for _, part := range []string{"gate", "up", "down"} {
		rules = append(rules, Rule{
			HF:   "model.layers.{}.mlp.experts.{e}." + part + "_proj.weight",
			GGUF: "blk.{}.ffn_" + part + "_exps.weight",
		})
	}
	return rules
}

// setExperts stores what describes the mixture. Which layers have one is told by their
// tensors.
func setExperts(m *nn.MoEConfig, set func(key string, value any)) {
	set(expertsKey, uint32(m.Experts))
	set(usedKey, uint32(m.PerToken))
	set(expertSizeKey, uint32(m.IntermediateSize))
	set(weightsNormKey, m.Normalize)
}

// expertLosses tells what llama.cpp takes otherwise.
func expertLosses(m *nn.MoEConfig) (losses []string) {
	if !m.Normalize {
		losses = append(losses, "norm_topk_prob is false, llama.cpp assumes true")
	}
	if i := slices.Index(m.Layers, false); i >= 0 {
		losses = append(losses, fmt.Sprintf("layer %d has a plain MLP, llama.cpp wants experts in every layer", i))
	}
	return losses
}

// experts sets the fields of a mixture of experts.
func (r *reader) experts(c map[string]any) {
	norm, err := r.f.KV().Bool(r.prefix + weightsNormKey)
	if errors.Is(err, gguf.ErrNoKey) {
		norm, err = true, nil
	}
	r.keep(err)
	c["num_experts"], c["num_experts_per_tok"] = r.number(expertsKey, -1), r.number(usedKey, -1)
	c["moe_intermediate_size"], c["norm_topk_prob"] = r.number(expertSizeKey, -1), norm
	c["decoder_sparse_step"] = 1
	plain := []int{}
	layers, _ := c["num_hidden_layers"].(int)
	for i := range min(layers, maxLayers) {
		if !holds(r.f, fill(routerName, i, 0)) {
			plain = append(plain, i)
		}
	}
	c["mlp_only_layers"] = plain
}

// stackName is the name of a stack in Hugging Face's layout: that of its tensors, with
// {e} for the number of the expert.
func stackName(rule Rule, layer int) string {
	return strings.ReplaceAll(fill(rule.HF, layer, -1), "-1", "{e}")
}

// Stack returns the name under which [View.Source] has the stack that a tensor in
// Hugging Face's layout belongs to, or would.
func Stack(name string) string {
	p, n := pattern(name)
	if len(n) < 2 {
		return name
	}
	return stackName(Rule{HF: p}, n[0])
}
