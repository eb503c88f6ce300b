package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

type goldenCase struct {
	Name                  string
	Labels                []string
	Gold, Predicted       []string
	Accuracy              float64
	MacroF1               float64 `json:"macro_f1"`
	MicroF1               float64 `json:"micro_f1"`
	Confusion             [][]int
	Precision, Recall, F1 []float64
	Support               []int
	Interval              *Interval
}

type golden struct {
	Cases     []goldenCase
	Values    []float64
	Quantiles []struct{ Q, Value float64 }
	Paired    struct {
		First, Second []int
		Interval      Interval
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func TestConfusionAgainstScikitLearn(t *testing.T) {
	for _, c := range readGolden(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			got, err := NewConfusion(c.Labels, c.Gold, c.Predicted)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got.Counts, c.Confusion, slices.Equal) {
				t.Errorf("confusion = %v, want %v", got.Counts, c.Confusion)
			}
			for _, m := range []struct {
				name      string
				got, want float64
			}{
				{"accuracy", got.Accuracy(), c.Accuracy},
				{"macro F1", got.MacroF1(), c.MacroF1},
				{"micro F1", got.MicroF1(), c.MicroF1},
			} {
				if !near(m.got, m.want, 1e-14) {
					t.Errorf("%s = %v, want %v", m.name, m.got, m.want)
				}
			}
			for i, s := range got.Scores() {
				if !near(s.Precision, c.Precision[i], 1e-14) || !near(s.Recall, c.Recall[i], 1e-14) ||
					!near(s.F1, c.F1[i], 1e-14) || s.Support != c.Support[i] {
					t.Errorf("label %q = %+v, want %v %v %v %v", s.Label, s, c.Precision[i], c.Recall[i], c.F1[i], c.Support[i])
				}
			}
		})
	}
}

