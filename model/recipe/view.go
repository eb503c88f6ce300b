package recipe

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/tensor"
)

// View is a checkpoint in one layout seen in the other. It implements
// [checkpoint.Reader] and [checkpoint.Describer]; tensors are converted when they
// are asked for. Closing it leaves the source open.
type View struct {
	src   checkpoint.Reader
	dims  Dims
	parts map[string]part
	// Left lists the source's tensors that the view leaves out, sorted.
	Left []string
	// Kept lists those of Left that belong to the model all the same.
	Kept   []string
	recipe *Recipe
}

// part is how one tensor of a view comes from the source.
type part struct {
	entry checkpoint.Entry
	own   tensor.DType // of the source's tensor
	from  []string     // of the source; several are stacked
	at    int          // the place in a stack that is taken apart, or -1
	stack string       // the name of a stack's members together
	step  func(tensor.Tensor, Dims) (tensor.Tensor, error)
	made  *tensor.Tensor // not from the source at all
	lossy Step           // which may round or cut, or nil
}

// Names implements [checkpoint.Reader].
func (v *View) Names() []string { return slices.Sorted(maps.Keys(v.parts)) }

// Entry implements [checkpoint.Describer].
func (v *View) Entry(name string) (checkpoint.Entry, error) {
	p, ok := v.parts[name]
	if !ok {
		return checkpoint.Entry{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	e := p.entry
	e.Shape = slices.Clone(e.Shape)
	return e, nil
}

// Metadata implements [checkpoint.Reader]: a view has none.
func (*View) Metadata() map[string]string { return map[string]string{} }

// Close implements [checkpoint.Reader].
func (*View) Close() error { return nil }

// Source returns the name of the source's tensor that holds a tensor of the view, or
// "" where there is none. That of a stack has {e} for the number of the expert.
func (v *View) Source(name string) string {
	p := v.parts[name]
	if len(p.from) == 1 && p.at < 0 {
		return p.from[0]
	}
	return p.stack
}

// SourceType returns the type that a tensor of the view has in the source; for one that
// is not from there, it is its own.
func (v *View) SourceType(name string) tensor.DType { return v.parts[name].own }

// Inexact returns the source's tensors that the view holds with a loss, by their names
// there: a shift that rounds is not undone by its inverse, nor are rows that are cut off.
func (v *View) Inexact() (map[string]tensor.Tensor, error) {
	out := map[string]tensor.Tensor{}
	for _, name := range v.Names() {
		p := v.parts[name]
		if p.lossy == nil {
			continue
		}
		own, err := v.fetch(p)
		if err != nil {
			return nil, err
		}
		there, err := v.Tensor(name)
		if err != nil {
			return nil, err
		}
		back, err := p.lossy.Back(there, v.dims)
		if err == nil {
			back, err = back.Encode(own.DType)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if !bytes.Equal(back.Data, own.Data) {
			out[p.from[0]] = own
		}
	}
	return out, nil
}

// Restore puts a tensor that [View.Inexact] gave in the place of the view's, if the
// source still holds what it became.
func (v *View) Restore(name string, t tensor.Tensor) error {
	p, ok := v.parts[name]
	if !ok || p.lossy == nil || !slices.Equal(p.entry.Shape, t.Shape) {
		return fmt.Errorf("tensor %q of shape %v: %w", name, t.Shape, checkpoint.ErrNotFound)
	}
	now, err := v.fetch(p)
	if err != nil {
		return err
	}
	then, err := p.lossy.Forward(t, v.dims)
	if err == nil && !now.DType.Quantized() {
		then, err = then.Encode(now.DType)
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	if now.DType == then.DType && bytes.Equal(now.Data, then.Data) {
		p.entry.DType, p.made = t.DType, &t
		v.parts[name] = p
	}
	return nil
}

// Add gives the view, of Hugging Face's layout, a tensor of [View.Kept].
func (v *View) Add(name string, t tensor.Tensor) error {
	rule, _, _, ok := v.recipe.byHF(name)
	if !ok || !rule.Keep {
		return fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	e := checkpoint.EntryOf(name, t)
	if err := e.Check(t); err != nil {
		return err
	}
	v.put(name, part{entry: e, own: t.DType, made: &t})
	return nil
}

// Tensor implements [checkpoint.Reader].
func (v *View) Tensor(name string) (tensor.Tensor, error) {
	p, ok := v.parts[name]
	if !ok {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	if p.made != nil {
		return *p.made, nil
	}
	t, err := v.fetch(p)
	if err == nil && p.step != nil {
		t, err = p.step(t, v.dims)
	}
	if err == nil {
		t, err = t.Encode(p.entry.DType)
	}
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("tensor %q (from %s): %w", name, strings.Join(p.from, ", "), err)
	}
	return t, nil
}

// Pieces returns how many tensors of the source a tensor of the view is made of, one
// after the other along its first axis.
func (v *View) Pieces(name string) int {
	if p := v.parts[name]; p.made == nil && p.step == nil {
		return max(1, len(p.from))
	}
	return 1
}

// Piece returns one of [View.Pieces], in its own type and without that axis where there
// are several.
func (v *View) Piece(name string, i int) (tensor.Tensor, error) {
	p, ok := v.parts[name]
	if !ok || v.Pieces(name) == 1 {
		return v.Tensor(name)
	}
	t, err := v.src.Tensor(p.from[i])
	if err == nil && (t.DType != p.own || !slices.Equal(t.Shape, p.entry.Shape[1:])) {
		err = fmt.Errorf("%s is %s %v, the others are %s %v", p.from[i], t.DType, t.Shape, p.own, p.entry.Shape[1:])
	}
	if err != nil {
		return t, fmt.Errorf("tensor %q: %w", name, err)
	}
	return t, nil
}

// fetch reads what a part is made of.
func (v *View) fetch(p part) (tensor.Tensor, error) {
	if len(p.from) == 1 {
		t, err := v.src.Tensor(p.from[0])
		if err != nil || p.at < 0 {
			return t, err
		}
		size := len(t.Data) / t.Shape[0]
		return tensor.Tensor{DType: t.DType, Shape: t.Shape[1:], Data: t.Data[p.at*size:][:size:size]}, nil
	}
	var out tensor.Tensor
	for _, name := range p.from {
		t, err := v.src.Tensor(name)
		if err != nil {
			return out, err
		}
		if out.Shape == nil {
			out = tensor.Tensor{DType: t.DType, Shape: append([]int{len(p.from)}, t.Shape...)}
			out.Data = make([]byte, 0, len(p.from)*len(t.Data))
		}
		if t.DType != out.DType || !slices.Equal(t.Shape, out.Shape[1:]) {
			return out, fmt.Errorf("%s is %s %v, the others are %s %v", name, t.DType, t.Shape, out.DType, out.Shape[1:])
		}
		out.Data = append(out.Data, t.Data...)
	}
	return out, nil
}

// Release tells the source that the bytes behind a tensor are not needed soon, if it
// can use that; see [gguf.File.Release].
func (v *View) Release(name string) error {
	r, ok := v.src.(interface{ Release(name string) error })
	if !ok {
		return nil
	}
	p := v.parts[name]
	for _, from := range p.from {
		if err := r.Release(from); err != nil {
			return err
		}
	}
	return nil
}

// HF shows a GGUF file in Hugging Face's layout, for the config.json that Config
// made. Tensors keep their types. Each tensor of the file must be of a supported
// type and named by a rule.
func (r *Recipe) HF(f *gguf.File, config []byte) (*View, error) {
	d, err := r.Dims(config)
	if err != nil {
		return nil, err
	}
	v := &View{src: f, dims: d, parts: map[string]part{}, recipe: r}
	var unknown []string
	for _, name := range f.Names() {
		rule, layer, expert, ok := r.byGGUF(name)
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		if rule.HF == "" {
			v.Left = append(v.Left, name)
			continue
		}
		e, err := f.Entry(name)
		if err != nil {
			return nil, err
		}
		p := part{entry: e, own: e.DType, from: []string{name}, at: -1}
		if rule.Step != nil {
			if err := p.back(rule.Step, d); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", name, err)
			}
		}
		if !rule.stacked() {
			v.put(fill(rule.HF, layer, expert), p)
			continue
		}
		if len(e.Shape) < 2 || e.Shape[0] != d.Experts {
			return nil, fmt.Errorf("tensor %q of shape %v does not hold %d experts", name, e.Shape, d.Experts)
		}
		p.entry.Shape = e.Shape[1:]
		for p.at = range d.Experts {
			v.put(fill(rule.HF, layer, p.at), p)
		}
	}
	return v, r.unknown(unknown)
}

// forward makes a part the result of a step on the way to GGUF.
func (p *part) forward(s Step, d Dims) (err error) {
	p.step = s.Forward
	switch s := s.(type) {
	case AddOne:
		p.lossy, p.entry.DType = s, tensor.F32 // the source's type may not hold the sum
	case FirstPosition:
		p.lossy = s
		p.entry.Shape, err = s.shape(p.entry.Shape, -d.FirstPosition)
	}
	return err
}

// back makes a part the result of a step on the way back.
func (p *part) back(s Step, d Dims) (err error) {
	p.step = s.Back
	switch s := s.(type) {
	case AddOne:
		p.lossy = s
	case FirstPosition:
		p.lossy = s
		p.entry.Shape, err = s.shape(p.entry.Shape, d.FirstPosition)
	}
	return err
}

func (v *View) put(name string, p part) {
	p.entry.Name = name
	v.parts[name] = p
}

func (r *Recipe) unknown(names []string) error {
	if len(names) == 0 {
		return nil
	}
	const most = 5
	return fmt.Errorf("%d tensors are no part of the %s architecture: %s",
		len(names), r.Architecture, strings.Join(names[:min(most, len(names))], ", "))
}

// GGUF shows a Hugging Face checkpoint in GGUF's layout. dtype chooses the type of
// each tensor, which it gets with its name in GGUF and its own type.
func (r *Recipe) GGUF(src checkpoint.Reader, config []byte, dtype func(checkpoint.Entry) tensor.DType) (*View, error) {
	d, err := r.Dims(config)
	if err != nil {
		return nil, err
	}
	plan, err := checkpoint.Plan(src)
	if err != nil {
		return nil, err
	}
	v := &View{src: src, dims: d, parts: map[string]part{}}
	stacks := map[string][]checkpoint.Entry{}
	var unknown []string
	for _, e := range plan {
		rule, layer, expert, ok := r.byHF(e.Name)
		switch {
		case !ok:
			unknown = append(unknown, e.Name)
			continue
		case rule.GGUF == "", d.TiedHead && rule.GGUF == headName:
			v.Left = append(v.Left, e.Name)
			if rule.Keep {
				v.Kept = append(v.Kept, e.Name)
			}
			continue
		}
		name := fill(rule.GGUF, layer, expert)
		if rule.stacked() {
			if expert >= d.Experts {
				return nil, fmt.Errorf("tensor %q belongs to expert %d of %d", e.Name, expert, d.Experts)
			}
			if stacks[name] == nil {
				stacks[name] = make([]checkpoint.Entry, d.Experts)
			}
			stacks[name][expert] = e
			continue
		}
		p := part{entry: e, own: e.DType, from: []string{e.Name}, at: -1}
		if rule.Step != nil {
			if err := p.forward(rule.Step, d); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
			}
		}
		v.put(name, p)
	}
	if err := r.unknown(unknown); err != nil {
		return nil, err
	}
	if err := v.stack(stacks); err != nil {
		return nil, err
	}
	if err := r.addExtra(v, config); err != nil {
		return nil, err
	}
	for name, p := range v.parts {
		if p.made == nil {
			p.entry.DType = dtype(p.entry)
			v.parts[name] = p
		}
	}
	return v, nil
}

// headName is the output projection in GGUF, which a model without one takes from
// the embedding.
const headName = "output.weight"

func (v *View) stack(stacks map[string][]checkpoint.Entry) error {
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		members := stacks[name]
		p := part{at: -1}
		for i, e := range members {
			if e.Name == "" {
				return fmt.Errorf("tensor %q: expert %d of %d is missing", name, i, len(members))
			}
			p.from = append(p.from, e.Name)
		}
		p.entry, p.own, p.stack = members[0], members[0].DType, Stack(members[0].Name)
		p.entry.Shape = append([]int{len(members)}, p.entry.Shape...)
		v.put(name, p)
	}
	return nil
}

func (r *Recipe) addExtra(v *View, config []byte) error {
	if r.Extra == nil {
		return nil
	}
	extra, err := r.Extra(config)
	if err != nil {
		return err
	}
	for name, t := range extra {
		v.put(name, part{entry: checkpoint.EntryOf(name, t), own: t.DType, made: &t})
	}
	return nil
}

// Order returns the names in the order in which a model uses them: what has no
// layer first, the layers by number, and the output last.
func (v *View) Order() []string {
	rank := func(name string) int {
		_, n := pattern(name)
		switch {
		case len(n) > 0:
			return n[0]
		case strings.HasPrefix(name, "output"):
			return 1 << 30
		}
		return -1
	}
	names := v.Names()
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}
