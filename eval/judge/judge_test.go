package judge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/judge"
)

// endpoint is a fake API: verdict says what it thinks of the object that it is sent.
type endpoint struct {
	asked, running, most atomic.Int64
	verdict              func(about map[string]string) string
	fail                 func(w http.ResponseWriter, n int64) bool
	key                  string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := e.asked.Add(1)
	now := e.running.Add(1)
	defer e.running.Add(-1)
	for most := e.most.Load(); now > most && !e.most.CompareAndSwap(most, now); most = e.most.Load() {
	}
	if e.fail != nil && e.fail(w, n) {
		return
	}
	var body struct {
		Model    string
		Messages []struct{ Role, Content string }
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	var about map[string]string
	if err == nil && len(body.Messages) == 2 {
		err = json.Unmarshal([]byte(body.Messages[1].Content), &about)
	}
	if err != nil || body.Model != "wise" || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != e.key {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]string{"content": e.verdict(about)}}}})
}

func (e *endpoint) serve(t *testing.T, records string) *judge.Judge {
	t.Helper()
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return &judge.Judge{URL: s.URL + "/v1/", Model: "wise", Records: open(t, records), Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func open(t *testing.T, name string) *judge.Records {
	t.Helper()
	r, err := judge.OpenRecords(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func items(n int) []judge.Item {
	var out []judge.Item
	for i := range n {
		tuned := "wrong"
		if i%4 != 0 {
			tuned = "right"
		}
		out = append(out, judge.Item{ID: fmt.Sprint("t.jsonl:", i+1), Question: fmt.Sprint("question ", i), Reference: "right", Base: "wrong", Tuned: tuned})
	}
	return out
}

// byReference prefers the answer that is the reference.
func byReference(about map[string]string) string {
	a, b := about["A"] == about["reference"], about["B"] == about["reference"]
	switch {
	case a == b:
		return "C"
	case a:
		return " **A** is better"
	default:
		return "B.\n"
	}
}

func TestCompare(t *testing.T) {
	e := &endpoint{verdict: byReference, key: "Bearer secret"}
	records := filepath.Join(t.TempDir(), "judge.jsonl")
	j := e.serve(t, records)
	j.Key, j.Parallel = "secret", 3
	got, err := j.Compare(t.Context(), items(20), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := eval.Prefer("wise", got, eval.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	// 15 wins and 5 ties.
	if sum.Win.Value != 0.875 || sum.Wins != 15 || sum.Ties != 5 || sum.Losses != 0 || sum.Consistent != 1 || sum.First != 0.5 || sum.Unreadable != 0 {
		t.Errorf("%+v, win rate %+v", sum, sum.Win)
	}
	if !(sum.Win.CI[0] < 0.875 && sum.Win.CI[0] > 0.6 && sum.Win.CI[1] <= 1) {
		t.Errorf("interval %v", sum.Win.CI)
	}
	// Where both say the same, both orders are one request.
	if e.asked.Load() != 35 || e.most.Load() > 3 {
		t.Errorf("%d requests, %d at once at the most", e.asked.Load(), e.most.Load())
	}
	text, err := os.ReadFile(records)
	if err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("the key is on record, or %v", err)
	}

	// The same again needs no endpoint, and more of it asks for what is new alone.
	replay := &judge.Judge{Model: "wise", Records: open(t, records)}
	again, err := replay.Compare(t.Context(), items(20), nil)
	if err != nil || !slices.Equal(again, got) {
		t.Errorf("replayed: %v", err)
	}
	if _, err := replay.Compare(t.Context(), items(21), nil); err == nil || !strings.Contains(err.Error(), "judge t.jsonl:21: a response is not on record") {
		t.Errorf("error %v, want one that names the example", err)
	}
	if _, err := j.Compare(t.Context(), items(21), nil); err != nil || e.asked.Load() != 36 {
		t.Errorf("%d requests, %v", e.asked.Load(), err)
	}
}

// A judge that always prefers a place says nothing, and it is told that it does.
func TestPlaceCancelsOut(t *testing.T) {
	for _, c := range []struct {
		says  string
		first float64
		bad   int
	}{{"A", 1, 0}, {"B", 0, 0}, {"Both are fine", 0, 20}, {"", 0, 20}} {
		e := &endpoint{verdict: func(map[string]string) string { return c.says }}
		got, err := e.serve(t, filepath.Join(t.TempDir(), "r")).Compare(t.Context(), items(10), nil)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := eval.Prefer("wise", got, eval.Resampling{})
		if err != nil || sum.Win.Value != 0.5 || sum.Ties != 10 || sum.First != c.first || sum.Unreadable != c.bad {
			t.Errorf("%q: %+v, %v", c.says, sum, err)
		}
	}
}

func TestScore(t *testing.T) {
	e := &endpoint{verdict: func(about map[string]string) string {
		switch about["question"] {
		case "question 2":
			return "I cannot say"
		case "question 3":
			return "100"
		}
		if about["answer"] == "right" {
			return "10"
		}
		return " 3."
	}}
	base, tuned, err := e.serve(t, filepath.Join(t.TempDir(), "r")).Score(t.Context(), "Is it right?", items(8), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := eval.Grade("wise", base, tuned, eval.Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	// Of eight, two are unreadable; of the others the tuned model has four right.
	if sum.Examples != 6 || sum.Unreadable != 4 || sum.Base.Value != 3 || math.Abs(sum.Tuned.Value-(4*10+2*3)/6.) > 1e-12 {
		t.Errorf("%+v, base %+v, tuned %+v", sum, sum.Base, sum.Tuned)
	}
	if math.Abs(sum.Gain.Value-4*7/6.) > 1e-12 || sum.Gain.Interval[0] < 0 {
		t.Errorf("gain %+v", sum.Gain)
	}
	alone, none, err := e.serve(t, filepath.Join(t.TempDir(), "r")).Score(t.Context(), "Is it right?", items(2), false, nil)
	if err != nil || none != nil || !slices.Equal(alone, []float64{3, 3}) {
		t.Errorf("a base alone: %v %v %v", alone, none, err)
	}
}

func TestFailures(t *testing.T) {
	// What passes is tried again.
	e := &endpoint{verdict: byReference, fail: func(w http.ResponseWriter, n int64) bool {
		if n > 4 { // even if one question meets all of them, it has tries left
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader([]int{http.StatusTooManyRequests, http.StatusBadGateway}[n%2])
		return true
	}}
	if _, err := e.serve(t, filepath.Join(t.TempDir(), "r")).Compare(t.Context(), items(3), nil); err != nil {
		t.Error(err)
	}
	for want, fail := range map[string]func(w http.ResponseWriter, n int64) bool{
		"401 Unauthorized: no such key": func(w http.ResponseWriter, _ int64) bool {
			http.Error(w, "no such key", http.StatusUnauthorized)
			return true
		},
		"6 tries failed, the last: ": func(w http.ResponseWriter, _ int64) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		},
		"it asks to come back in 2h0m0s": func(w http.ResponseWriter, _ int64) bool {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		},
		"the response is no JSON":     func(w http.ResponseWriter, _ int64) bool { _, _ = w.Write([]byte("<html>")); return true },
		"the response has no text":    func(w http.ResponseWriter, _ int64) bool { _, _ = w.Write([]byte("{}")); return true },
		"judge t.jsonl:1: http://127": func(w http.ResponseWriter, _ int64) bool { http.Error(w, "", http.StatusTeapot); return true },
	} {
		e := &endpoint{verdict: byReference, fail: fail}
		if _, err := e.serve(t, filepath.Join(t.TempDir(), "r")).Compare(t.Context(), items(1), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	// A call that is cancelled ends, and what was answered stays on record.
	records := filepath.Join(t.TempDir(), "r")
	ctx, cancel := context.WithCancel(t.Context())
	e = &endpoint{verdict: byReference, fail: func(_ http.ResponseWriter, n int64) bool {
		if n > 10 {
			cancel()
		}
		return false
	}}
	if _, err := e.serve(t, records).Compare(ctx, items(1000), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if n := e.asked.Load(); n > 100 {
		t.Errorf("%d requests after it was cancelled", n)
	}
}

// A record that was cut by a kill is dropped, and one that is broken is told.
func TestRecords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r")
	e := &endpoint{verdict: byReference}
	j := e.serve(t, name)
	want, err := j.Compare(t.Context(), items(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text[:len(text)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	e = &endpoint{verdict: byReference}
	got, err := e.serve(t, name).Compare(t.Context(), items(2), nil)
	if err != nil || !slices.Equal(got, want) || e.asked.Load() != 1 {
		t.Errorf("after a cut: %v, %d requests", err, e.asked.Load())
	}
	if again, err := os.ReadFile(name); err != nil || len(again) != len(text) {
		t.Errorf("%d bytes on record, want %d (%v)", len(again), len(text), err)
	}
	for _, bad := range []string{"{\n", `{"request":"sha256:00","response":"A"}` + "\n"} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := judge.OpenRecords(name); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"request":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","response":"A"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "r")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := judge.OpenRecords(name); err == nil {
			_ = r.Close()
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "judge")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	records, err := judge.OpenRecords(filepath.Join(dir, "judge.jsonl"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer records.Close()
	j := &judge.Judge{Model: "wise", Records: records} // no URL: what is on record alone
	_, err = j.Compare(context.Background(), []judge.Item{{ID: "t:1", Question: "2+2?", Base: "5", Tuned: "4"}}, nil)
	fmt.Println(err)
	// Output: judge t:1: a response is not on record, and there is no endpoint to ask
}
