package bundle

import (
	"fmt"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

// Parameters counts the numbers of the model's tensors, a shared one once.
func (b *Bundle) Parameters() (int64, error) {
	w, err := b.weights()
	if err != nil {
		return 0, fmt.Errorf("count parameters of %s: %w", b.Dir, err)
	}
	defer w.close() //nolint:errcheck // only read
	var n int64
	for _, name := range w.Names() {
		t, err := w.Tensor(name)
		if err != nil {
			return 0, fmt.Errorf("count parameters of %s: %w", b.Dir, err)
		}
		if name == headName && b.Facts.TiedHead {
			continue // a copy of the embeddings, which nothing reads
		}
		n += int64(t.Len())
	}
	return n, nil
}

// Rehearse builds the model, frozen, on a device that reads no weights, as it would be
// after quantising it by a mixture, one of [Mixtures]; "" takes it as it is.
func (b *Bundle) Rehearse(dev compute.Device, mixture string) (model.Model, error) {
	w, err := b.weights()
	if err != nil {
		return nil, fmt.Errorf("rehearse model %s: %w", b.Dir, err)
	}
	defer w.close() //nolint:errcheck // only read
	src := nn.FromCheckpoint(w.Reader)
	if mixture != "" {
		var names []string
		for _, n := range src.Names() {
			names = append(names, nameGGUF(n))
		}
		choose, err := Mixture(mixture, names)
		if err != nil {
			return nil, fmt.Errorf("rehearse model %s: %w", b.Dir, err)
		}
		src = &requantised{Source: src, choose: choose}
	}
	m, err := b.Config.New(nn.NewLoader(dev, src, false))
	if err != nil {
		return nil, fmt.Errorf("rehearse model %s: %w", b.Dir, err)
	}
	return m, nil
}

const headName = "lm_head.weight"

// nameGGUF returns what [Mixture] needs of a tensor's name in GGUF.
func nameGGUF(name string) string {
	rest, ok := strings.CutPrefix(name, "model.layers.")
	if !ok {
		return strings.NewReplacer("model.embed_tokens", "token_embd", "lm_head", "output").Replace(name)
	}
	return "blk." + strings.NewReplacer("self_attn.v_proj", "attn_v", "mlp.down_proj", "ffn_down", "layernorm", "_norm").Replace(rest)
}

// requantised is a source whose matrices have other types, and no values.
type requantised struct {
	nn.Source
	choose func(checkpoint.Entry) tensor.DType
}

// Tensor implements [nn.Source].
func (r *requantised) Tensor(name string, shape []int) (tensor.Tensor, error) {
	t, err := r.Source.Tensor(name, shape)
	if err != nil || len(t.Shape) < 2 {
		return t, err
	}
	d := r.choose(checkpoint.Entry{Name: nameGGUF(name), DType: t.DType, Shape: t.Shape})
	return tensor.Tensor{DType: d, Shape: t.Shape, Data: make([]byte, d.Bytes(t.Len()))}, nil
}
