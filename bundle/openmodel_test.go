package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
)

// Opening and loading at once give what one after the other do: from a directory, from
// a file that keeps it, and from one that has GGUF's own keys alone.
func TestOpenModel(t *testing.T) {
	dir := t.TempDir()
	kept, foreign := filepath.Join(dir, "kept.gguf"), filepath.Join(dir, "foreign.gguf")
	for _, c := range [][2]string{{starterDir, kept}, {kept, foreign}} {
		if _, err := open(t, c[0]).WriteGGUF(c[1], bundle.Conversion{Name: "starter"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{starterDir, kept, foreign} {
		dev := cpu.New(cpu.Options{Threads: 2})
		b, m, err := bundle.OpenModel(path, all.Architectures(), func(facts model.Facts) (compute.Device, error) {
			if facts.VocabSize != 8192 {
				t.Errorf("%s: facts %+v", path, facts)
			}
			return dev, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := open(t, path)
		again, err := want.Load(dev, false)
		if err != nil {
			t.Fatal(err)
		}
		if b.Tokenizer.Hash() != want.Tokenizer.Hash() || !slices.Equal(b.Generation.EOS, want.Generation.EOS) || b.HasTemplate() != want.HasTemplate() {
			t.Errorf("%s: another tokenizer, end or template", path)
		}
		x, y := make([]float32, b.Facts.HiddenSize), make([]float32, b.Facts.HiddenSize)
		for _, row := range []int{0, 1234, 8191} {
			m.OutputHead().Weight.Row(x, row)
			again.OutputHead().Weight.Row(y, row)
			if !slices.Equal(x, y) {
				t.Errorf("%s: row %d of the head differs", path, row)
			}
		}
		m.Free()
		again.Free()
		dev.Close()
	}
}

// What fails beside the weights fails the whole, and frees them.
func TestOpenModelRefuses(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	give := func(model.Facts) (compute.Device, error) { return dev, nil }
	weights, err := os.ReadFile(filepath.Join(starterDir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	unwanted := errors.New("unwanted")
	for name, c := range map[string]struct {
		file    string
		change  func(string) string
		weights []byte
		device  func(model.Facts) (compute.Device, error)
		want    string
	}{
		"configuration": {"config.json", without, weights, give, "open model"},
		"tokenizer":     {"tokenizer.json", replace("{", "["), weights, give, "open model"},
		"weights":       {"", nil, weights[:len(weights)/2], give, "load model"},
		"both":          {"tokenizer.json", replace("{", "["), weights[:len(weights)/2], give, "open model"},
		"device":        {"", nil, weights, func(model.Facts) (compute.Device, error) { return nil, unwanted }, "unwanted"},
	} {
		dir := copyStarter(t, map[string]func(string) string{c.file: c.change})
		if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), c.weights, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := bundle.OpenModel(dir, all.Architectures(), c.device)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if held := dev.Stats(); held.Weights != 0 || held.Live != 0 {
			t.Errorf("%s: %+v are held", name, held)
		}
	}
}
