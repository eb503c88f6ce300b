package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

// Decoder is the variant of a recipe for the family that nn.Decoder covers.
type Decoder struct {
	Architecture string // in GGUF
	ModelType    string // in config.json
	Class        string
	Variant      func(*nn.TransformerConfig) nn.Variant
	// Permuted says that GGUF orders query and key rows by pairs.
	Permuted bool
	Matches  func(f *gguf.File) bool
}

// Recipe returns the recipe of the variant.
func (d Decoder) Recipe() *Recipe {
	r := &Recipe{
		Architecture: d.Architecture, Metadata: d.metadata, Config: d.config, Dims: d.dims, Extra: d.extra,
		Matches: d.Matches, Losses: d.losses, Rules: decoderRules(d.Variant(&nn.TransformerConfig{})),
	}
	if d.Permuted {
		for i, rule := range r.Rules {
			switch rule.GGUF {
			case "blk.{}.attn_q.weight", "blk.{}.attn_q.bias":
				r.Rules[i].Step = Permute{}
			case "blk.{}.attn_k.weight", "blk.{}.attn_k.bias":
				r.Rules[i].Step = Permute{KV: true}
			}
		}
	}
	return r
}

// decoderRules returns the rules of the family, for the names and norms of a variant.
func decoderRules(v nn.Variant) []Rule {
	rules := []Rule{
		{HF: "model.embed_tokens.weight", GGUF: "token_embd.weight"},
		{HF: "model.norm.weight", GGUF: "output_norm.weight"},
		{HF: "lm_head.weight", GGUF: headName},
		{GGUF: ropeFactors},
		{HF: "model.layers.{}.self_attn.rotary_emb.inv_freq"},
	}
	type part struct {
		hf, gguf string
		bias     bool
	}
	parts := []part{
		{"input_layernorm", "attn_norm", false},
		{"self_attn.q_proj", "attn_q", true},
		{"self_attn.k_proj", "attn_k", true},
		{"self_attn.v_proj", "attn_v", true},
		{"self_attn.o_proj", "attn_output", true},
		{"self_attn.q_norm", "attn_q_norm", false},
		{"self_attn.k_norm", "attn_k_norm", false},
		{"mlp.gate_proj", "ffn_gate", true},
		{"mlp.up_proj", "ffn_up", true},
		{"mlp.down_proj", "ffn_down", true},
	}
	if v.OutNorms {
		parts = append(parts, part{"post_attention_layernorm", "post_attention_norm", false},
			part{"pre_feedforward_layernorm", "ffn_norm", false}, part{"post_feedforward_layernorm", "post_ffw_norm", false})
	} else {
		parts = append(parts, part{"post_attention_layernorm", "ffn_norm", false})
	}
	for _, p := range parts {
		rules = append(rules, Rule{HF: "model.layers.{}." + p.hf + ".weight", GGUF: "blk.{}." + p.gguf + ".weight"})
		if p.bias {
			rules = append(rules, Rule{HF: "model.layers.{}." + p.hf + ".bias", GGUF: "blk.{}." + p.gguf + ".bias"})
		}
	}
	if v.Experts {
		rules = append(rules, expertRules()...)
	}
	for i, rule := range rules {
		if v.NormOffset != 0 && strings.HasSuffix(rule.GGUF, "_norm.weight") {
			rules[i].Step = AddOne{}
		}
	}
	return rules
}

// parse reads a config.json, with the defaults of the variant.
func (d Decoder) parse(config []byte) (*nn.TransformerConfig, *nn.DecoderConfig, error) {
	c, err := nn.ParseTransformerConfig(config)
	if err != nil {
		return nil, nil, err
	}
	r, err := c.Decoder(d.Variant(c))
	return c, r, err
}

func (d Decoder) dims(config []byte) (Dims, error) {
	_, c, err := d.parse(config)
	if err != nil {
		return Dims{}, err
	}
	dims := Dims{Heads: c.NumAttentionHeads, KVHeads: c.NumKeyValueHeads, TiedHead: c.TieWordEmbeddings}
	if c.MoE != nil {
		dims.Experts = c.MoE.Experts
	}
	return dims, nil
}

