package train

import (
	"hash/fnv"
	"math"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Init is a source of fresh weights for pre-training: matrices are normal with
// standard deviation Std, scales of norms are one, less NormOffset, and biases zero. Projections
// that write to the residual stream are narrower by sqrt(2*Layers), as GPT-2 has
// it. The same seed and name give the same values.
type Init struct {
	Seed   uint64
	Std    float64
	Layers int
	// NormOffset is what the model adds to the scales of norms.
	NormOffset float32
}

// Tensor implements [nn.Source].
func (s Init) Tensor(name string, shape []int) (tensor.Tensor, error) {
	v := make([]float32, tensor.Elems(shape))
	switch {
	case strings.HasSuffix(name, ".bias"):
	case len(shape) == 1:
		for i := range v {
			v[i] = 1 - s.NormOffset
		}
	default:
		std := s.Std
		if strings.HasSuffix(name, "o_proj.weight") || strings.HasSuffix(name, "down_proj.weight") {
			std /= math.Sqrt(2 * float64(s.Layers))
		}
		s.normal(v, name, std)
	}
	return tensor.FromFloat32s(v, shape...), nil
}

// normal fills v by the Box-Muller transform of Philox words.
func (s Init) normal(v []float32, name string, std float64) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	id := h.Sum64()
	for i := 0; i < len(v); i += 4 {
		r := compute.Philox([2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)},
			[4]uint32{uint32(i / 4), uint32(uint64(i) >> 34), uint32(id), uint32(id >> 32)})
		for j := range 2 {
			radius := math.Sqrt(-2 * math.Log((float64(r[2*j])+1)/(1<<32)))
			sin, cos := math.Sincos(2 * math.Pi * float64(r[2*j+1]) / (1 << 32))
			for k, x := range []float64{cos, sin} {
				if at := i + 2*j + k; at < len(v) {
					v[at] = float32(std * radius * x)
				}
			}
		}
	}
}

// Names implements [nn.Source].
func (Init) Names() []string { return nil }

// Release implements [nn.Source].
func (Init) Release(string) {}
