package computetest

import (
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// The tolerances, relative as near takes them: of one rounding, of a sum in
// float32, and of an exponential or another function beside it.
const (
	exact    = 0
	rounding = 3e-7
	sums     = 1e-5
	curves   = 2e-5
	// What a device may round rows to before it multiplies them by a quantised weight:
	// 8 bits in runs of 32.
	levels = 0.03
)

// table returns the trials of every operator.
func table(short bool) []trial {
	j := &join{short: short}
	j.elementwise()
	j.rowwise()
	j.gathers()
	j.losses()
	j.products()
	j.quantised()
	j.experts()
	j.lowRanks()
	j.attentions()
	return j.trials
}

// lengths are those that vectors, blocks and tails meet.
func (j *join) lengths() []int {
	if j.short {
		return []int{1, 17, 65, 449}
	}
	return []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 449, 1000, 70001}
}

func (j *join) elementwise() {
	for _, n := range j.lengths() {
		s, name := newSource(size(n)), size(n)
		a, b, c := s.floats(n), s.floats(n), s.floats(n)
		j.add(rounding, 0, compute.Add{}, name, a, b)
		j.add(rounding, 1, compute.Add{InPlace: true}, name+"/in_place", a, b)
		j.add(rounding, 0, compute.Scale{By: -1.7}, name, a)
		j.add(rounding, 1, compute.Scale{By: 0.3, InPlace: true}, name+"/in_place", a)
		j.add(exact, 1, compute.Fill{Value: 2.5}, name, a)
		j.add(sums, 0, compute.SumSquares{}, name, a)
		j.add(rounding, 0, compute.Dropout{P: 0.3, Seed: 1<<40 + 5, Stream: 3 << 33}, name, a)
		j.add(rounding, 0, compute.Dropout{}, name+"/none", a)
		for act, title := range map[compute.Activation]string{compute.SiLU: "silu", compute.GELUTanh: "gelu", compute.GELU: "gelu_erf"} {
			j.add(curves, 0, compute.Activate{Act: act}, name+"/"+title, a)
			j.add(curves, 0, compute.GLU{Act: act}, name+"/"+title, a, b)
			j.add(curves, 0, compute.GLUBack{Act: act}, name+"/"+title, a, b, c)
		}
		step := compute.AdamW{LR: 1e-2, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1, GradScale: 0.5, Step: 3}
		j.add(1e-6, 0b1101, step, name, a, b, c, s.positive(n))
	}
	wide := values1{shape: []int{9}, f: []float32{-200, -90, -30, -1e-20, 0, 1e-20, 30, 90, 200}}
	ones := values1{shape: []int{9}, f: []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}}
	j.add(curves, 0, compute.GLU{}, "wide/silu", wide, ones)
	j.add(curves, 0, compute.GLUBack{}, "wide/silu", wide, ones, ones)
	j.add(curves, 0, compute.GLU{Act: compute.GELUTanh}, "wide/gelu", wide, ones)
	j.add(curves, 0, compute.Activate{Act: compute.GELU}, "wide/gelu_erf", wide)
	j.add(curves, 0, compute.GLUBack{Act: compute.GELUTanh}, "wide/gelu", wide, ones, ones)
}

// matrices are rows by columns.
func (j *join) matrices() [][2]int {
	if j.short {
		return [][2]int{{1, 1}, {3, 65}, {65, 17}}
	}
	return [][2]int{{1, 1}, {1, 449}, {3, 65}, {17, 3}, {63, 64}, {65, 17}, {130, 1000}, {449, 63}}
}

