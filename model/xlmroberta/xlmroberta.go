package xlmroberta

import (
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "xlm-roberta".
var Architecture = model.Encoder("xlm-roberta", "XLMRobertaModel", first).EncoderInGGUF(recipe.Encoder{
	First: first, Padding: true, Matches: matches,
})

// matches knows the family among the files of BERT's by its tokenizer, a Unigram model.
func matches(f *gguf.File) bool {
	kind, err := f.KV().Text("tokenizer.ggml.model")
	return err == nil && kind == "t5"
}

// first is the position after the padding token's, as in the transformers library.
func first(c *nn.EncoderConfig) int {
	const padding = 1 // when pad_token_id is absent
	if c.PadTokenID == nil {
		return padding + 1
	}
	return max(*c.PadTokenID, -1) + 1
}
