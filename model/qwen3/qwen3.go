package qwen3

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "qwen3".
var Architecture = model.Decoder("qwen3", "Qwen3ForCausalLM", variant).InGGUF(recipe.Decoder{
	Architecture: "qwen3", Variant: variant,
})

func variant(c *nn.TransformerConfig) nn.Variant {
	return nn.Variant{
		QKNorm: true, HeadDim: 128, RopeTheta: 10000,
		QKVBias: c.AttentionBias, OutBias: c.AttentionBias,
	}
}
