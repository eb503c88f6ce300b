package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// apart gives the experts of a mixture that a checkpoint holds stacked, as transformers 5
// does in memory, the names and shapes that they have in files: one matrix each.
type apart struct {
	checkpoint.Reader
	names []string
	parts map[string]slice
}

// slice is where a matrix lies in a stack [experts, rows, columns].
type slice struct {
	stack  string
	entry  checkpoint.Entry
	expert int
	half   int // 0 or 1 of the rows, or -1 for all
}

const (
	gateUpStack = ".experts.gate_up_proj" // [experts, 2 * inner, hidden]: gate above up
	downStack   = ".experts.down_proj"    // [experts, hidden, inner]
	maxExperts  = 1 << 12
)

// withExperts returns r, with stacks of experts taken apart where it has any.
func withExperts(r checkpoint.Reader) (checkpoint.Reader, error) {
	stacked := func(name string) bool {
		return strings.HasSuffix(name, gateUpStack) || strings.HasSuffix(name, downStack)
	}
	names := r.Names()
	if !slices.ContainsFunc(names, stacked) {
		return r, nil
	}
	a := &apart{Reader: r, parts: map[string]slice{}}
	for _, name := range names {
		if !stacked(name) {
			a.names = append(a.names, name)
			continue
		}
		e, err := describe(r, name)
		if err != nil {
			return nil, err
		}
		if err := a.add(e); err != nil {
			return nil, err
		}
	}
	for name := range a.parts {
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	return a, nil
}

// add takes a stack apart.
func (a *apart) add(e checkpoint.Entry) error {
	if len(e.Shape) != 3 || e.Shape[0] < 1 || e.Shape[0] > maxExperts || e.Shape[1] < 1 || e.Shape[1]%2 != 0 && strings.HasSuffix(e.Name, gateUpStack) {
		return fmt.Errorf("tensor %q of shape %v is no stack of experts", e.Name, e.Shape)
	}
	for i := range e.Shape[0] {
		put := func(part string, rows, half int) {
			name := fmt.Sprintf("%s.experts.%d.%s.weight", e.Name[:strings.LastIndex(e.Name, ".experts.")], i, part)
			a.parts[name] = slice{
				stack: e.Name, expert: i, half: half,
				entry: checkpoint.Entry{Name: name, DType: e.DType, Shape: []int{rows, e.Shape[2]}},
			}
		}
		if strings.HasSuffix(e.Name, downStack) {
			put("down_proj", e.Shape[1], -1)
		} else {
			put("gate_proj", e.Shape[1]/2, 0)
			put("up_proj", e.Shape[1]/2, 1)
		}
	}
	return nil
}

// Names implements [checkpoint.Reader].
func (a *apart) Names() []string { return slices.Clone(a.names) }

// Entry implements [checkpoint.Describer].
func (a *apart) Entry(name string) (checkpoint.Entry, error) {
	if p, ok := a.parts[name]; ok {
		return p.entry, nil
	}
	return describe(a.Reader, name)
}

// Tensor implements [checkpoint.Reader].
func (a *apart) Tensor(name string) (tensor.Tensor, error) {
	p, ok := a.parts[name]
	if !ok {
		return a.Reader.Tensor(name)
	}
	t, err := a.Reader.Tensor(p.stack)
	if err != nil {
		return t, err
	}
	size := p.entry.DType.Bytes(tensor.Elems(p.entry.Shape))
	at := p.expert * size
	if p.half >= 0 {
		at = (2*p.expert + p.half) * size
	}
	return tensor.Tensor{DType: t.DType, Shape: p.entry.Shape, Data: t.Data[at : at+size : at+size]}, nil
}

// Release passes on that a tensor's bytes will not be read again.
func (a *apart) Release(name string) error {
	f, ok := a.Reader.(interface{ Release(name string) error })
	if !ok {
		return nil
	}
	if p, ok := a.parts[name]; ok {
		name = p.stack // whose other parts are read again when they are touched
	}
	return f.Release(name)
}

// describe returns a tensor's entry, without reading it where that can be.
func describe(r checkpoint.Reader, name string) (checkpoint.Entry, error) {
	if d, ok := r.(checkpoint.Describer); ok {
		return d.Entry(name)
	}
	t, err := r.Tensor(name)
	return checkpoint.EntryOf(name, t), err
}
