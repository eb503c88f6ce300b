package compute

import "slices"

// Op describes one operator and its attributes. Implementations are values
// defined in this package, one file for an operator and its gradient.
type Op interface {
	// Name is the operator's name in errors and support matrices.
	Name() string
	// Results checks the inputs, panics with a *ShapeError when they do not fit,
	// and returns what the operator produces. An operator without results works
	// in place on its first input.
	Results(in []Spec) []Spec
	// Reference computes the results in plain Go. It is the operator's meaning:
	// slow, with sums in float64. out has the shapes of Results.
	Reference(out, in []View)
}

// Differentiable is an Op with a gradient.
type Differentiable interface {
	Op
	// Saves tells which inputs and results Gradient reads, bit i for number i.
	Saves() (in, out uint)
	// Gradient returns the gradient of each wanted input, nil for the others.
	// Returned tensors are new handles.
	Gradient(o Ops, n Node) []*Tensor
}

// Node is one recorded use of an operator. Inputs and results that the operator
// does not save keep their Spec but no memory. A nil Grad belongs to a result
// that nothing used.
type Node struct {
	In, Out, Grad []*Tensor
	Want          []bool
}

// View is a tensor as references see it: F for F32, I for I32.
type View struct {
	Spec
	F []float32
	I []int32
}

// Row returns row i of a tensor seen as a matrix.
func (v View) Row(i int) []float32 {
	_, cols := v.Rows()
	return v.F[i*cols : (i+1)*cols]
}

// Ops is what a model computes with.
type Ops interface {
	// Apply runs op and returns its results. The implementation frees them: at
	// the end of the Block they were made in, or later if a gradient needs them.
	Apply(op Op, in ...*Tensor) []*Tensor
	// Reshape returns x with another shape over the same memory.
	Reshape(x *Tensor, shape ...int) *Tensor
	// Block runs fn and frees everything that was made in it, except its result.
	// A model wraps each layer in a Block, which bounds its memory; a tape may
	// run fn again in the backward pass rather than keep its values. Of spent, what was
	// made where the Block stands is freed with it: the values that fn was the last to
	// read, as a layer is of the one's before it.
	Block(fn func() *Tensor, spent ...*Tensor) *Tensor
	// Device returns where the work is done.
	Device() Device
}

// Do applies an operator of one result.
func Do(o Ops, op Op, in ...*Tensor) *Tensor { return o.Apply(op, in...)[0] }

// Eager is an Ops that runs operators at once. It is for one goroutine.
type Eager struct {
	dev    Device
	scopes [][]*Tensor
}

// NewEager returns an executor over dev. Call [Eager.Close] to free what was
// made outside any Block.
func NewEager(dev Device) *Eager { return &Eager{dev: dev, scopes: make([][]*Tensor, 1)} }

// Device returns the device that e runs on.
func (e *Eager) Device() Device { return e.dev }

// Apply runs op.
func (e *Eager) Apply(op Op, in ...*Tensor) []*Tensor {
	out := e.dev.Run(op, in)
	e.own(out...)
	return out
}

// Reshape returns x with another shape.
func (e *Eager) Reshape(x *Tensor, shape ...int) *Tensor {
	y := x.Reshape(shape...)
	e.own(y)
	return y
}

// Own makes e free t at the end of the current Block, as if it were a result.
func (e *Eager) Own(t *Tensor) *Tensor {
	e.own(t)
	return t
}

func (e *Eager) own(t ...*Tensor) {
	top := len(e.scopes) - 1
	e.scopes[top] = append(e.scopes[top], t...)
}

// Block runs fn and frees what it made, except its result, and what was spent.
func (e *Eager) Block(fn func() *Tensor, spent ...*Tensor) *Tensor {
	e.scopes = append(e.scopes, nil)
	depth := len(e.scopes)
	// A panic unwinds through here too: what was made is freed by Close.
	y := fn()
	made := e.scopes[depth-1]
	e.scopes = e.scopes[:depth-1]
	kept := false
	for _, t := range made {
		if t == y {
			kept = true
			continue
		}
		e.dev.Free(t)
	}
	top := &e.scopes[depth-2]
	*top = FreeSpent(e.dev, *top, spent, y)
	if kept {
		e.own(y)
	}
	return y
}

// FreeSpent frees the tensors of a scope that a Block with the result y was told are spent,
// and returns what is left of the scope.
func FreeSpent(dev Device, scope, spent []*Tensor, y *Tensor) []*Tensor {
	for _, t := range spent {
		if i := slices.Index(scope, t); i >= 0 && t != y {
			dev.Free(t)
			scope = slices.Delete(scope, i, i+1)
		}
	}
	return scope
}

// Keep takes t out of e's hands: the caller frees it.
func (e *Eager) Keep(t *Tensor) *Tensor {
	for _, scope := range e.scopes {
		for i, o := range scope {
			if o == t {
				scope[i] = t.Retain() // freed in its stead
			}
		}
	}
	return t
}

// Close frees everything that e still owns. It may be used again afterwards.
func (e *Eager) Close() {
	for _, scope := range e.scopes {
		for _, t := range scope {
			e.dev.Free(t)
		}
	}
	e.scopes = make([][]*Tensor, 1)
}
