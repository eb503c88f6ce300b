package train_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/train"
)

// dpoGolden is what testdata/dpo.py wrote.
type dpoGolden struct {
	Beta  float64
	LR    float64
	Pairs []struct{ Prompt, Better, Worse []int32 }

	Reference, Losses, Norms, Margins []float64
}

func (g *dpoGolden) sequences() []train.Sequence {
	var out []train.Sequence
	for _, p := range g.Pairs {
		for _, answer := range [][]int32{p.Better, p.Worse} {
			out = append(out, train.Sequence{
				Name: "pair", Tokens: slices.Concat(p.Prompt, answer),
				Weights: append(make([]float32, len(p.Prompt)), slices.Repeat([]float32{1}, len(answer))...),
			})
		}
	}
	return out
}

// Preferences are learned as PyTorch and PEFT learn them: see testdata/dpo.py.
func TestPreference(t *testing.T) {
	text, err := os.ReadFile("testdata/dpo.json")
	if err != nil {
		t.Fatal(err)
	}
	var want dpoGolden
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	pairs := want.sequences()
	for _, capacity := range []int{16, 1000} { // packed differently, the pairs are the same
		m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 2), false)
		defer free()
		done := 0
		reference, err := train.Margins(m.Device, m.Model, pairs, capacity, func(n int) { done = n })
		if err != nil {
			t.Fatal(err)
		}
		if done != len(pairs)/2 {
			t.Errorf("%d pairs of %d are done", done, len(pairs)/2)
		}
		near(t, "reference margins", reference, want.Reference, 1e-4)
		x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		given, err := safetensors.OpenFile("../adapter/testdata/all/adapter_model.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Params() {
			from, err := given.Tensor(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			values, err := from.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			m.Device.WriteFloats(p.Tensor, values)
		}
		if err := given.Close(); err != nil {
			t.Fatal(err)
		}
		adapter.NewSet(m.Model).Add(x)
		c := train.DefaultConfig()
		c.Steps, c.MicroTokens, c.LR, c.MinLR, c.Warmup, c.ClipNorm = len(want.Losses), capacity, want.LR, want.LR, 0, 0
		if c.Accumulate = 1; capacity == 16 {
			c.Accumulate = 4 // batches of an epoch
		}
		var losses, norms []float64
		res, err := train.Run(t.Context(), train.Job{
			Device: m.Device, Model: m.Model, Params: x.Params(), Train: pairs, Valid: pairs[:4], Context: 128, Vocab: 89,
			Config: c, Dir: t.TempDir(), Preference: &train.Preference{Beta: want.Beta, Train: reference, Valid: reference[:2]},
			OnStep: func(p train.Progress) { losses, norms = append(losses, p.Loss), append(norms, p.GradNorm) },
		})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "losses", losses, want.Losses, 1e-4)
		near(t, "norms of gradients", norms, want.Norms, 1e-3)
		got, err := train.Margins(m.Device, m.Model, pairs, 64, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "margins", got, want.Margins, 2e-3)
		right := 0.0
		for i := range 2 {
			if got[i] > reference[i] {
				right += 0.5
			}
		}
		if *res.ValidAccuracy != right {
			t.Errorf("accuracy is %g, want %g", *res.ValidAccuracy, right)
		}
	}
}

func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > tolerance*max(1, math.Abs(want[i])) {
			t.Errorf("%s: %g, want %g", what, got, want)
			return
		}
	}
}

func TestBadPreferences(t *testing.T) {
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 1), true)
	defer free()
	one := train.Sequence{Name: "a.jsonl:3", Tokens: []int32{1, 2}, Weights: []float32{0, 1}}
	half := train.Sequence{Name: "a.jsonl:3", Tokens: []int32{1, 2}, Weights: []float32{0, 0.5}}
	for want, c := range map[string]struct {
		seqs []train.Sequence
		p    train.Preference
	}{
		"beta is 0":                    {[]train.Sequence{one, one}, train.Preference{Train: []float64{0}}},
		"a.jsonl:3: a weight is 0.5":   {[]train.Sequence{one, half}, train.Preference{Beta: 1, Train: []float64{0}}},
		"two sequences for each refer": {[]train.Sequence{one, one}, train.Preference{Beta: 1}},
	} {
		_, err := train.Run(t.Context(), train.Job{
			Device: m.Device, Model: m.Model, Params: m.Params(), Train: c.seqs, Context: 8, Vocab: 89,
			Config: config(), Dir: t.TempDir(), Preference: &c.p,
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := train.Margins(m.Device, m.Model, []train.Sequence{one}, 64, func(int) {}); err == nil {
		t.Error("one sequence was taken as a pair")
	}
}
