package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/tensor"
)

type bench struct {
	b   *testing.B
	dev *cpu.Device
	rng *rand.Rand
}

func newBench(b *testing.B) *bench {
	b.Helper()
	dev := cpu.New(cpu.Options{})
	b.Cleanup(dev.Close)
	return &bench{b: b, dev: dev, rng: rand.New(rand.NewPCG(1, 2))}
}

func (n *bench) floats(shape ...int) *compute.Tensor {
	v := make([]float32, tensor.Elems(shape))
	for i := range v {
		v[i] = float32(n.rng.NormFloat64())
	}
	return compute.FromFloats(n.dev, v, shape...)
}

func (n *bench) ids(count, limit int) *compute.Tensor {
	v := make([]int32, count)
	for i := range v {
		v[i] = int32(n.rng.IntN(limit))
	}
	return compute.FromInts(n.dev, v, count)
}

func (n *bench) weight(d tensor.DType, out, in int) compute.Weight {
	m := tensor.Tensor{DType: d, Shape: []int{out, in}, Data: make([]byte, out*in*d.Size())}
	w, err := n.dev.Prepare(m)
	if err != nil {
		n.b.Fatal(err)
	}
	return w
}

// run measures op; flops is what it computes, for the rate.
func (n *bench) run(name string, flops int, op compute.Op, in ...*compute.Tensor) {
	n.b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, t := range n.dev.Run(op, in) {
				n.dev.Free(t)
			}
		}
		if flops > 0 {
			b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
	})
}

// BenchmarkToken measures the operators of one decoded token in a model of six
// million parameters, where the cost of a call counts.
func BenchmarkToken(b *testing.B) {
	n := newBench(b)
	const c, hidden, heads, groups, dim, vocab = 256, 704, 4, 2, 64, 8192
	x, wide := n.floats(1, c), n.floats(1, hidden)
	n.run("Add", 0, compute.Add{}, x, x)
	n.run("RMSNorm", 0, compute.RMSNorm{Eps: 1e-6}, x, n.floats(c))
	n.run("GLU", 0, compute.GLU{}, wide, wide)
	n.run("RoPE", 0, compute.RoPE{Freqs: make([]float32, dim/2)}, n.floats(1, heads, dim), n.ids(1, 500))
	n.run("Linear", 2*c*c, compute.Linear{W: n.weight(tensor.BF16, c, c)}, x)
	n.run("Head", 2*c*vocab, compute.Linear{W: n.weight(tensor.BF16, vocab, c)}, x)
	n.run("HeadLoss", 4*512*c*vocab, compute.HeadLoss{W: n.weight(tensor.BF16, vocab, c)},
		n.floats(512, c), n.ids(512, vocab), n.floats(512))
	n.run("Embed", 0, compute.Embed{W: n.weight(tensor.BF16, vocab, c)}, n.ids(1, vocab))
	kv, err := n.dev.NewKV(compute.KVSpec{Layers: 1, Heads: groups, Dim: dim, Pages: 4})
	if err != nil {
		b.Fatal(err)
	}
	op := compute.Attention{
		Spans: []compute.Span{{Rows: 1, Start: 200, Pages: []int32{0, 1, 2, 3}}}, Scale: 0.125, Causal: true, KV: kv,
	}
	n.run("Attention", 0, op, n.floats(1, heads, dim), n.floats(1, groups, dim), n.floats(1, groups, dim))
}

