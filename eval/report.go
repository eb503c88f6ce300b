package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Example is one item of a test split.
type Example struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Label string `json:"label"` // the gold label
}

// Prediction is one answer.
type Prediction struct {
	// Label is the answer as scored: a label, or whatever else was said.
	Label string `json:"label"`
	// Text is what the model wrote, where it writes text.
	Text string `json:"text,omitempty"`
}

// Predictor answers examples. It returns one prediction for each example, in
// order, and must not look at Example.Label. It stops early with ctx's error.
type Predictor interface {
	Predict(ctx context.Context, examples []Example) ([]Prediction, error)
}

// Constant is a [Predictor] that always gives the same answer, such as the
// majority class.
type Constant string

// Predict implements [Predictor].
func (c Constant) Predict(_ context.Context, examples []Example) ([]Prediction, error) {
	out := make([]Prediction, len(examples))
	for i := range out {
		out[i].Label = string(c)
	}
	return out, nil
}

// Result is how one system did on a test split. Its JSON is one row of a
// [Report].
type Result struct {
	Examples   int      `json:"examples"`
	Accuracy   float64  `json:"accuracy"`
	AccuracyCI Interval `json:"accuracy_ci95"`
	MacroF1    float64  `json:"macro_f1"`
	MacroF1CI  Interval `json:"macro_f1_ci95"`
	// NotALabel counts answers outside the label set.
	NotALabel int `json:"not_a_label,omitempty"`
	// Perplexity of the gold answers, where the system gives probabilities.
	Perplexity float64 `json:"perplexity,omitempty"`
	// Calibration is that of the probabilities of labels; nil where they were not asked for.
	Calibration *Calibration `json:"calibration,omitempty"`
	// Scores are further measures of the answers, such as those of translations.
	Scores    []Scored     `json:"scores,omitempty"`
	Labels    []LabelScore `json:"labels,omitempty"`
	Confusion *Confusion   `json:"confusion,omitempty"`

	codes *coding
}

// Scored is a measure of all answers by a name of its own.
type Scored struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	CI    Interval `json:"ci95"`
}

// Gain is how much better a system is by a measure.
type Gain struct {
	Name string `json:"name"`
	Difference
}

// Evaluate lets p answer the examples and scores it. See [Score].
func Evaluate(ctx context.Context, p Predictor, labels []string, examples []Example, r Resampling) (*Result, []Prediction, error) {
	predictions, err := p.Predict(ctx, examples)
	if err != nil {
		return nil, nil, fmt.Errorf("predict %d examples: %w", len(examples), err)
	}
	if len(predictions) != len(examples) {
		return nil, nil, fmt.Errorf("predict %d examples: got %d predictions", len(examples), len(predictions))
	}
	res, err := Score(labels, examples, predictions, r)
	return res, predictions, err
}

// Score measures predictions[i] against examples[i].Label, with intervals.
// Every gold label must be among labels; see [NewConfusion].
func Score(labels []string, examples []Example, predictions []Prediction, r Resampling) (*Result, error) {
	gold, said := make([]string, len(examples)), make([]string, len(predictions))
	for i, e := range examples {
		gold[i] = e.Label
	}
	for i, p := range predictions {
		said[i] = p.Label
	}
	codes, err := newCoding(labels, gold, said)
	if err != nil {
		return nil, err
	}
	c, err := NewConfusion(labels, gold, said)
	if err != nil {
		return nil, err
	}
	accuracy, err := Bootstrap(len(gold), codes.accuracy(), r)
	if err != nil {
		return nil, err
	}
	macro, err := Bootstrap(len(gold), codes.macroF1(), r)
	if err != nil {
		return nil, err
	}
	res := &Result{
		Examples: len(gold),
		Accuracy: accuracy.Value, AccuracyCI: accuracy.Interval,
		MacroF1: macro.Value, MacroF1CI: macro.Interval,
		Labels: c.Scores(), Confusion: c, codes: codes,
	}
	for _, row := range c.Counts {
		res.NotALabel += row[len(labels)]
	}
	return res, nil
}

// Metric names a number of a [Result] by which systems are compared.
type Metric string

// The metrics.
const (
	Accuracy Metric = "accuracy"
	MacroF1  Metric = "macro_f1"
)

// Check reports a metric that is none.
func (m Metric) Check() error {
	if m != Accuracy && m != MacroF1 {
		return fmt.Errorf("metric %q: want %s or %s", m, Accuracy, MacroF1)
	}
	return nil
}

// Of returns the metric's value.
func (m Metric) Of(r *Result) float64 {
	if m == MacroF1 {
		return r.MacroF1
	}
	return r.Accuracy
}

func (m Metric) statistic(c *coding) Statistic {
	if m == MacroF1 {
		return c.macroF1()
	}
	return c.accuracy()
}

