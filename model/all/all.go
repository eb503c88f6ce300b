package all

import (
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/bert"
	"github.com/troikaml/troika/model/gemma3"
	"github.com/troikaml/troika/model/llama"
	"github.com/troikaml/troika/model/qwen2"
	"github.com/troikaml/troika/model/qwen3"
	"github.com/troikaml/troika/model/qwen3moe"
	"github.com/troikaml/troika/model/xlmroberta"
)

// Architectures returns every architecture this program knows.
func Architectures() []model.Architecture {
	return []model.Architecture{
		llama.Architecture,
		llama.Mistral,
		qwen2.Architecture,
		qwen3.Architecture,
		qwen3moe.Architecture,
		gemma3.Architecture,
		bert.Architecture,
		xlmroberta.Architecture,
	}
}
