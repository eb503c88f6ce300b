package compute

// Add sums two tensors of equal shape: y = a + b. With InPlace the sum replaces
// a and there is no result.
type Add struct{ InPlace bool }

// Name implements [Op].
func (Add) Name() string { return "Add" }

// Results implements [Op].
func (op Add) Results(in []Spec) []Spec {
	want(op, in, 2)
	same(op, in[0], in[1])
	if op.InPlace {
		return nil
	}
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op Add) Reference(out, in []View) {
	dst := in[0].F
	if !op.InPlace {
		dst = out[0].F
	}
	for i := range dst {
		dst[i] = in[0].F[i] + in[1].F[i]
	}
}

// Saves implements [Differentiable].
func (Add) Saves() (in, out uint) { return 0, 0 }

// Gradient implements [Differentiable].
func (op Add) Gradient(_ Ops, n Node) []*Tensor {
	if op.InPlace {
		Fail(op.Name(), "an in-place sum has no gradient")
	}
	return wanted(n, func(int) *Tensor { return n.Grad[0].Retain() })
}

// AddBias adds a vector [C] to every row of x [..., C].
type AddBias struct{}

// Name implements [Op].
func (AddBias) Name() string { return "AddBias" }

// Results implements [Op].
func (op AddBias) Results(in []Spec) []Spec {
	want(op, in, 2)
	_, c := in[0].Rows()
	same(op, in[1], Float(c))
	return []Spec{in[0]}
}

// Reference implements [Op].
func (AddBias) Reference(out, in []View) {
	rows, _ := in[0].Rows()
	for r := range rows {
		y, x := out[0].Row(r), in[0].Row(r)
		for i := range y {
			y[i] = x[i] + in[1].F[i]
		}
	}
}

// Saves implements [Differentiable].
func (AddBias) Saves() (in, out uint) { return 0, 0 }

// Gradient implements [Differentiable].
func (AddBias) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(i int) *Tensor {
		if i == 0 {
			return n.Grad[0].Retain()
		}
		return Do(o, SumRows{}, n.Grad[0]).Retain()
	})
}

// SumRows sums x [..., C] over its rows, in ascending order: y [C].
type SumRows struct{}

// Name implements [Op].
func (SumRows) Name() string { return "SumRows" }

// Results implements [Op].
func (op SumRows) Results(in []Spec) []Spec {
	want(op, in, 1)
	_, c := in[0].Rows()
	return []Spec{Float(c)}
}

// Reference implements [Op].
func (SumRows) Reference(out, in []View) {
	rows, cols := in[0].Rows()
	for c := range cols {
		var sum float64
		for r := range rows {
			sum += float64(in[0].F[r*cols+c])
		}
		out[0].F[c] = float32(sum)
	}
}

// Scale multiplies by a constant: y = By * x. With InPlace the product replaces
// x and there is no result.
type Scale struct {
	By      float32
	InPlace bool
}

// Name implements [Op].
func (Scale) Name() string { return "Scale" }

// Results implements [Op].
func (op Scale) Results(in []Spec) []Spec {
	want(op, in, 1)
	if op.InPlace {
		return nil
	}
	return []Spec{in[0]}
}

// Reference implements [Op].
func (op Scale) Reference(out, in []View) {
	dst := in[0].F
	if !op.InPlace {
		dst = out[0].F
	}
	for i, x := range in[0].F {
		dst[i] = op.By * x
	}
}

// Saves implements [Differentiable].
func (Scale) Saves() (in, out uint) { return 0, 0 }

// Gradient implements [Differentiable].
func (op Scale) Gradient(o Ops, n Node) []*Tensor {
	if op.InPlace {
		Fail(op.Name(), "an in-place product has no gradient")
	}
	return wanted(n, func(int) *Tensor { return Do(o, Scale{By: op.By}, n.Grad[0]).Retain() })
}

// Fill sets every element of its input to a value, in place.
type Fill struct{ Value float32 }

// Name implements [Op].
func (Fill) Name() string { return "Fill" }

// Results implements [Op].
func (op Fill) Results(in []Spec) []Spec {
	want(op, in, 1)
	return nil
}

// Reference implements [Op].
func (op Fill) Reference(_, in []View) {
	for i := range in[0].F {
		in[0].F[i] = op.Value
	}
}

// SumSquares returns the sum of the squares of all elements, shape [1].
type SumSquares struct{}

// Name implements [Op].
func (SumSquares) Name() string { return "SumSquares" }

// Results implements [Op].
func (op SumSquares) Results(in []Spec) []Spec {
	want(op, in, 1)
	return []Spec{Float(1)}
}

// Reference implements [Op].
func (SumSquares) Reference(out, in []View) {
	var sum float64
	for _, x := range in[0].F {
		sum += float64(x) * float64(x)
	}
	out[0].F[0] = float32(sum)
}
