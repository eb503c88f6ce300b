package filter_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/text/segment"
)

func ExampleGopherQuality() {
	f := filter.GopherQualityEnglish()
	v, err := f.Apply(context.Background(), &refine.Document{Text: strings.Repeat("Too few words. ", 3)})
	fmt.Println(v.Drop.Rule, v.Drop.Value, v.Drop.Threshold, err)
	// Output: gopher-quality.words 9 50 <nil>
}

func TestGopherQualityKeeps(t *testing.T) {
	text := strings.Repeat("The quality of a page shows in the words that people have with them. ", 6)
	v, err := filter.GopherQualityEnglish().Apply(t.Context(), &refine.Document{Text: text})
	if err != nil || v.Drop != nil {
		t.Fatalf("dropped: %+v, %v", v.Drop, err)
	}
	if got := v.Scores["gopher-quality.words"]; got != 6*14 {
		t.Errorf("words: %v", got)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	f := filter.GopherRepetitionEnglish()
	f.TopGrams = []filter.Gram{{N: 0, Max: 1}}
	if _, err := f.Apply(t.Context(), &refine.Document{Text: "x"}); err == nil {
		t.Error("runs of no words were accepted")
	}
}

// TestReady shows that a filter is ready where its words can be found, and that
// its Apply fails for the same reason.
func TestReady(t *testing.T) {
	_, want := segment.Chinese()
	for _, step := range append(presetsOf("zh"), presetsOf("en")...) {
		err := filter.Ready(step)
		if err != nil && !errors.Is(err, segment.ErrNoTables) {
			t.Errorf("%s: %v", step.Name(), err)
		}
		if _, got := step.Apply(t.Context(), &refine.Document{Text: "字"}); !errors.Is(got, errors.Unwrap(err)) {
			t.Errorf("%s: Apply says %v, Ready %v", step.Name(), got, err)
		}
	}
	if got := filter.Ready(filter.FineWeb2MandarinQuality()); !errors.Is(got, want) {
		t.Errorf("Ready says %v, want %v", got, want)
	}
}

func TestEmpty(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		for _, step := range presets(t, lang) {
			for _, text := range []string{"", "\n \n", "…"} {
				v, err := step.Apply(t.Context(), &refine.Document{Text: text})
				if err != nil {
					t.Errorf("%s: %q: %v", step.Name(), text, err)
				}
				for name, value := range v.Scores {
					if math.IsNaN(value) || math.IsInf(value, 0) {
						t.Errorf("%s: %q: %s = %v", step.Name(), text, name, value)
					}
				}
			}
		}
	}
}

// FuzzFilters holds what must hold of any text: values are finite, a kept
// document is only edited by C4, and line numbers ascend.
func FuzzFilters(f *testing.F) {
	for _, s := range []string{"", "\n", "a\r\nb\x1cc", "{", "\u2028[1] x", "….....", "aa\n\naa\n\naa\naa", "\xff\xfe", "研究生命\n研究生命"} {
		f.Add(s)
	}
	steps := append(presets(f, "en"), presets(f, "zh")...)
	f.Fuzz(func(t *testing.T, s string) {
		for _, step := range steps {
			d := &refine.Document{Text: s}
			v, err := step.Apply(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if step.Name() != "c4" && d.Text != s {
				t.Fatalf("%s edits", step.Name())
			}
			for name, value := range v.Scores {
				if math.IsNaN(value) || math.IsInf(value, 0) {
					t.Fatalf("%s = %v", name, value)
				}
			}
			for i, l := range v.Lines {
				if i > 0 && l.Line <= v.Lines[i-1].Line {
					t.Fatalf("lines %v", v.Lines)
				}
			}
		}
	})
}
