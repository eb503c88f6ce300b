package autograd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/troikaml/troika/autograd"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/tensor"
)

// graph is a function of parameters whose gradient a tape computes.
type graph struct {
	name   string
	params [][]int // shapes
	run    func(o compute.Ops, p []*compute.Tensor) *compute.Tensor
}

var graphs = []graph{
	{"used_twice", [][]int{{2, 3}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		return compute.Do(o, compute.GLU{}, p[0], p[0])
	}},
	{"sum_with_itself", [][]int{{2, 3}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		return compute.Do(o, compute.Add{}, p[0], p[0])
	}},
	{"used_four_times", [][]int{{2, 3}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		x := compute.Do(o, compute.Add{}, p[0], p[0])
		y := compute.Do(o, compute.GLU{}, x, p[0])
		return compute.Do(o, compute.Add{}, compute.Do(o, compute.Add{}, y, x), p[0])
	}},
	{"reshape", [][]int{{2, 6}, {4, 3}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		x := o.Reshape(p[0], 3, 4)
		y := compute.Do(o, compute.MatMul{}, x, p[1])                       // [3, 3]
		z := compute.Do(o, compute.GLU{}, o.Reshape(y, 9), o.Reshape(y, 9)) // both ways through a reshape
		return o.Reshape(z, 3, 3)
	}},
	{"residual_blocks", [][]int{{3, 4}, {4, 4}, {4}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		x := p[0]
		for range 3 {
			in := x
			x = o.Block(func() *compute.Tensor {
				h := compute.Do(o, compute.RMSNorm{Eps: 1e-3}, in, p[2])
				h = o.Block(func() *compute.Tensor {
					up := compute.Do(o, compute.MatMul{TransB: true}, h, p[1])
					return compute.Do(o, compute.GLU{}, up, up)
				})
				return compute.Do(o, compute.Add{}, in, h)
			}, in)
		}
		return x
	}},
	{"block_of_nothing", [][]int{{2, 2}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		x := o.Block(func() *compute.Tensor { return p[0] }, p[0])
		return compute.Do(o, compute.Scale{By: 3}, x)
	}},
	{"dead_end", [][]int{{2, 2}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		compute.Do(o, compute.GLU{}, p[0], p[0]) // reaches no loss
		return compute.Do(o, compute.Scale{By: 3}, p[0])
	}},
	{"bias_added_to_product", [][]int{{3, 2}, {4, 2}, {3, 4}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		return compute.Do(o, compute.MatMul{TransB: true, Alpha: 2}, p[0], p[1], p[2])
	}},
	{"attention", [][]int{{5, 2, 4}, {5, 1, 4}}, func(o compute.Ops, p []*compute.Tensor) *compute.Tensor {
		op := compute.Attention{Spans: []compute.Span{{Rows: 3}, {Row: 3, Rows: 2}}, Scale: 0.5, Causal: true}
		return compute.Do(o, op, p[0], p[1], p[1])
	}},
}

