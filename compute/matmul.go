package compute

// Linear multiplies rows by a frozen weight W [N, K]: y [..., N] = x [..., K] Wᵀ,
// or with Transpose y [..., K] = x [..., N] W; plus c, shaped as y, when a second
// input is given. Sums run over K (or N) in ascending order. The bits are those of
// a [MatMul] by the same values.
type Linear struct {
	W         Weight
	Transpose bool
}

// Name implements [Op].
func (Linear) Name() string { return "Linear" }

func (op Linear) dims() (from, to int) {
	n, k := op.W.Dims()
	if op.Transpose {
		return n, k
	}
	return k, n
}

// Results implements [Op].
func (op Linear) Results(in []Spec) []Spec {
	if len(in) != 2 {
		want(op, in, 1)
	}
	from, to := op.dims()
	if _, c := in[0].Rows(); c != from {
		Fail(op.Name(), "input is %v, the weight takes rows of %d", in[0], from)
	}
	shape := append([]int(nil), in[0].Shape...)
	shape[len(shape)-1] = to
	if len(in) == 2 {
		same(op, in[1], Float(shape...))
	}
	return []Spec{Float(shape...)}
}

// Reference implements [Op].
func (op Linear) Reference(out, in []View) {
	rows, _ := in[0].Rows()
	n, k := op.W.Dims()
	sum := make([]float64, len(out[0].F))
	w := make([]float32, k)
	for j := range n {
		op.W.Row(w, j)
		for r := range rows {
			if op.Transpose {
				axpy(sum[r*k:(r+1)*k], float64(in[0].F[r*n+j]), w)
			} else {
				sum[r*n+j] = dot(in[0].Row(r), w)
			}
		}
	}
	for i, s := range sum {
		if len(in) == 2 {
			s += float64(in[1].F[i])
		}
		out[0].F[i] = float32(s)
	}
}

func dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

func axpy(y []float64, a float64, x []float32) {
	for i, v := range x {
		y[i] += a * float64(v)
	}
}

// Saves implements [Differentiable].
func (Linear) Saves() (in, out uint) { return 0, 0 }

// Gradient implements [Differentiable]: the weight is frozen, so only x and c have
// one.
func (op Linear) Gradient(o Ops, n Node) []*Tensor {
	return wanted(n, func(i int) *Tensor {
		if i == 1 {
			return n.Grad[0].Retain()
		}
		return Do(o, Linear{W: op.W, Transpose: !op.Transpose}, n.Grad[0]).Retain()
	})
}

// MatMul multiplies two matrices that may both need gradients:
// y [M, N] = Alpha * op(a) * op(b), plus c [M, N] when a third input is given.
// a is [M, K], or [K, M] with TransA; b is [K, N], or [N, K] with TransB. The
// sum over K runs in ascending order. Tensors of higher rank count as matrices
// of their rows; a zero Alpha means 1.
type MatMul struct {
	TransA, TransB bool
	Alpha          float32
}

// Name implements [Op].
func (MatMul) Name() string { return "MatMul" }

// Dims returns the sizes of the product.
func (op MatMul) Dims(a, b Spec) (m, n, k int) {
	m, k = a.Rows()
	if op.TransA {
		m, k = k, m
	}
	kb, n := b.Rows()
	if op.TransB {
		kb, n = n, kb
	}
	if k != kb {
		Fail(op.Name(), "inputs are %v and %v (transposed: %v, %v)", a, b, op.TransA, op.TransB)
	}
	return m, n, k
}

// Factor returns Alpha, or 1 for zero.
func (op MatMul) Factor() float32 {
	if op.Alpha == 0 {
		return 1
	}
	return op.Alpha
}

// Results implements [Op].
func (op MatMul) Results(in []Spec) []Spec {
	if len(in) != 3 {
		want(op, in, 2)
	}
	m, n, _ := op.Dims(in[0], in[1])
	shape := []int{m, n}
	if !op.TransA {
		shape = append([]int(nil), in[0].Shape...)
		shape[len(shape)-1] = n
	}
	if len(in) == 3 {
		same(op, in[2], Float(shape...))
	}
	return []Spec{Float(shape...)}
}

// Reference implements [Op].
func (op MatMul) Reference(out, in []View) {
	m, n, k := op.Dims(in[0].Spec, in[1].Spec)
	ai, al := steps(in[0], op.TransA)
	bl, bj := steps(in[1], op.TransB)
	for i := range m {
		for j := range n {
			var sum float64
			for l := range k {
				sum += float64(in[0].F[i*ai+l*al]) * float64(in[1].F[l*bl+j*bj])
			}
			sum *= float64(op.Factor())
			if len(in) == 3 {
				sum += float64(in[2].F[i*n+j])
			}
			out[0].F[i*n+j] = float32(sum)
		}
	}
}

// steps returns the distance of elements along the first and the second axis of
// a matrix or its transpose.
func steps(v View, transposed bool) (first, second int) {
	_, cols := v.Rows()
	if transposed {
		return 1, cols
	}
	return cols, 1
}

// Saves implements [Differentiable].
func (MatMul) Saves() (in, out uint) { return 0b11, 0 }

// Gradient implements [Differentiable].
func (op MatMul) Gradient(o Ops, n Node) []*Tensor {
	dy := n.Grad[0]
	return wanted(n, func(i int) *Tensor {
		var g *Tensor
		switch {
		case i == 0 && !op.TransA:
			g = Do(o, MatMul{TransB: !op.TransB, Alpha: op.Alpha}, dy, n.In[1])
		case i == 0:
			g = Do(o, MatMul{TransA: op.TransB, TransB: true, Alpha: op.Alpha}, n.In[1], dy)
		case i == 1 && !op.TransB:
			g = Do(o, MatMul{TransA: !op.TransA, Alpha: op.Alpha}, n.In[0], dy)
		case i == 1:
			g = Do(o, MatMul{TransA: true, TransB: op.TransA, Alpha: op.Alpha}, dy, n.In[0])
		default:
			return dy.Retain()
		}
		return g.Reshape(n.In[i].Shape...)
	})
}
