package autograd

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Tape runs operators at once and records those that a watched tensor reaches.
type Tape struct {
	dev    compute.Device
	eager  *compute.Eager // runs gradients
	nodes  []node
	needed map[*compute.Tensor]bool
	scopes [][]*compute.Tensor
	grads  map[*compute.Tensor]*compute.Tensor
	leaves map[*compute.Tensor]bool
}

type node struct {
	op                compute.Op // nil: a Reshape
	in, out           []*compute.Tensor
	saved             []*compute.Tensor // handles of our own
	savedIn, savedOut uint
}

// New returns an empty tape over dev. Close it when done.
func New(dev compute.Device) *Tape {
	return &Tape{
		dev: dev, eager: compute.NewEager(dev), scopes: make([][]*compute.Tensor, 1),
		needed: map[*compute.Tensor]bool{}, grads: map[*compute.Tensor]*compute.Tensor{},
		leaves: map[*compute.Tensor]bool{},
	}
}

// Watch asks for the gradients of the given tensors. The caller keeps owning them
// and may not change them before Close.
func (t *Tape) Watch(params ...*compute.Tensor) {
	for _, p := range params {
		t.needed[p], t.leaves[p] = true, true
	}
}

// Device implements [compute.Ops].
func (t *Tape) Device() compute.Device { return t.dev }

// Apply implements [compute.Ops]. An operator without a gradient ends the path:
// its results count as constants.
func (t *Tape) Apply(op compute.Op, in ...*compute.Tensor) []*compute.Tensor {
	out := t.dev.Run(op, in)
	t.own(out...)
	d, ok := op.(compute.Differentiable)
	if !ok || !t.reached(in) {
		return out
	}
	n := node{op: op, in: in, out: out}
	n.savedIn, n.savedOut = d.Saves()
	for i, x := range in {
		if n.savedIn>>i&1 == 1 {
			n.saved = append(n.saved, x.Retain())
		}
	}
	for i, y := range out {
		t.needed[y] = true
		if n.savedOut>>i&1 == 1 {
			n.saved = append(n.saved, y.Retain())
		}
	}
	t.nodes = append(t.nodes, n)
	return out
}

// Reshape implements [compute.Ops].
func (t *Tape) Reshape(x *compute.Tensor, shape ...int) *compute.Tensor {
	y := x.Reshape(shape...)
	t.own(y)
	if t.needed[x] {
		t.needed[y] = true
		t.nodes = append(t.nodes, node{in: []*compute.Tensor{x}, out: []*compute.Tensor{y}})
	}
	return y
}

func (t *Tape) reached(in []*compute.Tensor) bool {
	for _, x := range in {
		if t.needed[x] {
			return true
		}
	}
	return false
}

func (t *Tape) own(made ...*compute.Tensor) {
	top := len(t.scopes) - 1
	t.scopes[top] = append(t.scopes[top], made...)
}

// Block implements [compute.Ops]: what no gradient needs is freed at its end.
func (t *Tape) Block(fn func() *compute.Tensor, spent ...*compute.Tensor) *compute.Tensor {
	t.scopes = append(t.scopes, nil)
	y := fn()
	top := len(t.scopes) - 1
	made := t.scopes[top]
	t.scopes = t.scopes[:top]
	t.scopes[top-1] = compute.FreeSpent(t.dev, t.scopes[top-1], spent, y)
	for _, x := range made {
		if x == y {
			t.own(x)
			continue
		}
		t.dev.Free(x)
	}
	return y
}

// Backward runs the gradient of the sum of loss's elements back to the watched
// tensors. It may be called once, or BackwardFrom may.
func (t *Tape) Backward(loss *compute.Tensor) error {
	one := t.dev.New(loss.Spec)
	t.dev.Run(compute.Fill{Value: 1}, []*compute.Tensor{one})
	return t.BackwardFrom(loss, one)
}

// BackwardFrom runs back from what a function of x beyond the tape has as its gradient
// there; grad has the shape of x and belongs to the tape from then on.
func (t *Tape) BackwardFrom(x, grad *compute.Tensor) error {
	if !t.needed[x] {
		t.dev.Free(grad)
		return fmt.Errorf("backward: the loss does not depend on any watched tensor")
	}
	t.grads[x] = grad
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := t.nodes[i]
		t.step(n)
		for _, s := range n.saved {
			t.dev.Free(s)
		}
		t.nodes[i] = node{}
	}
	t.nodes = t.nodes[:0]
	return nil
}

// step adds the gradients of one node's inputs.
func (t *Tape) step(n node) {
	grad := make([]*compute.Tensor, len(n.out))
	used := false
	for i, y := range n.out {
		grad[i] = t.grads[y]
		used = used || grad[i] != nil
	}
	if !used {
		return
	}
	if n.op == nil {
		t.add(n.in[0], grad[0].Reshape(n.in[0].Shape...))
	} else {
		want := make([]bool, len(n.in))
		for i, x := range n.in {
			want[i] = t.needed[x]
		}
		in, out := n.values()
		g := n.op.(compute.Differentiable).Gradient(t.eager, compute.Node{In: in, Out: out, Grad: grad, Want: want})
		t.eager.Close()
		for i, d := range g {
			if d != nil {
				t.add(n.in[i], d)
			}
		}
	}
	for i, y := range n.out {
		if grad[i] != nil && !t.leaves[y] {
			t.dev.Free(grad[i])
			delete(t.grads, y)
		}
	}
}

// values returns the node's inputs and results, those not saved without memory.
func (n node) values() (in, out []*compute.Tensor) {
	k := 0
	pick := func(ts []*compute.Tensor, mask uint) []*compute.Tensor {
		vs := make([]*compute.Tensor, len(ts))
		for i, x := range ts {
			if mask>>i&1 == 1 {
				vs[i] = n.saved[k]
				k++
			} else {
				vs[i] = &compute.Tensor{Spec: x.Spec}
			}
		}
		return vs
	}
	in = pick(n.in, n.savedIn)
	out = pick(n.out, n.savedOut)
	return in, out
}

// add takes over g and adds it to x's gradient.
func (t *Tape) add(x, g *compute.Tensor) {
	old := t.grads[x]
	switch {
	case old == nil:
		t.grads[x] = g
	case !old.Shared():
		t.dev.Run(compute.Add{InPlace: true}, []*compute.Tensor{old, g})
		t.dev.Free(g)
	default:
		t.grads[x] = t.dev.Run(compute.Add{}, []*compute.Tensor{old, g})[0]
		t.dev.Free(old)
		t.dev.Free(g)
	}
}

// Grad returns the gradient of a watched tensor after Backward, or zeros when the
// loss does not depend on it. It belongs to the tape until Close.
func (t *Tape) Grad(p *compute.Tensor) *compute.Tensor {
	if !t.leaves[p] {
		compute.Fail("Grad", "tensor %v was not watched", p.Spec)
	}
	if t.grads[p] == nil {
		z := t.dev.New(compute.Spec{DType: tensor.F32, Shape: p.Shape})
		t.dev.Run(compute.Fill{}, []*compute.Tensor{z})
		t.grads[p] = z
	}
	return t.grads[p]
}

// Close frees everything the tape holds.
func (t *Tape) Close() {
	for _, n := range t.nodes {
		for _, s := range n.saved {
			t.dev.Free(s)
		}
	}
	for _, scope := range t.scopes {
		for _, x := range scope {
			t.dev.Free(x)
		}
	}
	for _, g := range t.grads {
		t.dev.Free(g)
	}
	t.eager.Close()
	*t = *New(t.dev)
}
