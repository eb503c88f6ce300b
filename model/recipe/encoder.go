package recipe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

// Encoder is the variant of a recipe for the family that nn.Encoder covers, which all
// lie in GGUF as "bert". llama.cpp computes their GELU by its tanh approximation.
type Encoder struct {
	ModelType string // in config.json
	Class     string
	// First returns the row of the position table that the first token takes; the rows
	// before it have no place in GGUF. Nil is row 0.
	First func(*nn.EncoderConfig) int
	// Padding says that config.json names the padding token, from which positions count.
	Padding bool
	Matches func(f *gguf.File) bool
}

const (
	positionName  = "position_embd.weight"
	tokenTypeName = "token_types.weight"
	layerNormKey  = "attention.layer_norm_epsilon"
	typeCountKey  = "tokenizer.ggml.token_type_count"
	paddingKey    = "tokenizer.ggml.padding_token_id"
	// actKey is ours: hidden_act where it is not "gelu".
	actKey = "hidden_act"
)

// Recipe returns the recipe of the variant.
func (e Encoder) Recipe() *Recipe {
	return &Recipe{
		Architecture: "bert", Encoder: true, Metadata: e.metadata, Config: e.config, Dims: e.dims, Losses: e.losses,
		Matches: e.Matches, Rules: encoderRules(),
	}
}

func encoderRules() []Rule {
	rules := []Rule{
		{HF: "embeddings.word_embeddings.weight", GGUF: "token_embd.weight"},
		{HF: "embeddings.position_embeddings.weight", GGUF: positionName, Step: FirstPosition{}},
		{HF: "embeddings.token_type_embeddings.weight", GGUF: tokenTypeName},
		{HF: "embeddings.LayerNorm.weight", GGUF: "token_embd_norm.weight"},
		{HF: "embeddings.LayerNorm.bias", GGUF: "token_embd_norm.bias"},
		{HF: "embeddings.position_ids", Keep: true},
		{HF: "embeddings.token_type_ids", Keep: true},
		{HF: "pooler.dense.weight", Keep: true},
		{HF: "pooler.dense.bias", Keep: true},
	}
	for _, p := range [][2]string{
		{"attention.self.query", "attn_q"},
		{"attention.self.key", "attn_k"},
		{"attention.self.value", "attn_v"},
		{"attention.output.dense", "attn_output"},
		{"attention.output.LayerNorm", "attn_output_norm"},
		{"intermediate.dense", "ffn_up"},
		{"output.dense", "ffn_down"},
		{"output.LayerNorm", "layer_output_norm"},
	} {
		for _, kind := range []string{".weight", ".bias"} {
			rules = append(rules, Rule{HF: "encoder.layer.{}." + p[0] + kind, GGUF: "blk.{}." + p[1] + kind})
		}
	}
	return rules
}

func (e Encoder) parse(config []byte) (*nn.EncoderConfig, error) {
	c, err := nn.ParseEncoderConfig(config)
	if err == nil && e.First != nil {
		c.FirstPosition = e.First(c)
	}
	return c, err
}

func (e Encoder) dims(config []byte) (Dims, error) {
	c, err := e.parse(config)
	if err != nil {
		return Dims{}, err
	}
	return Dims{Heads: c.NumAttentionHeads, KVHeads: c.NumAttentionHeads, FirstPosition: c.FirstPosition}, nil
}

// metadata sets the keys that llama.cpp's converter sets.
func (e Encoder) metadata(config []byte, m *gguf.Metadata) error {
	c, err := e.parse(config)
	if err != nil {
		return err
	}
	set := func(key string, value any) { m.Set("bert."+key, value) }
	set("block_count", uint32(c.NumHiddenLayers))
	set("context_length", uint32(c.Positions()))
	set("embedding_length", uint32(c.HiddenSize))
	set("feed_forward_length", uint32(c.IntermediateSize))
	set("attention.head_count", uint32(c.NumAttentionHeads))
	set(layerNormKey, float32(c.LayerNormEps))
	set("attention.causal", false)
	set("vocab_size", uint32(c.VocabSize))
	if c.HiddenAct != "gelu" {
		set(actKey, c.HiddenAct)
	}
	m.Set(typeCountKey, uint32(c.TypeVocabSize))
	return nil
}

