package infer_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// filtered is the distribution that a Sampling describes, by sorting everything.
func filtered(logits []float32, s infer.Sampling) map[int32]float64 {
	type token struct {
		id int32
		p  float64
	}
	peak := float64(slices.Max(logits))
	var all []token
	for i, l := range logits {
		all = append(all, token{int32(i), math.Exp((float64(l) - peak) / s.Temperature)})
	}
	slices.SortStableFunc(all, func(a, b token) int {
		switch {
		case a.p > b.p:
			return -1
		case a.p < b.p:
			return 1
		}
		return int(a.id - b.id)
	})
	if s.TopK > 0 {
		all = all[:min(s.TopK, len(all))]
	}
	all = slices.DeleteFunc(all, func(t token) bool { return t.p < s.MinP })
	var sum, share float64
	for _, t := range all {
		sum += t.p
	}
	out := map[int32]float64{}
	for _, t := range all {
		out[t.id] = t.p
		if share += t.p; s.TopP > 0 && share >= s.TopP*sum {
			break
		}
	}
	return out
}

// Every draw is of the filtered set, and over many draws each of its tokens comes as
// often as it should.
func TestDrawFilters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	logits := make([]float32, 300)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 3)
	}
	for _, s := range []infer.Sampling{
		{Temperature: 1},
		{Temperature: 0.5, TopP: 0.9},
		{Temperature: 2, TopP: 0.99},
		{Temperature: 1, TopP: 1e-9},
		{Temperature: 1.5, MinP: 0.05},
		{Temperature: 1.5, TopK: 7},
		{Temperature: 1.2, TopK: 40, TopP: 0.8, MinP: 0.02},
	} {
		s.Seed = 77
		want := filtered(logits, s)
		var sum float64
		for _, p := range want {
			sum += p
		}
		count := map[int32]int{}
		const n = 20000
		for i := range n {
			id := s.Draw(logits, i)
			if want[id] == 0 {
				t.Fatalf("%+v drew token %d, which its filters leave out", s, id)
			}
			count[id]++
		}
		for id, p := range want {
			if p /= sum; math.Abs(float64(count[id])-n*p) > 6*math.Sqrt(n*p*(1-p))+1 {
				t.Errorf("%+v drew token %d %d times, want %.0f", s, id, count[id], n*p)
			}
		}
	}
}

func TestDrawWithoutNumbers(t *testing.T) {
	nan := float32(math.NaN())
	for _, s := range []infer.Sampling{{}, {Temperature: 1}, {Temperature: 1, TopP: 0.5}, {Temperature: 1, TopK: 2, MinP: 0.1}} {
		if id := s.Draw([]float32{nan, nan}, 3); id != 0 {
			t.Errorf("%+v drew %d among two that are no numbers, want 0", s, id)
		}
		if id := s.Draw([]float32{nan, 2, nan}, 3); s.Temperature > 0 && id != 0 && id != 1 {
			t.Errorf("%+v drew %d", s, id)
		}
	}
}

func TestAdjust(t *testing.T) {
	h := infer.NewHistory([]int32{0, 1, 1})
	h.Add(2)
	h.Add(2)
	h.Add(1)
	logits := []float32{2, -2, 4, 1}
	infer.Sampling{Repetition: 2, Frequency: 0.5, Presence: 0.25, Bias: map[int32]float32{3: -100, 0: 2, 99: 5}}.Adjust(logits, h)
	// (2+2)/2; -2*2-0.5-0.25; 4/2-2*0.5-0.25; 1-100
	if want := []float32{2, -4.75, 0.75, -99}; !slices.Equal(logits, want) {
		t.Errorf("adjusted logits %v, want %v", logits, want)
	}
}

func TestSamplingCheck(t *testing.T) {
	for _, s := range []infer.Sampling{
		{Temperature: -1},
		{Temperature: math.NaN()},
		{TopK: -1},
		{TopP: 1.1},
		{MinP: -0.1},
		{Repetition: -1},
		{Frequency: math.Inf(1)},
		{Presence: -101},
		{Bias: map[int32]float32{1: 101}},
	} {
		if s.Check() == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
	if err := (infer.Sampling{Temperature: 2, TopK: 5, TopP: 1, MinP: 1, Repetition: 1.1, Frequency: -2, Presence: 2}).Check(); err != nil {
		t.Error(err)
	}
}

// Log-probabilities are those of a softmax over the model's own logits, whatever the
// sampling; penalties and bias act on every draw.
func TestLogprobsAndPenalties(t *testing.T) {
	m := load(t, 2)
	e := engine(t, m, infer.Options{Context: 64, Sequences: 2})
	prompt := []int32{3, 1, 4, 1, 5}
	s := infer.Sampling{Repetition: 1.3, Frequency: 0.7, Presence: 0.4, Bias: map[int32]float32{7: 3, 9: -100}}
	all := slices.Clone(prompt)
	h := infer.NewHistory(prompt)
	res, err := e.Generate(t.Context(), infer.Request{
		Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: 12, Sampling: s, Logprobs: true, TopLogprobs: 4,
	}, func(got infer.Token) error {
		row := lastLogits(t, m.Model, m.Device, all)
		var sum float64
		for _, v := range row {
			sum += math.Exp(float64(v))
		}
		logprob := func(id int32) float64 { return float64(row[id]) - math.Log(sum) }
		order := make([]int32, len(row))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortStableFunc(order, func(a, b int32) int {
			if row[a] > row[b] {
				return -1
			} else if row[a] < row[b] {
				return 1
			}
			return 0
		})
		for i, top := range got.Top {
			if top.ID != order[i] || math.Abs(top.Logprob-logprob(top.ID)) > 1e-9 {
				t.Errorf("top token %d is %+v, want %d with %g", i, top, order[i], logprob(order[i]))
			}
		}
		if len(got.Top) != 4 || math.Abs(got.Logprob-logprob(got.ID)) > 1e-9 {
			t.Errorf("token %+v, want a log-probability of %g and 4 likeliest", got, logprob(got.ID))
		}
		s.Adjust(row, h)
		if want := infer.Greedy(row); got.ID != want {
			t.Errorf("token %d, want %d", got.ID, want)
		}
		h.Add(got.ID)
		all = append(all, got.ID)
		return nil
	})
	if err != nil || res.Generated != 12 {
		t.Fatalf("%+v, %v", res, err)
	}
}

// lastLogits runs the model over a whole sequence.
func lastLogits(t *testing.T, m model.Model, dev compute.Device, ids []int32) []float32 {
	t.Helper()
	b := &model.Batch{}
	b.Sequence(ids, 0, nil)
	free, err := b.Upload(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	o := compute.NewEager(dev)
	defer o.Close()
	y := m.Logits(o, b, m.Forward(o, b, nil))
	rows := compute.Floats(dev, y)
	return slices.Clone(rows[len(rows)-y.Shape[1]:])
}
