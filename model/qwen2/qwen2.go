package qwen2

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "qwen2".
var Architecture = model.Decoder("qwen2", "Qwen2ForCausalLM", variant).InGGUF(recipe.Decoder{
	Architecture: "qwen2", Variant: variant,
})

func variant(*nn.TransformerConfig) nn.Variant {
	return nn.Variant{QKVBias: true, RopeTheta: 10000}
}
