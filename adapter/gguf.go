package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/model/recipe"
	"github.com/troikaml/troika/tensor"
)

// An adapter in GGUF is a file of type "adapter" whose tensors are named after the base's
// in GGUF, with an ending. keptKey and the name of a file of the directory that it was
// made from: its bytes, which others pass over.
const (
	endingA, endingB = ".lora_a", ".lora_b"
	alphaKey         = "adapter.lora.alpha"
	keptKey          = "troika.file."
	lineageFile      = "troika.json"
)

// GGUFBase is what an adapter in GGUF must know of its base: its recipe and config.json.
type GGUFBase struct {
	Recipe *recipe.Recipe
	Config []byte
}

// WriteGGUF writes the PEFT adapter in dir as a GGUF file, which llama.cpp applies to the
// base in GGUF; name stands in the file for people. A layer that the base has no place
// for in GGUF is an error that names it.
func WriteGGUF(path, dir, name string, base GGUFBase) error {
	if err := writeGGUF(path, dir, name, base); err != nil {
		return fmt.Errorf("write adapter %s: %w", path, err)
	}
	return nil
}

func writeGGUF(path, dir, name string, base GGUFBase) error {
	c, err := readConfig(dir)
	if err != nil {
		return err
	}
	cfg := Config{Rank: c.Rank, Alpha: c.Alpha, RSLoRA: c.UseRSLoRA, Dropout: c.Dropout}
	if err := cfg.check(); err != nil {
		return err
	}
	file, err := safetensors.OpenFile(filepath.Join(dir, WeightsFile))
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	tensors := map[string]tensor.Tensor{}
	for _, name := range file.Names() {
		t, err := file.Tensor(name)
		if err != nil {
			return err
		}
		to, t, err := base.toGGUF(name, t)
		if err != nil {
			return err
		}
		tensors[to] = t
	}
	m := &gguf.Metadata{}
	m.Set("general.architecture", base.Recipe.Architecture)
	m.Set("general.type", "adapter")
	m.Set("general.name", name)
	m.Set("adapter.type", "lora")
	m.Set(alphaKey, cfg.Scale()*float32(cfg.Rank)) // llama.cpp divides it by the rank
	for _, name := range []string{ConfigFile, lineageFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		m.Set(keptKey+name, string(text))
	}
	return saveGGUF(path, tensors, m)
}

func saveGGUF(path string, tensors map[string]tensor.Tensor, m *gguf.Metadata) error {
	src, err := checkpoint.NewMemory(tensors, nil)
	if err != nil {
		return err
	}
	plan, err := checkpoint.Plan(src)
	if err != nil {
		return err
	}
	w, err := gguf.Create(path, plan, m)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := checkpoint.Copy(w, src); err != nil {
		return err
	}
	return w.Close()
}

// toGGUF returns a tensor of PEFT's as GGUF has it.
func (g GGUFBase) toGGUF(name string, t tensor.Tensor) (string, tensor.Tensor, error) {
	path, ok := strings.CutPrefix(name, namePrefix)
	layer, isA := strings.CutSuffix(path, ".lora_A.weight")
	isB := false
	if !isA {
		layer, isB = strings.CutSuffix(path, ".lora_B.weight")
	}
	if !ok || !isA && !isB {
		return "", t, fmt.Errorf("tensor %s is no matrix of an adapter", name)
	}
	to, step, ok := g.Recipe.ToGGUF(layer + ".weight")
	if !ok {
		return "", t, fmt.Errorf("tensor %s belongs to no matrix that a %s model has in GGUF", name, g.Recipe.Architecture)
	}
	if isA {
		return to + endingA, t, nil
	}
	t, err := g.rows(step, t, true)
	return to + endingB, t, err
}

// toPEFT returns a tensor of GGUF's as PEFT has it, and the layer that it acts on.
func (g GGUFBase) toPEFT(name string, t tensor.Tensor) (to, layer string, _ tensor.Tensor, _ error) {
	of, isA := strings.CutSuffix(name, endingA)
	isB := false
	if !isA {
		of, isB = strings.CutSuffix(name, endingB)
	}
	from, step, ok := g.Recipe.FromGGUF(of)
	layer, matrix := strings.CutSuffix(from, ".weight")
	if !ok || !matrix || !isA && !isB {
		return "", "", t, fmt.Errorf("tensor %s is no matrix of an adapter for a %s model", name, g.Recipe.Architecture)
	}
	if isA {
		return namePrefix + layer + ".lora_A.weight", layer, t, nil
	}
	t, err := g.rows(step, t, false)
	return namePrefix + layer + ".lora_B.weight", layer, t, err
}