// metadata sets the keys that llama.cpp's converter sets, and those of a sliding
// window and of Llama 3's frequencies where they differ from what it assumes.
func (d Decoder) metadata(config []byte, m *gguf.Metadata) error {
	shared, c, err := d.parse(config)
	if err != nil {
		return err
	}
	set := func(key string, value any) { m.Set(d.Architecture+"."+key, value) }
	set("block_count", uint32(c.NumHiddenLayers))
	set("context_length", uint32(shared.MaxPositionEmbeddings))
	set("embedding_length", uint32(c.HiddenSize))
	set("feed_forward_length", uint32(c.IntermediateSize))
	set("attention.head_count", uint32(c.NumAttentionHeads))
	set("attention.head_count_kv", uint32(c.NumKeyValueHeads))
	set("attention.layer_norm_rms_epsilon", c.RMSNormEps)
	set("attention.key_length", uint32(c.HeadDim))
	set("attention.value_length", uint32(c.HeadDim))
	set("vocab_size", uint32(c.VocabSize))
	set("rope.dimension_count", uint32(c.HeadDim))
	d.setWindows(c, set)
	if c.MoE != nil {
		setExperts(c.MoE, set)
	}
	v := d.Variant(shared)
	if v.LocalTheta != 0 {
		local := shared.LocalRope(v.LocalTheta)
		if kind := local.Kind(); kind != "" && kind != "default" {
			return fmt.Errorf("rope_type %q of layers with a window has no place in GGUF", kind)
		}
		set(localThetaKey, float32(local.RopeTheta))
	}
	if v.Scalar != 0 && v.Scalar != impliedScalar(c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim) {
		set(scalarKey, float32(v.Scalar))
	}
	return setRope(shared.Rope(v.RopeTheta), set)
}

// losses tells of what llama.cpp takes otherwise.
func (d Decoder) losses(config []byte) ([]string, error) {
	shared, c, err := d.parse(config)
	if err != nil {
		return nil, err
	}
	var losses []string
	v := d.Variant(shared)
	if want := impliedScalar(c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim); v.Scalar != 0 && v.Scalar != want {
		losses = append(losses, fmt.Sprintf("query_pre_attn_scalar is %g, llama.cpp assumes %g", v.Scalar, want))
	}
	if c.MoE != nil {
		losses = append(losses, expertLosses(c.MoE)...)
	}
	return losses, nil
}

// impliedScalar is what llama.cpp takes for query_pre_attn_scalar (models/gemma3.cpp):
// the width of a head, and in the largest model, of 62 layers, that of a share of the
// hidden states.
func impliedScalar(layers, hidden, heads, dim int) float64 {
	if layers == 62 {
		return float64(hidden / heads)
	}
	return float64(dim)
}

// setWindows stores the sliding window, and by layer where it applies.
func (d Decoder) setWindows(c *nn.DecoderConfig, set func(string, any)) {
	slides := make([]bool, len(c.Windows))
	window := 0
	for i, w := range c.Windows {
		slides[i] = w > 0
		window = max(window, w)
	}
	if window > 0 {
		set(windowKey, uint32(window))
		set(patternKey, slides)
	}
}

const (
	windowKey  = "attention.sliding_window"
	patternKey = "attention.sliding_window_pattern"
	// localThetaKey is rope_theta of layers with a window.
	localThetaKey = "rope.freq_base_swa"
	// scalarKey is ours: query_pre_attn_scalar where it is not the one implied.
	scalarKey = "attention.query_pre_attn_scalar"
)

// reader reads keys of an architecture and keeps the first error.
type reader struct {
	f      *gguf.File
	prefix string
	err    error
}

// number reads an integer; without the key it is fallback, or an error if that is
// negative.
func (r *reader) number(key string, fallback int) int {
	n, err := r.f.KV().Int(r.prefix + key)
	if errors.Is(err, gguf.ErrNoKey) && fallback >= 0 {
		return fallback
	}
	r.keep(err)
	return n
}

// float reads a number and writes it as F32 prints, so that 1e-6 stays 1e-06.
func (r *reader) float(key string, fallback float64) float64 {
	x, err := r.f.KV().Float(r.prefix + key)
	if errors.Is(err, gguf.ErrNoKey) && fallback >= 0 {
		return fallback
	}
	r.keep(err)
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 32), 64)
	r.keep(err)
	return short
}

func (r *reader) text(key string) string {
	s, err := r.f.KV().Text(r.prefix + key)
	if !errors.Is(err, gguf.ErrNoKey) {
		r.keep(err)
	}
	return s
}

func (r *reader) has(key string) bool { return r.f.KV().Has(r.prefix + key) }

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// holds reports whether the file has a tensor.
func holds(f *gguf.File, name string) bool { return f.TypeName(name) != "" }

