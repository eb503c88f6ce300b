package bundle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// Mixtures returns the names of the ways to quantise a model, as llama.cpp names them.
func Mixtures() []string { return []string{"Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"} }

// Mixture returns the choice of types by a name of [Mixtures], for the tensors of one
// model; names are those of its tensors in GGUF. It is llama.cpp's (llama-quant.cpp):
// the head, and in the mixtures with M the values and down projections of the layers
// that matter most, get more bits; rows that are no whole blocks of 256 get a format of
// blocks of 32 that is no smaller.
func Mixture(name string, names []string) (func(checkpoint.Entry) tensor.DType, error) {
	usual, ok := map[string]tensor.DType{
		"Q8_0": tensor.Q8_0, "Q6_K": tensor.Q6K, "Q5_K_M": tensor.Q5K, "Q4_K_M": tensor.Q4K, "Q4_0": tensor.Q4_0,
	}[name]
	if !ok {
		return nil, fmt.Errorf("type %q: want one of %s", name, strings.Join(Mixtures(), ", "))
	}
	head := "output.weight"
	if !slices.Contains(names, head) {
		head = "token_embd.weight"
	}
	layers := 0
	for _, n := range names {
		if i, ok := layerOf(n); ok {
			layers = max(layers, i+1)
		}
	}
	more := name == "Q4_K_M" || name == "Q5_K_M"
	return func(e checkpoint.Entry) tensor.DType {
		if wide(e) || strings.HasSuffix(e.Name, "_norm.weight") {
			return tensor.F32
		}
		d := usual
		layer, _ := layerOf(e.Name)
		switch {
		case e.Name == head && usual != tensor.Q8_0:
			d = tensor.Q6K
		case more && (strings.Contains(e.Name, "attn_v.weight") || strings.Contains(e.Name, "ffn_down")) && moreBits(layer, layers):
			d = tensor.Q6K
		}
		return fitting(d, e.Shape[len(e.Shape)-1])
	}, nil
}

// moreBits says whether a layer is one that matters: the first and the last eighth, and
// every third between.
func moreBits(layer, layers int) bool {
	return layer < layers/8 || layer >= 7*layers/8 || (layer-layers/8)%3 == 2
}

// layerOf returns the layer that a tensor belongs to.
func layerOf(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, "blk.")
	number, _, _ := strings.Cut(rest, ".")
	i, err := strconv.Atoi(number)
	return i, ok && err == nil
}

// fitting returns a type that rows of so many numbers can have.
func fitting(d tensor.DType, columns int) tensor.DType {
	if d.Bytes(columns) >= 0 {
		return d
	}
	instead := map[tensor.DType]tensor.DType{tensor.Q4K: tensor.Q5_0, tensor.Q5K: tensor.Q5_1, tensor.Q6K: tensor.Q8_0}
	if s, ok := instead[d]; ok && s.Bytes(columns) >= 0 {
		return s
	}
	return tensor.F16
}
