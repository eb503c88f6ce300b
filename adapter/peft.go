package adapter

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

// The files of a PEFT adapter directory.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

const namePrefix = "base_model.model."

func tensorName(l *nn.Linear, matrix string) string {
	return namePrefix + l.Path + ".lora_" + matrix + ".weight"
}

// peftConfig is adapter_config.json. What the program does not compute is read,
// so that an adapter which asks for it is refused rather than misread. Patterns and
// lists that are empty are left out when written: PEFT takes no null for them.
type peftConfig struct {
	PEFTType           string         `json:"peft_type"`
	TaskType           string         `json:"task_type"`
	BaseModel          string         `json:"base_model_name_or_path"`
	Rank               int            `json:"r"`
	Alpha              float64        `json:"lora_alpha"`
	Dropout            float64        `json:"lora_dropout"`
	TargetModules      any            `json:"target_modules"`
	Bias               string         `json:"bias"`
	FanInFanOut        bool           `json:"fan_in_fan_out"`
	UseRSLoRA          bool           `json:"use_rslora"`
	UseDoRA            bool           `json:"use_dora"`
	InferenceMode      bool           `json:"inference_mode"`
	InitLoRAWeights    any            `json:"init_lora_weights"`
	ModulesToSave      []string       `json:"modules_to_save,omitempty"`
	RankPattern        map[string]int `json:"rank_pattern,omitempty"`
	AlphaPattern       map[string]any `json:"alpha_pattern,omitempty"`
	LayersToTransform  any            `json:"layers_to_transform,omitempty"`
	TrainableTokenIdxs any            `json:"trainable_token_indices,omitempty"`
	LoRABias           bool           `json:"lora_bias"`
}

// check refuses what this package does not compute.
func (c *peftConfig) check() error {
	unsupported := map[string]bool{
		"peft_type " + c.PEFTType: c.PEFTType != "LORA",
		"bias " + c.Bias:          c.Bias != "" && c.Bias != "none",
		"use_dora":                c.UseDoRA,
		"fan_in_fan_out":          c.FanInFanOut,
		"modules_to_save":         len(c.ModulesToSave) > 0,
		"rank_pattern":            len(c.RankPattern) > 0,
		"alpha_pattern":           len(c.AlphaPattern) > 0,
		"trainable_token_indices": c.TrainableTokenIdxs != nil,
		"lora_bias":               c.LoRABias,
	}
	for what, set := range unsupported {
		if set {
			return fmt.Errorf("%s is not supported", what)
		}
	}
	return nil
}

// Base names the base model that an adapter directory says it belongs to.
func Base(dir string) (string, error) {
	c, err := readConfig(dir)
	if err != nil {
		return "", err
	}
	return c.BaseModel, nil
}

func readConfig(dir string) (*peftConfig, error) {
	path := filepath.Join(dir, ConfigFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read adapter: %w", err)
	}
	var c peftConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("read adapter %s: %w", path, err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("read adapter %s: %w", path, err)
	}
	return &c, nil
}

