package train_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/qwen3"
	"github.com/troikaml/troika/train"
)

var known = []model.Architecture{qwen3.Architecture}

func ExampleConfig_Rate() {
	c := train.Config{LR: 1, Warmup: 2}
	for step := 1; step <= 4; step++ {
		fmt.Printf("%.2f ", c.Rate(step, 4))
	}
	// Output: 0.50 1.00 0.50 0.00
}

// sequences makes a small language: each token determines the next.
func sequences(n int, seed uint64) []train.Sequence {
	r := rand.New(rand.NewPCG(seed, 0))
	var out []train.Sequence
	for range n {
		s := train.Sequence{Tokens: []int32{r.Int32N(80)}, Weights: []float32{0}}
		for range 3 + r.IntN(12) {
			s.Tokens = append(s.Tokens, (s.Tokens[len(s.Tokens)-1]*7+3)%80)
			s.Weights = append(s.Weights, float32(r.IntN(2)))
		}
		s.Weights[len(s.Weights)-1] = 1
		out = append(out, s)
	}
	return out
}

func device(t testing.TB, threads int) compute.Device {
	dev := cpu.New(cpu.Options{Threads: threads})
	t.Cleanup(dev.Close)
	return dev
}

func config() train.Config {
	c := train.DefaultConfig()
	c.Steps, c.MicroTokens, c.Accumulate, c.LR, c.Warmup, c.SaveEvery, c.Seed = 24, 48, 2, 2e-2, 3, 1, 11
	c.WeightDecay = 0.01
	return c
}

// lora trains an adapter until it is done or ctx ends, and returns its values.
func lora(t *testing.T, threads int, ctx func(context.Context) context.Context, dir string, resume bool) ([]byte, *train.Result, error) {
	t.Helper()
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, threads), false)
	defer free()
	x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8, Dropout: 0.1}, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	adapter.NewSet(m.Model).Add(x)
	res, err := train.Run(ctx(t.Context()), train.Job{
		Device: m.Device, Model: m.Model, Params: x.Params(), Train: sequences(40, 1), Valid: sequences(10, 2),
		Context: 128, Vocab: 89, Config: config(), Dir: dir, Resume: resume, Identity: "test",
	})
	var values []byte
	for _, p := range x.Params() {
		for _, v := range compute.Floats(m.Device, p.Tensor) {
			values = fmt.Appendf(values, "%x ", v)
		}
	}
	return values, res, err
}

func same(ctx context.Context) context.Context { return ctx }

// A run that stops after any number of steps and resumes ends with the same bits,
// with dropout, accumulation and packing on, on one thread or several.
func TestResumeGivesTheSameBits(t *testing.T) {
	want, res, err := lora(t, 1, same, t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	if !(res.ValidLoss < 4) {
		t.Errorf("validation loss is %g after training, it started near 4.4", res.ValidLoss)
	}
	stops := []int{1, 5, 12, 23}
	if testing.Short() {
		stops = stops[1:3]
	}
	for _, stop := range stops {
		dir := t.TempDir()
		count := 0
		limited := func(ctx context.Context) context.Context {
			return &countdown{Context: ctx, left: &count, stop: stop}
		}
		if _, _, err := lora(t, 2, limited, dir, false); !errors.Is(err, train.ErrStopped) {
			t.Fatalf("stop %d: error %v, want %v", stop, err, train.ErrStopped)
		}
		got, _, err := lora(t, 3, same, dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("stopped after %d steps and resumed: the adapter's bits differ", stop)
		}
		data, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
		if n := strings.Count(string(data), "\n"); err != nil || n != 24 {
			t.Errorf("metrics have %d lines (%v), want one for each of 24 steps", n, err)
		}
	}
}

// countdown ends after its Err was asked for a number of times: once a step.
type countdown struct {
	context.Context
	left *int
	stop int
}

func (c *countdown) Err() error {
	if *c.left++; *c.left > c.stop {
		return context.Canceled
	}
	return nil
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := lora(t, 1, same, dir, false); err != nil {
		t.Fatal(err)
	}
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 1), true)
	defer free()
	_, err := train.Run(t.Context(), train.Job{
		Device: m.Device, Model: m.Model, Params: m.Params(), Train: sequences(40, 3),
		Context: 128, Vocab: 89, Config: config(), Dir: dir, Resume: true,
	})
	if err == nil || !strings.Contains(err.Error(), "another recipe") {
		t.Errorf("error %v, want one that tells of another recipe", err)
	}
}

