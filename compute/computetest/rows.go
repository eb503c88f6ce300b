package computetest

import (
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// rowTrial is an operator whose results hold a row for each row of some inputs.
type rowTrial struct {
	name string
	op   func(p *place) compute.Op
	in   []values1
	by   []bool // whether an input is cut by rows
}

const mostRows = 512

// rowTrials lists the operators that promise the bits of a row.
func rowTrials() []rowTrial {
	var trials []rowTrial
	add := func(name string, op func(p *place) compute.Op, in ...values1) {
		by := make([]bool, len(in))
		for i, v := range in {
			by[i] = v.shape[0] == mostRows
		}
		trials = append(trials, rowTrial{name, op, in, by})
	}
	s := newSource("rows")
	for _, m := range [][2]int{{65, 449}, {17, 64}, {130, 19}, {40, 1000}} {
		n, k := m[0], m[1]
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			w := s.matrix(d, n, k)
			name := "Linear/" + size(n, k) + "/" + d.String()
			add(name, func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }, s.floats(mostRows, k))
			add(name+"/add", func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }, s.floats(mostRows, k), s.floats(mostRows, n))
			add(name+"/back", func(p *place) compute.Op { return compute.Linear{W: p.weight(w), Transpose: true} }, s.floats(mostRows, n))
		}
		add("MatMul/"+size(n, k), fixed(compute.MatMul{Alpha: 0.5}), s.floats(mostRows, k), s.floats(k, n))
		add("MatMul/"+size(n, k)+"/nt", fixed(compute.MatMul{TransB: true}), s.floats(mostRows, k), s.floats(n, k), s.floats(mostRows, n))
	}
	for _, d := range blockFormats {
		const n, k = 65, 512
		w, name := s.matrix(d, n, k), "Linear/"+size(n, k)+"/"+d.String()
		add(name, func(p *place) compute.Op { return compute.Linear{W: p.weight(w)} }, s.floats(mostRows, k))
		add(name+"/back", func(p *place) compute.Op { return compute.Linear{W: p.weight(w), Transpose: true} }, s.floats(mostRows, n))
	}
	for _, d := range []tensor.DType{tensor.BF16, tensor.Q8_0, tensor.Q4K} {
		const n, k = 33, 256
		ws, ids := s.matrices(d, 4, n, k), s.groups(mostRows, 2, 4)
		name := "GroupedMatMul/" + size(n, k) + "/" + d.String()
		add(name, grouped(ws, false), s.floats(mostRows, k), ids)
		add(name+"/apart", grouped(ws, false), s.floats(mostRows, 2, k), ids)
		add(name+"/back", grouped(ws, true), s.floats(mostRows, 2, n), ids)
	}
	add("MoERoute", fixed(compute.MoERoute{Experts: 3}), s.floats(mostRows, 19))
	add("WeightedSum", fixed(compute.WeightedSum{}), s.floats(mostRows, 3, 41), s.floats(mostRows, 3))
	w := s.matrix(tensor.BF16, 300, 33)
	labels, weights := s.ids(mostRows, 300), s.positive(mostRows)
	add("HeadLoss", func(p *place) compute.Op { return compute.HeadLoss{W: p.weight(w)} }, s.floats(mostRows, 33), labels, weights)
	add("Embed", func(p *place) compute.Op { return compute.Embed{W: p.weight(w)} }, labels)
	add("CrossEntropy", fixed(compute.CrossEntropy{}), s.floats(mostRows, 300), labels, weights)
	x, y := s.floats(mostRows, 131), s.floats(mostRows, 131)
	add("RMSNorm", fixed(compute.RMSNorm{Eps: 1e-6}), x, s.floats(131))
	add("RMSNorm/offset", fixed(compute.RMSNorm{Eps: 1e-6, Offset: 1}), x, s.floats(131))
	add("RMSNormBack", fixed(compute.RMSNormBack{Eps: 1e-6}), x, s.floats(131), y)
	add("LayerNorm", fixed(compute.LayerNorm{Eps: 1e-12}), x, s.floats(131), s.floats(131))
	add("Activate", fixed(compute.Activate{Act: compute.GELU}), x)
	add("AddBias", fixed(compute.AddBias{}), x, s.floats(131))
	add("GLU", fixed(compute.GLU{}), x, y)
	add("GLU/gelu", fixed(compute.GLU{Act: compute.GELUTanh}), x, y)
	add("GLUBack", fixed(compute.GLUBack{}), x, y, s.floats(mostRows, 131))
	add("RoPE", fixed(compute.RoPE{Freqs: freqs(5)}), s.floats(mostRows, 3, 11), s.ids(mostRows, 10_000))
	return trials
}

// rowCounts are the sizes of a call: all small ones, and those around borders.
func rowCounts(short bool) []int {
	if short {
		return []int{2, 3, 5, 6, 7, 8, 13, 16, 17, 64, 65}
	}
	var counts []int
	for n := 2; n <= 34; n++ {
		counts = append(counts, n)
	}
	return append(counts, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 191, 255, 256, 257, 383, 384, 511, 512)
}

// rowBits demands that a row alone has the same bits as among M-1 others.
func rowBits(t *testing.T, open Maker) {
	dev := open(t, Setup{})
	for _, tr := range rowTrials() {
		t.Run(tr.name, func(t *testing.T) { tr.check(t, dev) })
	}
	checkMemory(t, dev, compute.Stats{})
}

func (tr rowTrial) check(t *testing.T, dev compute.Device) {
	p := newPlace(t, dev)
	defer p.close()
	op := tr.op(p)
	if !dev.Supports(op) {
		t.Logf("%s is not supported on %s", tr.name, dev.Name())
		return
	}
	counts := rowCounts(testing.Short())
	all := counts[len(counts)-1]
	var want [][]float32 // of each row alone, joined
	for r := range all {
		for i, v := range tr.apply(p, op, r, 1) {
			if r == 0 {
				want = append(want, nil)
			}
			want[i] = append(want[i], v...)
		}
	}
	for _, m := range counts {
		first := (all - m) / 2
		got := tr.apply(p, op, first, m)
		part := make([][]float32, len(want))
		for i, v := range want {
			width := len(v) / all
			part[i] = v[first*width : (first+m)*width]
		}
		if !sameBits(t, "a row alone and among "+size(m), got, part) {
			return
		}
	}
}

// apply runs the operator on rows first to first+n.
func (tr rowTrial) apply(p *place, op compute.Op, first, n int) [][]float32 {
	p.tb.Helper()
	q := newPlace(p.tb, p.dev)
	defer q.close()
	in := make([]values1, len(tr.in))
	for i, v := range tr.in {
		in[i] = v
		if tr.by[i] {
			in[i] = v.part(first, n)
		}
	}
	return q.apply(op, in, 0)
}
