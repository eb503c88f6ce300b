package publish_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func Example() {
	gold := make([]eval.Example, 200)
	before, better := make([]eval.Prediction, len(gold)), make([]eval.Prediction, len(gold))
	for i := range gold {
		gold[i] = eval.Example{ID: fmt.Sprint(i), Label: []string{"yes", "no"}[i%2]}
		before[i].Label, better[i].Label = "yes", gold[i].Label
	}
	r := eval.Resampling{Seed: 1}
	labels := eval.Labels(gold)
	unfit, _ := eval.Score(labels, gold, before, r)
	fit, _ := eval.Score(labels, gold, better, r)
	gate := publish.Gate{Metric: eval.Accuracy, Margin: 0.1}
	v, err := gate.Judge(unfit, fit, r)
	fmt.Println(v.Before, v.Candidate, v.Passed, err)
	v, err = gate.Judge(fit, fit, r)
	fmt.Println(v.Before, v.Candidate, v.Passed, err)
	// Output:
	// 0.5 1 true <nil>
	// 1 1 false <nil>
}

func open(t *testing.T, dir string) *publish.Aliases {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	a, err := publish.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func release(model string) publish.Release {
	return publish.Release{
		Alias: "helpdesk", Model: model, Digest: troika.Sum([]byte(model)),
		Verdict: publish.Verdict{Metric: eval.Accuracy, Passed: true, Difference: &eval.Difference{Value: 0.1}},
	}
}

// state describes an alias as "current canary".
func state(a publish.Alias) string {
	names := []string{"-", "-"}
	if a.Current != nil {
		names[0] = a.Current.Model
	}
	if a.Canary != nil {
		names[1] = fmt.Sprintf("%s@%g", a.Canary.Model, a.Share)
	}
	return strings.Join(names, " ")
}

// An alias goes through releases, trials and back, and another process sees each state.
func TestAliasWalk(t *testing.T) {
	dir := t.TempDir()
	a, other := open(t, dir), open(t, dir)
	ctx := t.Context()
	alias := func(a publish.Alias, err error) error { return err }
	put := func(_ publish.Release, err error) error { return err }
	for i, step := range []struct {
		do   func() error
		want string
		err  string
	}{
		{func() error { return alias(a.Rollback(ctx, "helpdesk")) }, "", "nothing is published"},
		{func() error { return put(a.Try(ctx, release("zero"), 0.5)) }, "- zero@0.5", ""},
		{func() error { return put(a.Publish(ctx, release("one"))) }, "one -", ""},
		{func() error { return alias(a.Rollback(ctx, "helpdesk")) }, "one -", "is the first"},
		{func() error { return put(a.Publish(ctx, release("two"))) }, "two -", ""},
		{func() error { return put(a.Try(ctx, release("three"), 0.1)) }, "two three@0.1", ""},
		{func() error { return put(a.Try(ctx, release("four"), 0.25)) }, "two four@0.25", ""},
		{func() error { return put(a.Try(ctx, release("five"), 1)) }, "two four@0.25", "a share of 1"},
		{func() error { return alias(a.EndTrial(ctx, "helpdesk")) }, "two -", ""},
		{func() error { return alias(a.EndTrial(ctx, "helpdesk")) }, "two -", "no trial"},
		{func() error { return put(a.Publish(ctx, release("four"))) }, "four -", ""},
		{func() error { return put(a.Try(ctx, release("five"), 0.5)) }, "four five@0.5", ""},
		{func() error { return alias(a.Rollback(ctx, "helpdesk")) }, "two -", ""},
		{func() error { return alias(a.Rollback(ctx, "helpdesk")) }, "one -", ""},
		{func() error { return put(a.Publish(ctx, release("six"))) }, "six -", ""},
		{func() error { return alias(a.Rollback(ctx, "helpdesk")) }, "one -", ""},
	} {
		err := step.do()
		if step.err == "" && err != nil || step.err != "" && (err == nil || !strings.Contains(err.Error(), step.err)) {
			t.Fatalf("step %d: error %v, want %q", i, err, step.err)
		}
		if step.want == "" {
			continue
		}
		got, err := other.Get(ctx, "helpdesk")
		if err != nil || state(got) != step.want {
			t.Fatalf("step %d: %s, %v, want %s", i, state(got), err, step.want)
		}
	}
	all, err := other.Releases(ctx, "helpdesk")
	if err != nil || len(all) != 8 || all[0].Model != "six" || all[7].Model != "zero" || all[0].Number != 8 ||
		all[0].Digest != troika.Sum([]byte("six")) || all[0].Verdict.Difference.Value != 0.1 || all[0].Created.IsZero() {
		t.Errorf("releases %+v, %v", all, err)
	}
	list, err := other.List(ctx)
	if err != nil || len(list) != 1 || list[0].Name != "helpdesk" {
		t.Errorf("aliases %+v, %v", list, err)
	}
	if _, err := other.Get(ctx, "other"); !errors.Is(err, publish.ErrNoAlias) {
		t.Errorf("error %v, want %v", err, publish.ErrNoAlias)
	}
	for _, bad := range []publish.Release{{Alias: "../x", Model: "m", Digest: troika.Sum(nil)}, {Alias: "x"}, {Alias: "x", Model: "m"}} {
		if _, err := a.Publish(ctx, bad); err == nil {
			t.Errorf("%+v was published", bad)
		}
	}
}

// Releases that are published at once get numbers of their own, and each knows what it
// replaced.
func TestPublishAtOnce(t *testing.T) {
	dir := t.TempDir()
	const n = 12
	stores := []*publish.Aliases{open(t, dir), open(t, dir)}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := stores[i%2].Publish(context.WithoutCancel(t.Context()), release(fmt.Sprint("m", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := stores[0].Releases(t.Context(), "helpdesk")
	if err != nil || len(all) != n {
		t.Fatalf("%d releases, %v", len(all), err)
	}
	for i, r := range all {
		if want := int64(n - i); r.Number != want || r.Replaced != want-1 {
			t.Errorf("release %d replaced %d, want %d and %d", r.Number, r.Replaced, want, want-1)
		}
	}
}

// A canary gets its share of requests, the same ones every time.
func TestPick(t *testing.T) {
	one, two := release("one"), release("two")
	for _, share := range []float64{0.01, 0.1, 0.5} {
		a := publish.Alias{Name: "helpdesk", Current: &one, Canary: &two, Share: share}
		const n = 20000
		count := 0
		for i := range n {
			id := fmt.Sprintf("chatcmpl-%d", i)
			r := a.Pick(id)
			if again := a.Pick(id); again != r {
				t.Fatalf("request %s got %s, then %s", id, r.Model, again.Model)
			}
			if r == &two {
				count++
			}
		}
		if got := float64(count) / n; got < share*0.8 || got > share*1.2 {
			t.Errorf("the canary got %.4f of the requests, want %g", got, share)
		}
	}
	only := publish.Alias{Name: "helpdesk", Canary: &two, Share: 0.5}
	if r := only.Pick("b"); r != nil && r != &two {
		t.Errorf("picked %+v", r)
	}
}

// A database that is closed is an error, not an empty list.
func TestClosed(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := publish.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if _, err := a.List(t.Context()); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}
