// Package qwen3 is the architecture of Qwen3: Llama's decoder with an RMSNorm over
// each head of queries and keys, and no biases. It leaves the mixture-of-experts
// variant to its own package.
package qwen3

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Architecture reads config.json of model_type "qwen3".
var Architecture = model.Decoder("qwen3", "Qwen3ForCausalLM", func(c *nn.TransformerConfig) nn.Variant {
	return nn.Variant{
		QKNorm: true, HeadDim: 128, RopeTheta: 10000,
		QKVBias: c.AttentionBias, OutBias: c.AttentionBias,
	}
})
