package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/troikaml/troika/eval"
)

// Page is what a file shows. Parts that are empty are left out.
type Page struct {
	Model string // that was measured
	// Chinese says that the page shows that language first, and not English.
	Chinese bool
	Report  *eval.Report
	// Against names what Report.Base is of, where that is no base.
	Against string
	By      string // the field that the report's slices are by
	Losses  []Loss
	// Answers are the first of the test examples.
	Answers []Answer
	// Chain tells how the model's answers came about, a stage after another.
	Chain []Stage
}

// Loss is what a run's step came to.
type Loss struct {
	Step  int
	Train float64
	Valid *float64 // nil where it was not measured
}

// Answer is an example with what was said before tuning and after.
type Answer struct{ ID, Question, Right, Base, Tuned string }

//go:embed page.html
var source string

// Write writes the page as HTML.
func (p *Page) Write(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"signed": func(d *eval.Difference) string {
			return fmt.Sprintf("%+.3f [%+.3f, %+.3f]", d.Value, d.Interval[0], d.Interval[1])
		},
		"gained": func(g eval.Gain) string {
			return fmt.Sprintf("%+.1f [%+.1f, %+.1f]", g.Value, g.Interval[0], g.Interval[1])
		},
		"accurate": func(a eval.Accurate) string { return fmt.Sprintf("%.3f [%.3f, %.3f]", a.Accuracy, a.CI[0], a.CI[1]) },
		"same":     func(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) },
		"bar":      bar,
		"reliability": func(b eval.Bin) Interval {
			return Interval{Width: 100 * b.Accuracy, Value: 100 * b.Confidence}
		},
		"chart": newChart,
		"both":  both,
		"word":  word,
		"before": func() template.HTML {
			if p.Against != "" {
				return both(p.Against, p.Against)
			}
			return word("base")
		},
	}).Parse(source)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// Interval is where a value and its interval lie on a scale from 0 to 1, in hundredths.
type Interval struct{ Low, Width, Value float64 }

// bar places an accuracy.
func bar(r *eval.Result) Interval {
	ci := r.AccuracyCI
	return Interval{Low: 100 * ci[0], Width: max(0.5, 100*(ci[1]-ci[0])), Value: 100 * r.Accuracy}
}

// The size of a chart and of the room for its numbers, in pixels.
const (
	chartWidth, chartHeight = 720, 240
	chartLeft, chartBottom  = 56, 28
)

// Chart is losses as lines.
type Chart struct {
	Width, Height int
	Left, Right   int
	Top, Bottom   int
	Train, Valid  string // points of the lines
	High, Low     string // numbers at the ends of the axis
	Steps         int
}

// newChart draws losses; nil for fewer than two. What is not finite is left out.
func newChart(losses []Loss) *Chart {
	low, high := math.Inf(1), math.Inf(-1)
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	note := func(v float64) {
		if finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, l := range losses {
		note(l.Train)
		if l.Valid != nil {
			note(*l.Valid)
		}
	}
	if len(losses) < 2 || low > high {
		return nil
	}
	c := &Chart{
		Width: chartWidth, Height: chartHeight, Left: chartLeft, Right: chartWidth - 8, Top: 8, Bottom: chartHeight - chartBottom,
		High: fmt.Sprintf("%.3g", high), Low: fmt.Sprintf("%.3g", low), Steps: losses[len(losses)-1].Step,
	}
	first := losses[0].Step
	place := func(step int, v float64) string {
		x := float64(c.Left) + float64(c.Right-c.Left)*float64(step-first)/float64(max(1, c.Steps-first))
		y := float64(c.Bottom) - float64(c.Bottom-c.Top)*(v-low)/max(high-low, 1e-9)
		return fmt.Sprintf("%.1f,%.1f ", x, y)
	}
	// More points than pixels show nothing more.
	every := max(1, len(losses)/chartWidth)
	var train, valid strings.Builder
	for i, l := range losses {
		if i%every == 0 && finite(l.Train) {
			train.WriteString(place(l.Step, l.Train))
		}
		if l.Valid != nil && finite(*l.Valid) {
			valid.WriteString(place(l.Step, *l.Valid))
		}
	}
	c.Train, c.Valid = strings.TrimSpace(train.String()), strings.TrimSpace(valid.String())
	return c
}
