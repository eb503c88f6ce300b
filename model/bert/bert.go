package bert

import (
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/recipe"
)

// Architecture reads config.json of model_type "bert".
var Architecture = model.Encoder("bert", "BertModel", nil).EncoderInGGUF(recipe.Encoder{Matches: matches})

// matches leaves the files of XLM-RoBERTa, which differ by their tokenizer, to it.
func matches(f *gguf.File) bool {
	kind, err := f.KV().Text("tokenizer.ggml.model")
	return err == nil && kind != "t5"
}
