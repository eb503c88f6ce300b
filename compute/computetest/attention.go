package computetest

import (
	"math"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// attentionShape describes attention over sequences, with a cache when past is
// given: past[i] positions of sequence i are there already.
type attentionShape struct {
	name               string
	lens, past         []int
	heads, groups, dim int
	full               bool // not causal
	window             int
	kept               tensor.DType // of the cache
}

// cacheTypes are what keys and values may be kept in, each with what it may cost: the
// bound on the error of attention over a cache, as near takes it, beside attention over
// the values before they were rounded.
var cacheTypes = []struct {
	dtype tensor.DType
	bound float64
}{{tensor.F32, curves}, {tensor.F16, 4e-3}, {tensor.Q8_0, 0.1}}

func attentionShapes(short bool) []attentionShape {
	shapes := []attentionShape{
		{name: "one", lens: []int{1}, heads: 1, groups: 1, dim: 1},
		{name: "ragged", lens: []int{3, 65, 1, 17}, heads: 4, groups: 2, dim: 20},
		{name: "window", lens: []int{70, 5}, heads: 2, groups: 1, dim: 16, window: 9},
		{name: "full", lens: []int{67}, heads: 2, groups: 2, dim: 8, full: true},
		{name: "cache", lens: []int{3, 1, 66}, past: []int{62, 130, 0}, heads: 4, groups: 2, dim: 24},
		{name: "cache_f16", lens: []int{3, 1, 66}, past: []int{62, 130, 0}, heads: 4, groups: 2, dim: 24, kept: tensor.F16},
		{name: "cache_q8_0", lens: []int{3, 1, 66}, past: []int{62, 130, 0}, heads: 4, groups: 2, dim: 32, kept: tensor.Q8_0},
	}
	if short {
		return shapes
	}
	return append(shapes,
		attentionShape{name: "seven_heads", lens: []int{130, 1, 63, 64}, heads: 14, groups: 2, dim: 64},
		attentionShape{name: "wide_window", lens: []int{300}, heads: 3, groups: 3, dim: 33, window: 100},
		attentionShape{name: "window_of_one", lens: []int{70}, heads: 1, groups: 1, dim: 17, window: 1},
		attentionShape{name: "full_window", lens: []int{150}, heads: 2, groups: 1, dim: 16, window: 65, full: true},
		attentionShape{name: "cache_window", lens: []int{2, 1}, past: []int{200, 64}, heads: 6, groups: 2, dim: 32, window: 70},
		attentionShape{name: "decode", lens: []int{1, 1, 1}, past: []int{0, 63, 191}, heads: 14, groups: 2, dim: 64},
		attentionShape{name: "decode_f16", lens: []int{1, 1, 1}, past: []int{0, 63, 191}, heads: 14, groups: 2, dim: 64, kept: tensor.F16},
		attentionShape{name: "decode_q8_0", lens: []int{1, 1, 1}, past: []int{0, 63, 191}, heads: 14, groups: 2, dim: 64, kept: tensor.Q8_0},
		attentionShape{name: "window_f16", lens: []int{2, 1}, past: []int{200, 64}, heads: 6, groups: 2, dim: 80, window: 70, kept: tensor.F16},
		attentionShape{name: "window_q8_0", lens: []int{2, 1}, past: []int{200, 64}, heads: 3, groups: 1, dim: 288, window: 70, kept: tensor.Q8_0},
	)
}

func (c attentionShape) rows() int {
	n := 0
	for _, l := range c.lens {
		n += l
	}
	return n
}

// plain returns the operator without a cache.
func (c attentionShape) plain() compute.Attention {
	op := compute.Attention{Scale: float32(1 / math.Sqrt(float64(c.dim))), Causal: !c.full, Window: c.window}
	op.Layer = 2 // without a cache it means nothing
	row := 0
	for _, n := range c.lens {
		op.Spans = append(op.Spans, compute.Span{Row: row, Rows: n})
		row += n
	}
	return op
}

// op returns the operator and, with a past, a cache that holds it. Pages are
// dealt out in descending order, so that neighbours in a sequence are none in
// memory.
func (c attentionShape) op(p *place) compute.Op {
	op := c.plain()
	if c.past == nil {
		return op
	}
	const layers = 2
	pages := make([]int, len(c.lens))
	total := 0
	for i, n := range c.lens {
		pages[i] = pagesFor(c.past[i] + n)
		total += pages[i]
	}
	op.KV = p.kv(compute.KVSpec{Layers: layers, Heads: c.groups, Dim: c.dim, Pages: total, DType: c.kept})
	op.Layer = layers - 1
	s := newSource(c.name + " past")
	for i := range op.Spans {
		op.Spans[i].Start = c.past[i]
		for range pages[i] {
			total--
			op.Spans[i].Pages = append(op.Spans[i].Pages, int32(total))
		}
		fillPast(op, op.Spans[i], s)
	}
	return op
}

func pagesFor(n int) int { return (n + compute.PageTokens - 1) / compute.PageTokens }

// fillPast writes keys and values to the positions before a span.
func fillPast(op compute.Attention, span compute.Span, s source) {
	spec := op.KV.Spec()
	for pos := range span.Start {
		for g := range spec.Heads {
			op.KV.Put(op.Layer, span.Pages[pos/compute.PageTokens], pos%compute.PageTokens, g, s.floats(spec.Dim).f, s.floats(spec.Dim).f)
		}
	}
}

// reference runs an operator's reference without a device.
func (*place) reference(op compute.Op, in ...values1) [][]float32 {
	specs := make([]compute.Spec, len(in))
	views := make([]compute.View, len(in))
	for i, v := range in {
		specs[i] = compute.Float(v.shape...)
		if v.i != nil {
			specs[i] = compute.Int(v.shape...)
		}
		views[i] = compute.View{Spec: specs[i], F: v.f, I: v.i}
	}
	var out []compute.View
	var values [][]float32
	for _, s := range op.Results(specs) {
		v := compute.View{Spec: s, F: make([]float32, s.Len())}
		out, values = append(out, v), append(values, v.F)
	}
	op.Reference(out, views)
	return values
}

// attentionBits demands that rows do not depend on how their sequence comes:
// whole and without a cache, among other sequences, or through a cache in
// chunks of any size.
func attentionBits(t *testing.T, open Maker) {
	dev := open(t, Setup{})
	if !dev.Supports(compute.Attention{}) {
		t.Logf("Attention is not supported on %s", dev.Name())
		return
	}
	n := 200
	chunks := []int{1, 2, 7, 63, 64, 65, 130, 200}
	if testing.Short() {
		n, chunks = 70, []int{1, 33, 64, 70}
	}
	for _, c := range []attentionShape{
		{name: "causal", heads: 4, groups: 2, dim: 24},
		{name: "window", heads: 2, groups: 2, dim: 16, window: 67},
		{name: "grouped", heads: 7, groups: 1, dim: 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.lens = []int{n}
			s := newSource(c.name)
			q, k, v := s.floats(n, c.heads, c.dim), s.floats(n, c.groups, c.dim), s.floats(n, c.groups, c.dim)
			p := newPlace(t, dev)
			defer p.close()
			want := p.apply(c.plain(), []values1{q, k, v}, 0)
			amongOthers(t, dev, c, []values1{q, k, v}, want)
			for _, chunk := range chunks {
				got := inChunks(t, dev, c, []values1{q, k, v}, chunk)
				if !sameBits(t, "in chunks of "+size(chunk), got, want) {
					return
				}
			}
			roundedBits(t, dev, c, []values1{q, k, v}, want, chunks)
		})
	}
	checkMemory(t, dev, compute.Stats{})
}

