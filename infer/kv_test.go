package infer_test

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/starter"
	"github.com/troikaml/troika/tensor"
)

// openStarter loads the starter.
func openStarter(t testing.TB, dev *cpu.Device) (*bundle.Bundle, model.Model) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, starter.Files()); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return b, m
}

// What a cache rounds shifts the next token's distribution by no more than is stated
// here: the mean and the largest Kullback-Leibler divergence, in nats, over the tokens of
// a text that a trained model reads in chunks. A cache of F32 shifts nothing: its logits
// have the bits of a pass without a cache.
func TestCacheTypesShiftLittle(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	b, m := openStarter(t, dev)
	text, err := os.ReadFile("engine.go")
	if err != nil {
		t.Fatal(err)
	}
	prompt := b.Tokenizer.Encode(string(text), false)[:300]
	logits := func(o infer.Options) [][]float32 {
		o.Context, o.Sequences = 512, 1
		e, err := infer.New(dev, m, o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		rows := make([][]float32, len(prompt))
		req := infer.Request{Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: -1, Echo: true, Observe: func(at int, logits []float32) {
			rows[at] = slices.Clone(logits)
		}}
		if _, err := e.Generate(t.Context(), req, func(infer.Token) error { return nil }); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	want := logits(infer.Options{})
	for _, c := range []struct {
		kept      tensor.DType
		mean, top float64
	}{
		{tensor.F32, 0, 0},
		{tensor.F16, 1e-6, 1e-5},
		{tensor.Q8_0, 1e-3, 1e-2},
	} {
		var sum, top float64
		for i, row := range logits(infer.Options{Chunk: 70, KV: c.kept}) {
			if c.kept == tensor.F32 && !slices.Equal(row, want[i]) {
				t.Fatalf("F32 changed the logits after token %d", i)
			}
			kl := divergence(want[i], row)
			sum, top = sum+kl, max(top, kl)
		}
		mean := sum / float64(len(want))
		t.Logf("%s: mean %.2g, largest %.2g", c.kept, mean, top)
		if c.kept != tensor.F32 && !(mean <= c.mean && top <= c.top && mean > 0) {
			t.Errorf("%s: divergence %.2g in the mean and %.2g at most, want %g and %g", c.kept, mean, top, c.mean, c.top)
		}
	}
}

// divergence returns the Kullback-Leibler divergence of the softmax of q from that of p.
func divergence(p, q []float32) float64 {
	norm := func(x []float32) float64 {
		var sum float64
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		return math.Log(sum)
	}
	np, nq := norm(p), norm(q)
	var kl float64
	for i, v := range p {
		lp := float64(v) - np
		kl += math.Exp(lp) * (lp - (float64(q[i]) - nq))
	}
	return kl
}

// Answers over a cache that rounds do not depend on what shares the batch.
func TestCacheTypesAreBatchInvariant(t *testing.T) {
	m := load(t, 2)
	for _, kept := range []tensor.DType{tensor.F16, tensor.Q8_0} {
		if spec := m.KVSpec(1); kept == tensor.Q8_0 && spec.Dim%32 != 0 {
			if _, err := infer.New(m.Device, m.Model, infer.Options{Context: 64, KV: kept}); err == nil {
				t.Error("heads that are no whole blocks were taken")
			}
			continue
		}
		many := engine(t, m, infer.Options{Context: 256, Sequences: 4, Chunk: 16, KV: kept})
		one := engine(t, m, infer.Options{Context: 256, Sequences: 1, KV: kept})
		sameAnswers(t, many, one, 8)
	}
}
