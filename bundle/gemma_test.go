package bundle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

// gemmaDir writes a tiny Gemma in a type, with the starter's tokenizer.
func gemmaDir(t *testing.T, d tensor.DType) string {
	t.Helper()
	const vocab, hidden, inner, head = 8192, 8, 16, 4
	dir := t.TempDir()
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"} {
		data, err := os.ReadFile(filepath.Join(starterDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := fmt.Sprintf(`{"architectures":["Gemma3ForCausalLM"],"model_type":"gemma3_text","vocab_size":%d,"hidden_size":%d,
		"intermediate_size":%d,"num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":%d,
		"sliding_window":16,"query_pre_attn_scalar":3}`, vocab, hidden, inner, head)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	tensors := map[string]tensor.Tensor{}
	for name, shape := range map[string][]int{
		"model.embed_tokens": {vocab, hidden}, "model.norm": {hidden}, "0.input_layernorm": {hidden},
		"0.post_attention_layernorm": {hidden}, "0.pre_feedforward_layernorm": {hidden}, "0.post_feedforward_layernorm": {hidden},
		"0.self_attn.q_proj": {2 * head, hidden}, "0.self_attn.k_proj": {head, hidden}, "0.self_attn.v_proj": {head, hidden},
		"0.self_attn.o_proj": {hidden, 2 * head}, "0.self_attn.q_norm": {head}, "0.self_attn.k_norm": {head},
		"0.mlp.gate_proj": {inner, hidden}, "0.mlp.up_proj": {inner, hidden}, "0.mlp.down_proj": {hidden, inner},
	} {
		v := make([]float32, tensor.Elems(shape))
		for i := range v {
			v[i] = float32(i%13-6) / 1e6 // too small to survive a sum with one
		}
		x, err := tensor.FromFloat32s(v, shape...).Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if layer, ok := strings.CutPrefix(name, "0."); ok {
			name = "model.layers.0." + layer
		}
		tensors[name+".weight"] = x
	}
	src, err := checkpoint.NewMemory(tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.SaveDir(dir, src, 0); err != nil {
		t.Fatal(err)
	}
	return dir
}

// GGUF has Gemma's norms shifted and rounded; one way and back gives the same bits all
// the same, and a file that llama.cpp reads otherwise says so.
func TestGemmaAndBack(t *testing.T) {
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		from := gemmaDir(t, d)
		file := filepath.Join(t.TempDir(), "m.gguf")
		losses, err := open(t, from).WriteGGUF(file, bundle.Conversion{})
		if err != nil || len(losses) != 1 || !strings.Contains(losses[0], "query_pre_attn_scalar is 3") {
			t.Fatalf("%s: losses %q, %v", d, losses, err)
		}
		b := open(t, file)
		m, err := b.Load(ref.New(), false)
		if err != nil {
			t.Fatal(err)
		}
		m.Free()
		back := filepath.Join(t.TempDir(), "back")
		if err := b.WriteDir(back, bundle.Conversion{}); err != nil {
			t.Fatal(err)
		}
		sameTensors(t, back, from)
	}
}

// Bytes that do not fit their tensor are refused; those of a norm that was changed
// since are passed over.
func TestKeptBytes(t *testing.T) {
	const key = "troika.bytes.model.norm.weight"
	file := filepath.Join(t.TempDir(), "m.gguf")
	if _, err := open(t, gemmaDir(t, tensor.BF16)).WriteGGUF(file, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{key, []uint8{1, 2, 3}, key},
		{key, "text", key},
		{"troika.bytes.stray", []uint8{1}, "troika.bytes.stray"},
		{key, make([]uint8, 16), ""},
	} {
		out := filepath.Join(t.TempDir(), "m.gguf")
		rewrite(t, file, out, func(m *gguf.Metadata) { m.Set(c.name, c.value) })
		_, err := bundle.Open(out, all.Architectures())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: error %v, want one with %q", c.name, c.value, err, c.want)
		}
	}
}

// rewrite copies a GGUF file with its metadata edited.
func rewrite(t *testing.T, from, to string, edit func(*gguf.Metadata)) {
	t.Helper()
	f, err := gguf.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plan, err := checkpoint.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	m := f.KV().Clone()
	edit(m)
	w, err := gguf.Create(to, plan, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Copy(w, f); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
