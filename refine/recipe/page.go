package recipe

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html.tmpl
var pageSource string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": number, "percent": percent, "value": value, "funnel": funnel, "lengths": lengths, "scores": scores,
	"langs": langs, "counted": counted, "bytes": sizeName, "op": opName,
}).Parse(pageSource))

// WritePage writes a report as one HTML page that needs nothing else: no
// scripts, fonts or pictures from elsewhere. Headings are in English and
// Chinese. Everything that comes from documents is escaped.
func WritePage(w io.Writer, r *Report) error {
	if err := pageTemplate.Execute(w, r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// number groups digits by thousands.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64) + " %"
}

func value(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func sizeName(n int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if float64(n) >= u.size {
			return strconv.FormatFloat(float64(n)/u.size, 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

func opName(op string) string {
	switch op {
	case "-":
		return "del"
	case "+":
		return "ins"
	default:
		return "same"
	}
}

// bar is one rectangle of a chart, in the units of its view box.
type bar struct {
	X, Y, W, H float64
	// Class is the series that the bar belongs to.
	Class string
	// Tip is shown when a pointer rests on the bar.
	Tip string
}

// mark is a text or a line in a chart.
type mark struct {
	X, Y  float64
	Text  string
	Align string
}

// chart is a picture of bars.
type chart struct {
	Title string
	// Note stands under the title.
	Note   string
	Width  float64
	Height float64
	Bars   []bar
	Texts  []mark
	Lines  []mark // vertical, from the top to Y
}

const (
	chartWidth = 1000
	rowHeight  = 30
	nameWidth  = 190
	plotHeight = 110
	plotTop    = 16
	// smallWidth is that of the charts of scores, of which many stand side by
	// side.
	smallWidth = 300
)

// funnel shows what came to each step and what was dropped there.
func funnel(r *Report) chart {
	c := chart{Width: chartWidth, Height: rowHeight * float64(len(r.Steps)+2)}
	room := c.Width - nameWidth - 130
	row := 0
	add := func(name string, in, dropped int, class string) {
		y := rowHeight * float64(row)
		row++
		c.Texts = append(c.Texts, mark{nameWidth - 10, y + 20, name, "end"})
		scale := 0.0
		if r.Counts.Documents > 0 {
			scale = room / float64(r.Counts.Documents)
		}
		stay := float64(in-dropped) * scale
		c.Bars = append(c.Bars, bar{nameWidth, y + 5, stay, rowHeight - 10, class, fmt.Sprintf("%s: %s", name, number(in-dropped))})
		label := number(in - dropped)
		if dropped > 0 {
			c.Bars = append(c.Bars, bar{nameWidth + stay + 1, y + 5, max(1.5, float64(dropped)*scale-1), rowHeight - 10, "drop", fmt.Sprintf("%s: %s dropped", name, number(dropped))})
			label += "  −" + number(dropped)
		}
		c.Texts = append(c.Texts, mark{nameWidth + float64(in)*scale + 8, y + 20, label, "start"})
	}
	add("read 读取", r.Counts.Documents, 0, "one")
	for _, s := range r.Steps {
		add(s.Step, s.In, s.Dropped, "one")
	}
	add("kept 保留", r.Counts.Kept, 0, "two")
	return c
}

// lengths shows both histograms of lengths side by side in each bin.
func lengths(r *Report) chart {
	c := chart{Width: chartWidth, Height: plotTop + plotHeight + 24}
	n := len(r.Before.Counts)
	if n == 0 {
		return c
	}
	top := float64(max(1, slices.Max(r.Before.Counts), slices.Max(r.After.Counts)))
	step := c.Width / float64(n)
	for i := range n {
		x := step * float64(i)
		for k, h := range []Histogram{r.Before, r.After} {
			tall := plotHeight * float64(h.Counts[i]) / top
			c.Bars = append(c.Bars, bar{
				x + step*(0.1+0.4*float64(k)), plotTop + plotHeight - tall, step * 0.38, tall,
				[]string{"three", "one"}[k], fmt.Sprintf("%s–%s: %s %s", value(h.Edges[i]), value(h.Edges[i+1]), number(h.Counts[i]), []string{"before", "after"}[k]),
			})
		}
		if every := n/12 + 1; i%every == 0 {
			c.Texts = append(c.Texts, mark{x + step/2, c.Height - 6, short(r.Before.Edges[i]), "middle"})
		}
	}
	return c
}

// short names a number of characters: 4k.
func short(v float64) string {
	switch {
	case v >= 1<<20:
		return value(v/(1<<20)) + "M"
	case v >= 1<<10:
		return value(v/(1<<10)) + "k"
	default:
		return value(v)
	}
}

// scores returns the charts of what a step measured.
func scores(s StepReport) []chart {
	var out []chart
	for _, score := range s.Scores {
		c := chart{
			Title: score.Name, Width: smallWidth, Height: plotTop + plotHeight + 20,
			Note: fmt.Sprintf("min %s, mean %s, max %s", value(score.Min), value(score.Mean), value(score.Max)),
		}
		h := score.Histogram
		top := float64(max(1, slices.Max(append([]int{0}, h.Counts...))))
		step := c.Width / float64(max(1, len(h.Counts)))
		for i, n := range h.Counts {
			tall := plotHeight * float64(n) / top
			c.Bars = append(c.Bars, bar{
				step*float64(i) + 0.5, plotTop + plotHeight - tall, step - 1, tall, "one",
				fmt.Sprintf("%s–%s: %s", value(h.Edges[i]), value(h.Edges[i+1]), number(n)),
			})
		}
		for _, t := range score.Thresholds {
			x := (t - score.Min) / (score.Max - score.Min) * c.Width
			if math.IsNaN(x) || x < 0 || x > c.Width {
				continue
			}
			c.Lines = append(c.Lines, mark{X: x, Y: plotTop + plotHeight})
			align := "start"
			if x > c.Width/2 {
				align = "end"
			}
			c.Texts = append(c.Texts, mark{x, plotTop - 5, value(t), align})
		}
		c.Texts = append(c.Texts, mark{0, c.Height - 4, value(score.Min), "start"}, mark{c.Width, c.Height - 4, value(score.Max), "end"})
		out = append(out, c)
	}
	return out
}

// mostRows bounds the rows of the chart of languages.
const mostRows = 14

// langs shows the documents of each language.
func langs(r *Report) chart {
	rows := r.Langs[:min(len(r.Langs), mostRows)]
	c := chart{Width: chartWidth, Height: rowHeight * float64(len(rows))}
	if len(rows) == 0 {
		return c
	}
	scale := (c.Width - nameWidth - 130) / float64(max(1, rows[0].Documents))
	for i, l := range rows {
		name, y := l.Lang, rowHeight*float64(i)
		if name == "" {
			name = "unknown 未知"
		}
		kept, all := float64(l.Kept)*scale, float64(l.Documents)*scale
		c.Texts = append(c.Texts, mark{nameWidth - 10, y + 20, name, "end"},
			mark{nameWidth + all + 8, y + 20, number(l.Kept) + " / " + number(l.Documents), "start"})
		c.Bars = append(c.Bars, bar{nameWidth, y + 5, kept, rowHeight - 10, "one", name + ": " + number(l.Kept) + " kept"})
		if all > kept {
			c.Bars = append(c.Bars, bar{nameWidth + kept + 1, y + 5, max(1.5, all-kept-1), rowHeight - 10, "drop", name + ": " + number(l.Documents-l.Kept) + " dropped"})
		}
	}
	return c
}

// count is a row of a table of counts.
type count struct {
	Step, Kind string
	N          int
}

// counted lists what all steps counted, such as what was redacted.
func counted(r *Report) []count {
	var out []count
	for _, s := range r.Steps {
		from := len(out)
		for kind, n := range s.Counts {
			out = append(out, count{s.Step, kind, n})
		}
		slices.SortFunc(out[from:], func(a, b count) int {
			if a.N != b.N {
				return b.N - a.N
			}
			return strings.Compare(a.Kind, b.Kind)
		})
	}
	return out
}
