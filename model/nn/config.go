package nn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika/compute"
)

// TransformerConfig holds the fields of config.json that Llama and its kin share,
// under Hugging Face's names. Pointers tell an absent field from a zero.
type TransformerConfig struct {
	VocabSize             int          `json:"vocab_size"`
	HiddenSize            int          `json:"hidden_size"`
	IntermediateSize      int          `json:"intermediate_size"`
	NumHiddenLayers       int          `json:"num_hidden_layers"`
	NumAttentionHeads     int          `json:"num_attention_heads"`
	NumKeyValueHeads      *int         `json:"num_key_value_heads"`
	HeadDim               *int         `json:"head_dim"`
	MaxPositionEmbeddings int          `json:"max_position_embeddings"`
	RMSNormEps            float64      `json:"rms_norm_eps"`
	HiddenAct             string       `json:"hidden_act"`
	TieWordEmbeddings     *bool        `json:"tie_word_embeddings"`
	AttentionBias         bool         `json:"attention_bias"`
	MLPBias               bool         `json:"mlp_bias"`
	RopeTheta             float64      `json:"rope_theta"`
	RopeScaling           *RopeScaling `json:"rope_scaling"`
	RopeParameters        *RopeScaling `json:"rope_parameters"` // transformers 5 joins both
	SlidingWindow         *int         `json:"sliding_window"`
	UseSlidingWindow      *bool        `json:"use_sliding_window"`
	MaxWindowLayers       *int         `json:"max_window_layers"`
	LayerTypes            []string     `json:"layer_types"`
	Quantization          any          `json:"quantization_config"`

	// A mixture of experts.
	NumExperts          int   `json:"num_experts"`
	NumLocalExperts     int   `json:"num_local_experts"` // transformers 5 writes num_experts so
	NumExpertsPerTok    int   `json:"num_experts_per_tok"`
	MoEIntermediateSize int   `json:"moe_intermediate_size"`
	NormTopKProb        bool  `json:"norm_topk_prob"`
	DecoderSparseStep   *int  `json:"decoder_sparse_step"`
	MLPOnlyLayers       []int `json:"mlp_only_layers"`

	// Gemma's names.
	HiddenActivation     string   `json:"hidden_activation"`
	QueryPreAttnScalar   *float64 `json:"query_pre_attn_scalar"`
	RopeLocalBaseFreq    float64  `json:"rope_local_base_freq"`
	SlidingWindowPattern *int     `json:"sliding_window_pattern"`
	AttnSoftcap          *float64 `json:"attn_logit_softcapping"`
	FinalSoftcap         *float64 `json:"final_logit_softcapping"`
	Bidirectional        bool     `json:"use_bidirectional_attention"`
}

// Limits on what a configuration may ask for, far above any published model, so
// that a hostile file cannot make sizes overflow.
const (
	maxVocab  = 1 << 22
	maxWidth  = 1 << 18
	maxLayers = 1 << 12
)

// ParseTransformerConfig reads the shared fields and checks their ranges.
func ParseTransformerConfig(data []byte) (*TransformerConfig, error) {
	c := &TransformerConfig{RMSNormEps: 1e-6, HiddenAct: "silu", MaxPositionEmbeddings: 2048}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	return c, c.check()
}

