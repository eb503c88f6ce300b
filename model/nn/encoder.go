package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika/compute"
)

// EncoderConfig describes BERT and its kin under Hugging Face's names of the fields: a
// bidirectional encoder with learned positions, whose norms stand after each residual.
type EncoderConfig struct {
	VocabSize             int     `json:"vocab_size"`
	HiddenSize            int     `json:"hidden_size"`
	IntermediateSize      int     `json:"intermediate_size"`
	NumHiddenLayers       int     `json:"num_hidden_layers"`
	NumAttentionHeads     int     `json:"num_attention_heads"`
	MaxPositionEmbeddings int     `json:"max_position_embeddings"`
	TypeVocabSize         int     `json:"type_vocab_size"`
	LayerNormEps          float64 `json:"layer_norm_eps"`
	HiddenAct             string  `json:"hidden_act"`
	PositionEmbeddingType string  `json:"position_embedding_type"`
	IsDecoder             bool    `json:"is_decoder"`
	PadTokenID            *int    `json:"pad_token_id"`
	Quantization          any     `json:"quantization_config"`

	// FirstPosition is the row of the position table that the first token takes.
	FirstPosition int `json:"-"`

	act compute.Activation
}

// ParseEncoderConfig reads a config.json and checks its ranges.
func ParseEncoderConfig(data []byte) (*EncoderConfig, error) {
	c := &EncoderConfig{LayerNormEps: 1e-12, HiddenAct: "gelu", MaxPositionEmbeddings: 512, TypeVocabSize: 2}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	return c, c.check()
}

func (c *EncoderConfig) check() error {
	var errs []error
	in := func(name string, v, most int) {
		if v < 1 || v > most {
			errs = append(errs, fmt.Errorf("%s is %d, want 1 to %d", name, v, most))
		}
	}
	in("vocab_size", c.VocabSize, maxVocab)
	in("hidden_size", c.HiddenSize, maxWidth)
	in("intermediate_size", c.IntermediateSize, 4*maxWidth)
	in("num_hidden_layers", c.NumHiddenLayers, maxLayers)
	in("num_attention_heads", c.NumAttentionHeads, maxWidth)
	in("max_position_embeddings", c.MaxPositionEmbeddings, 1<<20)
	in("type_vocab_size", c.TypeVocabSize, 1<<16)
	if c.NumAttentionHeads > 0 && c.HiddenSize%c.NumAttentionHeads != 0 {
		errs = append(errs, fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.HiddenSize, c.NumAttentionHeads))
	}
	if !(c.LayerNormEps >= 0 && c.LayerNormEps < 1) {
		errs = append(errs, fmt.Errorf("layer_norm_eps is %g, want 0 to 1", c.LayerNormEps))
	}
	if c.PositionEmbeddingType != "" && c.PositionEmbeddingType != "absolute" {
		errs = append(errs, fmt.Errorf("position_embedding_type %q is not supported; known: absolute", c.PositionEmbeddingType))
	}
	if c.IsDecoder {
		errs = append(errs, errors.New("is_decoder is set: only encoders are supported"))
	}
	if c.Quantization != nil {
		errs = append(errs, errors.New("quantization_config is set: quantised Hugging Face checkpoints are not supported; use the unquantised model"))
	}
	switch c.HiddenAct {
	case "gelu":
		c.act = compute.GELU
	case "gelu_new", "gelu_pytorch_tanh":
		c.act = compute.GELUTanh
	case "silu", "swish":
		c.act = compute.SiLU
	default:
		errs = append(errs, fmt.Errorf("hidden_act %q is not supported; known: gelu, gelu_new, gelu_pytorch_tanh, silu", c.HiddenAct))
	}
	return errors.Join(errs...)
}

// Positions returns the longest sequence.
func (c *EncoderConfig) Positions() int { return c.MaxPositionEmbeddings - c.FirstPosition }

// Encoder gives each token a vector that depends on the whole sequence. It has no head:
// it embeds texts and generates nothing.
type Encoder struct {
	cfg    EncoderConfig
	embed  *Embedding
	places *compute.Tensor // [Positions, C], the first token type's row in each
	norm   *LayerNorm
	layers []*encoderLayer
	*Loaded
}

type encoderLayer struct {
	cfg         *EncoderConfig
	q, k, v, o  *Linear
	up, down    *Linear
	norm1, norm *LayerNorm // after attention, and after the MLP
}

