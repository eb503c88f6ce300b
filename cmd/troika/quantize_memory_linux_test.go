package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/tensor"
)

// A model is quantised in pieces: memory does not grow with its largest tensor, which
// here is larger than what the program may hold.
func TestQuantizeMemoryIsBounded(t *testing.T) {
	ofProcesses(t)
	if testing.Short() {
		t.Skip("writes hundreds of megabytes")
	}
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	writeHollow(t, model)
	cmd := refineCommand(t, dir)
	cmd.Args = append(cmd.Args[:1], "quantize", "model", "q.gguf", "--type", "Q8_0", "--threads", "2")
	peak, code := measured(t, cmd)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	info, err := os.Stat(filepath.Join(dir, "q.gguf"))
	if err != nil || info.Size() < 170<<20 {
		t.Errorf("the file is %v, %v", info, err)
	}
	const most = 192 << 20
	t.Logf("at most %d MiB", peak>>20)
	if peak == 0 || peak > most {
		t.Errorf("%d MiB were held, want at most %d", peak>>20, most>>20)
	}
}

// writeHollow writes a model whose embedding is 320 MiB of zeros that take no room.
func writeHollow(t *testing.T, dir string) {
	t.Helper()
	const vocab, hidden, head, inner = 40 << 10, 4096, 32, 32
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../starter/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3","vocab_size":%d,"hidden_size":%d,
		"intermediate_size":%d,"num_hidden_layers":1,"num_attention_heads":1,"head_dim":%d,"tie_word_embeddings":true}`, vocab, hidden, inner, head)
	for name, text := range map[string]string{"tokenizer.json": string(data), "config.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var plan []checkpoint.Entry
	for name, shape := range map[string][]int{
		"embed_tokens": {vocab, hidden}, "norm": {hidden}, "layers.0.input_layernorm": {hidden},
		"layers.0.post_attention_layernorm": {hidden}, "layers.0.self_attn.q_proj": {head, hidden},
		"layers.0.self_attn.k_proj": {head, hidden}, "layers.0.self_attn.v_proj": {head, hidden},
		"layers.0.self_attn.o_proj": {hidden, head}, "layers.0.self_attn.q_norm": {head}, "layers.0.self_attn.k_norm": {head},
		"layers.0.mlp.gate_proj": {inner, hidden}, "layers.0.mlp.up_proj": {inner, hidden}, "layers.0.mlp.down_proj": {hidden, inner},
	} {
		plan = append(plan, checkpoint.Entry{Name: "model." + name + ".weight", DType: tensor.BF16, Shape: shape})
	}
	var head1 strings.Builder
	if _, err := safetensors.NewWriter(&head1, plan, nil); err != nil {
		t.Fatal(err)
	}
	size := int64(head1.Len())
	for _, e := range plan {
		n, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		size += int64(n)
	}
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(head1.String()); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