func (c *TransformerConfig) check() error {
	var errs []error
	in := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("%s is %d, want %d to %d", name, v, lo, hi))
		}
	}
	in("vocab_size", c.VocabSize, 1, maxVocab)
	in("hidden_size", c.HiddenSize, 1, maxWidth)
	in("intermediate_size", c.IntermediateSize, 1, 4*maxWidth)
	in("num_hidden_layers", c.NumHiddenLayers, 1, maxLayers)
	in("num_attention_heads", c.NumAttentionHeads, 1, maxWidth)
	in("max_position_embeddings", c.MaxPositionEmbeddings, 1, 1<<28)
	if c.Quantization != nil {
		errs = append(errs, errors.New("quantization_config is set: quantised Hugging Face checkpoints are not supported; use the unquantised model"))
	}
	for name, v := range map[string]bool{
		"attn_logit_softcapping": c.AttnSoftcap != nil, "final_logit_softcapping": c.FinalSoftcap != nil,
		"use_bidirectional_attention": c.Bidirectional,
	} {
		if v {
			errs = append(errs, fmt.Errorf("%s is set, which is not supported", name))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.NumKeyValueHeads != nil {
		in("num_key_value_heads", *c.NumKeyValueHeads, 1, c.NumAttentionHeads)
	}
	if c.HeadDim != nil {
		in("head_dim", *c.HeadDim, 2, 1<<14)
	} else if c.HiddenSize%c.NumAttentionHeads != 0 {
		errs = append(errs, fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.HiddenSize, c.NumAttentionHeads))
	}
	if c.SlidingWindow != nil {
		in("sliding_window", *c.SlidingWindow, 1, 1<<28)
	}
	if c.SlidingWindowPattern != nil {
		in("sliding_window_pattern", *c.SlidingWindowPattern, 1, maxLayers)
	}
	if s := c.QueryPreAttnScalar; s != nil && !(*s > 0 && *s < maxWidth) {
		errs = append(errs, fmt.Errorf("query_pre_attn_scalar is %g, want more than 0", *s))
	}
	if !(c.RMSNormEps >= 0 && c.RMSNormEps < 1) {
		errs = append(errs, fmt.Errorf("rms_norm_eps is %g, want 0 to 1", c.RMSNormEps))
	}
	if c.LayerTypes != nil && len(c.LayerTypes) != c.NumHiddenLayers {
		errs = append(errs, fmt.Errorf("layer_types lists %d layers of %d", len(c.LayerTypes), c.NumHiddenLayers))
	}
	return errors.Join(errs...)
}

// Variant is what one architecture adds to the shared configuration.
type Variant struct {
	QKVBias, OutBias, MLPBias, QKNorm bool
	Tied                              bool    // when tie_word_embeddings is absent
	HeadDim                           int     // when head_dim is absent; 0 for hidden_size / heads
	RopeTheta                         float64 // when absent
	// Window says whether sliding_window applies where the file does not say so
	// by use_sliding_window or layer_types.
	Window bool
	// Pattern, if positive, leaves every layer of a number that it divides without a
	// window, counted from one, where the file does not say so by layer_types.
	Pattern int
	// LocalTheta is that of layers with a window, where those have rotary embeddings
	// of their own and the file does not tell theirs; 0 where all layers share them.
	LocalTheta float64
	Activation string  // in place of hidden_act
	Scalar     float64 // the root of which divides attention's products; 0 for the width of a head
	OutNorms   bool
	NormOffset float32
	// ScaledEmbed says that embeddings are multiplied by the root of hidden_size.
	ScaledEmbed bool
	// Experts says that layers have a mixture of experts in place of the MLP, where the
	// file does not say otherwise.
	Experts bool
}

// Decoder resolves the configuration of a decoder.
func (c *TransformerConfig) Decoder(v Variant) (*DecoderConfig, error) {
	d := &DecoderConfig{
		VocabSize: c.VocabSize, HiddenSize: c.HiddenSize, IntermediateSize: c.IntermediateSize,
		NumHiddenLayers: c.NumHiddenLayers, NumAttentionHeads: c.NumAttentionHeads,
		NumKeyValueHeads: c.NumAttentionHeads, RMSNormEps: float32(c.RMSNormEps),
		TieWordEmbeddings: v.Tied, QKVBias: v.QKVBias, OutBias: v.OutBias, MLPBias: v.MLPBias, QKNorm: v.QKNorm,
		OutNorms: v.OutNorms, NormOffset: v.NormOffset,
	}
	if v.ScaledEmbed {
		d.EmbedScale = float32(math.Sqrt(float64(c.HiddenSize)))
	}
	if c.NumKeyValueHeads != nil {
		d.NumKeyValueHeads = *c.NumKeyValueHeads
	}
	if d.NumAttentionHeads%d.NumKeyValueHeads != 0 {
		return nil, fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d",
			d.NumAttentionHeads, d.NumKeyValueHeads)
	}
	switch {
	case c.HeadDim != nil:
		d.HeadDim = *c.HeadDim
	case v.HeadDim != 0:
		d.HeadDim = v.HeadDim
	default:
		d.HeadDim = c.HiddenSize / c.NumAttentionHeads
	}
	if c.TieWordEmbeddings != nil {
		d.TieWordEmbeddings = *c.TieWordEmbeddings
	}
	d.AttnScale = float32(1 / math.Sqrt(cmp.Or(v.Scalar, float64(d.HeadDim))))
	switch act := cmp.Or(v.Activation, c.HiddenAct); act {
	case "silu", "swish":
		d.Activation = compute.SiLU
	case "gelu_pytorch_tanh":
		d.Activation = compute.GELUTanh
	default:
		return nil, fmt.Errorf("hidden_act %q is not supported; known: silu, gelu_pytorch_tanh", act)
	}
	var err error
	if v.Experts {
		if d.MoE, err = c.moe(); err != nil {
			return nil, err
		}
	}
	if d.Windows, err = c.windows(v); err != nil {
		return nil, err
	}
	return d, c.rope(d, v)
}

