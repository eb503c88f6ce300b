package filter

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text/segment"
)

// judged is a filter of this package: it judges a reading, so that filters in
// a row share it.
type judged interface {
	refine.Step
	// judge measures r. A filter that edits d resets r.
	judge(r *reading, d *refine.Document) refine.Verdict
}

// readings keeps the buffers of readings between documents.
var readings = sync.Pool{New: func() any { return new(reading) }}

// apply runs f over a reading of its own.
func apply(ctx context.Context, f judged, d *refine.Document) (refine.Verdict, error) {
	if err := ctx.Err(); err != nil {
		return refine.Verdict{}, err
	}
	r, _ := readings.Get().(*reading)
	defer readings.Put(r)
	r.reset(d.Text)
	v := f.judge(r, d)
	if r.err != nil {
		return refine.Verdict{}, fmt.Errorf("filter %s: %w", f.Name(), r.err)
	}
	return v, nil
}

// Ready reports whether this program can run the step: the error wraps
// [segment.ErrNoTables] for a filter that counts Chinese words in a program that
// was built without their dictionary. Its Apply would fail for every document.
func Ready(step refine.Step) error {
	f, ok := step.(interface{ wordsOf() string })
	if !ok {
		return nil
	}
	if _, err := segment.For(f.wordsOf()); err != nil {
		return fmt.Errorf("filter %s: %w", step.Name(), err)
	}
	return nil
}

// The filters that count words, and of which language.

func (f C4) wordsOf() string               { return f.Lang }
func (f FineWebQuality) wordsOf() string   { return f.Lang }
func (f GopherQuality) wordsOf() string    { return f.Lang }
func (f GopherRepetition) wordsOf() string { return f.Lang }

// wordsOf is that of no dictionary where there are no flagged words to find.
func (f DataJuicer) wordsOf() string {
	if len(f.Flagged) == 0 {
		return ""
	}
	return f.Lang
}

// Fuse returns the steps with every run of two or more filters of this package
// made one step, which splits the text into words once for all of them. Its
// name joins theirs by "+". It stops at the first filter that drops the
// document; its Scores are those of all filters that it ran. Other steps stay
// as they are.
func Fuse(steps []refine.Step) []refine.Step {
	var out []refine.Step
	var run fused
	flush := func() {
		switch len(run) {
		case 0:
		case 1:
			out = append(out, run[0])
		default:
			out = append(out, run)
		}
		run = nil
	}
	for _, s := range steps {
		if f, ok := s.(judged); ok {
			run = append(run, f)
			continue
		}
		flush()
		out = append(out, s)
	}
	flush()
	return out
}

// fused is several filters in a row.
type fused []judged

func (f fused) Name() string {
	names := make([]string, len(f))
	for i, one := range f {
		names[i] = one.Name()
	}
	return strings.Join(names, "+")
}

func (f fused) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	return apply(ctx, f, d)
}

func (f fused) judge(r *reading, d *refine.Document) refine.Verdict {
	all := refine.Verdict{Scores: map[string]float64{}}
	for _, one := range f {
		v := one.judge(r, d)
		all.Lines = append(all.Lines, v.Lines...)
		maps.Copy(all.Scores, v.Scores)
		if all.Drop = v.Drop; all.Drop != nil {
			break
		}
	}
	return all
}

// sheet collects what a filter measures: the values, and the first rule that
// was broken.
type sheet struct{ v refine.Verdict }

func newSheet(values int) sheet {
	return sheet{refine.Verdict{Scores: make(map[string]float64, values)}}
}

// atLeast records value and holds it against a least value; 0 switches the
// rule off.
func (s *sheet) atLeast(rule string, value, threshold float64) {
	s.record(rule, value, threshold, threshold != 0 && value < threshold)
}

// atMost records value and holds it against a greatest value; 0 switches the
// rule off.
func (s *sheet) atMost(rule string, value, threshold float64) {
	s.record(rule, value, threshold, threshold != 0 && value > threshold)
}

// record notes a value, and the drop where it is the first that breaks a rule.
func (s *sheet) record(rule string, value, threshold float64, broken bool) {
	s.v.Scores[rule] = value
	if broken && s.v.Drop == nil {
		s.v.Drop = &refine.Reason{Rule: rule, Value: value, Threshold: threshold}
	}
}