// NewEncoder loads an encoder. The tensor paths are those of BERT in the transformers
// library. Its weights are frozen.
func NewEncoder(cfg EncoderConfig, l *Loader) (*Encoder, error) {
	e := &Encoder{cfg: cfg}
	if l.trainable {
		l.fail(errors.New("an encoder cannot be trained: it has no output to learn from"))
	}
	eps := float32(cfg.LayerNormEps)
	e.embed = l.Embedding("embeddings.word_embeddings", cfg.VocabSize, cfg.HiddenSize)
	e.places = l.places(&cfg)
	e.norm = l.LayerNorm("embeddings.LayerNorm", cfg.HiddenSize, eps)
	for i := range cfg.NumHiddenLayers {
		p := fmt.Sprintf("encoder.layer.%d.", i)
		square := func(name string) *Linear { return l.Linear(p+name, cfg.HiddenSize, cfg.HiddenSize, true) }
		e.layers = append(e.layers, &encoderLayer{
			cfg: &e.cfg,
			q:   square("attention.self.query"), k: square("attention.self.key"), v: square("attention.self.value"),
			o:     square("attention.output.dense"),
			norm1: l.LayerNorm(p+"attention.output.LayerNorm", cfg.HiddenSize, eps),
			up:    l.Linear(p+"intermediate.dense", cfg.IntermediateSize, cfg.HiddenSize, true),
			down:  l.Linear(p+"output.dense", cfg.HiddenSize, cfg.IntermediateSize, true),
			norm:  l.LayerNorm(p+"output.LayerNorm", cfg.HiddenSize, eps),
		})
	}
	// The pooler makes one vector for a classifier; embeddings do not use it.
	l.Ignore("embeddings.position_ids", "embeddings.token_type_ids", "pooler.dense.weight", "pooler.dense.bias")
	var err error
	if e.Loaded, err = l.Finish(); err != nil {
		return nil, err
	}
	return e, nil
}

// places loads the position table from the first position on. Every token is of the
// first type, so that type's row is added once, here.
func (l *Loader) places(cfg *EncoderConfig) *compute.Tensor {
	table := l.values("embeddings.position_embeddings.weight", cfg.MaxPositionEmbeddings, cfg.HiddenSize)
	types := l.values("embeddings.token_type_embeddings.weight", cfg.TypeVocabSize, cfg.HiddenSize)
	if l.err != nil {
		return nil
	}
	table = table[cfg.FirstPosition*cfg.HiddenSize:]
	for i := range table {
		table[i] += types[i%cfg.HiddenSize]
	}
	x := compute.FromFloats(l.dev, table, cfg.Positions(), cfg.HiddenSize)
	l.owns(x)
	return x
}

// Forward returns the hidden states of the rows that an uploaded batch asks for, [T, C]
// where that is all. It takes no cache: a sequence is computed as a whole.
func (e *Encoder) Forward(o compute.Ops, b *Batch, kv compute.KV) *compute.Tensor {
	if kv != nil {
		compute.Fail("Encoder", "a cache was given")
	}
	for _, s := range b.Spans {
		if s.Rows > e.cfg.Positions() {
			compute.Fail("Encoder", "a sequence of %d tokens, the model has %d positions", s.Rows, e.cfg.Positions())
		}
	}
	x := compute.Do(o, compute.Add{}, e.embed.Forward(o, b), compute.Do(o, compute.GatherRows{}, e.places, b.positions))
	x = e.norm.Forward(o, x)
	for _, layer := range e.layers {
		x = o.Block(func() *compute.Tensor { return layer.forward(o, b, x) }, x)
	}
	return b.output(o, x)
}

func (l *encoderLayer) forward(o compute.Ops, b *Batch, x *compute.Tensor) *compute.Tensor {
	rows, heads := len(b.Tokens), l.cfg.NumAttentionHeads
	dim := l.cfg.HiddenSize / heads
	split := func(p *Linear) *compute.Tensor { return o.Reshape(p.Forward(o, b, x), rows, heads, dim) }
	y := compute.Do(o, compute.Attention{Spans: b.Spans, Scale: float32(1 / math.Sqrt(float64(dim)))},
		split(l.q), split(l.k), split(l.v))
	y = l.o.Forward(o, b, o.Reshape(y, rows, l.cfg.HiddenSize))
	x = l.norm1.Forward(o, compute.Do(o, compute.Add{}, x, y))
	y = l.down.Forward(o, b, compute.Do(o, compute.Activate{Act: l.cfg.act}, l.up.Forward(o, b, x)))
	return l.norm.Forward(o, compute.Do(o, compute.Add{}, x, y))
}

// Logits panics with a [*compute.ShapeError]: there is no head.
func (*Encoder) Logits(compute.Ops, *Batch, *compute.Tensor) *compute.Tensor {
	compute.Fail("Logits", "an encoder has no output head")
	return nil
}

// OutputHead returns nil.
func (*Encoder) OutputHead() *Linear { return nil }

// Layers returns every linear layer, in order.
func (e *Encoder) Layers() []*Linear { return e.Linears }

// Params returns none.
func (e *Encoder) Params() []Parameter { return e.Parameters }

// KVSpec returns an empty cache: an encoder keeps none.
func (*Encoder) KVSpec(int) compute.KVSpec { return compute.KVSpec{} }
