package meter_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 123456000, time.UTC)

func open(tb testing.TB) (*store.DB, *meter.Meter) {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "test.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	m, err := meter.Open(tb.Context(), db)
	if err != nil {
		tb.Fatal(err)
	}
	return db, m
}

func event(id, key, model string, at time.Duration, prompt, cached, completion int64) meter.Event {
	return meter.Event{
		ID: id, Time: noon.Add(at), Key: key, Model: model, PromptTokens: prompt,
		CachedTokens: cached, CompletionTokens: completion, Outcome: meter.OutcomeDone,
	}
}

func TestEmitOnce(t *testing.T) {
	_, m := open(t)
	e := event("a", "ann", "starter", 0, 10, 2, 3)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := m.Emit(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	later := e
	later.Time = e.Time.Add(time.Hour)
	if err := m.Emit(t.Context(), later); err != nil {
		t.Errorf("emitted again later: %v", err)
	}
	got, err := m.Event(t.Context(), "a")
	if err != nil || got != e {
		t.Errorf("event = %+v, %v; want %+v", got, err, e)
	}
	for _, change := range []func(*meter.Event){
		func(e *meter.Event) { e.PromptTokens++ },
		func(e *meter.Event) { e.Key = "bob" },
		func(e *meter.Event) { e.Outcome = meter.OutcomeAborted },
	} {
		other := e
		change(&other)
		if err := m.Emit(t.Context(), other); !errors.Is(err, meter.ErrConflict) {
			t.Errorf("emit %+v: %v, want ErrConflict", other, err)
		}
	}
	if sum, err := m.Sum(t.Context(), meter.Query{}); err != nil || sum.Events != 1 || sum.PromptTokens != 10 {
		t.Errorf("sum = %+v, %v", sum, err)
	}
	if _, err := m.Event(t.Context(), "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown event: %v, want ErrNotFound", err)
	}
}

// An event shares the fate of the transaction it is emitted in.
func TestEmitJoinsTransaction(t *testing.T) {
	db, m := open(t)
	gone := errors.New("work failed")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		if err := m.Emit(ctx, event("a", "", "starter", 0, 1, 0, 1)); err != nil {
			return err
		}
		if sum, err := m.Sum(ctx, meter.Query{}); err != nil || sum.Events != 1 {
			t.Errorf("within the transaction: %+v, %v", sum, err)
		}
		return gone
	})
	if !errors.Is(err, gone) {
		t.Fatal(err)
	}
	if sum, err := m.Sum(t.Context(), meter.Query{}); err != nil || sum.Events != 0 {
		t.Errorf("after rolling back: %+v, %v", sum, err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		return m.Emit(ctx, event("a", "", "starter", 0, 1, 0, 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := m.Sum(t.Context(), meter.Query{}); err != nil || sum.Events != 1 {
		t.Errorf("after committing: %+v, %v", sum, err)
	}
}

func TestSum(t *testing.T) {
	_, m := open(t)
	for _, e := range []meter.Event{
		event("1", "ann", "starter", 0, 10, 4, 1),
		event("2", "ann", "tuned", time.Minute, 20, 0, 2),
		event("3", "bob", "starter", 2*time.Minute, 40, 0, 4),
		event("4", "", "starter", 3*time.Minute, 80, 80, 8),
	} {
		if err := m.Emit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	ann, nobody := "ann", ""
	for _, c := range []struct {
		name string
		q    meter.Query
		want meter.Total
	}{
		{"all", meter.Query{}, meter.Total{Events: 4, PromptTokens: 150, CachedTokens: 84, CompletionTokens: 15}},
		{"key", meter.Query{Key: &ann}, meter.Total{Events: 2, PromptTokens: 30, CachedTokens: 4, CompletionTokens: 3}},
		{"no key", meter.Query{Key: &nobody}, meter.Total{Events: 1, PromptTokens: 80, CachedTokens: 80, CompletionTokens: 8}},
		{"model", meter.Query{Model: "tuned"}, meter.Total{Events: 1, PromptTokens: 20, CompletionTokens: 2}},
		{"from is included", meter.Query{From: noon.Add(2 * time.Minute)}, meter.Total{Events: 2, PromptTokens: 120, CachedTokens: 80, CompletionTokens: 12}},
		{"to is not", meter.Query{To: noon.Add(time.Minute)}, meter.Total{Events: 1, PromptTokens: 10, CachedTokens: 4, CompletionTokens: 1}},
		{"none", meter.Query{Model: "no such"}, meter.Total{}},
	} {
		if got, err := m.Sum(t.Context(), c.q); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	got, err := m.SumByKeyAndModel(t.Context(), meter.Query{To: noon.Add(3 * time.Minute)})
	want := "[{ann starter 1 10 4 1} {ann tuned 1 20 0 2} {bob starter 1 40 0 4}]"
	if fmt.Sprint(got) != want || err != nil {
		t.Errorf("by key and model: %v, %v; want %s", got, err, want)
	}
}

func TestEmitRefuses(t *testing.T) {
	_, m := open(t)
	for name, change := range map[string]func(*meter.Event){
		"no ID":       func(e *meter.Event) { e.ID = "" },
		"no time":     func(e *meter.Event) { e.Time = time.Time{} },
		"no model":    func(e *meter.Event) { e.Model = "" },
		"negative":    func(e *meter.Event) { e.CompletionTokens = -1 },
		"more cached": func(e *meter.Event) { e.CachedTokens = 11 },
		"outcome":     func(e *meter.Event) { e.Outcome = "" },
		"long":        func(e *meter.Event) { e.Key = strings.Repeat("k", 513) },
	} {
		e := event("a", "ann", "starter", 0, 10, 0, 1)
		change(&e)
		if err := m.Emit(t.Context(), e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if sum, err := m.Sum(t.Context(), meter.Query{}); err != nil || sum.Events != 0 {
		t.Errorf("sum = %+v, %v", sum, err)
	}
}

// Two retries of one request count once.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "meter")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "troika.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	m, err := meter.Open(ctx, db)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := meter.Event{
		ID: "chatcmpl-1", Time: noon, Key: "ann", Model: "starter",
		PromptTokens: 120, CompletionTokens: 7, Outcome: meter.OutcomeDone,
	}
	for range 2 {
		if err := m.Emit(ctx, e); err != nil {
			fmt.Println(err)
			return
		}
	}
	sum, err := m.Sum(ctx, meter.Query{})
	fmt.Println(sum.Events, sum.PromptTokens, sum.CompletionTokens, err)
	// Output: 1 120 7 <nil>
}