func (j *join) rowwise() {
	for _, m := range j.matrices() {
		rows, cols := m[0], m[1]
		s, name := newSource(size(rows, cols)), size(rows, cols)
		x, w, dy := s.floats(rows, cols), s.floats(cols), s.floats(rows, cols)
		j.add(rounding, 0, compute.AddBias{}, name, x, w)
		j.add(sums, 0, compute.SumRows{}, name, x)
		j.add(rounding, 0, compute.ScaleRows{}, name, x, s.floats(rows))
		j.add(sums, 0, compute.RMSNorm{Eps: 1e-6}, name, x, w)
		j.add(sums, 0, compute.LayerNorm{Eps: 1e-5}, name, x, w, s.floats(cols))
		// A large Eps keeps the two terms of a short row's gradient apart.
		j.add(sums, 0, compute.RMSNormBack{Eps: 0.5}, name, x, w, dy)
		j.add(sums, 0, compute.RMSNormBack{Eps: 0.5, Scale: true}, name+"/scale", x, w, dy)
		j.add(sums, 0, compute.RMSNorm{Eps: 1e-6, Offset: 1}, name+"/offset", x, w)
		j.add(sums, 0, compute.RMSNormBack{Eps: 0.5, Offset: 1, Scale: true}, name+"/offset", x, w, dy)
	}
	s := newSource("heads")
	x, w, dy := s.floats(70, 5*17), s.floats(17), s.floats(70, 5*17)
	j.add(sums, 0, compute.RMSNorm{Eps: 1e-5}, "heads", x, w)
	j.add(sums, 0, compute.RMSNormBack{Eps: 1e-5, Scale: true}, "heads", x, w, dy)
	zero := values1{shape: []int{2, 9}, f: make([]float32, 18)}
	j.add(sums, 0, compute.RMSNorm{Eps: 1e-6}, "zero", zero, s.floats(9))
	j.rotations()
}

// freqs are n frequencies with a base of 10000.
func freqs(n int) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = float32(math.Pow(10000, -float64(i)/float64(n)))
	}
	return f
}

func (j *join) rotations() {
	for _, c := range []struct {
		rows, heads, dim, pairs int
		factor                  float32
		inverse                 bool
	}{
		{1, 1, 2, 1, 0, false},
		{3, 2, 8, 4, 0, false},
		{17, 3, 64, 32, 0, true},
		{65, 2, 20, 5, 1.3, false}, // the last ten channels stay
		{65, 2, 20, 5, 1.3, true},
		{4, 2, 6, 0, 0, false},
	} {
		name := size(c.rows, c.heads, c.dim, c.pairs)
		if c.inverse {
			name += "/inverse"
		}
		s := newSource(name)
		op := compute.RoPE{Freqs: freqs(c.pairs), Factor: c.factor, Inverse: c.inverse}
		x, pos := s.floats(c.rows, c.heads, c.dim), s.ids(c.rows, 5000)
		if c.rows > 3 {
			pos.i[1] = 200_000 // past any table
		}
		j.add(rounding*2, 0, op, name, x, pos)
	}
}

func (j *join) gathers() {
	for _, m := range j.matrices() {
		rows, cols := m[0], m[1]
		s, name := newSource(size(rows, cols)), size(rows, cols)
		table := s.floats(29, cols)
		j.add(exact, 0, compute.GatherRows{}, name, table, s.ids(rows, 29))
		j.add(sums, 0, compute.ScatterAddRows{Rows: 5}, name, s.floats(rows, cols), s.ids(rows, 5))
		j.add(exact, 1, compute.ScatterRows{}, name, s.floats(rows+3, cols), s.floats(rows, cols), s.distinct(rows, rows+3))
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			w := s.matrix(d, 37, cols)
			embed := func(p *place) compute.Op { return compute.Embed{W: p.weight(w)} }
			j.with(exact, 0, embed, "Embed/"+name+"/"+d.String(), s.ids(rows, 37))
		}
	}
}

