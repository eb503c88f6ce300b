package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
)

// encoderDir is the tiny BERT of model/bert with a vocabulary of words.
func encoderDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const source = "../../model/bert/testdata/f32"
	for _, name := range []string{"config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vocab := map[string]int{"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
	for i := range 80 {
		vocab[fmt.Sprintf("w%d", i)] = i + 4
	}
	data, err := json.Marshal(map[string]any{
		"version":       "1.0",
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{
			"type": "TemplateProcessing",
			"single": []any{
				map[string]any{"SpecialToken": map[string]any{"id": "[CLS]", "type_id": 0}},
				map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}},
				map[string]any{"SpecialToken": map[string]any{"id": "[SEP]", "type_id": 0}},
			},
			"pair": []any{map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}}},
			"special_tokens": map[string]any{
				"[CLS]": map[string]any{"id": "[CLS]", "ids": []int{2}, "tokens": []string{"[CLS]"}},
				"[SEP]": map[string]any{"id": "[SEP]", "ids": []int{3}, "tokens": []string{"[SEP]"}},
			},
		},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEmbed(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	e := local.New(dev, local.Options{Known: all.Architectures()})
	t.Cleanup(func() {
		e.Close()
		if held := dev.Stats().Weights; held != 0 {
			t.Errorf("%d bytes of weights are held after closing", held)
		}
	})
	if err := e.AddBase("vectors", encoderDir(t)); err != nil {
		t.Fatal(err)
	}
	if info := e.Models()[0]; info.Kind != serve.KindEmbedding || info.ContextLength != 128 {
		t.Errorf("model %+v", info)
	}
	embed := func(ctx context.Context, inputs ...serve.Input) ([][]float32, serve.Usage, error) {
		return e.Embed(ctx, serve.EmbeddingRequest{Model: "vectors", Inputs: inputs})
	}
	text := func(n int) serve.Input {
		return serve.Input{Text: strings.TrimSpace(strings.Repeat(fmt.Sprintf("w%d ", n), n+1))}
	}
	var many []serve.Input
	for i := range 60 {
		many = append(many, text(i))
	}
	whole, usage, err := embed(t.Context(), many...)
	if err != nil || usage.PromptTokens != 60*61/2+2*60 {
		t.Fatal(usage, err)
	}
	// The bits of a vector do not depend on what shares its pass, or on who else asks.
	var wg sync.WaitGroup
	for i, in := range many {
		wg.Go(func() {
			alone, _, err := embed(t.Context(), in)
			if err != nil || !slices.Equal(alone[0], whole[i]) {
				t.Errorf("text %d alone has another vector: %v", i, err)
			}
		})
	}
	wg.Wait()
	var length float64
	for _, x := range whole[7] {
		length += float64(x) * float64(x)
	}
	if math.Abs(length-1) > 1e-6 {
		t.Errorf("a vector's length is %v", length)
	}
	byID, _, err := embed(t.Context(), serve.Input{Tokens: []int32{2, 4, 3}})
	if err != nil || !slices.Equal(byID[0], whole[0]) {
		t.Errorf("tokens have another vector than their text: %v", err)
	}
	bad := func(want string, err error) {
		t.Helper()
		if r, ok := errors.AsType[*serve.RequestError](err); !ok || !strings.Contains(r.Message, want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	_, _, err = embed(t.Context(), text(3), text(130))
	bad("'input[1]': it has 133 tokens, the model takes at most 128", err)
	_, _, err = embed(t.Context(), serve.Input{Tokens: []int32{89}})
	bad("token 89 is not in the vocabulary of 89", err)
	_, err = ask(e, serve.ChatRequest{Model: "vectors", Messages: []serve.Message{{Role: "user", Content: "w1"}}})
	bad("/v1/embeddings", err)
	_, _, err = e.Embed(t.Context(), serve.EmbeddingRequest{Model: "other", Inputs: many})
	bad("does not make embeddings", err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := embed(ctx, many...); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
