package bundle_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/tensor"
)

const moeExperts = 3

// moeTensors makes the tensors of a tiny mixture of experts.
func moeTensors(t *testing.T, d tensor.DType) map[string]tensor.Tensor {
	t.Helper()
	const vocab, hidden, inner, expert = 8192, 64, 32, 32
	shapes := map[string][]int{"model.embed_tokens": {vocab, hidden}, "model.norm": {hidden}}
	for _, layer := range []string{"model.layers.0.", "model.layers.1."} {
		for name, shape := range map[string][]int{
			"input_layernorm": {hidden}, "post_attention_layernorm": {hidden},
			"self_attn.q_proj": {hidden, hidden}, "self_attn.k_proj": {hidden / 2, hidden}, "self_attn.v_proj": {hidden / 2, hidden},
			"self_attn.o_proj": {hidden, hidden}, "self_attn.q_norm": {hidden / 2}, "self_attn.k_norm": {hidden / 2},
		} {
			shapes[layer+name] = shape
		}
	}
	for name, shape := range map[string][]int{"gate_proj": {inner, hidden}, "up_proj": {inner, hidden}, "down_proj": {hidden, inner}} {
		shapes["model.layers.0.mlp."+name] = shape
	}
	shapes["model.layers.1.mlp.gate"] = []int{moeExperts, hidden}
	for e := range moeExperts {
		for name, shape := range map[string][]int{"gate_proj": {expert, hidden}, "up_proj": {expert, hidden}, "down_proj": {hidden, expert}} {
			shapes[fmt.Sprintf("model.layers.1.mlp.experts.%d.%s", e, name)] = shape
		}
	}
	tensors := map[string]tensor.Tensor{}
	for name, shape := range shapes {
		v := make([]float32, tensor.Elems(shape))
		for i := range v {
			v[i] = float32((i*7+len(name)*5+int(name[len(name)/2]))%23-11) / 16
		}
		x, err := tensor.FromFloat32s(v, shape...).Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		tensors[name+".weight"] = x
	}
	return tensors
}