// Load reads a PEFT adapter directory for m. A tensor that no layer of the model
// takes, or a layer half covered, is an error that names it.
func Load(dev compute.Device, m model.Model, dir string) (*LoRA, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, WeightsFile)
	file, err := safetensors.OpenFile(path)
	if err != nil {
		return nil, fmt.Errorf("load adapter: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	names := file.Names()
	cfg := Config{Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, RSLoRA: c.UseRSLoRA}
	for _, l := range m.Layers() {
		last := l.Path[strings.LastIndexByte(l.Path, '.')+1:]
		if slices.Contains(names, tensorName(l, "A")) && !slices.Contains(cfg.Targets, last) {
			cfg.Targets = append(cfg.Targets, last)
		}
	}
	used := 0
	x, err := build(dev, m, cfg, func(l *nn.Linear) (a, b []float32, err error) {
		if !slices.Contains(names, tensorName(l, "A")) {
			// An adapter on some layers only (layers_to_transform) leaves the others alone.
			return make([]float32, cfg.Rank*l.In), make([]float32, l.Out*cfg.Rank), nil
		}
		used += 2
		if a, err = matrix(file, tensorName(l, "A"), cfg.Rank, l.In); err != nil {
			return nil, nil, err
		}
		b, err = matrix(file, tensorName(l, "B"), l.Out, cfg.Rank)
		return a, b, err
	})
	if err != nil {
		return nil, fmt.Errorf("load adapter %s: %w", path, err)
	}
	if used != len(names) {
		err := fmt.Errorf("load adapter %s: %s", path, unknown(names, m))
		x.Free()
		return nil, err
	}
	return x, nil
}

func unknown(names []string, m model.Model) string {
	known := map[string]bool{}
	for _, l := range m.Layers() {
		known[tensorName(l, "A")], known[tensorName(l, "B")] = true, true
	}
	for _, n := range names {
		if !known[n] {
			return "tensor " + n + " belongs to no layer of the model"
		}
	}
	return "a lora_B tensor has no lora_A beside it"
}

func matrix(r checkpoint.Reader, name string, rows, cols int) ([]float32, error) {
	t, err := r.Tensor(name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s has shape %v, want [%d %d]", name, t.Shape, rows, cols)
	}
	return t.Float32s()
}

// Tensors returns the adapter's values by PEFT's names, as F32.
func (x *LoRA) Tensors() map[string]tensor.Tensor {
	ts := map[string]tensor.Tensor{}
	for _, p := range x.Params() {
		ts[p.Name] = tensor.FromFloat32s(compute.Floats(x.dev, p.Tensor), p.Tensor.Shape...)
	}
	return ts
}

// Save writes a PEFT adapter directory; base names the base model, beside are further
// files to stand with it. An adapter that was there is replaced as a whole: a failure
// leaves the old one, and a kill never the parts of two.
func (x *LoRA) Save(dir, base string, beside ...fsx.File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save adapter: %w", err)
	}
	targets := map[string]bool{}
	for _, p := range x.pairs {
		targets[p.Layer.Path[strings.LastIndexByte(p.Layer.Path, '.')+1:]] = true
	}
	var modules []string
	for t := range targets {
		modules = append(modules, t)
	}
	slices.Sort(modules)
	config, err := json.MarshalIndent(peftConfig{
		PEFTType: "LORA", TaskType: "CAUSAL_LM", BaseModel: base, Rank: x.Config.Rank, Alpha: x.Config.Alpha,
		Dropout: x.Config.Dropout, TargetModules: modules, Bias: "none", UseRSLoRA: x.Config.RSLoRA,
		InferenceMode: true, InitLoRAWeights: true,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("save adapter: %w", err)
	}
	mem, err := checkpoint.NewMemory(x.Tensors(), map[string]string{"format": "pt"})
	if err != nil {
		return fmt.Errorf("save adapter: %w", err)
	}
	weights := fsx.File{Name: WeightsFile, Fill: func(w io.Writer) error { return writeWeights(w, mem) }}
	files := append([]fsx.File{weights}, beside...)
	files = append(files, fsx.Bytes(ConfigFile, append(config, '\n')))
	if err := fsx.WriteSet(dir, 0o644, files...); err != nil {
		return fmt.Errorf("save adapter: %w", err)
	}
	return nil
}

func writeWeights(w io.Writer, r checkpoint.Reader) error {
	plan, err := checkpoint.Plan(r)
	if err != nil {
		return err
	}
	out, err := safetensors.NewWriter(w, plan, r.Metadata())
	if err != nil {
		return err
	}
	if err := checkpoint.Copy(out, r); err != nil {
		return err
	}
	return out.Close()
}

// Digest returns the SHA-256 of the values in an adapter directory: the name under
// which lineage and releases know the adapter.
func Digest(dir string) (troika.Digest, error) {
	f, err := os.Open(filepath.Join(dir, WeightsFile))
	if err != nil {
		return troika.Digest{}, fmt.Errorf("hash adapter: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return troika.Digest{}, fmt.Errorf("hash adapter %s: %w", dir, err)
	}
	return troika.DigestOf(h), nil
}
