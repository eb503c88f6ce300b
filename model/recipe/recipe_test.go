package recipe_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/qwen3"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

func Example() {
	src, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"model.layers.0.self_attn.q_proj.weight": tensor.FromFloat32s([]float32{0, 1, 2, 3}, 4, 1),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &recipe.Recipe{
		Rules: []recipe.Rule{{
			HF: "model.layers.{}.self_attn.q_proj.weight", GGUF: "blk.{}.attn_q.weight", Step: recipe.Permute{},
		}},
		Dims: func([]byte) (recipe.Dims, error) { return recipe.Dims{Heads: 1}, nil },
	}
	v, err := r.GGUF(src, nil, keep)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := v.Tensor("blk.0.attn_q.weight")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := t.Float32s()
	fmt.Println(v.Names(), rows, err)
	// Output: [blk.0.attn_q.weight] [0 2 1 3] <nil>
}

func keep(e checkpoint.Entry) tensor.DType { return e.DType }

// find returns the recipe of a config.json.
func find(t *testing.T, config []byte) *recipe.Recipe {
	t.Helper()
	for _, a := range all.Architectures() {
		if bytes.Contains(config, []byte(`"model_type": "`+a.ModelType+`"`)) {
			return a.GGUF
		}
	}
	t.Fatal("no architecture")
	return nil
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// export writes the GGUF file of a Hugging Face directory.
func export(t *testing.T, dir string, r *recipe.Recipe, config []byte) *gguf.File {
	t.Helper()
	src, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	v, err := r.GGUF(src, config, keep)
	if err != nil {
		t.Fatal(err)
	}
	m := &gguf.Metadata{}
	m.Set("general.architecture", r.Architecture)
	kind := "bert" // which package bundle writes
	if bytes.Contains(config, []byte(`"xlm-roberta"`)) {
		kind = "t5"
	}
	m.Set("tokenizer.ggml.model", kind)
	if err := r.Metadata(config, m); err != nil {
		t.Fatal(err)
	}
	var plan []checkpoint.Entry
	for _, name := range v.Order() {
		e, err := v.Entry(name)
		if err != nil {
			t.Fatal(err)
		}
		plan = append(plan, e)
	}
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, plan, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkpoint.Copy(w, v), w.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every tiny checkpoint goes to GGUF and comes back: the same bits, and from the
// configuration that metadata gives, the golden logits.
func TestRoundTrip(t *testing.T) {
	cases, err := filepath.Glob("../*/testdata/*/model.safetensors")
	if err != nil || len(cases) < 9 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		config := read(t, filepath.Join(dir, "config.json"))
		r := find(t, config)
		if r == nil {
			continue
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			f := export(t, dir, r, config)
			if r.Matches != nil && !r.Matches(f) {
				t.Error("the recipe does not know its own file")
			}
			again, err := r.Config(f)
			if err != nil {
				t.Fatal(err)
			}
			back, err := r.HF(f, again)
			if err != nil {
				t.Fatal(err)
			}
			restore(t, dir, r, config, back)
			sameTensors(t, dir, back)
			out := filepath.Join(t.TempDir(), "case")
			if err := os.Mkdir(out, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := safetensors.SaveDir(out, back, 0); err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{
				"config.json": again, "golden.json": read(t, filepath.Join(dir, "golden.json")),
			} {
				if err := os.WriteFile(filepath.Join(out, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := modeltest.Run
			if r.Encoder {
				run = modeltest.RunEncoder
			}
			run(t, all.Architectures(), filepath.Dir(out), func() compute.Device { return ref.New() })
		})
	}
}

// restore gives the view what GGUF rounded or left out, which the package's users keep.
func restore(t *testing.T, dir string, r *recipe.Recipe, config []byte, back *recipe.View) {
	t.Helper()
	src, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	v, err := r.GGUF(src, config, keep)
	if err != nil {
		t.Fatal(err)
	}
	inexact, err := v.Inexact()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range v.Kept {
		x, err := src.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		x.Data = bytes.Clone(x.Data)
		if err := back.Add(name, x); err != nil {
			t.Error(err)
		}
	}
	for name, x := range inexact {
		x.Data = bytes.Clone(x.Data)
		if err := back.Restore(name, x); err != nil {
			t.Error(err)
		}
		if got, err := back.Tensor(name); err != nil || got.DType != x.DType || !bytes.Equal(got.Data, x.Data) {
			t.Errorf("%s was not restored: %v", name, err)
		}
	}
}

func sameTensors(t *testing.T, dir string, got checkpoint.Reader) {
	t.Helper()
	src, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if !slices.Equal(src.Names(), got.Names()) {
		t.Fatalf("tensors %v became %v", src.Names(), got.Names())
	}
	for _, name := range src.Names() {
		a, err := src.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.Tensor(name)
		if err == nil && strings.HasSuffix(name, "norm.weight") { // GGUF has shifted ones as F32
			b, err = b.Encode(a.DType)
		}
		if err != nil || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) || !bytes.Equal(a.Data, b.Data) {
			t.Errorf("%s changed, %v", name, err)
		}
	}
}

func TestUnknownTensors(t *testing.T) {
	config := read(t, "../qwen3/testdata/tied/config.json")
	one := tensor.FromFloat32s([]float32{1}, 1)
	src, err := checkpoint.NewMemory(map[string]tensor.Tensor{"model.layers.0.router.weight": one}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := qwen3.Architecture.GGUF
	if _, err := r.GGUF(src, config, keep); err == nil || !strings.Contains(err.Error(), "model.layers.0.router.weight") {
		t.Errorf("%v, want the tensor's name", err)
	}
	f := file(t, nil, map[string]tensor.Tensor{"blk.0.ffn_gate_inp.weight": one})
	if _, err := r.HF(f, config); err == nil || !strings.Contains(err.Error(), "blk.0.ffn_gate_inp.weight") {
		t.Errorf("%v, want the tensor's name", err)
	}
}

// file makes a GGUF file in memory.
func file(t *testing.T, kv map[string]any, tensors map[string]tensor.Tensor) *gguf.File {
	t.Helper()
	src, err := checkpoint.NewMemory(tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := checkpoint.Plan(src)
	if err != nil {
		t.Fatal(err)
	}
	m := &gguf.Metadata{}
	for key, v := range kv {
		m.Set(key, v)
	}
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, plan, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkpoint.Copy(w, src), w.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The experts of a layer are stacked in GGUF and apart in Hugging Face's layout.
func TestStack(t *testing.T) {
	r := &recipe.Recipe{
		Architecture: "moe",
		Rules:        []recipe.Rule{{HF: "layers.{}.experts.{e}.up.weight", GGUF: "blk.{}.ffn_up_exps.weight"}},
		Dims:         func([]byte) (recipe.Dims, error) { return recipe.Dims{Experts: 3}, nil },
	}
	tensors := map[string]tensor.Tensor{}
	for e := range 3 {
		tensors[fmt.Sprintf("layers.1.experts.%d.up.weight", e)] = tensor.FromFloat32s([]float32{float32(e), 7}, 1, 2)
	}
	src, err := checkpoint.NewMemory(tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.GGUF(src, nil, keep)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := v.Tensor("blk.1.ffn_up_exps.weight")
	if err != nil || !slices.Equal(stack.Shape, []int{3, 1, 2}) {
		t.Fatalf("shape %v, %v", stack.Shape, err)
	}
	back, err := r.HF(file(t, nil, map[string]tensor.Tensor{"blk.1.ffn_up_exps.weight": stack}), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range tensors {
		got, err := back.Tensor(name)
		if err != nil || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s is %v, %v", name, got, err)
		}
		if err := back.Release(name); err != nil {
			t.Error(err)
		}
	}
	delete(tensors, "layers.1.experts.1.up.weight")
	if src, err = checkpoint.NewMemory(tensors, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.GGUF(src, nil, keep); err == nil || !strings.Contains(err.Error(), "expert 1 of 3") {
		t.Errorf("%v, want the expert that is missing", err)
	}
}

// Quantised rows are permuted as they are: the values are those of permuted floats.
func TestPermuteBlocks(t *testing.T) {
	x := make([]float32, 8*32)
	for i := range x {
		x[i] = float32(i%37) - 18
	}
	plain := tensor.FromFloat32s(x, 8, 32)
	blocks, err := plain.Encode(tensor.Q8_0)
	if err != nil {
		t.Fatal(err)
	}
	d := recipe.Dims{Heads: 2, KVHeads: 1}
	for _, p := range []recipe.Permute{{}, {KV: true}} {
		a, err := p.Forward(blocks, d)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Forward(plain, d)
		if err != nil {
			t.Fatal(err)
		}
		if b, err = b.Encode(tensor.Q8_0); err != nil || !bytes.Equal(a.Data, b.Data) {
			t.Errorf("permuted blocks differ from blocks of permuted values, %v", err)
		}
		if a, err = p.Back(a, d); err != nil || !bytes.Equal(a.Data, blocks.Data) {
			t.Errorf("there and back is not the same, %v", err)
		}
	}
	if _, err := (recipe.Permute{}).Forward(tensor.FromFloat32s(x[:6], 6), recipe.Dims{Heads: 2}); err == nil {
		t.Error("heads of three rows were permuted")
	}
}

func TestAddOne(t *testing.T) {
	x, err := tensor.FromFloat32s([]float32{-1, 0.5, 3}, 3).Encode(tensor.BF16)
	if err != nil {
		t.Fatal(err)
	}
	y, err := recipe.AddOne{}.Forward(x, recipe.Dims{})
	if err != nil || y.DType != tensor.F32 {
		t.Fatalf("%s, %v", y.DType, err)
	}
	if v, _ := y.Float32s(); !slices.Equal(v, []float32{0, 1.5, 4}) {
		t.Errorf("values %v", v)
	}
	back, err := recipe.AddOne{}.Back(y, recipe.Dims{})
	if v, _ := back.Float32s(); err != nil || !slices.Equal(v, []float32{-1, 0.5, 3}) {
		t.Errorf("back %v, %v", v, err)
	}
}

// Llama 3's parameters are found in the factors alone, as files of llama.cpp have them.
func TestForeignLlama3(t *testing.T) {
	dir := "../llama/testdata/llama3"
	config := read(t, filepath.Join(dir, "config.json"))
	f := export(t, dir, find(t, config), config)
	factors, err := f.Tensor("rope_freqs.weight")
	if err != nil {
		t.Fatal(err)
	}
	kv := map[string]any{}
	for _, key := range f.KV().Keys() {
		if !strings.Contains(key, "rope.scaling") {
			kv[key], _ = f.KV().Get(key)
		}
	}
	embed := tensor.FromFloat32s(make([]float32, 89*32), 89, 32)
	bare := file(t, kv, map[string]tensor.Tensor{"rope_freqs.weight": factors, "token_embd.weight": embed})
	again, err := find(t, config).Config(bare)
	if err != nil {
		t.Fatal(err)
	}
	want, got := frequencies(t, config), frequencies(t, again)
	if !slices.Equal(want, got) {
		t.Errorf("frequencies %v, want %v, from %s", got, want, again)
	}
	broken := tensor.FromFloat32s([]float32{1, 3, 1, 8}, 4)
	bare = file(t, kv, map[string]tensor.Tensor{"rope_freqs.weight": broken, "token_embd.weight": embed})
	if _, err := find(t, config).Config(bare); err == nil || !strings.Contains(err.Error(), "rope_freqs.weight") {
		t.Errorf("%v, want an error about rope_freqs.weight", err)
	}
}

func frequencies(t *testing.T, config []byte) []float32 {
	t.Helper()
	c, err := nn.ParseTransformerConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := c.Rope(0).Frequencies(*c.HeadDim, c.MaxPositionEmbeddings)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestConfigRefuses(t *testing.T) {
	good := map[string]any{
		"qwen3.block_count": uint32(1), "qwen3.context_length": uint32(8), "qwen3.embedding_length": uint32(8),
		"qwen3.feed_forward_length": uint32(8), "qwen3.attention.head_count": uint32(2),
		"qwen3.attention.layer_norm_rms_epsilon": float32(1e-6),
	}
	embed := map[string]tensor.Tensor{"token_embd.weight": tensor.FromFloat32s(make([]float32, 16), 2, 8)}
	r := qwen3.Architecture.GGUF
	config, err := r.Config(file(t, good, embed))
	if err != nil || !bytes.Contains(config, []byte(`"rms_norm_eps": 0.000001`)) {
		t.Fatalf("%s %v", config, err)
	}
	for key, value := range map[string]any{
		"block_count": "two", "attention.head_count": uint32(0), "attention.value_length": uint32(3),
		"rope.dimension_count": uint32(2), "expert_count": uint32(4), "rope.scaling.type": "longrope",
		"attention.sliding_window": float32(1), "embedding_length": uint64(1) << 63,
	} {
		bad := maps.Clone(good)
		bad["qwen3."+key] = value
		if c, err := r.Config(file(t, bad, embed)); err == nil {
			t.Errorf("%s = %v was taken: %s", key, value, c)
		}
	}
	delete(good, "qwen3.context_length")
	if _, err := r.Config(file(t, good, embed)); !errors.Is(err, gguf.ErrNoKey) {
		t.Errorf("%v, want ErrNoKey", err)
	}
	if _, err := r.Config(file(t, good, nil)); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}