// moeDir writes them with a configuration and the starter's tokenizer.
func moeDir(t *testing.T, tensors map[string]tensor.Tensor) string {
	t.Helper()
	dir := copyStarter(t, map[string]func(string) string{})
	config := fmt.Sprintf(`{"architectures":["Qwen3MoeForCausalLM"],"model_type":"qwen3_moe","vocab_size":8192,"hidden_size":64,
		"intermediate_size":32,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":32,"num_experts":%d,
		"num_experts_per_tok":2,"moe_intermediate_size":32,"mlp_only_layers":[0],"tie_word_embeddings":true}`, moeExperts)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
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

// stacked brings experts together as transformers 5 holds them.
func stacked(tensors map[string]tensor.Tensor) map[string]tensor.Tensor {
	out := map[string]tensor.Tensor{}
	for name, t := range tensors {
		if !strings.Contains(name, ".experts.") {
			out[name] = t
		}
	}
	var gateUp, down tensor.Tensor
	for e := range moeExperts {
		part := func(name string) tensor.Tensor {
			return tensors[fmt.Sprintf("model.layers.1.mlp.experts.%d.%s.weight", e, name)]
		}
		g, u, d := part("gate_proj"), part("up_proj"), part("down_proj")
		gateUp.Data = slices.Concat(gateUp.Data, g.Data, u.Data)
		down.Data = append(down.Data, d.Data...)
		gateUp.DType, gateUp.Shape = g.DType, []int{moeExperts, 2 * g.Shape[0], g.Shape[1]}
		down.DType, down.Shape = d.DType, []int{moeExperts, d.Shape[0], d.Shape[1]}
	}
	out["model.layers.1.mlp.experts.gate_up_proj"], out["model.layers.1.mlp.experts.down_proj"] = gateUp, down
	return out
}

// answers returns the logits of a few tokens.
func answers(t *testing.T, b *bundle.Bundle) []float32 {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	batch := &model.Batch{}
	batch.Sequence([]int32{1, 700, 33, 8000, 5}, 0, nil)
	free, err := batch.Upload(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	ops := compute.NewEager(dev)
	defer ops.Close()
	return compute.Floats(dev, m.Logits(ops, batch, m.Forward(ops, batch, nil)))
}

// Experts go to GGUF stacked and come back apart, to the bit, in any type; there they
// compute the same.
func TestExpertsAndBack(t *testing.T) {
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		from := moeDir(t, moeTensors(t, d))
		want := answers(t, open(t, from))
		for title, choose := range map[string]func(checkpoint.Entry) tensor.DType{
			"kept": nil, "widened": bundle.Matrices(tensor.F32),
		} {
			file := filepath.Join(t.TempDir(), "m.gguf")
			losses, err := open(t, from).WriteGGUF(file, bundle.Conversion{DType: choose})
			if err != nil || len(losses) != 2 {
				t.Fatalf("%s: losses %q, %v", d, losses, err)
			}
			f, err := gguf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			e, err := f.Entry("blk.1.ffn_down_exps.weight")
			if err != nil || !slices.Equal(e.Shape, []int{moeExperts, 64, 32}) {
				t.Errorf("a stack is %v, %v", e, err)
			}
			f.Close()
			if got := answers(t, open(t, file)); !slices.Equal(got, want) {
				t.Errorf("%s, %s: the GGUF file gives other logits", d, title)
			}
			back := filepath.Join(t.TempDir(), "back")
			if err := open(t, file).WriteDir(back, bundle.Conversion{}); err != nil {
				t.Fatal(err)
			}
			sameTensors(t, back, from)
		}
	}
}

// Experts that lie stacked in a directory are the same model.
func TestStackedExperts(t *testing.T) {
	tensors := moeTensors(t, tensor.BF16)
	one, two := moeDir(t, tensors), moeDir(t, stacked(tensors))
	if a, b := answers(t, open(t, one)), answers(t, open(t, two)); !slices.Equal(a, b) {
		t.Error("stacked experts give other logits")
	}
	var files [2][]byte
	for i, dir := range []string{one, two} {
		file := filepath.Join(t.TempDir(), "m.gguf")
		if _, err := open(t, dir).WriteGGUF(file, bundle.Conversion{}); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("stacked experts give another GGUF file")
	}
	const name = "model.layers.1.mlp.experts.gate_up_proj"
	bad := stacked(tensors)
	bad[name] = tensor.Tensor{DType: tensor.BF16, Shape: []int{moeExperts * 64 * 64}, Data: bad[name].Data}
	if _, err := open(t, moeDir(t, bad)).NamesGGUF(); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v, want one that names %s", err, name)
	}
}

// Quantised experts are multiplied as they are, near to the exact ones.
func TestQuantisedExperts(t *testing.T) {
	from := moeDir(t, moeTensors(t, tensor.F32))
	want := answers(t, open(t, from))
	for _, d := range []tensor.DType{tensor.Q8_0, tensor.Q4_0} {
		file := filepath.Join(t.TempDir(), "m.gguf")
		choose := func(e checkpoint.Entry) tensor.DType {
			if strings.Contains(e.Name, "_exps") {
				return d
			}
			return tensor.F32
		}
		if _, err := open(t, from).WriteGGUF(file, bundle.Conversion{DType: choose}); err != nil {
			t.Fatal(err)
		}
		got := answers(t, open(t, file))
		var far, size float64
		for i, x := range want {
			far += float64(got[i]-x) * float64(got[i]-x)
			size += float64(x) * float64(x)
		}
		if limit := map[tensor.DType]float64{tensor.Q8_0: 0.02, tensor.Q4_0: 0.2}[d]; !(far > 0 && far < limit*limit*size) {
			t.Errorf("%s: the squares of differences are %g of those of logits", d, far/size)
		}
	}
}