// BenchmarkBatch measures the operators of a training step of Qwen2.5-0.5B's
// shape with 512 tokens.
func BenchmarkBatch(b *testing.B) {
	n := newBench(b)
	const t, c, hidden, heads, groups, dim = 512, 896, 4864, 14, 2, 64
	x, wide := n.floats(t, c), n.floats(t, hidden)
	n.run("Add", 0, compute.Add{}, x, x)
	n.run("RMSNorm", 0, compute.RMSNorm{Eps: 1e-6}, x, n.floats(c))
	n.run("RMSNormBack", 0, compute.RMSNormBack{Eps: 1e-6}, x, n.floats(c), x)
	n.run("GLU", 0, compute.GLU{}, wide, wide)
	n.run("GLUBack", 0, compute.GLUBack{}, wide, wide, wide)
	n.run("Dropout", 0, compute.Dropout{P: 0.1}, x)
	n.run("RoPE", 0, compute.RoPE{Freqs: make([]float32, dim/2)}, n.floats(t, heads, dim), n.ids(t, 512))
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16} {
		w := n.weight(d, hidden, c)
		n.run("Linear/"+d.String(), 2*t*c*hidden, compute.Linear{W: w}, x)
		n.run("LinearBack/"+d.String(), 2*t*c*hidden, compute.Linear{W: w, Transpose: true}, wide)
	}
	down := n.floats(16, c)
	n.run("MatMul/down", 2*t*c*16, compute.MatMul{TransB: true}, x, down)
	n.run("MatMul/up", 2*t*hidden*16, compute.MatMul{TransB: true}, n.floats(t, 16), n.floats(hidden, 16), wide)
	n.run("MatMul/grad", 2*t*hidden*16, compute.MatMul{TransA: true}, wide, n.floats(t, 16))
	q, k := n.floats(t, heads, dim), n.floats(t, groups, dim)
	op := compute.Attention{Spans: []compute.Span{{Rows: t}}, Scale: 0.125, Causal: true}
	flops := 2 * t * t * heads * dim // half of the pairs
	n.run("Attention", flops, op, q, k, k)
	n.run("AttentionBack", 5*flops/2, compute.AttentionBack(op), q, k, k, q, n.floats(t, heads), q)
	labels := n.ids(64, 151936)
	head := n.weight(tensor.BF16, 151936, c)
	n.run("HeadLoss", 4*64*c*151936, compute.HeadLoss{W: head}, n.floats(64, c), labels, n.floats(64))
	p := n.floats(1 << 20)
	n.run("AdamW", 0, compute.AdamW{LR: 1e-3, Beta1: .9, Beta2: .99, Eps: 1e-8, GradScale: 1, Step: 1}, p, p, n.floats(1<<20), n.floats(1<<20))
	n.run("SumSquares", 0, compute.SumSquares{}, p)
}

// BenchmarkDepth measures attention at a depth of 2048 in Qwen2.5-0.5B's shape, for one
// decoded token and for a chunk of a prompt, by what the cache keeps values in. The
// layers take turns, so that the cache is not found in the second-level cache.
func BenchmarkDepth(b *testing.B) {
	const depth, heads, groups, dim, layers, chunk = 2048, 14, 2, 64, 24, 512
	for _, kept := range []tensor.DType{tensor.F32, tensor.F16, tensor.Q8_0} {
		n := newBench(b)
		spec := compute.KVSpec{Layers: layers, Heads: groups, Dim: dim, Pages: (depth + chunk) / compute.PageTokens, DType: kept}
		kv, err := n.dev.NewKV(spec)
		if err != nil {
			b.Fatal(err)
		}
		span := compute.Span{Rows: chunk}
		for i := range spec.Pages {
			span.Pages = append(span.Pages, int32(i))
		}
		op := compute.Attention{Scale: 0.125, Causal: true, KV: kv}
		q, k := n.floats(chunk, heads, dim), n.floats(chunk, groups, dim)
		for op.Layer = range layers {
			for span.Start = 0; span.Start <= depth; span.Start += chunk {
				op.Spans = []compute.Span{span}
				for _, t := range n.dev.Run(op, []*compute.Tensor{q, k, k}) {
					n.dev.Free(t)
				}
			}
		}
		for _, rows := range []int{1, chunk} {
			span.Start, span.Rows = depth, rows
			op.Spans = []compute.Span{span}
			q, k := n.floats(rows, heads, dim), n.floats(rows, groups, dim)
			b.Run(fmt.Sprintf("%s/rows=%d", kept, rows), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					op.Layer = i % layers
					for _, t := range n.dev.Run(op, []*compute.Tensor{q, k, k}) {
						n.dev.Free(t)
					}
				}
				pairs := rows * (depth + rows/2) * heads
				b.ReportMetric(float64(4*pairs*dim)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		kv.Free()
	}
}