// Training every parameter learns the language almost perfectly.
func TestFullParameters(t *testing.T) {
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 2), true)
	defer free()
	c := config()
	c.Steps, c.LR = 60, 1e-2
	var first, last float64
	_, err := train.Run(t.Context(), train.Job{
		Device: m.Device, Model: m.Model, Params: m.Params(), Train: sequences(200, 1),
		Context: 128, Vocab: 89, Config: c, Dir: t.TempDir(),
		OnStep: func(p train.Progress) {
			if p.Step == 1 {
				first = p.Loss
			}
			last = p.Loss
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !(first > 4 && last < 0.5) {
		t.Errorf("loss went from %.2f to %.2f, want from above 4 to below 0.5", first, last)
	}
}

// B learns as many times faster than A as LoRA+ asks for. Before the first step B is
// zero, so that A has no gradient, and AdamW's first step is as long as the rate.
func TestLRRatio(t *testing.T) {
	after := func(ratio float64) map[string][]float32 {
		m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 1), false)
		defer free()
		x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8, LRRatio: ratio}, 5)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		adapter.NewSet(m.Model).Add(x)
		c := config()
		c.Steps = 1
		if _, err := train.Run(t.Context(), train.Job{
			Device: m.Device, Model: m.Model, Params: x.Params(), Train: sequences(40, 1),
			Context: 128, Vocab: 89, Config: c, Dir: t.TempDir(),
		}); err != nil {
			t.Fatal(err)
		}
		values := map[string][]float32{}
		for _, p := range x.Params() {
			values[p.Name] = compute.Floats(m.Device, p.Tensor)
		}
		return values
	}
	one, same, four := after(0), after(1), after(4)
	moved := false
	for name, want := range one {
		if !slices.Equal(same[name], want) {
			t.Errorf("%s: a ratio of 1 is not the same as none", name)
		}
		// A power of two scales without rounding.
		want = slices.Clone(want)
		if strings.HasSuffix(name, "lora_B.weight") {
			for i := range want {
				want[i] *= 4
				moved = moved || want[i] != 0
			}
		}
		if !slices.Equal(four[name], want) {
			t.Errorf("%s: after a step with ratio 4 it is %v..., want %v...", name, four[name][:4], want[:4])
		}
	}
	if !moved {
		t.Error("no B moved")
	}
}

func TestBadSequences(t *testing.T) {
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 1), true)
	defer free()
	for want, s := range map[string]train.Sequence{
		"9 tokens are over the model's context of 8": {Name: "a.jsonl:3", Tokens: make([]int32, 9), Weights: slices.Repeat([]float32{1}, 9)},
		"token 89 is not in the model's vocabulary":  {Name: "a.jsonl:3", Tokens: []int32{1, 89}, Weights: []float32{0, 1}},
		"no token to learn from":                     {Name: "a.jsonl:3", Tokens: []int32{1, 2}, Weights: []float32{1, 0}},
		"1 weights for 2 tokens":                     {Name: "a.jsonl:3", Tokens: []int32{1, 2}, Weights: []float32{1}},
	} {
		_, err := train.Run(t.Context(), train.Job{
			Device: m.Device, Model: m.Model, Params: m.Params(), Train: []train.Sequence{s},
			Context: 8, Vocab: 89, Config: config(), Dir: t.TempDir(),
		})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.jsonl:3") {
			t.Errorf("error %v, want a.jsonl:3 and %q", err, want)
		}
	}
}

// Gemma's blocks have a gradient in every part: an adapter learns, and so do all
// parameters.
func TestGemma(t *testing.T) {
	for _, whole := range []bool{false, true} {
		before, after := gemma(t, whole, 1, 1e-9), gemma(t, whole, 24, 2e-2)
		if !(after < 0.8*before) {
			t.Errorf("all parameters %v: validation loss is %g after training, %g before", whole, after, before)
		}
	}
}

// gemma trains an adapter of the tiny Gemma, or all its parameters, and returns the
// validation loss.
func gemma(t *testing.T, whole bool, steps int, rate float64) float64 {
	t.Helper()
	m, free := modeltest.Load(t, all.Architectures(), "../model/gemma3/testdata/bf16", device(t, 2), whole)
	defer free()
	params := m.Params()
	if !whole {
		x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8}, 5)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		adapter.NewSet(m.Model).Add(x)
		params = x.Params()
	}
	c := config()
	c.Steps, c.LR = steps, rate
	res, err := train.Run(t.Context(), train.Job{
		Device: m.Device, Model: m.Model, Params: params, Train: sequences(40, 1), Valid: sequences(10, 2),
		Context: 128, Vocab: 89, Config: c, Dir: t.TempDir(), Identity: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("all parameters %v, %d steps: validation loss %g", whole, steps, res.ValidLoss)
	return res.ValidLoss
}