func (d Decoder) config(f *gguf.File) ([]byte, error) {
	r := &reader{f: f, prefix: d.Architecture + "."}
	v := d.Variant(&nn.TransformerConfig{})
	if n := r.number(expertsKey, 0); n > 0 && !v.Experts {
		return nil, fmt.Errorf("a %s model with %d experts is not supported", d.Architecture, n)
	}
	embed, err := f.Entry("token_embd.weight")
	if err != nil {
		return nil, err
	}
	if len(embed.Shape) != 2 {
		return nil, fmt.Errorf("tensor %q has shape %v", embed.Name, embed.Shape)
	}
	hidden, heads := r.number("embedding_length", -1), r.number("attention.head_count", -1)
	if r.err == nil && (heads <= 0 || hidden <= 0) {
		return nil, fmt.Errorf("%d heads over %d channels", heads, hidden)
	}
	dim := r.number("attention.key_length", hidden/max(heads, 1))
	for _, key := range []string{"attention.value_length", "rope.dimension_count"} {
		if n := r.number(key, dim); n != dim {
			return nil, fmt.Errorf("%s%s is %d, only %d, the length of keys, is supported", r.prefix, key, n, dim)
		}
	}
	for _, key := range []string{"attn_logit_softcapping", "final_logit_softcapping"} {
		if r.float(key, 0) != 0 {
			return nil, fmt.Errorf("%s%s is set, which is not supported", r.prefix, key)
		}
	}
	c := map[string]any{
		"architectures": []string{d.Class}, "model_type": d.ModelType,
		"vocab_size": embed.Shape[0], "hidden_size": hidden, "head_dim": dim,
		"intermediate_size":       r.number("feed_forward_length", -1),
		"num_hidden_layers":       r.number("block_count", -1),
		"num_attention_heads":     heads,
		"num_key_value_heads":     r.number("attention.head_count_kv", heads),
		"max_position_embeddings": r.number("context_length", -1),
		"rms_norm_eps":            r.float("attention.layer_norm_rms_epsilon", -1),
		"tie_word_embeddings":     !holds(f, headName),
		"attention_bias":          holds(f, "blk.0.attn_output.bias"),
		"mlp_bias":                holds(f, "blk.0.ffn_down.bias"),
	}
	if v.Activation == "" {
		c["hidden_act"] = "silu"
	} else {
		c["hidden_activation"] = v.Activation
	}
	if v.LocalTheta != 0 {
		c["rope_local_base_freq"] = r.float(localThetaKey, v.LocalTheta)
	}
	if v.Scalar != 0 {
		c["query_pre_attn_scalar"] = r.float(scalarKey, impliedScalar(r.number("block_count", -1), hidden, heads, dim))
	}
	if v.Experts {
		r.experts(c)
	}
	r.windows(c, v)
	if err := r.rope(c, dim); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	return json.MarshalIndent(c, "", "  ")
}

// windows sets sliding_window and the kind of each layer.
func (r *reader) windows(c map[string]any, v nn.Variant) {
	layers, ok := c["num_hidden_layers"].(int)
	if !ok || layers < 0 || layers > maxLayers {
		return
	}
	window := r.number(windowKey, 0)
	if window == 0 {
		if v.Window { // the architecture slides where its configuration is silent
			c["layer_types"] = slices.Repeat([]string{"full_attention"}, layers)
		}
		return
	}
	slides := r.pattern(layers, v.Pattern)
	kinds := make([]string, len(slides))
	for i, s := range slides {
		kinds[i] = "full_attention"
		if s != 0 {
			kinds[i] = "sliding_attention"
		}
	}
	c["sliding_window"], c["layer_types"] = window, kinds
}

// pattern tells of each layer whether it has a window: by layer, by a number of which
// the multiples have none, or as it is without the key.
func (r *reader) pattern(layers, every int) []int {
	if r.has(patternKey) {
		slides, err := r.f.KV().Ints(r.prefix + patternKey)
		if err == nil {
			if len(slides) != layers {
				r.keep(fmt.Errorf("%s%s tells of %d layers, the model has %d", r.prefix, patternKey, len(slides), layers))
			}
			return slides
		}
		every = r.number(patternKey, -1)
	}
	slides := make([]int, layers)
	for i := range slides {
		if every <= 0 || (i+1)%every != 0 {
			slides[i] = 1
		}
	}
	return slides
}

// maxLayers bounds what metadata may claim before it is checked with the rest.
const maxLayers = 1 << 16

func (d Decoder) extra(config []byte) (map[string]tensor.Tensor, error) {
	shared, c, err := d.parse(config)
	if err != nil {
		return nil, err
	}
	s := shared.Rope(d.Variant(shared).RopeTheta)
	if s.Kind() != "llama3" {
		return nil, nil
	}
	factors, err := llama3Factors(s, c.HeadDim)
	return map[string]tensor.Tensor{ropeFactors: tensor.FromFloat32s(factors, len(factors))}, err
}