func draw(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// The gradient of every graph is compared with central differences of the graph
// itself, run without a tape.
func TestGradients(t *testing.T) {
	for _, g := range graphs {
		t.Run(g.name, func(t *testing.T) {
			dev := ref.New()
			rng := rand.New(rand.NewPCG(3, 4))
			values := make([][]float32, len(g.params))
			for i, shape := range g.params {
				values[i] = draw(rng, tensor.Elems(shape))
			}
			weigh := draw(rng, len(g.eager(dev, values)))
			loss := func() float64 {
				var sum float64
				for i, y := range g.eager(dev, values) {
					sum += float64(y) * float64(weigh[i])
				}
				return sum
			}
			for i, grad := range g.gradient(t, dev, values, weigh) {
				for j, x := range values[i] {
					const step = 1.0 / 256
					values[i][j] = x + step
					up := loss()
					values[i][j] = x - step
					down := loss()
					values[i][j] = x
					want := (up - down) / (2 * step)
					if math.Abs(want-float64(grad[j])) > 2e-3*(1+math.Abs(want)) {
						t.Errorf("parameter %d element %d: %g, want %g", i, j, grad[j], want)
					}
				}
			}
			if n := dev.Stats().Live; n != 0 {
				t.Errorf("%d bytes are still held", n)
			}
		})
	}
}

func (g graph) upload(dev compute.Device, values [][]float32) []*compute.Tensor {
	p := make([]*compute.Tensor, len(values))
	for i, v := range values {
		p[i] = compute.FromFloats(dev, v, g.params[i]...)
	}
	return p
}

func free(dev compute.Device, ts []*compute.Tensor) {
	for _, x := range ts {
		dev.Free(x)
	}
}

// eager returns the graph's value.
func (g graph) eager(dev compute.Device, values [][]float32) []float32 {
	ops := compute.NewEager(dev)
	defer ops.Close()
	p := g.upload(dev, values)
	defer free(dev, p)
	return compute.Floats(dev, g.run(ops, p))
}

// gradient returns the gradients of the sum of weigh times the graph's value, and
// checks that a tape computes the value that an eager run does.
func (g graph) gradient(t *testing.T, dev compute.Device, values [][]float32, weigh []float32) [][]float32 {
	t.Helper()
	tape := autograd.New(dev)
	defer tape.Close()
	p := g.upload(dev, values)
	defer free(dev, p)
	tape.Watch(p...)
	y := g.run(tape, p)
	for i, v := range g.eager(dev, values) {
		if got := compute.Floats(dev, y)[i]; got != v {
			t.Errorf("value %d is %g on the tape, %g without", i, got, v)
		}
	}
	w := compute.FromFloats(dev, weigh, len(weigh), 1)
	loss := compute.Do(tape, compute.MatMul{}, tape.Reshape(y, 1, len(weigh)), w)
	if err := tape.Backward(loss); err != nil {
		t.Fatal(err)
	}
	dev.Free(w)
	var grads [][]float32
	for _, x := range p {
		d := tape.Grad(x)
		if !d.Equal(x.Spec) {
			t.Errorf("the gradient of %v is %v", x.Spec, d.Spec)
		}
		grads = append(grads, compute.Floats(dev, d))
	}
	return grads
}

// A Block gives memory back that no gradient needs, as it ends.
func TestBlockFrees(t *testing.T) {
	dev := ref.New()
	tape := autograd.New(dev)
	x := compute.FromFloats(dev, []float32{1, 2, 3, 4}, 4)
	p := compute.FromFloats(dev, []float32{1, 2, 3, 4}, 4)
	tape.Watch(p)
	base := dev.Stats().Live
	tape.Block(func() *compute.Tensor {
		y := compute.Do(tape, compute.Scale{By: 2}, x) // not reached by p
		z := compute.Do(tape, compute.Add{}, y, p)     // saves nothing
		return compute.Do(tape, compute.Scale{By: 2}, z)
	})
	if got := dev.Stats().Live - base; got != 16 {
		t.Errorf("%d bytes are held after the block, want the 16 of its result", got)
	}
	tape.Close()
	dev.Free(x)
	dev.Free(p)
	if n := dev.Stats().Live; n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

func TestUnreached(t *testing.T) {
	dev := ref.New()
	tape := autograd.New(dev)
	defer tape.Close()
	p, q := compute.FromFloats(dev, []float32{1}, 1), compute.FromFloats(dev, []float32{1}, 1)
	defer free(dev, []*compute.Tensor{p, q})
	tape.Watch(p, q)
	other := compute.FromFloats(dev, []float32{5}, 1)
	defer dev.Free(other)
	if err := tape.Backward(compute.Do(tape, compute.Scale{By: 2}, other)); err == nil {
		t.Error("a loss that depends on nothing watched was taken")
	}
	if err := tape.Backward(compute.Do(tape, compute.Scale{By: 2}, p)); err != nil {
		t.Fatal(err)
	}
	if g := compute.Floats(dev, tape.Grad(p)); g[0] != 2 {
		t.Errorf("gradient %v, want 2", g)
	}
	if g := compute.Floats(dev, tape.Grad(q)); g[0] != 0 {
		t.Errorf("the gradient of a parameter without use is %v", g)
	}
	if err := func() (err error) {
		defer compute.Recover(&err)
		tape.Grad(other)
		return nil
	}(); err == nil {
		t.Error("the gradient of a tensor that was not watched was given")
	}
}
