package adapter_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

// ggufBase reads what an adapter must know of a tiny model.
func ggufBase(t *testing.T, dir string) adapter.GGUFBase {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := model.Find(all.Architectures(), config)
	if err != nil {
		t.Fatal(err)
	}
	return adapter.GGUFBase{Recipe: a.GGUF, Config: config}
}

// PEFT's adapters go to GGUF and come back to the byte, their lineage with them.
func TestGGUFAndBack(t *testing.T) {
	for _, name := range []string{"all", "qv"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "troika.json"), []byte("{\"base\":\"x\"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		file, back := filepath.Join(t.TempDir(), "a.gguf"), filepath.Join(t.TempDir(), "back")
		if err := adapter.WriteGGUF(file, dir, "a", ggufBase(t, base)); err != nil {
			t.Fatal(err)
		}
		if !adapter.IsGGUF(file) || adapter.IsGGUF(dir) {
			t.Error("it is not told from a model")
		}
		want, err := adapter.Base(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := adapter.BaseGGUF(file); err != nil || got != want {
			t.Errorf("base %q, %v, want %q", got, err, want)
		}
		if err := adapter.FromGGUF(file, back, "other", ggufBase(t, base)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{adapter.ConfigFile, "troika.json"} {
			a, errA := os.ReadFile(filepath.Join(dir, name))
			b, errB := os.ReadFile(filepath.Join(back, name))
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("%s changed: %v %v", name, errA, errB)
			}
		}
		sameAdapter(t, dir, back)
	}
}

func sameAdapter(t *testing.T, want, got string) {
	t.Helper()
	a, b := tensors(t, want), tensors(t, got)
	if len(a) != len(b) {
		t.Errorf("%d tensors, want %d", len(b), len(a))
	}
	for name, x := range a {
		if y := b[name]; x.DType != y.DType || !slices.Equal(x.Shape, y.Shape) || !bytes.Equal(x.Data, y.Data) {
			t.Errorf("%s changed", name)
		}
	}
}

func tensors(t *testing.T, dir string) map[string]tensor.Tensor {
	t.Helper()
	f, err := safetensors.OpenFile(filepath.Join(dir, adapter.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return contents(t, f)
}

func contents(t *testing.T, r checkpoint.Reader) map[string]tensor.Tensor {
	t.Helper()
	all := map[string]tensor.Tensor{}
	for _, name := range r.Names() {
		x, err := r.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		x.Data = bytes.Clone(x.Data)
		all[name] = x
	}
	return all
}

// times returns B A.
func times(t *testing.T, a, b tensor.Tensor) tensor.Tensor {
	t.Helper()
	x, errA := a.Float32s()
	y, errB := b.Float32s()
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	rows, rank, cols := b.Shape[0], a.Shape[0], a.Shape[1]
	out := make([]float32, rows*cols)
	for i := range rows {
		for r := range rank {
			for j := range cols {
				out[i*cols+j] += y[i*rank+r] * x[r*cols+j]
			}
		}
	}
	return tensor.FromFloat32s(out, rows, cols)
}

// What llama.cpp adds to a matrix whose rows GGUF reorders is what PEFT adds, reordered
// alike: Llama's queries and keys.
func TestGGUFReordersRows(t *testing.T) {
	const base = "../model/llama/testdata/llama3"
	dev := ref.New()
	m, free := modeltest.Load(t, all.Architectures(), base, dev, false)
	defer free()
	x, err := adapter.New(dev, m.Model, adapter.Config{Rank: 3, Alpha: 5, RSLoRA: true}, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	for _, p := range x.Params() {
		v := compute.Floats(dev, p.Tensor)
		for i := range v {
			v[i] = float32(i%11-5) / 8
		}
		dev.WriteFloats(p.Tensor, v)
	}
	dir, file, back := t.TempDir(), filepath.Join(t.TempDir(), "a.gguf"), filepath.Join(t.TempDir(), "back")
	if err := x.Save(dir, base); err != nil {
		t.Fatal(err)
	}
	g := ggufBase(t, base)
	if err := adapter.WriteGGUF(file, dir, "a", g); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if alpha, err := f.KV().Float("adapter.lora.alpha"); err != nil || float32(alpha) != x.Config.Scale()*3 {
		t.Errorf("alpha %g, %v; the scale is %g", alpha, err, x.Config.Scale())
	}
	peft, there := tensors(t, dir), contents(t, f)
	d, err := g.Recipe.Dims(g.Config)
	if err != nil {
		t.Fatal(err)
	}
	for layer, c := range map[string]struct {
		gguf string
		step recipe.Step
	}{
		"model.layers.1.self_attn.q_proj": {"blk.1.attn_q.weight", recipe.Permute{}},
		"model.layers.1.self_attn.k_proj": {"blk.1.attn_k.weight", recipe.Permute{KV: true}},
		"model.layers.0.mlp.down_proj":    {"blk.0.ffn_down.weight", nil},
	} {
		want := times(t, peft["base_model.model."+layer+".lora_A.weight"], peft["base_model.model."+layer+".lora_B.weight"])
		if c.step != nil {
			if want, err = c.step.Forward(want, d); err != nil {
				t.Fatal(err)
			}
		}
		if got := times(t, there[c.gguf+".lora_a"], there[c.gguf+".lora_b"]); !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s adds another matrix", layer)
		}
	}
	if err := adapter.FromGGUF(file, back, "", g); err != nil {
		t.Fatal(err)
	}
	sameAdapter(t, dir, back)
}

// A file of llama.cpp's converter becomes an adapter by what it says; one that does not
// fit its base is refused by name.
func TestForeignGGUF(t *testing.T) {
	g := ggufBase(t, base)
	make2 := func(rank int, edit func(kv map[string]any, ts map[string]tensor.Tensor)) string {
		ts := map[string]tensor.Tensor{
			"blk.0.attn_q.weight.lora_a": tensor.FromFloat32s(make([]float32, rank*32), rank, 32),
			"blk.0.attn_q.weight.lora_b": tensor.FromFloat32s(make([]float32, 48*rank), 48, rank),
		}
		kv := map[string]any{
			"general.architecture": "qwen3", "general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": float32(6),
		}
		edit(kv, ts)
		src, err := checkpoint.NewMemory(ts, nil)
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
		file := filepath.Join(t.TempDir(), "a.gguf")
		w, err := gguf.Create(file, plan, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkpoint.Copy(w, src); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return file
	}
	dir := filepath.Join(t.TempDir(), "dir")
	if err := adapter.FromGGUF(make2(2, func(map[string]any, map[string]tensor.Tensor) {}), dir, "mine", g); err != nil {
		t.Fatal(err)
	}
	m := load(t)
	x, err := adapter.Load(m.Device, m.Model, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	if x.Config.Scale() != 3 || !slices.Equal(x.Config.Targets, []string{"q_proj"}) {
		t.Errorf("%+v", x.Config)
	}
	if name, err := adapter.Base(dir); err != nil || name != "mine" {
		t.Errorf("base %q, %v", name, err)
	}
	for want, edit := range map[string]func(kv map[string]any, ts map[string]tensor.Tensor){
		`architecture "llama"`: func(kv map[string]any, _ map[string]tensor.Tensor) { kv["general.architecture"] = "llama" },
		`adapter.type is "x"`:  func(kv map[string]any, _ map[string]tensor.Tensor) { kv["adapter.type"] = "x" },
		"alpha":                func(kv map[string]any, _ map[string]tensor.Tensor) { kv["adapter.lora.alpha"] = float32(-1) },
		"blk.0.nowhere.weight": func(_ map[string]any, ts map[string]tensor.Tensor) {
			ts["blk.0.nowhere.weight.lora_a"] = tensor.FromFloat32s(make([]float32, 4), 2, 2)
		},
		"has rank 1": func(_ map[string]any, ts map[string]tensor.Tensor) {
			ts["blk.1.attn_k.weight.lora_a"] = tensor.FromFloat32s(make([]float32, 32), 1, 32)
		},
		"want a matrix": func(_ map[string]any, ts map[string]tensor.Tensor) {
			ts["blk.0.attn_k.weight.lora_a"] = tensor.FromFloat32s(make([]float32, 2), 2)
		},
	} {
		if err := adapter.FromGGUF(make2(2, edit), filepath.Join(t.TempDir(), "d"), "", g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
