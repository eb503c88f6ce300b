package eval_test

import (
	"math"
	"strings"
	"testing"

	"github.com/troikaml/troika/eval"
)

func TestCompareTexts(t *testing.T) {
	base := []eval.TextLoss{{Loss: 8, Tokens: 4}, {Loss: 2, Tokens: 1}, {Loss: 10, Tokens: 5}}
	tuned := []eval.TextLoss{{Loss: 4, Tokens: 4}, {Loss: 1, Tokens: 1}, {Loss: 15, Tokens: 5}}
	s, err := eval.CompareTexts(base, tuned, eval.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Every text has a mean of 2 under the base: no resample differs. The tuned one's
	// lie between 1 and 3.
	if got := s.Base[0]; math.Abs(got.Value-math.Exp(2)) > 1e-12 || math.Abs(got.CI[0]-got.Value) > 1e-12 || math.Abs(got.CI[1]-got.Value) > 1e-12 {
		t.Errorf("base: %+v", got)
	}
	if got := s.Tuned[0]; math.Abs(got.Value-math.Exp(2)) > 1e-12 || got.CI[0] > math.E+1e-9 || got.CI[1] < math.Exp(3)-1e-9 {
		t.Errorf("tuned: %+v", got)
	}
	if g := s.Gains[0]; math.Abs(g.Value) > 1e-12 || g.Interval[0] >= 0 || g.Interval[1] <= 0 {
		t.Errorf("gain: %+v", g)
	}
	alone, err := eval.CompareTexts(base, nil, eval.Resampling{Seed: 1})
	if err != nil || alone.Tuned != nil || alone.Gains != nil || alone.Base[0].Value != s.Base[0].Value {
		t.Errorf("alone: %+v, %v", alone, err)
	}
	var table strings.Builder
	if err := alone.WriteTable(&table); err != nil || !strings.Contains(table.String(), "base, untuned  7.39 [7.39, 7.39]") {
		t.Errorf("table %q, %v", table.String(), err)
	}
	for _, bad := range [][2][]eval.TextLoss{{nil, nil}, {base, tuned[:2]}, {{{Loss: 1}}, nil}} {
		if _, err := eval.CompareTexts(bad[0], bad[1], eval.Resampling{}); err == nil {
			t.Errorf("%v was compared", bad)
		}
	}
}

func TestComparePreferences(t *testing.T) {
	// A tie is no preference.
	base := []float64{1, -1, -2, 0}
	tuned := []float64{0.5, 1, -1, 3}
	s, err := eval.ComparePreferences(base, tuned, eval.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if s.Examples != 4 || s.Base[0].Value != 25 || s.Tuned[0].Value != 75 || s.Tuned[1].Value != 75 || s.Gains[0].Value != 50 {
		t.Errorf("%+v", s)
	}
	if s.Tuned[1].Name != eval.GainedScore || s.Tuned[1].CI[0] >= 75 || s.Tuned[1].CI[1] <= 75 {
		t.Errorf("gained: %+v", s.Tuned[1])
	}
	var table strings.Builder
	if err := s.WriteTable(&table); err != nil || !strings.Contains(table.String(), "preferred, tuned - base: +50.00 [") {
		t.Errorf("table %q, %v", table.String(), err)
	}
	if _, err := eval.ComparePreferences(base, tuned[:1], eval.Resampling{}); err == nil {
		t.Error("4 preferences were compared with 1")
	}
}
