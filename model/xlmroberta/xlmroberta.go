package xlmroberta

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// Architecture reads config.json of model_type "xlm-roberta".
var Architecture = model.Encoder("xlm-roberta", "XLMRobertaModel", first)

// first is the position after the padding token's, as in the transformers library.
func first(c *nn.EncoderConfig) int {
	const padding = 1 // when pad_token_id is absent
	if c.PadTokenID == nil {
		return padding + 1
	}
	return max(*c.PadTokenID, -1) + 1
}
