package recipe_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

// small makes a file of a few of the tensors that a configuration describes, smaller than
// they are.
func small(t testing.TB, r *recipe.Recipe, config []byte) []byte {
	t.Helper()
	m := &gguf.Metadata{}
	m.Set("tokenizer.ggml.model", map[bool]string{true: "t5", false: "bert"}[bytes.Contains(config, []byte(`"xlm-roberta"`))])
	if err := r.Metadata(config, m); err != nil {
		t.Fatal(err)
	}
	var plan []checkpoint.Entry
	for name, shape := range map[string][]int{
		"token_embd.weight": {2, 4}, "position_embd.weight": {3, 4}, "token_types.weight": {1, 4}, "blk.0.attn_norm.weight": {4},
		"blk.0.attn_q.weight": {8, 4}, "blk.0.ffn_up_exps.weight": {7, 2, 2}, "blk.3.ffn_gate_inp.weight": {4, 4}, "rope_freqs.weight": {4},
	} {
		if _, _, ok := r.FromGGUF(name); ok || strings.HasSuffix(name, "_exps.weight") {
			plan = append(plan, checkpoint.Entry{Name: name, DType: tensor.F16, Shape: shape})
		}
	}
	slices.SortFunc(plan, func(a, b checkpoint.Entry) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, plan, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range plan {
		n, err := e.Bytes()
		if err == nil {
			err = w.Write(e.Name, tensor.Tensor{DType: e.DType, Shape: e.Shape, Data: make([]byte, n)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// FuzzFile: what opens as a GGUF file gives each architecture a configuration and a view
// whose tensors can be read, or an error.
func FuzzFile(f *testing.F) {
	dirs, err := filepath.Glob("../*/testdata/*/model.safetensors")
	if err != nil || len(dirs) == 0 {
		f.Fatal(dirs, err)
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		config, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, a := range all.Architectures() {
			if bytes.Contains(config, []byte(`"model_type": "`+a.ModelType+`"`)) {
				f.Add(small(f, a.GGUF, config))
			}
		}
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		file, err := gguf.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, a := range all.Architectures() {
			r := a.GGUF
			if r.Matches != nil {
				r.Matches(file)
			}
			config, err := r.Config(file)
			if err != nil {
				continue
			}
			if _, err := a.Parse(config); err != nil {
				continue
			}
			v, err := r.HF(file, config)
			if err != nil {
				continue
			}
			for _, name := range v.Names() {
				if _, err := v.Tensor(name); err != nil {
					break
				}
			}
		}
	})
}
