package recipe

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/troikaml/troika/text"
)

const (
	// mostFailures bounds the failures that a report lists.
	mostFailures = 100
	// mostExamples bounds the examples of a rule, mostSamples the differences.
	mostExamples = 3
	mostSamples  = 8
	// mostValues bounds the values of a score that its histogram is drawn from.
	mostValues = 4096
	// mostThresholds bounds the thresholds that a score shows.
	mostThresholds = 8
	// scoreBins is the number of bins of a score, lengthBins of lengths: powers
	// of two of characters.
	scoreBins  = 30
	lengthBins = 33
	// mostLangs bounds the languages that are told apart.
	mostLangs = 256
)

// drawn keeps the items with the lowest lots: a sample that does not depend on
// the order in which they came.
type drawn[T any] struct {
	most  int
	items []lot[T] // a heap, the greatest first
	added int
}

type lot[T any] struct {
	at   uint64
	name string
	// nth counts the items that came before: of those of one name the latest is the
	// least.
	nth  int
	item T
}

func (l *lot[T]) compare(m *lot[T]) int {
	return cmp.Or(cmp.Compare(l.at, m.at), cmp.Compare(l.name, m.name), cmp.Compare(m.nth, l.nth))
}

// lotOf returns the lot of a name.
func lotOf(name string) uint64 { return text.Hash(name, sampleSeed) }

func (d *drawn[T]) add(name string, item T) { d.addLot(lotOf(name), name, item) }

// addLot is add for a name with its lot.
func (d *drawn[T]) addLot(at uint64, name string, item T) {
	if len(d.items) == d.most {
		if top := &d.items[0]; at > top.at || at == top.at && name >= top.name {
			return
		}
	}
	l := lot[T]{at, name, d.added, item}
	d.added++
	if len(d.items) < d.most {
		d.items = append(d.items, l)
		d.rise(len(d.items) - 1)
		return
	}
	d.items[0] = l
	d.sink(0)
}

// rise moves an item up to its place in the heap.
func (d *drawn[T]) rise(i int) {
	for i > 0 {
		up := (i - 1) / 2
		if d.items[i].compare(&d.items[up]) <= 0 {
			return
		}
		d.items[i], d.items[up] = d.items[up], d.items[i]
		i = up
	}
}

// sink moves an item down to its place in the heap.
func (d *drawn[T]) sink(i int) {
	for {
		down := 2*i + 1
		if down+1 < len(d.items) && d.items[down+1].compare(&d.items[down]) > 0 {
			down++
		}
		if down >= len(d.items) || d.items[down].compare(&d.items[i]) <= 0 {
			return
		}
		d.items[i], d.items[down] = d.items[down], d.items[i]
		i = down
	}
}

// all returns the items by their lots.
func (d *drawn[T]) all() []T {
	sorted := slices.SortedFunc(slices.Values(d.items), func(a, b lot[T]) int { return a.compare(&b) })
	var out []T
	for _, l := range sorted {
		out = append(out, l.item)
	}
	return out
}

// tally counts while the output is written. It is for one goroutine.
type tally struct {
	report Report
	place  map[string]int
	steps  []stepTally
	langs  map[string]*LangReport
	// lengths count by powers of two.
	before, after [lengthBins]int
	// samples are drawn from each class, dropped documents among them.
	samples [classPlain + 1]drawn[*Sample]
}

type stepTally struct {
	rules  map[string]*ruleTally
	scores map[string]*scoreTally
}

type ruleTally struct {
	ReasonReport

	examples   drawn[Example]
	thresholds []float64
}

type scoreTally struct {
	ScoreReport

	sum    float64
	values drawn[float64]
}

func newTally(r *Recipe) *tally {
	t := &tally{report: Report{Recipe: r.Name, Version: r.Version}, place: map[string]int{}, langs: map[string]*LangReport{}}
	for class := range t.samples {
		t.samples[class].most = samples
	}
	for i, s := range r.Steps {
		t.place[s.Step] = i
		t.report.Steps = append(t.report.Steps, StepReport{Step: s.Step})
		t.steps = append(t.steps, stepTally{rules: map[string]*ruleTally{}, scores: map[string]*scoreTally{}})
	}
	return t
}

