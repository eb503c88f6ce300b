package lang_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/troikaml/troika/text/lang"
)

func load(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestFastText compares with what fastText predicts by the same models:
// testdata/generate.py trains them and writes it down.
func TestFastText(t *testing.T) {
	models := map[string]*lang.FastText{}
	for _, name := range []string{"tiny.bin", "tiny.ftz"} {
		m, err := lang.ReadFastText(bytes.NewReader(load(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.Labels()); n != 4 {
			t.Errorf("%s: %d labels", name, n)
		}
		models[name] = m
	}
	n := 0
	for line := range bytes.Lines(load(t, "predictions.jsonl")) {
		var want struct {
			Model, Text string
			Labels      []string
			Scores      []float64
		}
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		n++
		got := models[want.Model].Predict(want.Text, 4)
		if len(got) != len(want.Labels) {
			t.Errorf("%s, %q: %v, want %v", want.Model, want.Text, got, want.Labels)
			continue
		}
		for i, g := range got {
			if g.Lang != want.Labels[i] || math.Abs(g.Score-want.Scores[i]) > 2e-5 {
				t.Errorf("%s, %q: label %d is %v, want %s %g", want.Model, want.Text, i, g, want.Labels[i], want.Scores[i])
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d predictions", n)
	}
}

// TestFastTextRefuses: every cut of a model, and numbers that do not fit, are errors.
func TestFastTextRefuses(t *testing.T) {
	for _, name := range []string{"tiny.bin", "tiny.ftz"} {
		whole := load(t, name)
		for n := 0; n < len(whole); n += 1 + n/60 {
			if _, err := lang.ReadFastText(bytes.NewReader(whole[:n])); !errors.Is(err, lang.ErrModel) {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
	// A label that occurs oftener than fastText's tree has room for.
	b := load(t, "tiny.bin")
	at := bytes.Index(b, []byte("__label__")) + len("__label__eng_Latn") + 1
	binary.LittleEndian.PutUint64(b[at:], math.MaxInt64)
	if _, err := lang.ReadFastText(bytes.NewReader(b)); !errors.Is(err, lang.ErrModel) {
		t.Errorf("a label of 2^63-1 texts: %v", err)
	}
}

func FuzzReadFastText(f *testing.F) {
	f.Add(load(f, "tiny.bin"), "horse wagen route")
	f.Add(load(f, "tiny.ftz"), "马 x")
	f.Fuzz(func(t *testing.T, model []byte, text string) {
		m, err := lang.ReadFastText(bytes.NewReader(model))
		if err != nil {
			if !errors.Is(err, lang.ErrModel) {
				t.Errorf("%v is no ErrModel", err)
			}
			return
		}
		if got := m.Predict(text, 2); len(got) > 2 {
			t.Errorf("%d guesses", len(got))
		}
	})
}