func (j *join) losses() {
	for _, m := range j.matrices() {
		rows, cols := m[0], m[1]
		s, name := newSource(size(rows, cols)), size(rows, cols)
		x, labels, weights := s.floats(rows, cols), s.ids(rows, cols), s.positive(rows)
		if rows > 2 {
			weights.f[1], labels.i[1] = 0, -100 // ignored, whatever the label
		}
		j.add(curves, 0, compute.CrossEntropy{}, name, x, labels, weights)
		j.add(curves, 0, compute.CrossEntropyBack{}, name, x, labels, weights, s.floats(rows))
		for _, d := range []tensor.DType{tensor.F32, tensor.BF16} {
			w := s.matrix(d, cols, 33)
			head := func(p *place) compute.Op { return compute.HeadLoss{W: p.weight(w)} }
			j.with(4*curves, 0, head, "HeadLoss/"+name+"/"+d.String(), s.floats(rows, 33), labels, weights)
		}
	}
	wide := values1{shape: []int{1, 4}, f: []float32{-300, 500, 499, -1e30}}
	label, one := values1{shape: []int{1}, i: []int32{2}}, values1{shape: []int{1}, f: []float32{1}}
	j.add(curves, 0, compute.CrossEntropy{}, "wide", wide, label, one)
	j.add(curves, 0, compute.CrossEntropyBack{}, "wide", wide, label, one, one)
}

// shapes are M, N, K of products.
func (j *join) shapes() [][3]int {
	if j.short {
		return [][3]int{{1, 1, 1}, {3, 17, 65}, {7, 63, 449}}
	}
	return [][3]int{
		{1, 1, 1},
		{1, 17, 3},
		{3, 1, 17},
		{2, 16, 16},
		{5, 31, 33},
		{6, 64, 64},
		{7, 65, 63},
		{13, 129, 449},
		{64, 48, 896},
		{65, 127, 1000},
		{130, 33, 1345},
		{1, 449, 513},
		{31, 300, 2},
	}
}

func (j *join) products() {
	for _, m := range j.shapes() {
		rows, n, k := m[0], m[1], m[2]
		s, name := newSource(size(rows, n, k)), size(rows, n, k)
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			w := s.matrix(d, n, k)
			linear := func(transpose bool) func(p *place) compute.Op {
				return func(p *place) compute.Op { return compute.Linear{W: p.weight(w), Transpose: transpose} }
			}
			j.with(sums, 0, linear(false), "Linear/"+name+"/"+d.String(), s.floats(rows, k))
			j.with(sums, 0, linear(true), "Linear/"+name+"/"+d.String()+"/back", s.floats(rows, n))
			j.with(sums, 0, linear(false), "Linear/"+name+"/"+d.String()+"/add", s.floats(rows, k), s.floats(rows, n))
			j.with(sums, 0, linear(true), "Linear/"+name+"/"+d.String()+"/back/add", s.floats(rows, n), s.floats(rows, k))
		}
		a, at, b, bt := s.floats(rows, k), s.floats(k, rows), s.floats(k, n), s.floats(n, k)
		j.add(sums, 0, compute.MatMul{}, name, a, b)
		j.add(sums, 0, compute.MatMul{TransB: true, Alpha: 0.5}, name+"/nt", a, bt)
		j.add(sums, 0, compute.MatMul{TransA: true}, name+"/tn", at, b)
		j.add(sums, 0, compute.MatMul{TransA: true, TransB: true, Alpha: -2}, name+"/tt", at, bt)
		j.add(sums, 0, compute.MatMul{TransB: true, Alpha: 2}, name+"/add", a, bt, s.floats(rows, n))
	}
	s := newSource("rank 3")
	w := s.matrix(tensor.BF16, 20, 24)
	linear := func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }
	j.with(sums, 0, linear, "Linear/3x5x24", s.floats(3, 5, 24))
	j.with(sums, 0, linear, "Linear/3x5x24/add", s.floats(3, 5, 24), s.floats(3, 5, 20))
	j.add(sums, 0, compute.MatMul{}, "3x5x24", s.floats(3, 5, 24), s.floats(24, 7))
}