func (t *tally) failure(f *failure) {
	t.report.Counts.Failed++
	if len(t.report.Failures) < mostFailures {
		t.report.Failures = append(t.report.Failures, *f)
	}
}

func (t *tally) record(split string, bytes int64) {
	if split != "" {
		s := &t.report.Steps[len(t.report.Steps)-1]
		if s.Counts == nil {
			s.Counts = map[string]int{}
		}
		s.Counts[split]++
	}
	t.report.Counts.Records++
	t.report.Counts.Bytes += bytes
}

// rule returns the tally of a rule, with a threshold of it.
func (t *tally) rule(step int, rule string, threshold float64) *ruleTally {
	r := t.steps[step].rules[rule]
	if r == nil {
		r = &ruleTally{ReasonReport: ReasonReport{Rule: rule}, examples: drawn[Example]{most: mostExamples}}
		t.steps[step].rules[rule] = r
	}
	if len(r.thresholds) < mostThresholds && !slices.Contains(r.thresholds, threshold) {
		r.thresholds = append(r.thresholds, threshold)
	}
	return r
}

// document counts one decision. changes is its difference, where the document is
// a candidate for a sample.
func (t *tally) document(e *entry, changes []DiffLine) {
	d := &e.Decision
	c := &t.report.Counts
	c.Documents++
	c.Before += int64(d.Before)
	t.before[lengthBin(d.Before)]++
	lang := t.lang(d.Lang)
	lang.Documents++
	last := len(t.report.Steps) - 1
	if d.Drop == nil {
		c.Kept++
		c.After += int64(d.After)
		t.after[lengthBin(d.After)]++
		lang.Kept++
		lang.Chars += int64(d.After)
	} else {
		c.Dropped++
		last = t.place[d.Drop.Step]
		t.report.Steps[last].Dropped++
		r := t.rule(last, d.Drop.Rule, d.Drop.Threshold)
		r.Documents++
		r.examples.add(d.ID, Example{ID: d.ID, Value: d.Drop.Value, Threshold: d.Drop.Threshold, Line: -1, Text: e.Excerpt, Twin: d.Drop.Twin})
	}
	for i := range t.report.Steps[:last+1] {
		t.report.Steps[i].In++
	}
	for _, s := range d.Edited {
		t.report.Steps[t.place[s]].Edited++
	}
	t.lines(d)
	t.numbers(d)
	if e.Class != 0 {
		var sample *Sample
		if changes != nil {
			sample = &Sample{ID: d.ID, Steps: d.Edited, Diff: changes}
		}
		t.samples[e.Class].add(d.ID, sample)
	}
}

func (t *tally) lines(d *Decision) {
	t.report.Counts.Lines += len(d.Lines)
	for _, l := range d.Lines {
		i := t.place[l.Step]
		t.report.Steps[i].Lines++
		r := t.rule(i, l.Rule, l.Threshold)
		r.Lines++
		r.examples.add(d.ID, Example{ID: d.ID, Value: l.Value, Threshold: l.Threshold, Line: l.Line, Text: l.Text})
	}
}

// numbers adds what steps counted and measured.
func (t *tally) numbers(d *Decision) {
	for step, counts := range d.Counts {
		s := &t.report.Steps[t.place[step]]
		if s.Counts == nil {
			s.Counts = map[string]int{}
		}
		for kind, n := range counts {
			s.Counts[kind] += n
		}
	}
	at := lotOf(d.ID)
	for step, scores := range d.Scores {
		for name, v := range scores {
			of := t.steps[t.place[step]].scores
			s := of[name]
			if s == nil {
				s = &scoreTally{ScoreReport: ScoreReport{Name: name, Min: v, Max: v}, values: drawn[float64]{most: mostValues}}
				of[name] = s
			}
			s.Count++
			s.sum += v
			s.Min, s.Max = min(s.Min, v), max(s.Max, v)
			s.values.addLot(at, d.ID, v)
		}
	}
}

