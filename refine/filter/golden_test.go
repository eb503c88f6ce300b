package filter_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/text/segment"
)

// goldenCase is a document with what the reference measured.
type goldenCase struct {
	Lang   string
	Text   string
	Values map[string]float64
	// Drops are the reasons of the filters in turn, "" where one keeps.
	Drops []string
	// C4 are the texts that the C4 filters leave, nil where they drop.
	C4 []*string
}

func readCases(t *testing.T) []goldenCase {
	t.Helper()
	f, err := os.Open("testdata/cases.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for dec := json.NewDecoder(z); ; {
		var c goldenCase
		if err := dec.Decode(&c); errors.Is(err, io.EOF) {
			return cases
		} else if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
}

// reasons are datatrove's names of the rules.
var reasons = map[string]string{
	"gopher-quality.words":                  "gopher_short_doc",
	"gopher-quality.ellipsis-lines":         "gopher_too_many_end_ellipsis",
	"gopher-quality.alpha-words":            "gopher_below_alpha_threshold",
	"gopher-quality.stop-words":             "gopher_enough_stop_words",
	"gopher-repetition.dup-paragraphs":      "dup_para_frac",
	"gopher-repetition.dup-paragraph-chars": "dup_para_char_frac",
	"gopher-repetition.dup-lines":           "dup_line_frac",
	"gopher-repetition.dup-line-chars":      "dup_line_char_frac",
	"gopher-repetition.top-2-gram":          "top_2_gram",
	"gopher-repetition.top-3-gram":          "top_3_gram",
	"gopher-repetition.top-4-gram":          "top_4_gram",
	"gopher-repetition.dup-5-gram":          "duplicated_5_n_grams",
	"gopher-repetition.dup-6-gram":          "duplicated_6_n_grams",
	"gopher-repetition.dup-7-gram":          "duplicated_7_n_grams",
	"gopher-repetition.dup-8-gram":          "duplicated_8_n_grams",
	"gopher-repetition.dup-9-gram":          "duplicated_9_n_grams",
	"gopher-repetition.dup-10-gram":         "duplicated_10_n_grams",
	"fineweb.line-punct":                    "line_punct_ratio",
	"fineweb.short-lines":                   "short_line_ratio",
	"fineweb.dup-line-chars":                "char_dup_ratio",
	"fineweb.newlines":                      "list_ratio",
	"c4.lorem-ipsum":                        "lorem_ipsum",
	"c4.curly-bracket":                      "curly_bracket",
	"c4.sentences":                          "too_few_sentences",
}

// presets are the filters of the golden cases, in the order of Drops. It ends a
// test that needs a dictionary which is not there.
func presets(tb testing.TB, lang string) []refine.Step {
	tb.Helper()
	steps := presetsOf(lang)
	for _, s := range steps {
		if err := filter.Ready(s); errors.Is(err, segment.ErrNoTables) {
			tb.Skip(err)
		} else if err != nil {
			tb.Fatal(err)
		}
	}
	return steps
}

func presetsOf(lang string) []refine.Step {
	if lang == "en" {
		strict := filter.C4English()
		strict.TerminalMark = true
		return []refine.Step{
			filter.GopherRepetitionEnglish(), filter.GopherQualityEnglish(), filter.FineWebEnglish(),
			filter.C4English(), strict,
		}
	}
	c4 := filter.C4English()
	c4.Lang = "zh"
	return []refine.Step{
		filter.FineWeb2MandarinRepetition(), filter.FineWeb2MandarinQuality(), filter.FineWeb2MandarinFineWeb(),
		c4, filter.ChineseWebTextRules(), filter.DataJuicerChinese(),
	}
}

// TestGolden compares every measured value, every reason of a drop and every
// text that C4 leaves with the reference's.
func TestGolden(t *testing.T) {
	cases := readCases(t)
	if len(cases) < 150 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		scores := map[string]float64{}
		c4 := c.C4
		for k, step := range presets(t, c.Lang) {
			d := &refine.Document{Text: c.Text}
			v, err := step.Apply(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(scores, v.Scores)
			if k >= len(c.Drops) {
				continue
			}
			got := ""
			if v.Drop != nil {
				got = reasons[v.Drop.Rule]
			}
			if got != c.Drops[k] {
				t.Errorf("case %d, %s: dropped for %+v, want %q", i, step.Name(), v.Drop, c.Drops[k])
			}
			if step.Name() == "c4" {
				if c4[0] != nil && d.Text != *c4[0] {
					t.Errorf("case %d: C4 leaves %q\nwant %q", i, d.Text, *c4[0])
				}
				c4 = c4[1:]
			}
		}
		for name, want := range c.Values {
			if got, ok := scores[name]; !ok || math.Abs(got-want) > 1e-12*max(1, want) {
				t.Errorf("case %d (%s): %s = %v, want %v", i, c.Lang, name, got, want)
			}
		}
	}
}

// TestFuse shows that fused filters decide and measure as they do alone.
func TestFuse(t *testing.T) {
	for i, c := range readCases(t) {
		steps := presets(t, c.Lang)
		alone, together := &refine.Document{Text: c.Text}, &refine.Document{Text: c.Text}
		var want *refine.Reason
		scores := map[string]float64{}
		for _, step := range steps {
			v, err := step.Apply(t.Context(), alone)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(scores, v.Scores)
			if want = v.Drop; want != nil {
				break
			}
		}
		fused := filter.Fuse(steps)
		if len(fused) != 1 {
			t.Fatalf("%d steps", len(fused))
		}
		v, err := fused[0].Apply(t.Context(), together)
		if err != nil {
			t.Fatal(err)
		}
		if (v.Drop == nil) != (want == nil) || want != nil && *v.Drop != *want || together.Text != alone.Text {
			t.Errorf("case %d: fused %+v, alone %+v", i, v.Drop, want)
		}
		for name, value := range scores {
			if v.Scores[name] != value {
				t.Errorf("case %d: fused %s = %v, alone %v", i, name, v.Scores[name], value)
			}
		}
	}
}
