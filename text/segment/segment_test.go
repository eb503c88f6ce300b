package segment_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/troikaml/troika/text/segment"
)

func ExampleFor() {
	for _, w := range segment.For("zh-Hans")(nil, "结合成分子时，用 C++ 算。") {
		fmt.Printf("%s|", w.Text)
	}
	// Output: 结合|成|分子|时|，|用|C++|算|。|
}

func ExampleEnglish() {
	for _, w := range segment.English(nil, "Don't pay $5.50 (e.g. to foo.com).") {
		fmt.Printf("%s|", w.Text)
	}
	// Output: Do|n't|pay|$|5.50|(|e.g.|to|foo.com|)|.|
}

// TestReferences compares every word with spaCy's and jieba's.
func TestReferences(t *testing.T) {
	for _, c := range []struct {
		file  string
		split segment.Splitter
		least int
	}{{"testdata/english.jsonl", segment.English, 3000}, {"testdata/chinese.jsonl", segment.Chinese, 800}} {
		f, err := os.Open(c.file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		for lines := bufio.NewScanner(f); lines.Scan(); n++ {
			var text string
			var want []string
			if err := json.Unmarshal(lines.Bytes(), &[]any{&text, &want}); err != nil {
				t.Fatal(err)
			}
			if got := segment.Texts(c.split(nil, text)); !slices.Equal(got, want) {
				t.Errorf("%s:%d: %q\n got %q\nwant %q", c.file, n+1, text, got, want)
			}
		}
		if n < c.least {
			t.Errorf("%s holds only %d texts", c.file, n)
		}
	}
}

func TestFor(t *testing.T) {
	const s = "研究生命"
	for lang, want := range map[string]int{"zh": 2, "zh-Hant-TW": 2, "cmn_Hani": 2, "en": 1, "": 1} {
		if got := len(segment.For(lang)(nil, s)); got != want {
			t.Errorf("For(%q) finds %d words, want %d", lang, got, want)
		}
	}
}

// TestLongRun shows that a run without punctuation is split whatever its length.
func TestLongRun(t *testing.T) {
	s := strings.Repeat("研究生命起源", 250_000)
	words := segment.Chinese(nil, s)
	check(t, s, words)
}

// check verifies that words lie in s in order and leave out white space alone.
func check(t *testing.T, s string, words []segment.Word) {
	t.Helper()
	rest := s
	for _, w := range words {
		rest = strings.TrimLeftFunc(rest, space)
		if w.Text == "" || !strings.HasPrefix(rest, w.Text) {
			t.Fatalf("word %q does not follow in %.40q", w.Text, rest)
		}
		if w.Runes != utf8.RuneCountInString(w.Text) {
			t.Fatalf("%q counts %d characters", w.Text, w.Runes)
		}
		rest = rest[len(w.Text):]
	}
	if left := strings.TrimLeftFunc(rest, space); left != "" {
		t.Fatalf("%.40q is in no word", left)
	}
}

func space(r rune) bool {
	return 0x1C <= r && r <= 0x1F || strings.ContainsRune("\u0085\u00a0", r) || strings.TrimSpace(string(r)) == ""
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "Don't :-) stop...", "研究生命C++，起源", "\xff中\xe4\xb8", "a\u3000b\u00a0c", "http://a.b/c?d (x).", "((((((((((((((((((((x))))))))))))))))))))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check(t, s, segment.English(nil, s))
		check(t, s, segment.Chinese(nil, s))
	})
}

func benchmark(b *testing.B, split segment.Splitter, s string) {
	b.Helper()
	s = strings.Repeat(s, 100_000/len(s))
	b.SetBytes(int64(len(s)))
	words := split(nil, s)
	for b.Loop() {
		words = split(words[:0], s)
	}
}

func BenchmarkEnglish(b *testing.B) {
	benchmark(b, segment.English, "The engineer at a small company, with a few thousand examples, wants proof that it's better than the base (and a URL) tonight.\n")
}

func BenchmarkChinese(b *testing.B) {
	benchmark(b, segment.Chinese, "工程师把这几千条样本整理好，当天晚上就训练出了一个能回答客户问题的小模型，并且证明它比原来的模型更好。\n")
}