// windows returns the window of each layer, 0 for none.
func (c *TransformerConfig) windows(v Variant) ([]int, error) {
	w := make([]int, c.NumHiddenLayers)
	for i := range w {
		slide := v.Window && (v.Pattern == 0 || (i+1)%v.Pattern != 0)
		if c.UseSlidingWindow != nil {
			slide = *c.UseSlidingWindow && (c.MaxWindowLayers == nil || i >= *c.MaxWindowLayers)
		}
		if c.LayerTypes != nil {
			switch c.LayerTypes[i] {
			case "full_attention":
				slide = false
			case "sliding_attention":
				slide = true
			default:
				return nil, fmt.Errorf("layer_types[%d] %q is not supported; known: full_attention, sliding_attention", i, c.LayerTypes[i])
			}
		}
		switch {
		case slide && c.SlidingWindow != nil:
			w[i] = *c.SlidingWindow
		case slide && v.LocalTheta != 0:
			return nil, fmt.Errorf("layer %d slides, and sliding_window is not set", i)
		}
	}
	return w, nil
}

// Rope returns the parameters of rotary embeddings, wherever the file has them;
// theta is used when it names none.
func (c *TransformerConfig) Rope(theta float64) RopeScaling {
	var s RopeScaling
	switch {
	case c.RopeParameters != nil && c.RopeParameters.FullAttention != nil:
		s = *c.RopeParameters.FullAttention
	case c.RopeParameters != nil:
		s = *c.RopeParameters
	case c.RopeScaling != nil:
		s = *c.RopeScaling
	}
	if s.RopeTheta == 0 {
		s.RopeTheta = c.RopeTheta
	}
	if s.RopeTheta == 0 {
		s.RopeTheta = theta
	}
	return s
}

// LocalRope returns the parameters of rotary embeddings in layers with a window, of an
// architecture that has others there; theta is used when the file names none.
func (c *TransformerConfig) LocalRope(theta float64) RopeScaling {
	var s RopeScaling
	if c.RopeParameters != nil && c.RopeParameters.SlidingAttention != nil {
		s = *c.RopeParameters.SlidingAttention
	}
	s.RopeTheta = cmp.Or(s.RopeTheta, c.RopeLocalBaseFreq, theta)
	return s
}

func (c *TransformerConfig) rope(d *DecoderConfig, v Variant) error {
	if d.HeadDim%2 != 0 {
		return fmt.Errorf("head_dim %d is odd", d.HeadDim)
	}
	full, err := c.rotation(c.Rope(v.RopeTheta), d.HeadDim)
	if err != nil {
		return err
	}
	local := full
	switch {
	case v.LocalTheta != 0:
		if local, err = c.rotation(c.LocalRope(v.LocalTheta), d.HeadDim); err != nil {
			return err
		}
	case c.RopeParameters != nil && c.RopeParameters.SlidingAttention != nil:
		return errors.New("rope_parameters.sliding_attention is not supported by this architecture")
	}
	for _, w := range d.Windows {
		if w > 0 {
			d.Ropes = append(d.Ropes, local)
		} else {
			d.Ropes = append(d.Ropes, full)
		}
	}
	return nil
}

func (c *TransformerConfig) rotation(s RopeScaling, dim int) (compute.RoPE, error) {
	if s.PartialRotaryFactor != 0 && s.PartialRotaryFactor != 1 {
		return compute.RoPE{}, fmt.Errorf("partial_rotary_factor %g is not supported", s.PartialRotaryFactor)
	}
	freqs, factor, err := s.Frequencies(dim, c.MaxPositionEmbeddings)
	return compute.RoPE{Freqs: freqs, Factor: factor}, err
}
