package compute

// GatherRows picks rows of a table: y [T, C] = x [V, C][ids [T]].
// An id outside the table is the caller's mistake and panics.
type GatherRows struct{}

// Name implements [Op].
func (GatherRows) Name() string { return "GatherRows" }

// Results implements [Op].
func (op GatherRows) Results(in []Spec) []Spec {
	want(op, in, 2)
	_, c := in[0].Rows()
	return []Spec{Float(indices(op, in[1]), c)}
}

// Reference implements [Op].
func (GatherRows) Reference(out, in []View) {
	for t, id := range in[1].I {
		copy(out[0].Row(t), in[0].Row(int(id)))
	}
}

// Saves implements [Differentiable].
func (GatherRows) Saves() (in, out uint) { return 0b10, 0 }

// Gradient implements [Differentiable].
func (GatherRows) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(int) *Tensor {
		rows, _ := n.In[0].Rows()
		return Do(o, ScatterAddRows{Rows: rows}, n.Grad[0], n.In[1]).Reshape(n.In[0].Shape...)
	})
}

// ScatterAddRows adds each row of x [T, C] to row ids[t] of a zero table
// [Rows, C], in ascending t. It is the gradient of [GatherRows].
type ScatterAddRows struct{ Rows int }

// Name implements [Op].
func (ScatterAddRows) Name() string { return "ScatterAddRows" }

// Results implements [Op].
func (op ScatterAddRows) Results(in []Spec) []Spec {
	want(op, in, 2)
	rows, c := in[0].Rows()
	if indices(op, in[1]) != rows {
		Fail(op.Name(), "%v rows for %v indices", in[0], in[1])
	}
	return []Spec{Float(op.Rows, c)}
}

// Reference implements [Op].
func (ScatterAddRows) Reference(out, in []View) {
	clear(out[0].F)
	for t, id := range in[1].I {
		y := out[0].Row(int(id))
		for i, v := range in[0].Row(t) {
			y[i] += v
		}
	}
}

// ScatterRows overwrites rows in place: x [T, C][ids[s]] = rows [S, C][s]. The ids
// must differ from each other.
type ScatterRows struct{}

// Name implements [Op].
func (ScatterRows) Name() string { return "ScatterRows" }

// Results implements [Op].
func (op ScatterRows) Results(in []Spec) []Spec {
	want(op, in, 3)
	_, c := in[0].Rows()
	rows, rc := in[1].Rows()
	if c != rc || indices(op, in[2]) != rows {
		Fail(op.Name(), "rows %v at %v into %v", in[1], in[2], in[0])
	}
	return nil
}

// Reference implements [Op].
func (ScatterRows) Reference(_, in []View) {
	for s, id := range in[2].I {
		copy(in[0].Row(int(id)), in[1].Row(s))
	}
}

// Embed picks rows of a frozen weight [V, C]: y [T, C] = W[ids [T]]. It has no
// gradient.
type Embed struct{ W Weight }

// Name implements [Op].
func (Embed) Name() string { return "Embed" }

// Results implements [Op].
func (op Embed) Results(in []Spec) []Spec {
	want(op, in, 1)
	_, c := op.W.Dims()
	return []Spec{Float(indices(op, in[0]), c)}
}

// Reference implements [Op].
func (op Embed) Reference(out, in []View) {
	for t, id := range in[0].I {
		op.W.Row(out[0].Row(t), int(id))
	}
}
