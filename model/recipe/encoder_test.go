package recipe_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

// The rows of a position table that no token takes are left out, and come back as zeros.
func TestFirstPosition(t *testing.T) {
	table := tensor.FromFloat32s([]float32{9, 9, 8, 8, 1, 2, 3, 4}, 4, 2)
	d := recipe.Dims{FirstPosition: 2}
	there, err := recipe.FirstPosition{}.Forward(table, d)
	if err != nil || !slices.Equal(there.Shape, []int{2, 2}) {
		t.Fatalf("%v, %v", there.Shape, err)
	}
	back, err := recipe.FirstPosition{}.Back(there, d)
	if v, _ := back.Float32s(); err != nil || !slices.Equal(v, []float32{0, 0, 0, 0, 1, 2, 3, 4}) {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := (recipe.FirstPosition{}).Forward(table, recipe.Dims{FirstPosition: 4}); err == nil {
		t.Error("every row was cut off")
	}
	if _, err := (recipe.FirstPosition{}).Forward(tensor.FromFloat32s([]float32{1}, 1), d); err == nil {
		t.Error("a vector was cut")
	}
}

// Metadata has what llama.cpp reads, and a file with broken metadata is refused by name.
func TestEncoderMetadata(t *testing.T) {
	dir := "../xlmroberta/testdata/f32"
	config := read(t, filepath.Join(dir, "config.json"))
	r := find(t, config)
	f := export(t, dir, r, config)
	kv := map[string]any{}
	for _, key := range f.KV().Keys() {
		kv[key], _ = f.KV().Get(key)
	}
	for key, want := range map[string]any{
		"bert.context_length": uint32(72), "bert.attention.causal": false, "bert.attention.layer_norm_epsilon": float32(1e-5),
		"tokenizer.ggml.token_type_count": uint32(1), "bert.feed_forward_length": uint32(56),
	} {
		if kv[key] != want {
			t.Errorf("%s is %v, want %v", key, kv[key], want)
		}
	}
	table := tensor.FromFloat32s(make([]float32, 72*32), 72, 32)
	small := map[string]tensor.Tensor{
		"token_embd.weight": table, "token_types.weight": table, "position_embd.weight": table,
	}
	kv["tokenizer.ggml.padding_token_id"] = uint32(4)
	again, err := r.Config(file(t, kv, small))
	if err != nil || !strings.Contains(string(again), `"max_position_embeddings": 77`) {
		t.Errorf("%s, %v", again, err)
	}
	delete(small, "position_embd.weight")
	if _, err := r.Config(file(t, kv, small)); err == nil || !strings.Contains(err.Error(), "position_embd.weight") {
		t.Errorf("error %v, want one about position_embd.weight", err)
	}
	small["position_embd.weight"] = tensor.FromFloat32s(make([]float32, 3), 3)
	if _, err := r.Config(file(t, kv, small)); err == nil || !strings.Contains(err.Error(), "shape [3]") {
		t.Errorf("error %v, want one about a shape", err)
	}
}
