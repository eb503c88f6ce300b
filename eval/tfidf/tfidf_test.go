package tfidf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/eval"
)

type golden struct {
	Train, Test []eval.Example
	Runs        []struct {
		Name          string
		Word, Char    [2]int
		MinDF         int `json:"min_df"`
		C             float64
		Features      int
		Labels        []string
		Row3          [][2]float64
		Probabilities [][]float64
		Predicted     []string
		Accuracy      float64
	}
}

func readGolden(tb testing.TB) golden {
	tb.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		tb.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		tb.Fatal(err)
	}
	return g
}

func TestAgainstScikitLearn(t *testing.T) {
	g := readGolden(t)
	for _, run := range g.Runs {
		t.Run(run.Name, func(t *testing.T) {
			o := Options{
				Word: Range{run.Word[0], run.Word[1]}, Char: Range{run.Char[0], run.Char[1]},
				MinDocuments: run.MinDF, C: run.C, Tolerance: 1e-9, MaxIterations: 2000,
			}
			m, err := Train(t.Context(), g.Train, o)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Converged() {
				t.Error("did not converge")
			}
			if m.Features() != run.Features || !slices.Equal(m.Labels(), run.Labels) {
				t.Fatalf("%d features of labels %v, want %d of %v", m.Features(), m.Labels(), run.Features, run.Labels)
			}
			texts := textsOf(g.Test)
			columns, values := m.transform(texts).row(3)
			if len(columns) != len(run.Row3) {
				t.Fatalf("test document 3 has %d features, want %d", len(columns), len(run.Row3))
			}
			for i, want := range run.Row3 {
				if int(columns[i]) != int(want[0]) || math.Abs(values[i]-want[1]) > 1e-11 {
					t.Fatalf("feature %d = %v at %d, want %v", i, values[i], columns[i], want)
				}
			}
			worst := 0.0
			for i, p := range m.Probabilities(texts) {
				for c := range p {
					worst = max(worst, math.Abs(p[c]-run.Probabilities[i][c]))
				}
			}
			if worst > 1e-6 {
				t.Errorf("probabilities are off by up to %v, want 1e-6", worst)
			}
			said, err := m.Predict(t.Context(), g.Test)
			if err != nil {
				t.Fatal(err)
			}
			hits := 0
			for i := range said {
				if said[i].Label != run.Predicted[i] {
					t.Errorf("document %d: %q, want %q", i, said[i].Label, run.Predicted[i])
				}
				if said[i].Label == g.Test[i].Label {
					hits++
				}
			}
			if got := float64(hits) / float64(len(said)); math.Abs(got-run.Accuracy) > 1e-12 {
				t.Errorf("accuracy %v, want %v", got, run.Accuracy)
			}
		})
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	g := readGolden(t)
	var first []float64
	for _, threads := range []int{1, 2, 7} {
		o := Defaults()
		o.Threads = threads
		m, err := Train(t.Context(), g.Train, o)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = m.weights
		}
		if !slices.Equal(first, m.weights) {
			t.Errorf("%d threads give other weights than one", threads)
		}
	}
}

func TestGradient(t *testing.T) {
	g := readGolden(t)
	m := &Model{labels: eval.Labels(g.Train)}
	x := m.fit(g.Train[:40], Options{Word: Range{1, 1}, MinDocuments: 2})
	y := make([]int32, 40)
	for i := range y {
		y[i] = int32(slices.Index(m.labels, g.Train[i].Label))
	}
	l := newLogistic(x, y, len(m.labels), 3, 2)
	w, grad, scratch := make([]float64, l.size()), make([]float64, l.size()), make([]float64, l.size())
	for i := range w {
		w[i] = math.Sin(float64(i))
	}
	l.value(w, grad)
	for i := 0; i < len(w); i += 5 {
		const h = 1e-5
		at := w[i]
		w[i] = at + h
		up := l.value(w, scratch)
		w[i] = at - h
		down := l.value(w, scratch)
		w[i] = at
		if want := (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-8 {
			t.Errorf("gradient %d = %v, want %v", i, grad[i], want)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	two := []eval.Example{{Text: "some words", Label: "a"}, {Text: "some words", Label: "b"}}
	bad := func(change func(*Options)) Options {
		o := Defaults()
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		examples []eval.Example
		o        Options
		want     string
	}{
		"nothing":     {nil, Defaults(), "0 examples with 0 labels"},
		"one label":   {two[:1], Defaults(), "1 labels"},
		"no features": {[]eval.Example{{Text: "", Label: "a"}, {Text: " ", Label: "b"}}, Defaults(), "no n-gram"},
		"no kinds":    {two, bad(func(o *Options) { o.Word, o.Char = Range{}, Range{} }), "neither"},
		"range":       {two, bad(func(o *Options) { o.Word = Range{3, 2} }), "word n-grams of 3 to 2"},
		"C":           {two, bad(func(o *Options) { o.C = math.NaN() }), "positive"},
	} {
		if _, err := Train(t.Context(), c.examples, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, two, Defaults()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzGrams(f *testing.F) {
	for _, s := range []string{"", "a", "the Quick_fox 12", "马厩里的干草 ok", "\xff\xfe x", "İ ß ﬁ", strings.Repeat("z", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		texts := []string{s, s}
		for _, g := range []grams{words(Range{1, 3}), chars(Range{1, 5})} {
			b, fitted := fitBlock(g, texts, 2)
			again := b.transform(texts)
			if !slices.Equal(fitted.column, again.column) || !slices.Equal(fitted.value, again.value) {
				t.Fatalf("features of %q differ between fitting and use", s)
			}
		}
	})
}

func Example() {
	train := []eval.Example{
		{Text: "open the file and read its bytes", Label: "io"},
		{Text: "read bytes until the end of the file", Label: "io"},
		{Text: "dial the host and open a connection", Label: "net"},
		{Text: "accept a connection from the host", Label: "net"},
	}
	m, err := Train(context.Background(), train, Defaults())
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := m.Predict(context.Background(), []eval.Example{{Text: "the host closed the connection"}})
	fmt.Println(said[0].Label, err)
	// Output: net <nil>
}
