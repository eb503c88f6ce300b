package adapter_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/qwen3"
	"github.com/troikaml/troika/tensor"
)

// A merged checkpoint is a model like any other, and gives the logits that PEFT computes
// with base and adapter.
func TestMerge(t *testing.T) {
	for _, name := range []string{"all", "qv"} {
		from, err := safetensors.Open(base)
		if err != nil {
			t.Fatal(err)
		}
		m, err := adapter.Merge(from, filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := safetensors.SaveDir(dir, m, 0); err != nil {
			t.Fatal(err)
		}
		if m.Layers() == 0 || m.Close() != nil || from.Close() != nil {
			t.Errorf("%d layers were merged", m.Layers())
		}
		config, err := os.ReadFile(filepath.Join(base, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
			t.Fatal(err)
		}
		merged, free := modeltest.Load(t, []model.Architecture{qwen3.Architecture}, dir, ref.New(), false)
		g := read(t, name)
		b := &model.Batch{}
		b.Sequence(g.IDs, 0, nil)
		got := forward(t, merged, b)
		for i, row := range g.Logits {
			for j, want := range row {
				if d := got[i][j] - want; d > 1e-4 || d < -1e-4 {
					t.Fatalf("%s: logit %d of row %d is %g, PEFT has %g", name, j, i, got[i][j], want)
				}
			}
		}
		free()
	}
}

// What does not fit is named.
func TestMergeRefuses(t *testing.T) {
	whole, err := safetensors.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	less := map[string]tensor.Tensor{}
	for _, n := range whole.Names() {
		if less[n], err = whole.Tensor(n); err != nil {
			t.Fatal(err)
		}
	}
	const gone = "model.layers.0.self_attn.q_proj.weight"
	other := less[gone]
	delete(less, gone)
	check := func(what, want string) {
		t.Helper()
		mem, err := checkpoint.NewMemory(less, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := adapter.Merge(mem, filepath.Join("testdata", "qv"))
		if err == nil {
			_, err = m.Tensor(gone)
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", what, err, want)
		}
	}
	check("a base without a layer", "tensor base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight belongs to no matrix")
	other.Shape = []int{other.Shape[1] * other.Shape[0]}
	less[gone] = other
	check("a matrix that is none", "want a matrix")
	other.Shape = []int{1, other.Shape[0]}
	less[gone] = other
	check("another shape", "lora_A.weight has shape")
	if _, err := adapter.Merge(whole, t.TempDir()); err == nil {
		t.Error("an empty folder was merged")
	}
}