func (t *tally) lang(name string) *LangReport {
	l := t.langs[name]
	if l == nil && len(t.langs) >= mostLangs {
		name = "other"
		l = t.langs[name]
	}
	if l == nil {
		l = &LangReport{Lang: name}
		t.langs[name] = l
	}
	return l
}

// lengthBin is 0 for an empty text, else 1 + the binary logarithm.
func lengthBin(n int) int {
	bin := 0
	for ; n > 0 && bin < lengthBins-1; n >>= 1 {
		bin++
	}
	return bin
}

// finish returns the report.
func (t *tally) finish() *Report {
	for i := range t.steps {
		s := &t.report.Steps[i]
		for _, r := range t.steps[i].rules {
			r.Examples = r.examples.all()
			s.Reasons = append(s.Reasons, r.ReasonReport)
		}
		slices.SortFunc(s.Reasons, func(a, b ReasonReport) int {
			return cmp.Or(b.Documents-a.Documents, b.Lines-a.Lines, cmp.Compare(a.Rule, b.Rule))
		})
		for _, score := range t.steps[i].scores {
			score.Mean = score.sum / float64(score.Count)
			score.Histogram = linear(score.values.all(), score.Min, score.Max)
			if r := t.steps[i].rules[score.Name]; r != nil {
				score.Thresholds = slices.Sorted(slices.Values(r.thresholds))
			}
			s.Scores = append(s.Scores, score.ScoreReport)
		}
		slices.SortFunc(s.Scores, func(a, b ScoreReport) int { return cmp.Compare(a.Name, b.Name) })
	}
	for _, l := range t.langs {
		t.report.Langs = append(t.report.Langs, *l)
	}
	slices.SortFunc(t.report.Langs, func(a, b LangReport) int {
		return cmp.Or(b.Documents-a.Documents, strings.Compare(a.Lang, b.Lang))
	})
	t.report.Before, t.report.After = powers(t.before[:], t.after[:])
	t.report.Samples = t.chosen()
	return &t.report
}

// chosen returns the samples that are shown: those with an edit first.
func (t *tally) chosen() []Sample {
	var edited, plain []Sample
	for class := range t.samples {
		for _, s := range t.samples[class].all() {
			switch {
			case s == nil:
			case len(s.Steps) > 0:
				edited = append(edited, *s)
			default:
				plain = append(plain, *s)
			}
		}
	}
	all := append(edited, plain...)
	return all[:min(len(all), mostSamples)]
}

// linear counts values in equal bins between the least and the greatest.
func linear(values []float64, low, high float64) Histogram {
	if len(values) == 0 {
		return Histogram{}
	}
	if low == high {
		return Histogram{Edges: []float64{low, high}, Counts: []int{len(values)}}
	}
	h := Histogram{Counts: make([]int, scoreBins)}
	width := high/scoreBins - low/scoreBins // halves first: high-low may overflow
	for i := range scoreBins {
		h.Edges = append(h.Edges, low+float64(i)*width)
	}
	h.Edges = append(h.Edges, high)
	for _, v := range values {
		bin := int(math.Floor((v - low) / width))
		h.Counts[min(max(bin, 0), scoreBins-1)]++
	}
	return h
}

// powers makes histograms over the same edges: 0, 1, 2, 4 and so on, as far as
// the longest text reaches.
func powers(before, after []int) (b, a Histogram) {
	top := 0
	for i := range before {
		if before[i]+after[i] > 0 {
			top = i + 1
		}
	}
	if top == 0 {
		return Histogram{}, Histogram{}
	}
	edges := []float64{0}
	for i := range top {
		edges = append(edges, math.Ldexp(1, i))
	}
	return Histogram{edges, slices.Clone(before[:top])}, Histogram{edges, slices.Clone(after[:top])}
}
