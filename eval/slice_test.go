package eval_test

import (
	"fmt"
	"testing"

	"github.com/troikaml/troika/eval"
)

// scored makes examples of two kinds: what a system answers is given by right.
func scored(t *testing.T, n int, right func(i int) bool) ([]eval.Example, []eval.Prediction, *eval.Result) {
	t.Helper()
	gold, said := make([]eval.Example, n), make([]eval.Prediction, n)
	for i := range n {
		gold[i] = eval.Example{ID: fmt.Sprint(i), Label: []string{"yes", "no"}[i%2]}
		said[i].Label = "neither"
		if right(i) {
			said[i].Label = gold[i].Label
		}
	}
	res, err := eval.Score([]string{"no", "yes"}, gold, said, eval.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return gold, said, res
}

// The slices add up to the whole, and each is what it would be alone.
func TestSlices(t *testing.T) {
	const n = 90
	value := func(i int) string { return []string{"b", "a", "c"}[i%3] }
	gold, was, base := scored(t, n, func(i int) bool { return i%3 == 0 || i%5 == 0 })
	_, is, tuned := scored(t, n, func(i int) bool { return i%3 != 0 })
	values := make([]string, n)
	for i := range values {
		values[i] = value(i)
	}
	r := eval.Resampling{Seed: 1}
	got, err := eval.Slices(values, base, tuned, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].Value != "a" || got[1].Value != "b" || got[2].Value != "c" {
		t.Fatalf("slices %+v", got)
	}
	// b is what has a remainder of 0: all right before, none after.
	if b := got[1]; b.Examples != 30 || b.Base.Accuracy != 1 || b.Tuned.Accuracy != 0 || b.Gain.Value != -1 || b.Gain.Interval != (eval.Interval{-1, -1}) {
		t.Errorf("slice %+v", b)
	}
	if a := got[0]; a.Base.Accuracy != 0.2 || a.Tuned.Accuracy != 1 || a.Base.CI[0] > 0.2 || a.Base.CI[1] < 0.2 {
		t.Errorf("slice %+v", a)
	}
	alone, err := eval.Slices(values, base, nil, r)
	if err != nil || alone[0].Tuned != nil || alone[0].Gain != nil || alone[0].Base != got[0].Base {
		t.Errorf("one system: %+v, %v", alone, err)
	}
	whole, err := eval.Slices(make([]string, n), base, tuned, r)
	if err != nil || len(whole) != 1 || whole[0].Base.Accuracy != base.Accuracy || whole[0].Base.CI != base.AccuracyCI {
		t.Errorf("one slice: %+v, %v", whole, err)
	}
	lost, err := eval.Regressions(gold, was, is)
	if err != nil || len(lost) != 30 || lost[1].ID != "3" || lost[1].Tuned != "neither" {
		t.Errorf("regressions %+v, %v", lost, err)
	}
	if _, err := eval.Regressions(gold, was, nil); err == nil {
		t.Error("answers of no model were compared")
	}
	if _, err := eval.Slices(values, &eval.Result{}, nil, r); err == nil {
		t.Error("a result without predictions was sliced")
	}
}