// Compare returns how much better tuned is than base by a metric, both freshly scored
// by [Score] on the same examples in the same order.
func Compare(m Metric, base, tuned *Result, r Resampling) (*Difference, error) {
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	a, b := base.codes, tuned.codes
	if a == nil || b == nil {
		return nil, fmt.Errorf("compare %s: a result that was read from a file has no predictions", m)
	}
	if len(a.gold) != len(b.gold) {
		return nil, fmt.Errorf("compare %s: %d examples against %d", m, len(a.gold), len(b.gold))
	}
	d, err := Paired(len(a.gold), m.statistic(a), m.statistic(b), r)
	return &d, err
}

// Report is a comparison on one test split. A nil row was not measured.
type Report struct {
	Dataset  string  `json:"dataset"`
	Majority *Result `json:"majority,omitempty"`
	TFIDF    *Result `json:"tfidf,omitempty"`
	Base     *Result `json:"base,omitempty"`
	Tuned    *Result `json:"tuned,omitempty"`
	// Gain is the paired difference in accuracy of tuned over base.
	Gain *Difference `json:"gain,omitempty"`
	// Gains are the same for the Scores of both.
	Gains []Gain `json:"gains,omitempty"`
	// Slices are accuracies by a field of the examples.
	Slices []Slice `json:"slices,omitempty"`
	// Regressions are the examples that tuning lost.
	Regressions []Regression `json:"regressions,omitempty"`
	// Forgetting is measured on general text.
	Forgetting *Forgetting `json:"forgetting,omitempty"`
	// Judgement is another model's.
	Judgement *Judgement `json:"judgement,omitempty"`
}

// WriteJSON writes the report as indented JSON and a line feed.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Row is one line of a report's table, as text.
type Row struct {
	Name, Accuracy, MacroF1, Perplexity string
	Scores                              []string // in the order of the results'
}

// System is a measured system by its name in the report.
type System struct {
	Name   string
	Result *Result
}

// Systems returns the measured systems, weakest kind first.
func (r *Report) Systems() []System {
	return slices.DeleteFunc([]System{
		{"majority class", r.Majority},
		{"TF-IDF linear", r.TFIDF},
		{"base, untuned", r.Base},
		{"tuned", r.Tuned},
	}, func(s System) bool { return s.Result == nil })
}

// Rows returns a line for each system.
func (r *Report) Rows() []Row {
	var rows []Row
	for _, s := range r.Systems() {
		row := Row{
			Name:       s.Name,
			Accuracy:   formatEstimate(s.Result.Accuracy, s.Result.AccuracyCI),
			MacroF1:    formatEstimate(s.Result.MacroF1, s.Result.MacroF1CI),
			Perplexity: "-",
		}
		if p := s.Result.Perplexity; p > 0 && !math.IsInf(p, 0) {
			row.Perplexity = fmt.Sprintf("%.2f", p)
		}
		for _, score := range s.Result.Scores {
			row.Scores = append(row.Scores, fmt.Sprintf("%.1f [%.1f, %.1f]", score.Value, score.CI[0], score.CI[1]))
		}
		rows = append(rows, row)
	}
	return rows
}

func formatEstimate(v float64, ci Interval) string {
	return fmt.Sprintf("%.3f [%.3f, %.3f]", v, ci[0], ci[1])
}

// WriteTable writes the rows as an aligned table for a terminal, then the gain
// where it was measured. Columns with nothing in them are left out.
func (r *Report) WriteTable(w io.Writer) error {
	rows := r.Rows()
	perplexity := false
	for _, row := range rows {
		perplexity = perplexity || row.Perplexity != "-"
	}
	// The writer keeps its first error for Flush.
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(row Row) {
		cells := []string{row.Name, row.Accuracy, row.MacroF1}
		if perplexity {
			cells = append(cells, row.Perplexity)
		}
		_, _ = fmt.Fprintln(tw, strings.Join(append(cells, row.Scores...), "\t"))
	}
	title := Row{Name: "system", Accuracy: "accuracy [95 %]", MacroF1: "macro-F1 [95 %]", Perplexity: "perplexity"}
	if r.Base != nil {
		for _, score := range r.Base.Scores {
			title.Scores = append(title.Scores, score.Name+" [95 %]")
		}
	}
	line(title)
	for _, row := range rows {
		line(row)
	}
	if g := r.Gain; g != nil {
		_, _ = fmt.Fprintf(tw, "tuned - base: %+.3f [%+.3f, %+.3f], p = %.4f\n", g.Value, g.Interval[0], g.Interval[1], g.P)
	}
	for _, g := range r.Gains {
		_, _ = fmt.Fprintf(tw, "%s, tuned - base: %+.1f [%+.1f, %+.1f], p = %.4f\n", g.Name, g.Value, g.Interval[0], g.Interval[1], g.P)
	}
	for _, s := range r.Systems() {
		if c := s.Result.Calibration; c != nil {
			_, _ = fmt.Fprintf(tw, "%s: calibration error %.3f [%.3f, %.3f], Brier %.3f [%.3f, %.3f], log loss %.3f\n",
				s.Name, c.ECE, c.ECECI[0], c.ECECI[1], c.Brier, c.BrierCI[0], c.BrierCI[1], c.LogLoss)
		}
	}
	if r.Judgement != nil {
		_, _ = fmt.Fprintln(tw, r.Judgement)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
