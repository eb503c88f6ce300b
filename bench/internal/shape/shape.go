package shape

import (
	"os"
	"path/filepath"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/train"
)

// The extents in Config that programs need beside it.
const (
	Layers  = 24
	Vocab   = 151936
	Context = 32768
)

// Config is the config.json of Qwen2.5-0.5B, as far as it is computed with.
const Config = `{"model_type":"qwen2","architectures":["Qwen2ForCausalLM"],"vocab_size":151936,"hidden_size":896,
	"intermediate_size":4864,"num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,
	"max_position_embeddings":32768,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true}`

// Wide is that of Qwen2.5-1.5B, whose rows are whole super-blocks: Q4_K_M files of it hold
// Q4_K and Q6_K, where those of Config fall back to blocks of 32.
const Wide = `{"model_type":"qwen2","architectures":["Qwen2ForCausalLM"],"vocab_size":151936,"hidden_size":1536,
	"intermediate_size":8960,"num_hidden_layers":28,"num_attention_heads":12,"num_key_value_heads":2,
	"max_position_embeddings":32768,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true}`

// Source supplies the weights to a loader. The same name gives the same values.
type Source struct{ train.Init }

// NewSource returns the source of the weights.
func NewSource() Source { return Source{train.Init{Std: 0.02, Layers: Layers}} }

// Tensor implements [nn.Source].
func (s Source) Tensor(name string, shape []int) (tensor.Tensor, error) {
	t, err := s.Init.Tensor(name, shape)
	if err != nil {
		return t, err
	}
	return t.Encode(tensor.BF16)
}

// recorder supplies zeros and notes what was asked for.
type recorder struct {
	train.Init
	plan []checkpoint.Entry
}

// Tensor implements [nn.Source].
func (r *recorder) Tensor(name string, shape []int) (tensor.Tensor, error) {
	r.plan = append(r.plan, checkpoint.Entry{Name: name, DType: tensor.BF16, Shape: shape})
	return tensor.Tensor{DType: tensor.BF16, Shape: shape, Data: make([]byte, 2*tensor.Elems(shape))}, nil
}

// entries lists the tensors of the model.
func entries(config string) ([]checkpoint.Entry, error) {
	cfg, err := model.Parse(all.Architectures(), []byte(config))
	if err != nil {
		return nil, err
	}
	dev := cpu.New(cpu.Options{})
	defer dev.Close()
	var r recorder
	m, err := cfg.New(nn.NewLoader(dev, &r, false))
	if err != nil {
		return nil, err
	}
	m.Free()
	return r.plan, nil
}

// Write makes dir a model directory with weights, the config.json given ([Config] or
// [Wide]) and the tokenizer files given, unless it is one already, and returns the size
// of the weights in bytes.
func Write(dir, config string, tokenizer map[string][]byte) (int64, error) {
	weights := filepath.Join(dir, "model.safetensors")
	if info, err := os.Stat(weights); err == nil {
		return info.Size(), nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	for name, data := range tokenizer {
		if err := fsx.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return 0, err
		}
	}
	if err := fsx.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		return 0, err
	}
	plan, err := entries(config)
	if err != nil {
		return 0, err
	}
	// The weights come last: where they are, the rest is.
	if err := writeWeights(weights, plan); err != nil {
		return 0, err
	}
	info, err := os.Stat(weights)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func writeWeights(name string, plan []checkpoint.Entry) error {
	w, err := safetensors.Create(name, plan, map[string]string{"format": "pt"})
	if err != nil {
		return err
	}
	defer w.Abort()
	shapes := map[string][]int{}
	for _, e := range plan {
		shapes[e.Name] = e.Shape
	}
	src := NewSource()
	for _, n := range w.Order() {
		t, err := src.Tensor(n, shapes[n])
		if err != nil {
			return err
		}
		if err := w.Write(n, t); err != nil {
			return err
		}
	}
	return w.Close()
}
