package qwen3moe

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "qwen3_moe".
var Architecture = model.Decoder("qwen3_moe", "Qwen3MoeForCausalLM", variant).InGGUF(recipe.Decoder{
	Architecture: "qwen3moe", Variant: variant,
})

func variant(c *nn.TransformerConfig) nn.Variant {
	return nn.Variant{
		QKNorm: true, RopeTheta: 10000, Experts: true,
		QKVBias: c.AttentionBias, OutBias: c.AttentionBias,
	}
}
