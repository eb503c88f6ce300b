package bundle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

// sameTensors compares two directories' weights to the bit.
func sameTensors(t *testing.T, got, want string) {
	t.Helper()
	a, err := safetensors.Open(got)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := safetensors.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !slices.Equal(a.Names(), b.Names()) {
		t.Fatalf("tensors %q, want %q", a.Names(), b.Names())
	}
	for _, name := range a.Names() {
		x, err := a.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if x.DType != y.DType || !slices.Equal(x.Shape, y.Shape) || !bytes.Equal(x.Data, y.Data) {
			t.Errorf("%s is %s %v, want %s %v, or other numbers", name, x.DType, x.Shape, y.DType, y.Shape)
		}
	}
}

func open(t *testing.T, path string) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Open(path, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One way and back gives the same files, to the byte.
func TestConvertAndBack(t *testing.T) {
	from := starterDir
	dir := t.TempDir()
	file := filepath.Join(dir, "m.gguf")
	losses, err := open(t, from).WriteGGUF(file, bundle.Conversion{Name: "starter"})
	if err != nil || len(losses) != 0 {
		t.Fatalf("%q, %v", losses, err)
	}
	b := open(t, file)
	back := filepath.Join(dir, "back")
	if err := b.WriteDir(back, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	sameTensors(t, back, from)
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"} {
		got, err := os.ReadFile(filepath.Join(back, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has changed", name)
		}
	}
	// A second file of the first is the first.
	again := filepath.Join(dir, "again.gguf")
	if _, err := open(t, back).WriteGGUF(again, bundle.Conversion{Name: "starter"}); err != nil {
		t.Fatal(err)
	}
	one, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(again)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("converted twice, the file differs: %v", err)
	}
}

// Each mixture writes what llama.cpp's quantiser would give each tensor.
func TestMixture(t *testing.T) {
	names := []string{"output_norm.weight", "token_embd.weight"}
	for i := range 8 {
		for _, part := range []string{"attn_q.weight", "attn_v.weight", "ffn_down.weight", "attn_norm.weight"} {
			names = append(names, "blk."+string(rune('0'+i))+"."+part)
		}
	}
	of := func(mixture, name string, columns int) tensor.DType {
		t.Helper()
		choose, err := bundle.Mixture(mixture, names)
		if err != nil {
			t.Fatal(err)
		}
		shape := []int{8, columns}
		if strings.HasSuffix(name, "norm.weight") {
			shape = shape[1:]
		}
		return choose(checkpoint.Entry{Name: name, Shape: shape, DType: tensor.BF16})
	}
	for _, c := range []struct {
		mixture, name string
		columns       int
		want          tensor.DType
	}{
		{"Q4_K_M", "token_embd.weight", 1536, tensor.Q6K},
		{"Q4_K_M", "token_embd.weight", 896, tensor.Q8_0},
		{"Q4_K_M", "blk.1.attn_q.weight", 1536, tensor.Q4K},
		{"Q4_K_M", "blk.1.attn_q.weight", 896, tensor.Q5_0},
		{"Q4_K_M", "blk.0.attn_v.weight", 1536, tensor.Q6K},
		{"Q4_K_M", "blk.1.attn_v.weight", 1536, tensor.Q4K},
		{"Q4_K_M", "blk.3.ffn_down.weight", 1536, tensor.Q6K},
		{"Q4_K_M", "blk.7.ffn_down.weight", 1536, tensor.Q6K},
		{"Q5_K_M", "blk.1.attn_q.weight", 896, tensor.Q5_1},
		{"Q5_K_M", "blk.1.attn_q.weight", 256, tensor.Q5K},
		{"Q6_K", "blk.1.attn_q.weight", 256, tensor.Q6K},
		{"Q8_0", "token_embd.weight", 896, tensor.Q8_0},
		{"Q4_0", "token_embd.weight", 1536, tensor.Q6K},
		{"Q4_0", "blk.0.attn_v.weight", 896, tensor.Q4_0},
		{"Q4_0", "blk.0.attn_v.weight", 33, tensor.F16},
		{"Q4_0", "blk.0.attn_norm.weight", 1536, tensor.F32},
	} {
		if got := of(c.mixture, c.name, c.columns); got != c.want {
			t.Errorf("%s: %s of %d columns is %s, want %s", c.mixture, c.name, c.columns, got, c.want)
		}
	}
	if _, err := bundle.Mixture("Q3_K", names); err == nil {
		t.Error("an unknown mixture was taken")
	}
}

// A quantised file opens, and its types are those that were chosen.
func TestQuantised(t *testing.T) {
	for _, mixture := range []string{"Q8_0", "Q4_K_M"} {
		file := filepath.Join(t.TempDir(), "m.gguf")
		b := open(t, starterDir)
		names, err := b.NamesGGUF()
		if err != nil {
			t.Fatal(err)
		}
		choose, err := bundle.Mixture(mixture, names)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.WriteGGUF(file, bundle.Conversion{DType: choose, Threads: 3}); err != nil {
			t.Fatal(err)
		}
		f, err := gguf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range f.Names() {
			e, err := f.Entry(name)
			if err != nil || e.DType != choose(checkpoint.Entry{Name: name, Shape: e.Shape, DType: tensor.BF16}) {
				t.Errorf("%s: %s is %s, %v", mixture, name, e.DType, err)
			}
		}
		f.Close()
		open(t, file)
		if testing.Short() {
			break
		}
	}
}
