package recipe_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

// A file of llama.cpp's does not say whether weights of experts sum up to one: for this
// family they do.
func TestForeignExperts(t *testing.T) {
	dir := "../qwen3moe/testdata/mixed"
	config := read(t, filepath.Join(dir, "config.json"))
	r := find(t, config)
	losses, err := r.Losses(config)
	if err != nil || len(losses) != 2 || !strings.Contains(losses[0], "norm_topk_prob") || !strings.Contains(losses[1], "layer 0") {
		t.Errorf("losses %q, %v", losses, err)
	}
	f := export(t, dir, r, config)
	kv := map[string]any{}
	for _, key := range f.KV().Keys() {
		kv[key], _ = f.KV().Get(key)
	}
	if norm, ok := kv["qwen3moe.expert_weights_norm"].(bool); !ok || norm {
		t.Errorf("expert_weights_norm is %v", kv["qwen3moe.expert_weights_norm"])
	}
	delete(kv, "qwen3moe.expert_weights_norm")
	embed := tensor.FromFloat32s(make([]float32, 89*32), 89, 32)
	bare := file(t, kv, map[string]tensor.Tensor{"token_embd.weight": embed, "blk.3.ffn_gate_inp.weight": embed})
	again, err := r.Config(bare)
	if err != nil {
		t.Fatal(err)
	}
	c, err := nn.ParseTransformerConfig(again)
	if err != nil || !c.NormTopKProb || c.NumExperts != 4 || len(c.MLPOnlyLayers) != 3 {
		t.Errorf("%s, %v", again, err)
	}
	stack := tensor.FromFloat32s(make([]float32, 5*16*32), 5, 16, 32)
	wrong := file(t, kv, map[string]tensor.Tensor{"blk.3.ffn_up_exps.weight": stack})
	if _, err := r.HF(wrong, config); err == nil || !strings.Contains(err.Error(), "does not hold 4 experts") {
		t.Errorf("error %v, want one about 4 experts", err)
	}
	kv["qwen3moe.expert_used_count"] = uint32(9)
	many, err := r.Config(file(t, kv, map[string]tensor.Tensor{"token_embd.weight": embed}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Dims(many); err == nil || !strings.Contains(err.Error(), "num_experts_per_tok is 9") {
		t.Errorf("error %v, want one about num_experts_per_tok", err)
	}
}

// A stack is named for all of its members.
func TestStackName(t *testing.T) {
	for name, want := range map[string]string{
		"model.layers.12.mlp.experts.3.up_proj.weight": "model.layers.12.mlp.experts.{e}.up_proj.weight",
		"model.layers.1.mlp.gate.weight":               "model.layers.1.mlp.gate.weight",
		"model.norm.weight":                            "model.norm.weight",
	} {
		if got := recipe.Stack(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	dir := "../qwen3moe/testdata/normalized"
	config := read(t, filepath.Join(dir, "config.json"))
	src, err := checkpoint.NewMemory(map[string]tensor.Tensor{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := find(t, config).GGUF(src, config, keep)
	if err != nil || v.Source("blk.0.ffn_up_exps.weight") != "" {
		t.Errorf("a tensor that is not there has the source %q, %v", v.Source("blk.0.ffn_up_exps.weight"), err)
	}
	if !bytes.Contains(config, []byte("num_local_experts")) {
		t.Error("the configuration is not as transformers 5 writes it")
	}
}
