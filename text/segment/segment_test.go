package segment_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/troikaml/troika/text/segment"
)

func ExampleFor() {
	split, err := segment.For("en-GB")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(segment.Texts(split(nil, "It's 5km.")))
	// Output: [It 's 5 km .]
}

func ExampleEnglish() {
	for _, w := range segment.English(nil, "Don't pay $5.50 (e.g. to foo.com).") {
		fmt.Printf("%s|", w.Text)
	}
	// Output: Do|n't|pay|$|5.50|(|e.g.|to|foo.com|)|.|
}

// splitter returns the words of a language, and ends the test where the program
// has no dictionary of it.
func splitter(tb testing.TB, lang string) segment.Splitter {
	tb.Helper()
	split, err := segment.For(lang)
	if errors.Is(err, segment.ErrNoTables) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return split
}

// TestReferences compares every word with spaCy's and jieba's.
func TestReferences(t *testing.T) {
	for lang, least := range map[string]int{"en": 3000, "zh": 800} {
		t.Run(lang, func(t *testing.T) {
			split := splitter(t, lang)
			name := "testdata/" + lang + ".jsonl"
			f, err := os.Open(name)
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
				if got := segment.Texts(split(nil, text)); !slices.Equal(got, want) {
					t.Errorf("%s:%d: %q\n got %q\nwant %q", name, n+1, text, got, want)
				}
			}
			if n < least {
				t.Errorf("%s holds only %d texts", name, n)
			}
		})
	}
}

func TestFor(t *testing.T) {
	const s = "研究生命"
	for lang, want := range map[string]int{"en": 1, "": 1, "de-Latn": 1, "zh": 2, "zh-Hant-TW": 2, "cmn_Hani": 2, "YUE": 2} {
		t.Run(lang, func(t *testing.T) {
			if got := len(splitter(t, lang)(nil, s)); got != want {
				t.Errorf("%d words, want %d", got, want)
			}
		})
	}
}

// TestConcurrent shows that goroutines share a dictionary.
func TestConcurrent(t *testing.T) {
	split := splitter(t, "zh")
	const s = "工程师把这几千条样本整理好，当天晚上就训练出了一个小模型。"
	want := segment.Texts(split(nil, s))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got := segment.Texts(split(nil, s)); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestLongRun shows that a run without punctuation is split whatever its length.
func TestLongRun(t *testing.T) {
	s := strings.Repeat("研究生命起源", 250_000)
	words := splitter(t, "zh")(nil, s)
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
	chinese := splitter(f, "zh")
	f.Fuzz(func(t *testing.T, s string) {
		check(t, s, segment.English(nil, s))
		check(t, s, chinese(nil, s))
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
	benchmark(b, splitter(b, "zh"), "工程师把这几千条样本整理好，当天晚上就训练出了一个能回答客户问题的小模型，并且证明它比原来的模型更好。\n")
}
