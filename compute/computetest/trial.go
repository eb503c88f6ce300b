package computetest

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// values1 are one input's values on the host: f or, for indices, i.
type values1 struct {
	shape []int
	f     []float32
	i     []int32
}

// trial is an operator with inputs.
type trial struct {
	name    string
	op      func(p *place) compute.Op // makes weights and caches where it runs
	in      []values1
	changes uint    // bit i: the operator changes input i in place
	tol     float64 // see near
	floor   float64 // size of the terms of sums that cancel out
}

// run returns what the trial computes on dev, or false if dev does not support it.
func (tr trial) run(t testing.TB, dev compute.Device) ([][]float32, bool) {
	t.Helper()
	p := newPlace(t, dev)
	defer p.close()
	op := tr.op(p)
	if !dev.Supports(op) {
		return nil, false
	}
	return p.apply(op, tr.in, tr.changes), true
}

// fixed is an operator that needs nothing from the device.
func fixed(op compute.Op) func(*place) compute.Op {
	return func(*place) compute.Op { return op }
}

// source draws the inputs of a trial from its name.
type source struct{ *rand.Rand }

func newSource(name string) source {
	h := fnv.New64a()
	h.Write([]byte(name))
	return source{rand.New(rand.NewPCG(h.Sum64(), 7))}
}

func (s source) floats(shape ...int) values1 {
	v := values1{shape: shape, f: make([]float32, tensor.Elems(shape))}
	for i := range v.f {
		v.f[i] = float32(s.NormFloat64())
	}
	return v
}

// positive draws values from 0.1 to 1.1.
func (s source) positive(shape ...int) values1 {
	v := values1{shape: shape, f: make([]float32, tensor.Elems(shape))}
	for i := range v.f {
		v.f[i] = 0.1 + s.Float32()
	}
	return v
}

// ids draws n indices below limit.
func (s source) ids(n, limit int) values1 {
	v := values1{shape: []int{n}, i: make([]int32, n)}
	for i := range v.i {
		v.i[i] = int32(s.IntN(limit))
	}
	return v
}

// distinct draws n different indices below limit.
func (s source) distinct(n, limit int) values1 {
	v := values1{shape: []int{n}, i: make([]int32, n)}
	for i, p := range s.Perm(limit)[:n] {
		v.i[i] = int32(p)
	}
	return v
}

// matrix draws a frozen matrix of a dtype.
func (s source) matrix(d tensor.DType, rows, cols int) tensor.Tensor {
	m, err := tensor.FromFloat32s(s.floats(rows, cols).f, rows, cols).Encode(d)
	if err != nil {
		panic(err) // the dtypes here are targets of Encode
	}
	return m
}

// part returns rows first to first+n of a value.
func (v values1) part(first, n int) values1 {
	cols := tensor.Elems(v.shape[1:])
	w := values1{shape: append([]int{n}, v.shape[1:]...)}
	if v.i != nil {
		w.i = v.i[first*cols : (first+n)*cols]
	} else {
		w.f = v.f[first*cols : (first+n)*cols]
	}
	return w
}

// join builds the table.
type join struct {
	trials []trial
	short  bool
}

func (j *join) add(tol float64, changes uint, op compute.Op, name string, in ...values1) {
	j.with(tol, changes, fixed(op), op.Name()+"/"+name, in...)
}

func (j *join) with(tol float64, changes uint, op func(*place) compute.Op, name string, in ...values1) {
	j.trials = append(j.trials, trial{name: name, op: op, in: in, changes: changes, tol: tol})
}

// rounded adds a product over k columns whose rows may be rounded to levels: its error
// is as that of a sum of as many terms, however far they cancel out.
func (j *join) rounded(op func(*place) compute.Op, name string, k int, in ...values1) {
	j.trials = append(j.trials, trial{name: name, op: op, in: in, tol: levels, floor: math.Sqrt(float64(k))})
}

func size(n ...int) string {
	parts := make([]string, len(n))
	for i, v := range n {
		parts[i] = strconv.Itoa(v)
	}
	return strings.Join(parts, "x")
}
