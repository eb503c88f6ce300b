package job_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/job"
)

// TestSpecDigest fixes what counts as the same work. The golden value must not
// change: digests are on record.
func TestSpecDigest(t *testing.T) {
	base := func() job.Spec {
		return job.Spec{
			Kind: "train.sft", Recipe: json.RawMessage(`{"b":[1,2.50,{"y":null,"x":true}],"a":"é<&>"}`),
			Inputs: []troika.Digest{troika.Sum([]byte("1")), troika.Sum([]byte("2"))},
			Use:    job.Use{Purpose: "train", Party: "acme"},
		}
	}
	digest := func(s job.Spec) string {
		d, err := s.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	want := digest(base())
	canonical := `{"kind":"train.sft","recipe":{"a":"é<&>","b":[1,2.50,{"x":true,"y":null}]},` +
		`"inputs":["` + troika.Sum([]byte("1")).String() + `","` + troika.Sum([]byte("2")).String() + `"],` +
		`"use":{"purpose":"train","party":"acme"}}`
	if got := troika.Sum([]byte(canonical)).String(); got != want {
		t.Errorf("digest %s, want the SHA-256 of %s", want, canonical)
	}
	for name, change := range map[string]func(*job.Spec){
		"order and space": func(s *job.Spec) {
			s.Recipe = json.RawMessage("\n{ \"a\" : \"\\u00e9\\u003c&>\", \"b\":[1,2.50,{\"x\":true,\"y\":null}]}\n")
		},
		"needs": func(s *job.Spec) { s.Needs = job.Needs{Memory: 1, Threads: 1} },
	} {
		s := base()
		change(&s)
		if got := digest(s); got != want {
			t.Errorf("%s: another digest", name)
		}
	}
	for name, change := range map[string]func(*job.Spec){
		"kind":    func(s *job.Spec) { s.Kind = "train.dpo" },
		"recipe":  func(s *job.Spec) { s.Recipe = json.RawMessage(`{}`) },
		"number":  func(s *job.Spec) { s.Recipe = json.RawMessage(`{"b":[1,2.5,{"y":null,"x":true}],"a":"é<&>"}`) },
		"inputs":  func(s *job.Spec) { s.Inputs[0], s.Inputs[1] = s.Inputs[1], s.Inputs[0] },
		"purpose": func(s *job.Spec) { s.Use.Purpose = "eval" },
		"party":   func(s *job.Spec) { s.Use.Party = "" },
	} {
		s := base()
		change(&s)
		if got := digest(s); got == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	if digest(job.Spec{Kind: "a"}) != digest(job.Spec{Kind: "a", Recipe: json.RawMessage(" {} ")}) {
		t.Error("no recipe and an empty one differ")
	}
	if _, err := (job.Spec{Kind: "a", Recipe: json.RawMessage("[")}).Digest(); err == nil {
		t.Error("a broken recipe has a digest")
	}
}

// FuzzSpec checks that a spec that passes goes through its JSON unchanged.
func FuzzSpec(f *testing.F) {
	for _, recipe := range []string{`{}`, `{"a":1e400}`, `{"a":1,"a":2}`, `{"\ud800":"\u0000"}`, `[]`, `{"a":{"b":[{}]}} x`, "{\"\xff\":1}"} {
		f.Add("kind", recipe)
	}
	f.Fuzz(func(t *testing.T, kind, recipe string) {
		s, err := job.Spec{Kind: kind, Recipe: json.RawMessage(recipe)}.Canonical()
		if err != nil {
			return
		}
		first, err := s.Digest()
		if err != nil {
			t.Fatalf("no digest of %s: %v", s.Recipe, err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back job.Spec
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if second, err := back.Digest(); err != nil || second != first {
			t.Fatalf("digest %s, then %s, %v: %s", first, second, err, b)
		}
	})
}

// TestTransitions holds the table against the picture in doc.go.
func TestTransitions(t *testing.T) {
	allowed := map[string]bool{}
	for _, pair := range []string{
		"queued running", "running succeeded", "running failed", "queued paused", "running paused", "paused queued",
		"queued cancelled", "running cancelled", "paused cancelled", "running queued",
	} {
		allowed[pair] = true
	}
	for _, from := range job.States() {
		for _, to := range job.States() {
			if pair := fmt.Sprint(from, " ", to); from.Can(to) != allowed[pair] {
				t.Errorf("%s: %v", pair, from.Can(to))
			}
			if from.Final() && from.Can(to) {
				t.Errorf("%s is final and leads to %s", from, to)
			}
		}
	}
	if job.State("").Can(job.Running) || job.State("odd").Can(job.Queued) {
		t.Error("an unknown state leads somewhere")
	}
}