// rows orders the rows of a B as the base's are: its product with A is added to them.
func (g GGUFBase) rows(step recipe.Step, t tensor.Tensor, forward bool) (tensor.Tensor, error) {
	if step == nil {
		return t, nil
	}
	d, err := g.Recipe.Dims(g.Config)
	if err != nil {
		return t, err
	}
	if forward {
		return step.Forward(t, d)
	}
	return step.Back(t, d)
}

// IsGGUF reports whether a path names an adapter in GGUF.
func IsGGUF(path string) bool {
	if !gguf.Is(path) {
		return false
	}
	f, err := gguf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	kind, err := f.KV().Text("general.type")
	return err == nil && kind == "adapter"
}

// BaseGGUF names the base of an adapter in GGUF, "" where the file does not say.
func BaseGGUF(path string) (string, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	if !f.KV().Has(keptKey + ConfigFile) {
		return "", nil
	}
	text, err := f.KV().Text(keptKey + ConfigFile)
	if err != nil {
		return "", err
	}
	var c peftConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return "", fmt.Errorf("read adapter %s: %s: %w", path, ConfigFile, err)
	}
	return c.BaseModel, nil
}

// FromGGUF writes the adapter in a GGUF file as a PEFT adapter directory. baseName stands
// in its configuration, unless the file keeps one of its own.
func FromGGUF(path, dir, baseName string, base GGUFBase) error {
	if err := fromGGUF(path, dir, baseName, base); err != nil {
		return fmt.Errorf("read adapter %s: %w", path, err)
	}
	return nil
}

func fromGGUF(path, dir, baseName string, base GGUFBase) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	if name, err := f.KV().Text("general.architecture"); err != nil || name != base.Recipe.Architecture {
		return errors.Join(err, fmt.Errorf("it is for models of architecture %q, the base is %q", name, base.Recipe.Architecture))
	}
	if kind, err := f.KV().Text("adapter.type"); err != nil || kind != "lora" {
		return errors.Join(err, fmt.Errorf("adapter.type is %q, only lora is supported", kind))
	}
	tensors, c := map[string]tensor.Tensor{}, peftConfig{
		PEFTType: "LORA", TaskType: "CAUSAL_LM", BaseModel: baseName, Bias: "none", InferenceMode: true, InitLoRAWeights: true,
	}
	var modules []string
	for _, name := range f.Names() {
		t, err := f.Tensor(name)
		if err != nil {
			return err
		}
		to, layer, t, err := base.toPEFT(name, t)
		if err != nil {
			return err
		}
		if len(t.Shape) != 2 {
			return fmt.Errorf("tensor %s has shape %v, want a matrix", name, t.Shape)
		}
		rank := t.Shape[0]
		if strings.HasSuffix(name, endingB) {
			rank = t.Shape[1]
		}
		if c.Rank != 0 && rank != c.Rank {
			return fmt.Errorf("tensor %s has rank %d, others have %d, which is not supported", name, rank, c.Rank)
		}
		c.Rank, tensors[to] = rank, t
		modules = append(modules, layer[strings.LastIndexByte(layer, '.')+1:])
	}
	slices.Sort(modules)
	c.TargetModules = slices.Compact(modules)
	if c.Alpha, err = alphaOf(f.KV(), c.Rank); err != nil {
		return err
	}
	return writePEFT(f.KV(), dir, &c, tensors)
}

// alphaOf reads the strength; llama.cpp takes none for one.
func alphaOf(m *gguf.Metadata, rank int) (float64, error) {
	alpha, err := m.Float(alphaKey)
	if errors.Is(err, gguf.ErrNoKey) || err == nil && alpha == 0 {
		return float64(rank), nil
	}
	return alpha, err
}

// writePEFT writes the directory, with the files that m keeps in place of those made.
func writePEFT(m *gguf.Metadata, dir string, c *peftConfig, tensors map[string]tensor.Tensor) error {
	if err := (Config{Rank: c.Rank, Alpha: c.Alpha}).check(); err != nil {
		return err
	}
	config, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	mem, err := checkpoint.NewMemory(tensors, map[string]string{"format": "pt"})
	if err != nil {
		return err
	}
	files := []fsx.File{{Name: WeightsFile, Fill: func(w io.Writer) error { return writeWeights(w, mem) }}}
	config = append(config, '\n')
	for _, name := range []string{lineageFile, ConfigFile} {
		if !m.Has(keptKey + name) {
			continue
		}
		text, err := m.Text(keptKey + name)
		if err != nil {
			return err
		}
		if name == ConfigFile {
			config = []byte(text)
			continue
		}
		files = append(files, fsx.Bytes(name, []byte(text)))
	}
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fsx.WriteSet(dir, 0o644, append(files, fsx.Bytes(ConfigFile, config))...)
}
