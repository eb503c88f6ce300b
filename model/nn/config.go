package nn

import (
	"encoding/json"
	"errors"
	"fmt"

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
}

// Decoder resolves the configuration of a decoder.
func (c *TransformerConfig) Decoder(v Variant) (*DecoderConfig, error) {
	d := &DecoderConfig{
		VocabSize: c.VocabSize, HiddenSize: c.HiddenSize, IntermediateSize: c.IntermediateSize,
		NumHiddenLayers: c.NumHiddenLayers, NumAttentionHeads: c.NumAttentionHeads,
		NumKeyValueHeads: c.NumAttentionHeads, RMSNormEps: float32(c.RMSNormEps),
		TieWordEmbeddings: v.Tied, QKVBias: v.QKVBias, OutBias: v.OutBias, MLPBias: v.MLPBias, QKNorm: v.QKNorm,
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
	switch c.HiddenAct {
	case "silu", "swish":
		d.Activation = compute.SiLU
	case "gelu_pytorch_tanh":
		d.Activation = compute.GELUTanh
	default:
		return nil, fmt.Errorf("hidden_act %q is not supported; known: silu, gelu_pytorch_tanh", c.HiddenAct)
	}
	var err error
	if d.Windows, err = c.windows(v.Window); err != nil {
		return nil, err
	}
	return d, c.rope(d, v.RopeTheta)
}

func (c *TransformerConfig) windows(fallback bool) ([]int, error) {
	w := make([]int, c.NumHiddenLayers)
	for i := range w {
		slide := fallback
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
		if slide && c.SlidingWindow != nil {
			w[i] = *c.SlidingWindow
		}
	}
	return w, nil
}

// Rope returns the parameters of rotary embeddings, wherever the file has them;
// theta is used when it names none.
func (c *TransformerConfig) Rope(theta float64) RopeScaling {
	var s RopeScaling
	switch {
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

func (c *TransformerConfig) rope(d *DecoderConfig, theta float64) error {
	s := c.Rope(theta)
	if s.PartialRotaryFactor != 0 && s.PartialRotaryFactor != 1 {
		return fmt.Errorf("partial_rotary_factor %g is not supported", s.PartialRotaryFactor)
	}
	if d.HeadDim%2 != 0 {
		return fmt.Errorf("head_dim %d is odd", d.HeadDim)
	}
	var err error
	d.Freqs, d.RopeFactor, err = s.Frequencies(d.HeadDim, c.MaxPositionEmbeddings)
	return err
}
