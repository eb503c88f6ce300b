package recipe

import (
	"errors"
	"fmt"
	"math"

	"github.com/troikaml/troika/model/nn"
)

// ropeFactors holds, for each pair of channels, what Llama 3's scaling divides the
// angle by. GGUF has it in place of the parameters.
const ropeFactors = "rope_freqs.weight"

// Parameters of Llama 3's scaling that all published models share; others are
// stored under keys of their own.
const (
	llama3Low, llama3High = 1.0, 4.0
	lowKey, highKey       = "rope.scaling.low_freq_factor", "rope.scaling.high_freq_factor"
	originalKey           = "rope.scaling.original_context_length"
)

// setRope stores the parameters of rotary embeddings.
func setRope(s nn.RopeScaling, set func(key string, value any)) error {
	set("rope.freq_base", float32(s.RopeTheta))
	optional := func(key string, v *float64) {
		if v != nil {
			set(key, float32(*v))
		}
	}
	switch kind := s.Kind(); kind {
	case "", "default":
	case "linear", "yarn":
		set("rope.scaling.type", kind)
		set("rope.scaling.factor", float32(s.Factor))
		if kind == "linear" {
			return nil
		}
		if s.MScale != 0 || s.MScaleAllDim != 0 || s.Truncate != nil && !*s.Truncate {
			return errors.New("rope_scaling: mscale, mscale_all_dim and truncate have no place in GGUF")
		}
		if s.OriginalMaxPositionEmbeddings != 0 {
			set(originalKey, uint32(s.OriginalMaxPositionEmbeddings))
		}
		optional("rope.scaling.yarn_attn_factor", s.AttentionFactor)
		optional("rope.scaling.yarn_beta_fast", s.BetaFast)
		optional("rope.scaling.yarn_beta_slow", s.BetaSlow)
	case "llama3":
		set(originalKey, uint32(s.OriginalMaxPositionEmbeddings))
		if s.LowFreqFactor != llama3Low || s.HighFreqFactor != llama3High {
			set(lowKey, float32(s.LowFreqFactor))
			set(highKey, float32(s.HighFreqFactor))
		}
	default:
		return fmt.Errorf("rope_type %q has no place in GGUF", kind)
	}
	return nil
}

// llama3Factors returns the quotients of plain and scaled angles.
func llama3Factors(s nn.RopeScaling, dim int) ([]float32, error) {
	plain, _, err := nn.RopeScaling{RopeTheta: s.RopeTheta}.Frequencies(dim, 0)
	if err != nil {
		return nil, err
	}
	scaled, _, err := s.Frequencies(dim, 0)
	if err != nil {
		return nil, err
	}
	for i, f := range plain {
		plain[i] = float32(float64(f) / float64(scaled[i]))
	}
	return plain, nil
}

// rope sets rope_theta and rope_scaling.
func (r *reader) rope(c map[string]any, dim int) error {
	theta := r.float("rope.freq_base", 10000)
	c["rope_theta"] = theta
	if holds(r.f, ropeFactors) {
		s, err := r.llama3(theta, dim)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", ropeFactors, err)
		}
		c["rope_scaling"] = s
		return nil
	}
	kind, factor := r.text("rope.scaling.type"), r.float("rope.scaling.factor", 1)
	if kind == "" && factor != 1 {
		kind = "linear"
	}
	switch kind {
	case "", "none":
		return nil
	case "linear":
		c["rope_scaling"] = nn.RopeScaling{RopeType: kind, Factor: factor}
		return nil
	case "yarn":
		s := nn.RopeScaling{RopeType: kind, Factor: factor, OriginalMaxPositionEmbeddings: r.number(originalKey, 0)}
		optional := func(key string) *float64 {
			if !r.has(key) {
				return nil
			}
			x := r.float(key, -1)
			return &x
		}
		s.AttentionFactor = optional("rope.scaling.yarn_attn_factor")
		s.BetaFast, s.BetaSlow = optional("rope.scaling.yarn_beta_fast"), optional("rope.scaling.yarn_beta_slow")
		c["rope_scaling"] = s
		return nil
	}
	return fmt.Errorf("%srope.scaling.type %q is not supported; known: none, linear, yarn", r.prefix, kind)
}

// factorTolerance bounds the relative difference between factors in a file and those
// of the parameters found: converters compute them in float32.
const factorTolerance = 1e-4

// llama3 finds the parameters behind the factors.
func (r *reader) llama3(theta float64, dim int) (nn.RopeScaling, error) {
	t, err := r.f.Tensor(ropeFactors)
	if err != nil {
		return nn.RopeScaling{}, err
	}
	factors, err := t.Float32s()
	if err != nil || len(factors) != dim/2 || dim < 2 {
		return nn.RopeScaling{}, errors.Join(err, fmt.Errorf("%d factors for heads of %d channels", len(factors), dim))
	}
	s := nn.RopeScaling{
		RopeType: "llama3", RopeTheta: theta, Factor: 1,
		LowFreqFactor: r.float(lowKey, llama3Low), HighFreqFactor: r.float(highKey, llama3High),
	}
	for _, f := range factors {
		s.Factor = max(s.Factor, float64(f))
	}
	s.OriginalMaxPositionEmbeddings = r.number(originalKey, 0)
	if s.OriginalMaxPositionEmbeddings == 0 {
		if s.OriginalMaxPositionEmbeddings, err = originalContext(s, factors, dim); err != nil {
			return s, err
		}
	}
	want, err := llama3Factors(s, dim)
	if err != nil {
		return s, err
	}
	for i, f := range factors {
		if !(math.Abs(float64(f-want[i])) <= factorTolerance*float64(want[i])) {
			return s, fmt.Errorf("factor %d is %g; no parameters of Llama 3's scaling were found that give it", i, f)
		}
	}
	s.RopeTheta = 0 // it is said beside rope_scaling
	return s, nil
}

// originalContext solves a factor between the extremes for the context length. Where
// there is none, every length that separates the pairs gives the same angles.
func originalContext(s nn.RopeScaling, factors []float32, dim int) (int, error) {
	plain, _, err := nn.RopeScaling{RopeTheta: s.RopeTheta}.Frequencies(dim, 0)
	if err != nil {
		return 0, err
	}
	kept := 0.0 // the longest wave that is not scaled
	for i, f := range factors {
		wave := 2 * math.Pi / float64(plain[i])
		if f <= 1 {
			kept = max(kept, wave)
			continue
		}
		if float64(f) >= s.Factor {
			continue
		}
		smooth := (1/float64(f) - 1/s.Factor) / (1 - 1/s.Factor)
		n := wave * (smooth*(s.HighFreqFactor-s.LowFreqFactor) + s.LowFreqFactor)
		if n >= 1 && n < 1<<30 {
			return int(math.Round(n)), nil
		}
	}
	return int(min(math.Exp2(math.Ceil(math.Log2(kept*s.HighFreqFactor+1))), 1<<30)), nil
}