// roundedBits demands the same of caches that round, beside attention over the cache as a
// whole, and that rounding costs no more than its bound.
func roundedBits(t *testing.T, dev compute.Device, c attentionShape, in []values1, exact [][]float32, chunks []int) {
	t.Helper()
	for _, kept := range cacheTypes[1:] {
		c.kept = kept.dtype
		if (compute.KVSpec{Dim: c.dim, DType: c.kept}).Packed() < 0 {
			continue // no whole blocks
		}
		want := inChunks(t, dev, c, in, c.rows())
		for i := range exact {
			near(t, "a cache of "+kept.dtype.String(), want[i], exact[i], kept.bound, 0)
		}
		if differ(want[0], exact[0]) < 0 {
			t.Errorf("a cache of %s does not round", kept.dtype)
		}
		for _, chunk := range chunks {
			got := inChunks(t, dev, c, in, chunk)
			if !sameBits(t, kept.dtype.String()+" in chunks of "+size(chunk), got, want) {
				return
			}
		}
	}
}

// inChunks runs a sequence through a cache.
func inChunks(t *testing.T, dev compute.Device, c attentionShape, in []values1, chunk int) [][]float32 {
	t.Helper()
	p := newPlace(t, dev)
	defer p.close()
	n := c.rows()
	op := c.plain()
	total := pagesFor(n)
	op.Layer = 0
	op.KV = p.kv(compute.KVSpec{Layers: 1, Heads: c.groups, Dim: c.dim, Pages: total, DType: c.kept})
	var pages []int32
	for i := range total {
		pages = append(pages, int32(total-1-i))
	}
	got := make([][]float32, 2)
	for at := 0; at < n; at += chunk {
		rows := min(chunk, n-at)
		op.Spans = []compute.Span{{Rows: rows, Start: at, Pages: pages}}
		out := p.apply(op, []values1{in[0].part(at, rows), in[1].part(at, rows), in[2].part(at, rows)}, 0)
		got[0], got[1] = append(got[0], out[0]...), append(got[1], out[1]...)
	}
	return got
}

// amongOthers runs the sequence between two others.
func amongOthers(t *testing.T, dev compute.Device, c attentionShape, in []values1, want [][]float32) {
	t.Helper()
	p := newPlace(t, dev)
	defer p.close()
	s := newSource("others")
	const before, after = 5, 66
	n := c.rows()
	joined := make([]values1, len(in))
	for i, v := range in {
		width := v.shape[1:]
		a, b := s.floats(append([]int{before}, width...)...), s.floats(append([]int{after}, width...)...)
		f := append(append(append([]float32(nil), a.f...), v.f...), b.f...)
		joined[i] = values1{shape: append([]int{before + n + after}, width...), f: f}
	}
	c.lens = []int{before, n, after}
	got := p.apply(c.plain(), joined, 0)
	for i, width := range []int{c.heads * c.dim, c.heads} {
		got[i] = got[i][before*width : (before+n)*width]
	}
	sameBits(t, "among others", got, want)
}