// lowRanks has adapters of several ranks and types on rows that lie together, apart, or
// nowhere.
func (j *join) lowRanks() {
	for _, m := range [][3]int{{1, 17, 33}, {70, 129, 300}} {
		rows, n, k := m[0], m[1], m[2]
		s := newSource(size(rows, n, k) + " low")
		type pair struct {
			a, b tensor.Tensor
			rows []int32
		}
		pairs := []pair{
			{s.matrix(tensor.F32, 16, k), s.matrix(tensor.F16, n, 16), []int32{0}},
			{s.matrix(tensor.F16, 3, k), s.matrix(tensor.F32, n, 3), nil},
			{s.matrix(tensor.BF16, 40, k), s.matrix(tensor.BF16, n, 40), []int32{2, 3, 5, 69}},
			{s.matrix(tensor.F32, 8, k), s.matrix(tensor.F32, n, 8), nil},
		}
		for r := int32(6); r < 69; r++ {
			pairs[3].rows = append(pairs[3].rows, r)
		}
		if rows == 1 {
			pairs = pairs[:2]
		}
		op := func(p *place) compute.Op {
			var op compute.LowRank
			for _, x := range pairs {
				op.Groups = append(op.Groups, compute.LowRankGroup{Rows: x.rows, A: p.weight(x.a), B: p.weight(x.b)})
			}
			return op
		}
		j.with(sums, 1, op, "LowRank/"+size(rows, n, k), s.floats(rows, n), s.floats(rows, k))
	}
}

// blockFormats are the dtypes that are multiplied as they are.
var blockFormats = []tensor.DType{
	tensor.Q8_0, tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q4K, tensor.Q5K, tensor.Q6K,
}

// blockShapes are M, N, K of products by quantised weights: whole blocks.
func blockShapes(d tensor.DType, short bool) [][3]int {
	shapes := [][3]int{{1, 1, 256}, {7, 17, 512}}
	if !short {
		shapes = append(shapes, [][3]int{{1, 129, 1024}, {66, 33, 256}, {13, 48, 1280}}...)
	}
	if d.Bytes(32) > 0 { // a block has 32
		shapes = append(shapes, [][3]int{{1, 9, 32}, {5, 33, 96}, {31, 47, 160}}...)
	}
	return shapes
}

func (j *join) quantised() {
	for _, d := range blockFormats {
		for _, m := range blockShapes(d, j.short) {
			rows, n, k := m[0], m[1], m[2]
			name := size(rows, n, k) + "/" + d.String()
			s := newSource(name)
			w := s.matrix(d, n, k)
			linear := func(transpose bool) func(p *place) compute.Op {
				return func(p *place) compute.Op { return compute.Linear{W: p.weight(w), Transpose: transpose} }
			}
			x, y := s.floats(rows, k), s.floats(rows, n)
			j.rounded(linear(false), "Linear/"+name, k, x)
			j.rounded(linear(false), "Linear/"+name+"/add", k, x, y)
			j.with(sums, 0, linear(true), "Linear/"+name+"/back", y)
			j.with(sums, 0, linear(true), "Linear/"+name+"/back/add", y, x)
			embed := func(p *place) compute.Op { return compute.Embed{W: p.weight(w)} }
			j.with(exact, 0, embed, "Embed/"+name, s.ids(rows, n))
		}
	}
}

func (j *join) attentions() {
	for _, c := range attentionShapes(j.short) {
		s := newSource(c.name)
		rows := c.rows()
		q := s.floats(rows, c.heads, c.dim)
		k, v := s.floats(rows, c.groups, c.dim), s.floats(rows, c.groups, c.dim)
		j.with(curves, 0, c.op, "Attention/"+c.name, q, k, v)
		if c.past != nil {
			continue
		}
		want := newPlace(nil, nil).reference(c.plain(), q, k, v)
		y := values1{shape: q.shape, f: want[0]}
		lse := values1{shape: []int{rows, c.heads}, f: want[1]}
		back := func(p *place) compute.Op { return compute.AttentionBack(c.plain()) }
		j.with(4*curves, 0, back, "AttentionBack/"+c.name, q, k, v, y, lse, s.floats(rows, c.heads, c.dim))
		j.trials[len(j.trials)-1].floor = 0.1 // a row that sees one key has no gradient
	}
}
