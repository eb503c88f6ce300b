package tfidf

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/troikaml/troika/eval"
)

// Options say what the features are and how hard they are fitted.
type Options struct {
	Word Range // lengths of word n-grams
	Char Range // lengths of character n-grams
	// MinDocuments is how many training documents must hold an n-gram for it
	// to be a feature.
	MinDocuments int
	// C is the inverse strength of the penalty on large weights, as in
	// scikit-learn.
	C float64
	// Tolerance ends the fit: no component of the gradient of the mean loss
	// exceeds it.
	Tolerance float64
	// MaxIterations ends the fit where Tolerance is not reached.
	MaxIterations int
	// Threads is how many goroutines work; 0 means one for each CPU. It does
	// not change the result.
	Threads int
}

// Defaults returns the options of the baseline in Troika's tables.
func Defaults() Options {
	return Options{
		Word: Range{1, 2}, Char: Range{2, 4},
		MinDocuments: 2, C: 10, Tolerance: 1e-4, MaxIterations: 200,
	}
}

func (o Options) check() error {
	for _, r := range []struct {
		name string
		Range
	}{{"word", o.Word}, {"character", o.Char}} {
		if r.Range != (Range{}) && (r.Min < 1 || r.Max < r.Min || r.Max > 16) {
			return fmt.Errorf("%s n-grams of %d to %d, want 1 <= min <= max <= 16", r.name, r.Min, r.Max)
		}
	}
	if o.Word == (Range{}) && o.Char == (Range{}) {
		return errors.New("neither word nor character n-grams asked for")
	}
	if !(o.C > 0) || !(o.Tolerance > 0) || o.MaxIterations < 1 || o.MinDocuments < 1 {
		return fmt.Errorf("inverse penalty %v, tolerance %v, %d iterations, %d documents: each must be positive",
			o.C, o.Tolerance, o.MaxIterations, o.MinDocuments)
	}
	return nil
}

// Model is a trained baseline. It implements [eval.Predictor] and may be used
// by several goroutines.
type Model struct {
	labels    []string
	blocks    []*block
	weights   []float64 // (features+1) x labels, intercepts last
	features  int
	converged bool
}

// Train fits the baseline to the examples. It needs at least two labels and
// one n-gram that enough documents hold.
func Train(ctx context.Context, examples []eval.Example, o Options) (*Model, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("train TF-IDF baseline: %w", err)
	}
	m := &Model{labels: eval.Labels(examples)}
	if len(m.labels) < 2 {
		return nil, fmt.Errorf("train TF-IDF baseline: %d examples with %d labels, want at least two labels", len(examples), len(m.labels))
	}
	x := m.fit(examples, o)
	if x.width == 0 {
		return nil, fmt.Errorf("train TF-IDF baseline: no n-gram is in %d or more of the %d documents", o.MinDocuments, len(examples))
	}
	code := make(map[string]int32, len(m.labels))
	for i, label := range m.labels {
		code[label] = int32(i)
	}
	y := make([]int32, len(examples))
	for i, e := range examples {
		y[i] = code[e.Label]
	}
	threads := o.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	l := newLogistic(x, y, len(m.labels), o.C, threads)
	var err error
	if m.weights, m.converged, err = l.minimize(ctx, o.Tolerance, o.MaxIterations); err != nil {
		return nil, fmt.Errorf("train TF-IDF baseline: %w", err)
	}
	return m, nil
}

// fit learns the n-grams and returns the features of the examples.
func (m *Model) fit(examples []eval.Example, o Options) *matrix {
	var kinds []grams
	if o.Word != (Range{}) {
		kinds = append(kinds, words(o.Word))
	}
	if o.Char != (Range{}) {
		kinds = append(kinds, chars(o.Char))
	}
	texts := textsOf(examples)
	parts := make([]*matrix, len(kinds))
	m.blocks = make([]*block, len(kinds))
	for i, kind := range kinds {
		m.blocks[i], parts[i] = fitBlock(kind, texts, o.MinDocuments)
	}
	x := join(parts)
	m.features = x.width
	return x
}

func (m *Model) transform(texts []string) *matrix {
	parts := make([]*matrix, len(m.blocks))
	for i, b := range m.blocks {
		parts[i] = b.transform(texts)
	}
	return join(parts)
}

func textsOf(examples []eval.Example) []string {
	texts := make([]string, len(examples))
	for i, e := range examples {
		texts[i] = e.Text
	}
	return texts
}

// Labels returns the labels, sorted. The caller must not change the slice.
func (m *Model) Labels() []string { return m.labels }

// Features returns the number of n-grams that carry a weight.
func (m *Model) Features() int { return m.features }

// Converged reports whether training reached its tolerance.
func (m *Model) Converged() bool { return m.converged }

// Probabilities returns, for each text, the probabilities of the labels in the
// order of [Model.Labels].
func (m *Model) Probabilities(texts []string) [][]float64 {
	x := m.transform(texts)
	out := make([][]float64, len(texts))
	for i := range out {
		out[i] = make([]float64, len(m.labels))
		columns, values := x.row(i)
		linear(m.weights, columns, values, out[i])
		softmax(out[i], 0)
	}
	return out
}

// Predict implements [eval.Predictor]: the most probable label, the first of
// equally probable ones.
func (m *Model) Predict(ctx context.Context, examples []eval.Example) ([]eval.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([]eval.Prediction, len(examples))
	for i, p := range m.Probabilities(textsOf(examples)) {
		best := 0
		for c := range p {
			if p[c] > p[best] {
				best = c
			}
		}
		out[i].Label = m.labels[best]
	}
	return out, nil
}
