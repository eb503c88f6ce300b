package llama

import (
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "llama".
var Architecture = model.Decoder("llama", "LlamaForCausalLM", variant).InGGUF(recipe.Decoder{
	Architecture: "llama", Variant: variant, Permuted: true,
	Matches: func(f *gguf.File) bool { return !slides(f) },
})

// Mistral reads config.json of model_type "mistral". GGUF calls it llama too; a
// window tells them apart.
var Mistral = model.Decoder("mistral", "MistralForCausalLM", mistralVariant).InGGUF(recipe.Decoder{
	Architecture: "llama", Variant: mistralVariant, Permuted: true, Matches: slides,
})

func variant(c *nn.TransformerConfig) nn.Variant {
	return nn.Variant{
		RopeTheta: 10000, QKVBias: c.AttentionBias, OutBias: c.AttentionBias, MLPBias: c.MLPBias,
	}
}

func mistralVariant(*nn.TransformerConfig) nn.Variant {
	return nn.Variant{RopeTheta: 10000, Window: true}
}

func slides(f *gguf.File) bool { return f.KV().Has("llama.attention.sliding_window") }
