package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/train"
)

// configuration is a run.
type configuration struct {
	Name     string
	Config   string // config.json
	Vocab    int
	DType    tensor.DType // of matrices
	Adapter  adapter.Config
	Micro    int
	Gather   int // micro-batches of a step
	Steps    int
	Shortest int
	Longest  int
	Valid    int // examples
	Large    bool
}

const small = `{"model_type":"qwen2","architectures":["Qwen2ForCausalLM"],"vocab_size":%d,"hidden_size":%d,
	"intermediate_size":%d,"num_hidden_layers":%d,"num_attention_heads":%d,"num_key_value_heads":2,
	"max_position_embeddings":4096,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true}`

func configurations() []configuration {
	return []configuration{
		{
			Name: "7 M, packed", Config: fmt.Sprintf(small, 8192, 256, 1024, 4, 4), Vocab: 8192, DType: tensor.BF16,
			Adapter: adapter.Config{Rank: 16, Alpha: 32}, Micro: 512, Gather: 4, Steps: 20, Shortest: 20, Longest: 200,
		},
		{
			Name: "7 M, long", Config: fmt.Sprintf(small, 8192, 256, 1024, 4, 4), Vocab: 8192, DType: tensor.F32,
			Adapter: adapter.Config{Rank: 64, Alpha: 64}, Micro: 2048, Gather: 1, Steps: 12, Shortest: 100, Longest: 1500, Valid: 20,
		},
		{
			Name: "37 M, one by one", Config: fmt.Sprintf(small, 16384, 512, 1536, 10, 8), Vocab: 16384, DType: tensor.BF16,
			Adapter: adapter.Config{Rank: 8, Alpha: 16, Dropout: 0.1}, Micro: 2, Gather: 8, Steps: 8, Shortest: 16, Longest: 300, Valid: 10,
		},
		{
			Name: "494 M", Config: shape.Config, Vocab: shape.Vocab, DType: tensor.BF16,
			Adapter: adapter.Config{Rank: 16, Alpha: 32}, Micro: 512, Gather: 1, Steps: 5, Shortest: 60, Longest: 400, Large: true,
		},
		{
			Name: "494 M, Q8_0", Config: shape.Config, Vocab: shape.Vocab, DType: tensor.Q8_0,
			Adapter: adapter.Config{Rank: 8, Alpha: 16, Targets: []string{"q_proj", "v_proj"}}, Micro: 256, Gather: 2, Steps: 4,
			Shortest: 40, Longest: 250, Large: true,
		},
	}
}

// sequences draws examples, whose second half is learned.
func (c *configuration) sequences(n int, seed uint64) []train.Sequence {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]train.Sequence, n)
	for i := range out {
		length := c.Shortest + r.IntN(c.Longest-c.Shortest+1)
		s := train.Sequence{Tokens: make([]int32, length), Weights: make([]float32, length)}
		for j := range s.Tokens {
			s.Tokens[j] = r.Int32N(int32(c.Vocab))
			if 2*j >= length {
				s.Weights[j] = 1
			}
		}
		out[i] = s
	}
	return out
}

func (c *configuration) train() train.Config {
	t := train.DefaultConfig()
	t.Steps, t.MicroTokens, t.Accumulate, t.SaveEvery, t.Seed = c.Steps, c.Micro, c.Gather, 0, 1
	return t
}

// weights supplies a model's tensors: a tile of random numbers, over and over.
type weights struct {
	train.Init
	dtype tensor.DType
	tile  []byte
}

func newWeights(d tensor.DType) (*weights, error) {
	const n = 1 << 18
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(0.02 * r.NormFloat64())
	}
	t, err := tensor.FromFloat32s(v, 1, n).Encode(d)
	return &weights{dtype: d, tile: t.Data}, err
}

// Tensor implements [nn.Source].
func (w *weights) Tensor(name string, shape []int) (tensor.Tensor, error) {
	if len(shape) < 2 {
		v := make([]float32, tensor.Elems(shape))
		if strings.HasSuffix(name, "norm.weight") {
			v = slices.Repeat([]float32{1}, len(v))
		}
		return tensor.FromFloat32s(v, shape...), nil
	}
	data := make([]byte, w.dtype.Bytes(tensor.Elems(shape)))
	for at := 0; at < len(data); at += len(w.tile) {
		copy(data[at:], w.tile)
	}
	return tensor.Tensor{DType: w.dtype, Shape: shape, Data: data}, nil
}
