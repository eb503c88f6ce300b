package nn

import (
	"fmt"
	"math"
)

// RopeScaling is the rope_scaling or rope_parameters object of config.json.
type RopeScaling struct {
	RopeType                      string   `json:"rope_type,omitempty"`
	Type                          string   `json:"type,omitempty"` // older name of rope_type
	RopeTheta                     float64  `json:"rope_theta,omitempty"`
	PartialRotaryFactor           float64  `json:"partial_rotary_factor,omitempty"`
	Factor                        float64  `json:"factor,omitempty"`
	LowFreqFactor                 float64  `json:"low_freq_factor,omitempty"`
	HighFreqFactor                float64  `json:"high_freq_factor,omitempty"`
	OriginalMaxPositionEmbeddings int      `json:"original_max_position_embeddings,omitempty"`
	BetaFast                      *float64 `json:"beta_fast,omitempty"`
	BetaSlow                      *float64 `json:"beta_slow,omitempty"`
	AttentionFactor               *float64 `json:"attention_factor,omitempty"`
	MScale                        float64  `json:"mscale,omitempty"`
	MScaleAllDim                  float64  `json:"mscale_all_dim,omitempty"`
	Truncate                      *bool    `json:"truncate,omitempty"`
	// The parameters of each kind of layer, where they differ.
	FullAttention    *RopeScaling `json:"full_attention,omitempty"`
	SlidingAttention *RopeScaling `json:"sliding_attention,omitempty"`
}

// Kind returns the kind of scaling under either of its names; "" is none.
func (s RopeScaling) Kind() string {
	if s.RopeType != "" {
		return s.RopeType
	}
	return s.Type
}

// Frequencies returns the angle per position of each pair of dim channels, and
// the factor for sine and cosine (0 means 1). The scalings are those of the
// transformers library: default, linear, llama3 and yarn.
func (s RopeScaling) Frequencies(dim, maxPositions int) (freqs []float32, factor float32, err error) {
	kind := s.Kind()
	inv := make([]float64, dim/2)
	for i := range inv {
		// transformers computes theta^(2i/dim) and its inverse in float32.
		inv[i] = float64(1 / float32(math.Pow(s.RopeTheta, float64(float32(2*i)/float32(dim)))))
	}
	switch kind {
	case "", "default":
	case "linear":
		for i := range inv {
			inv[i] /= s.Factor
		}
	case "llama3":
		s.llama3(inv)
	case "yarn":
		factor = s.yarn(inv, dim, maxPositions)
	default:
		return nil, 0, fmt.Errorf("rope_type %q is not supported; known: default, linear, llama3, yarn", kind)
	}
	freqs = make([]float32, len(inv))
	for i, f := range inv {
		freqs[i] = float32(f)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, 0, fmt.Errorf("rope parameters %+v give no finite frequency for pair %d", s, i)
		}
	}
	return freqs, factor, nil
}

// llama3 stretches low frequencies by Factor, keeps high ones, and interpolates
// between (Llama 3.1).
func (s RopeScaling) llama3(inv []float64) {
	old := float64(s.OriginalMaxPositionEmbeddings)
	for i, f := range inv {
		wavelen := 2 * math.Pi / f
		switch {
		case wavelen > old/s.LowFreqFactor:
			inv[i] = f / s.Factor
		case wavelen >= old/s.HighFreqFactor:
			smooth := (old/wavelen - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			inv[i] = (1-smooth)*f/s.Factor + smooth*f
		}
	}
}

// yarn is "YaRN: Efficient Context Window Extension" (Peng et al., 2023) as
// transformers computes it.
func (s RopeScaling) yarn(inv []float64, dim, maxPositions int) float32 {
	old := float64(s.OriginalMaxPositionEmbeddings)
	if old == 0 {
		old = float64(maxPositions)
	}
	mscale := func(m float64) float64 {
		if s.Factor <= 1 {
			return 1
		}
		return 0.1*m*math.Log(s.Factor) + 1
	}
	attention := mscale(1)
	switch {
	case s.AttentionFactor != nil:
		attention = *s.AttentionFactor
	case s.MScale != 0 && s.MScaleAllDim != 0:
		attention = mscale(s.MScale) / mscale(s.MScaleAllDim)
	}
	fast, slow := 32.0, 1.0
	if s.BetaFast != nil {
		fast = *s.BetaFast
	}
	if s.BetaSlow != nil {
		slow = *s.BetaSlow
	}
	pair := func(rotations float64) float64 {
		return float64(dim) * math.Log(old/(rotations*2*math.Pi)) / (2 * math.Log(s.RopeTheta))
	}
	low, high := pair(fast), pair(slow)
	if s.Truncate == nil || *s.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(dim-1))
	if low == high {
		high += 0.001
	}
	for i, f := range inv {
		ramp := min(max((float64(i)-low)/(high-low), 0), 1)
		inv[i] = f/s.Factor*ramp + f*(1-ramp)
	}
	return float32(attention)
}
