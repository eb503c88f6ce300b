package recipe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/tensor"
)

// Recipe is how the checkpoints of one architecture lie in both layouts.
type Recipe struct {
	// Architecture is the value of general.architecture.
	Architecture string
	Rules        []Rule
	// Metadata sets the keys of the architecture for a config.json.
	Metadata func(config []byte, m *gguf.Metadata) error
	// Config makes the config.json of a GGUF file, of which it reads metadata, the
	// tensors' descriptions, and small tensors.
	Config func(f *gguf.File) ([]byte, error)
	// Matches tells recipes of one general.architecture apart; nil is always true.
	Matches func(f *gguf.File) bool
	// Dims reads from a config.json what steps need to know.
	Dims func(config []byte) (Dims, error)
	// Losses tells in words what llama.cpp takes otherwise than a config.json says; nil
	// for nothing.
	Losses func(config []byte) ([]string, error)
	// Extra makes the tensors that only GGUF has, by their names; nil for none.
	Extra func(config []byte) (map[string]tensor.Tensor, error)
	// Encoder says that the models embed texts and generate nothing.
	Encoder bool
}

// Dims is what steps need to know of a configuration.
type Dims struct {
	Heads, KVHeads int
	Experts        int
	TiedHead       bool
	FirstPosition  int // the row of the position table that the first token takes
}

// Rule ties a tensor in Hugging Face's layout to one in GGUF. In names, {} stands
// for the number of the layer and {e} for that of the expert.
type Rule struct {
	// HF is empty for a tensor that only GGUF has, because config.json implies it.
	HF string
	// GGUF is empty for a tensor that GGUF leaves out.
	GGUF string
	Step Step
	// Keep says that a tensor without a place in GGUF is small and belongs to the model
	// all the same: [View.Kept] lists it.
	Keep bool
}

// stacked reports whether the GGUF tensor holds those of all experts.
func (r Rule) stacked() bool {
	return strings.Contains(r.HF, "{e}") && !strings.Contains(r.GGUF, "{e}")
}

// Step reorders or shifts the numbers of a tensor. A result may share memory with
// the argument, which does not change.
type Step interface {
	Forward(t tensor.Tensor, d Dims) (tensor.Tensor, error)
	Back(t tensor.Tensor, d Dims) (tensor.Tensor, error)
}

// pattern returns a name with its first number replaced by {} and its second by
// {e}, and the numbers.
func pattern(name string) (p string, numbers []int) {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || len(numbers) == 2 || strconv.Itoa(n) != part {
			continue
		}
		parts[i] = []string{"{}", "{e}"}[len(numbers)]
		numbers = append(numbers, n)
	}
	return strings.Join(parts, "."), numbers
}

// fill puts numbers in the places of a name's pattern.
func fill(p string, layer, expert int) string {
	return strings.NewReplacer("{}", strconv.Itoa(layer), "{e}", strconv.Itoa(expert)).Replace(p)
}

// byHF finds the rule of a tensor in Hugging Face's layout, and its numbers.
func (r *Recipe) byHF(name string) (rule Rule, layer, expert int, ok bool) {
	return r.find(name, func(rule Rule) string { return rule.HF })
}

// byGGUF finds the rule of a tensor in GGUF, and its layer.
func (r *Recipe) byGGUF(name string) (rule Rule, layer, expert int, ok bool) {
	return r.find(name, func(rule Rule) string { return rule.GGUF })
}

// ToGGUF returns the name that a matrix in Hugging Face's layout has in GGUF, and the step
// that its rows take, or nil; not ok where it has no place of its own there.
func (r *Recipe) ToGGUF(name string) (gguf string, s Step, ok bool) {
	rule, layer, expert, ok := r.byHF(name)
	if !ok || rule.GGUF == "" || rule.stacked() {
		return "", nil, false
	}
	return fill(rule.GGUF, layer, expert), rule.Step, true
}

// FromGGUF returns the name that a matrix in GGUF has in Hugging Face's layout, as ToGGUF.
func (r *Recipe) FromGGUF(name string) (hf string, s Step, ok bool) {
	rule, layer, expert, ok := r.byGGUF(name)
	if !ok || rule.HF == "" || rule.stacked() {
		return "", nil, false
	}
	return fill(rule.HF, layer, expert), rule.Step, true
}

func (r *Recipe) find(name string, key func(Rule) string) (rule Rule, layer, expert int, ok bool) {
	p, n := pattern(name)
	i := slices.IndexFunc(r.Rules, func(rule Rule) bool { return key(rule) == p })
	if i < 0 {
		return Rule{}, 0, 0, false
	}
	n = append(n, 0, 0)
	return r.Rules[i], n[0], n[1], true
}

// Permute orders the rows of query and key projections: Hugging Face rotates the
// first half of a head against the second, GGUF's llama pairs neighbours. KV says
// that the heads are those of keys.
type Permute struct{ KV bool }

// Forward implements [Step].
func (p Permute) Forward(t tensor.Tensor, d Dims) (tensor.Tensor, error) {
	return p.apply(t, d, func(half, i int) int { return i%2*half + i/2 })
}

// Back implements [Step].
func (p Permute) Back(t tensor.Tensor, d Dims) (tensor.Tensor, error) {
	return p.apply(t, d, func(half, i int) int { return i%half*2 + i/half })
}

// apply makes row i of each head the row from(rows/2, i) of the source.
func (p Permute) apply(t tensor.Tensor, d Dims, from func(half, i int) int) (tensor.Tensor, error) {
	heads := d.Heads
	if p.KV {
		heads = d.KVHeads
	}
	if len(t.Shape) == 0 || heads <= 0 || t.Shape[0]%(2*heads) != 0 {
		return t, fmt.Errorf("shape %v does not divide into pairs of %d heads", t.Shape, heads)
	}
	row := t.DType.Bytes(t.Len() / max(t.Shape[0], 1))
	if row < 0 {
		return t, fmt.Errorf("rows of shape %v in %s cannot be reordered", t.Shape, t.DType)
	}
	rows := t.Shape[0] / heads
	out := tensor.Tensor{DType: t.DType, Shape: t.Shape, Data: make([]byte, len(t.Data))}
	for r := range t.Shape[0] {
		src := r/rows*rows + from(rows/2, r%rows)
		copy(out.Data[r*row:(r+1)*row], t.Data[src*row:])
	}
	return out, nil
}

// AddOne shifts a tensor by one: Gemma's norms multiply by weight + 1, and GGUF
// stores that sum, as F32.
type AddOne struct{}

// Forward implements [Step].
func (AddOne) Forward(t tensor.Tensor, _ Dims) (tensor.Tensor, error) { return shift(t, 1) }

// Back implements [Step].
func (AddOne) Back(t tensor.Tensor, _ Dims) (tensor.Tensor, error) { return shift(t, -1) }

func shift(t tensor.Tensor, by float32) (tensor.Tensor, error) {
	v, err := t.Float32s()
	if err != nil {
		return t, err
	}
	for i := range v {
		v[i] += by
	}
	return tensor.FromFloat32s(v, t.Shape...), nil
}
