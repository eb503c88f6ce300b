package llama

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Architecture reads config.json of model_type "llama".
var Architecture = model.Decoder("llama", "LlamaForCausalLM", func(c *nn.TransformerConfig) nn.Variant {
	return nn.Variant{
		RopeTheta: 10000, QKVBias: c.AttentionBias, OutBias: c.AttentionBias, MLPBias: c.MLPBias,
	}
})

// Mistral reads config.json of model_type "mistral".
var Mistral = model.Decoder("mistral", "MistralForCausalLM", func(*nn.TransformerConfig) nn.Variant {
	return nn.Variant{RopeTheta: 10000, Window: true}
})