func TestBootstrapAgainstSciPy(t *testing.T) {
	g := readGolden(t)
	for _, c := range g.Cases {
		if c.Interval == nil {
			continue
		}
		codes, err := newCoding(c.Labels, c.Gold, c.Predicted)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Bootstrap(len(c.Gold), codes.accuracy(), Resampling{Resamples: 20000, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		// The statistic is a multiple of 1/n: two draws may end one step apart.
		step := 1.01 / float64(len(c.Gold))
		if !near(got.Interval[0], c.Interval[0], step) || !near(got.Interval[1], c.Interval[1], step) {
			t.Errorf("%s: interval %v, want %v", c.Name, got.Interval, *c.Interval)
		}
	}
	for _, q := range g.Quantiles {
		if got := Quantile(g.Values, q.Q); !near(got, q.Value, 1e-14) {
			t.Errorf("quantile %v = %v, want %v", q.Q, got, q.Value)
		}
	}
	mean := func(hits []int) Statistic {
		return func(indices []int) float64 {
			n := 0
			for _, i := range indices {
				n += hits[i]
			}
			return float64(n) / float64(len(indices))
		}
	}
	p := g.Paired
	d, err := Paired(len(p.First), mean(p.First), mean(p.Second), Resampling{Resamples: 20000})
	if err != nil {
		t.Fatal(err)
	}
	step := 1.01 / float64(len(p.First))
	if !near(d.Interval[0], p.Interval[0], step) || !near(d.Interval[1], p.Interval[1], step) {
		t.Errorf("paired interval %v, want %v", d.Interval, p.Interval)
	}
	same, err := Paired(len(p.First), mean(p.First), mean(p.First), Resampling{})
	if err != nil || same.P != 1 || same.Value != 0 {
		t.Errorf("a system against itself: %+v, %v; want no difference and p = 1", same, err)
	}
}

// The draws are part of what a report promises: they may not change with the
// Go release.
func TestDrawIsFixed(t *testing.T) {
	got := make([]int, 8)
	draw(got, 42, 7)
	again := make([]int, 8)
	draw(again, 42, 7)
	if want := []int{5, 4, 4, 7, 5, 5, 0, 3}; !slices.Equal(got, want) || !slices.Equal(again, want) {
		t.Errorf("draw = %v then %v, want %v", got, again, want)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	zero := func([]int) float64 { return 0 }
	nan := func([]int) float64 { return math.NaN() }
	for name, call := range map[string]func() error{
		"no examples":   func() error { _, err := Bootstrap(0, zero, Resampling{}); return err },
		"one resample":  func() error { _, err := Bootstrap(3, zero, Resampling{Resamples: 1}); return err },
		"too many":      func() error { _, err := Bootstrap(3, zero, Resampling{Resamples: MaxResamples + 1}); return err },
		"not a number":  func() error { _, err := Bootstrap(3, nan, Resampling{}); return err },
		"paired, empty": func() error { _, err := Paired(0, zero, zero, Resampling{}); return err },
	} {
		if call() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewConfusionRefuses(t *testing.T) {
	for name, c := range map[string]struct{ labels, gold, predicted []string }{
		"lengths":      {[]string{"a"}, []string{"a", "a"}, []string{"a"}},
		"empty":        {[]string{"a"}, nil, nil},
		"double label": {[]string{"a", "a"}, []string{"a"}, []string{"a"}},
		"unknown gold": {[]string{"a"}, []string{"b"}, []string{"a"}},
	} {
		if _, err := NewConfusion(c.labels, c.gold, c.predicted); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestExactMatchAndPerplexity(t *testing.T) {
	em, err := ExactMatch([]string{"net", "数学", "a b"}, []string{" net\n", "数学", "a  b"})
	if err != nil || !near(em, 2.0/3, 1e-15) {
		t.Errorf("exact match = %v, %v; want 2/3", em, err)
	}
	// A uniform guess among 8 tokens has perplexity 8 whatever the length.
	p, err := Perplexity(5*math.Log(8), 5)
	if err != nil || !near(p, 8, 1e-12) {
		t.Errorf("perplexity = %v, %v; want 8", p, err)
	}
	for _, bad := range []struct {
		nll    float64
		tokens int64
	}{{1, 0}, {-1, 3}, {math.NaN(), 3}} {
		if _, err := Perplexity(bad.nll, bad.tokens); err == nil {
			t.Errorf("perplexity of %v over %d tokens: no error", bad.nll, bad.tokens)
		}
	}
}

func TestMajority(t *testing.T) {
	got, err := Majority([]string{"b", "a", "b", "a", "c"})
	if err != nil || got != "a" {
		t.Errorf("majority = %q, %v; want a", got, err)
	}
	if _, err := Majority(nil); err == nil {
		t.Error("majority of nothing: no error")
	}
}

// canned answers by ID.
type canned map[string]string

func (c canned) Predict(_ context.Context, examples []Example) ([]Prediction, error) {
	var out []Prediction
	for _, e := range examples {
		out = append(out, Prediction{Label: c[e.ID]})
	}
	return out, nil
}

func TestReport(t *testing.T) {
	var examples []Example
	good, bad := canned{}, canned{}
	for i := range 60 {
		id := string(rune('A' + i))
		label := []string{"io", "net", "os"}[i%3]
		examples = append(examples, Example{ID: id, Label: label})
		good[id], bad[id] = label, "io"
		if i%10 == 0 {
			good[id] = "what?"
		}
	}
	labels := Labels(examples)
	run := func(p Predictor) *Result {
		r, _, err := Evaluate(t.Context(), p, labels, examples, Resampling{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	report := Report{Dataset: "sha256:0", Majority: run(Constant("io")), Base: run(bad), Tuned: run(good)}
	var err error
	if report.Gain, err = Compare(Accuracy, report.Base, report.Tuned, Resampling{}); err != nil {
		t.Fatal(err)
	}
	if report.Tuned.NotALabel != 6 || !near(report.Tuned.Accuracy, 0.9, 1e-15) {
		t.Errorf("tuned = %+v", report.Tuned)
	}
	if report.Gain.Interval[0] <= 0 || report.Gain.P > 0.01 {
		t.Errorf("gain = %+v, want clearly above zero", report.Gain)
	}
	var table, js bytes.Buffer
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"majority class  0.333 [", "tuned           0.900 [", "tuned - base: +0.567 ["} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, table.String())
		}
	}
	if strings.Contains(table.String(), "perplexity") || strings.Contains(table.String(), "TF-IDF") {
		t.Errorf("table shows what was not measured:\n%s", table.String())
	}
	if err := report.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(js.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Tuned.Accuracy != report.Tuned.Accuracy || back.TFIDF != nil {
		t.Errorf("read back %+v", back.Tuned)
	}
	if _, err := Compare(Accuracy, back.Base, back.Tuned, Resampling{}); err == nil {
		t.Error("comparing results without predictions: no error")
	}
}

func TestEvaluateRefusesShortAnswer(t *testing.T) {
	_, _, err := Evaluate(t.Context(), short{}, []string{"a"}, []Example{{Label: "a"}}, Resampling{})
	if err == nil {
		t.Error("fewer predictions than examples: no error")
	}
}

type short struct{}

func (short) Predict(context.Context, []Example) ([]Prediction, error) { return nil, nil }