func (e Encoder) losses(config []byte) ([]string, error) {
	c, err := e.parse(config)
	if err != nil || slices.Contains([]string{"gelu", "gelu_new", "gelu_pytorch_tanh"}, c.HiddenAct) {
		return nil, err
	}
	return []string{fmt.Sprintf("hidden_act is %s, llama.cpp assumes gelu", c.HiddenAct)}, nil
}

func (e Encoder) config(f *gguf.File) ([]byte, error) {
	r := &reader{f: f, prefix: "bert."}
	rows := func(name string) int {
		entry, err := f.Entry(name)
		r.keep(err)
		if err == nil && len(entry.Shape) != 2 {
			r.keep(fmt.Errorf("tensor %q has shape %v", name, entry.Shape))
			return 0
		}
		if err != nil {
			return 0
		}
		return entry.Shape[0]
	}
	c := map[string]any{
		"architectures": []string{e.Class}, "model_type": e.ModelType,
		"vocab_size":              rows("token_embd.weight"),
		"type_vocab_size":         rows(tokenTypeName),
		"hidden_size":             r.number("embedding_length", -1),
		"intermediate_size":       r.number("feed_forward_length", -1),
		"num_hidden_layers":       r.number("block_count", -1),
		"num_attention_heads":     r.number("attention.head_count", -1),
		"layer_norm_eps":          r.float(layerNormKey, -1),
		"hidden_act":              cmp.Or(r.text(actKey), "gelu"),
		"position_embedding_type": "absolute",
	}
	first := 0
	if e.Padding {
		plain := &reader{f: f}
		pad := plain.number(paddingKey, 1)
		r.keep(plain.err)
		c["pad_token_id"] = pad
		first = e.First(&nn.EncoderConfig{PadTokenID: &pad})
	}
	c["max_position_embeddings"] = rows(positionName) + first
	if r.err != nil {
		return nil, r.err
	}
	return json.MarshalIndent(c, "", "  ")
}

// FirstPosition leaves out the rows of a position table before the first that a token
// takes. Back makes rows of zeros, which nothing reads.
type FirstPosition struct{}

// Forward implements [Step].
func (FirstPosition) Forward(t tensor.Tensor, d Dims) (tensor.Tensor, error) {
	shape, err := FirstPosition{}.shape(t.Shape, -d.FirstPosition)
	if err != nil {
		return t, err
	}
	row := t.DType.Bytes(t.Shape[1])
	if row < 0 {
		return t, fmt.Errorf("rows of shape %v in %s cannot be cut", t.Shape, t.DType)
	}
	return tensor.Tensor{DType: t.DType, Shape: shape, Data: t.Data[d.FirstPosition*row:]}, nil
}

// Back implements [Step].
func (FirstPosition) Back(t tensor.Tensor, d Dims) (tensor.Tensor, error) {
	shape, err := FirstPosition{}.shape(t.Shape, d.FirstPosition)
	if err != nil {
		return t, err
	}
	row := t.DType.Bytes(t.Shape[1])
	if row < 0 {
		return t, fmt.Errorf("rows of shape %v in %s cannot be added", t.Shape, t.DType)
	}
	return tensor.Tensor{DType: t.DType, Shape: shape, Data: slices.Concat(make([]byte, d.FirstPosition*row), t.Data)}, nil
}

// shape returns the shape with rows added.
func (FirstPosition) shape(s []int, rows int) ([]int, error) {
	if len(s) != 2 || s[0]+rows < 1 {
		return nil, fmt.Errorf("shape %v is no position table with %d more rows", s, rows)
	}
	return []int{s[0] + rows, s[1]}, nil
}
