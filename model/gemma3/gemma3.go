package gemma3

import (
	"cmp"

	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "gemma3_text".
var Architecture = model.Decoder("gemma3_text", "Gemma3ForCausalLM", variant).InGGUF(recipe.Decoder{
	Architecture: "gemma3", Variant: variant,
})

// variant has the defaults of the transformers library's Gemma3TextConfig.
func variant(c *nn.TransformerConfig) nn.Variant {
	v := nn.Variant{
		QKNorm: true, HeadDim: 256, Tied: true, Activation: cmp.Or(c.HiddenActivation, "gelu_pytorch_tanh"),
		QKVBias: c.AttentionBias, OutBias: c.AttentionBias, OutNorms: true, NormOffset: 1, ScaledEmbed: true,
		RopeTheta: 1e6, LocalTheta: 1e4, Window: true, Pattern: 6, Scalar: 256,
	}
	if c.QueryPreAttnScalar != nil {
		v.Scalar = *c.QueryPreAttnScalar
	}
	if c.SlidingWindowPattern != nil {
		v.Pattern = *c.SlidingWindowPattern
	}
	return v
}
