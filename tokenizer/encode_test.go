package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// TestEncodeIsConcurrent shares one tokenizer and its word cache between
// goroutines; run with -race.
func TestEncodeIsConcurrent(t *testing.T) {
	var cases []fixture
	readJSON(t, "cases.json", &cases)
	for _, name := range []string{"qwen2", "llama2", "lower"} {
		tok, alone := loadFixture(t, name), loadFixture(t, name)
		var want [][]int32
		for _, c := range cases {
			text := c.text(t)
			want = append(want, alone.Encode(text[:min(1000, len(text))], true))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i, c := range cases {
					text := c.text(t)
					if ids := tok.Encode(text[:min(1000, len(text))], true); !slices.Equal(ids, want[i]) {
						t.Errorf("%s: %.100q: %v, want %v", name, text, ids, want[i])
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestHostileText bounds the time for texts that are worst for a quadratic
// tokenizer. The limit is generous: quadratic time would take minutes.
func TestHostileText(t *testing.T) {
	size := 1 << 18
	if testing.Short() {
		size = 1 << 12
	}
	for _, name := range []string{"gpt2", "llama3", "qwen2", "llama2", "gemma", "lower", "deepseek", "falcon", "accents", "bert", "xlmr", "spm"} {
		tok := loadFixture(t, name)
		for _, unit := range []string{"a", " ", "\n", "9", "'", "<", "ab", "é", "中", "\xff", "\u0301", "a\u0301", "<|im_", "▁", " \n", "'s", "=-"} {
			text := strings.Repeat(unit, size/len(unit))
			start := time.Now()
			ids := tok.Encode(text, true)
			took := time.Since(start)
			if took > 20*time.Second {
				t.Errorf("%s: %q x %d took %v", name, unit, size/len(unit), took)
			} else if took > time.Second {
				t.Logf("%s: %q x %d took %v", name, unit, size/len(unit), took)
			}
			if len(ids) == 0 && name != "spm" && name != "accents" && name != "lower" {
				t.Errorf("%s: %q gives no ids", name, unit)
			}
		}
	}
}

func TestAppendEncode(t *testing.T) {
	tok := loadFixture(t, "llama3")
	ids := []int32{7}
	ids = tok.AppendEncode(ids, "one", true)
	ids = tok.AppendEncode(ids, "two", false)
	want := slices.Concat([]int32{7}, tok.Encode("one", true), tok.Encode("two", false))
	if !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

// TestTemplateTwice holds a text twice, as a template may.
func TestTemplateTwice(t *testing.T) {
	tok, err := Load(strings.NewReader(tiny(map[string]string{"post_processor": `{"type": "TemplateProcessing",
		"single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "b", "type_id": 0}},
			{"Sequence": {"id": "A", "type_id": 0}}],
		"special_tokens": {"b": {"id": "b", "ids": [1, 1], "tokens": ["b", "b"]}}}`})))
	if err != nil {
		t.Fatal(err)
	}
	if ids := tok.AppendEncode([]int32{5}, "aab", true); !slices.Equal(ids, []int32{5, 0, 2, 1, 1, 0, 2}) {
		t.Errorf("%v", ids)
	}
	if ids := tok.Encode("aab", false); !slices.Equal(ids, []int32{0, 2, 0, 2}) {
		t.Errorf("%v", ids)
	}
}

// TestReplaceInvalid holds the examples of Unicode 16, table 3-8 and after.
func TestReplaceInvalid(t *testing.T) {
	for text, want := range map[string]string{
		"a\xf1\x80\x80\xe1\x80\xc2b\x80c\x80\xbfd": "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd",
		"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82A":        "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA",
		"\xed\xa0\x80\xed\xbf\xbf\xed\xaf A":       "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd A",
		"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42":     "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB",
		"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41":     "\ufffd\ufffd\ufffd\ufffdA",
		"plain é 中 👍":                              "plain é 中 👍",
	} {
		if have := replaceInvalid(text); have != want {
			t.Errorf("%q: %q, want %q", text, have, want)
		}
	}
}

func FuzzEncode(f *testing.F) {
	names := []string{"gpt2", "llama3", "qwen35", "o200k", "deepseek", "llama2", "gemma"}
	var tokens []*Tokenizer
	for _, name := range names {
		tokens = append(tokens, loadFixture(f, name))
	}
	var cases []fixture
	readJSON(f, "cases.json", &cases)
	for _, c := range cases {
		if c.N == 0 {
			f.Add(c.text(f))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range tokens {
			ids := tok.EncodeOrdinary(text)
			if again := tok.EncodeOrdinary(text); !slices.Equal(ids, again) {
				t.Fatalf("%s: %v, then %v", names[i], ids, again)
			}
			have := tok.Decode(ids, false)
			want := replaceInvalid(text)
			switch {
			case names[i] == "qwen35":
				want = normalForm{compose: true}.normalize(piece{s: want}).s
			case !tok.model.(*bpe).byteMode:
				// Byte tokens and the space mark can be spelled in the text.
				if strings.Contains(want, "▁") || strings.Contains(want, "<0x") {
					continue
				}
			}
			if have != want {
				t.Fatalf("%s: %q comes back as %q", names[i], want, have)
			}
			if !utf8.ValidString(have) {
				t.Fatalf("%s: %q is not UTF-8", names[i], have)
			}
		}
	})
}
