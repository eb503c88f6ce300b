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
