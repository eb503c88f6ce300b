package text_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/troikaml/troika/text"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		" indent stays\n\ttab too":       " indent stays\n\ttab too",
		"a\r\nb\rc\u2028d\u2029e\u0085f": "a\nb\nc\nd\ne\nf",
		"a  \n\n\n\n\tb \t\n\n":          "a\n\n\tb",
		"\n\n  first line":               "  first line",
		"e\u0301":                        "é",
		"e\u200B\u0301":                  "é", // composed once what stood between is gone
		"\uFEFFa\u200Bb\u00ADc\u202Ed":   "abcd",
		"a\u00A0b\u2003c\u202Fd":         "a b c d",
		"甲\n \t\u200b\u3000乙\u3000\x00\u3000丙\u0085\u3000丁": "甲\n \t乙  丙\n丁",
		"a\u00a0b\u2003c\u202fd\u1680e\u180ef":              "a b c d ef",
		"\u3000\u3000段落\u3000中":                             "段落 中",
		"bad \xff\xfe byte, \xe4\xb8 cut":                   "bad \uFFFD byte, \uFFFD cut",
		"👩\u200d💻 می\u200cخواهم":                            "👩\u200d💻 می\u200cخواهم",
		"bell\aescape\x1b[31mnul\x00":                       "bellescape[31mnul",
		"   \n \t \n":                                       "",
		"ok\x7f":                                            "ok",
	} {
		if got := text.Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"", "a\r\n\r\n b", "e\u200B\u0301", "\xff\u3000 中\u3000", " \u3000x", "\u1100\u1161\u11a8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Normalize(s)
		if again := text.Normalize(got); again != got {
			t.Errorf("normalised twice: %q, once: %q", again, got)
		}
		if !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) || strings.Contains(got, "\n\n\n") {
			t.Errorf("Normalize(%q) = %q", s, got)
		}
		if folded := text.Fold(got); strings.TrimSpace(folded) != folded || strings.Contains(folded, "  ") {
			t.Errorf("Fold(%q) = %q", got, folded)
		}
	})
}

func TestFold(t *testing.T) {
	same := []string{"Hello World", "  hello\n\tWORLD ", "Ｈｅｌｌｏ　Ｗｏｒｌｄ", "he\u200Bllo world"}
	for _, s := range same {
		if got := text.Fold(s); got != "hello world" {
			t.Errorf("Fold(%q) = %q", s, got)
		}
	}
	if text.Fold("a.") == text.Fold("a") {
		t.Error("punctuation must make a difference")
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string][]string{
		"":                         nil,
		" ,;!? ":                   nil,
		"Don't stop_now at 3.14":   {"Don't", "stop_now", "at", "3", "14"},
		"'quoted' __init__ trail_": {"quoted", "init", "trail"},
		"学习Go语言1.26":               {"学", "习", "Go", "语", "言", "1", "26"},
		"カタカナ と ひらがな":              {"カ", "タ", "カ", "ナ", "と", "ひ", "ら", "が", "な"},
		"한국어 단어":                   {"한국어", "단어"},
		"naïve ре́ка":              {"naïve", "ре́ка"},
		"か\u3099x":                 {"か\u3099", "x"}, // a mark stays with its character
		"a_中":                      {"a", "中"},
		"x\xffy":                   {"x", "y"},
	} {
		if got := slices.Collect(text.Words(in)); !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", in, got, want)
		}
	}
	for range text.Words("leave early") {
		break
	}
}

func TestTerms(t *testing.T) {
	for in, want := range map[string][]string{
		"":            nil,
		"go fast":     {"go", "fast"},
		"数据集":         {"数据", "据集"},
		"我 use 数据集。好": {"我", "use", "数据", "据集", "好"},
		"a中":          {"a", "中"},
		"中a":          {"中", "a"},
	} {
		if got := slices.Collect(text.Terms(in)); !slices.Equal(got, want) {
			t.Errorf("Terms(%q) = %q, want %q", in, got, want)
		}
	}
	for range text.Terms("数据集") {
		break
	}
}

func TestShingles(t *testing.T) {
	if got := text.Shingles("?!", 3); got != nil {
		t.Errorf("no words: %v", got)
	}
	if got := text.Shingles("only two", 3); len(got) != 1 {
		t.Errorf("fewer words than n: %d shingles, want 1", len(got))
	}
	if a, b := text.Shingles("ab c", 2), text.Shingles("a bc", 2); slices.Equal(a, b) {
		t.Error("word borders must make a difference")
	}
	got := text.Shingles("a b a b a b", 2) // "a b" and "b a"
	if len(got) != 2 || !slices.IsSorted(got) {
		t.Errorf("repeats: %v", got)
	}
}

// TestMinHashEstimates holds the share of agreeing positions to the exact
// Jaccard similarity, within five standard deviations of the binomial.
func TestMinHashEstimates(t *testing.T) {
	const k = 4096
	m := text.NewMinHasher(k, 7)
	for _, shared := range []int{0, 10, 50, 90, 100} {
		var a, b []string
		for i := range 100 {
			a = append(a, fmt.Sprint("w", i))
			if i < shared {
				b = append(b, fmt.Sprint("w", i))
			} else {
				b = append(b, fmt.Sprint("v", i))
			}
		}
		sa, sb := text.Shingles(strings.Join(a, " "), 1), text.Shingles(strings.Join(b, " "), 1)
		want := float64(shared) / float64(200-shared)
		if got := text.Jaccard(sa, sb); got != want {
			t.Errorf("Jaccard = %g, want %g", got, want)
		}
		x, y := make([]uint64, k), make([]uint64, k)
		m.Sign(x, sa)
		m.Sign(y, sb)
		agree := 0
		for i := range x {
			if x[i] == y[i] {
				agree++
			}
		}
		if got, sd := float64(agree)/k, math.Sqrt(want*(1-want)/k); math.Abs(got-want) > 5*sd {
			t.Errorf("estimate %.4f, want %.4f within %.4f", got, want, 5*sd)
		}
	}
}

// TestMinHashPinned pins the values: dataset versions depend on them.
func TestMinHashPinned(t *testing.T) {
	sig := make([]uint64, 4)
	text.NewMinHasher(4, 1).Sign(sig, text.Shingles("the quick brown fox jumps", 3))
	want := []uint64{0x7f9880583eac0d62, 0x143e56f6ccbfcc37, 0x214fb2731a3d20a3, 0x1c18e312fa966b99}
	if !slices.Equal(sig, want) {
		t.Errorf("signature %#v, want %#v", sig, want)
	}
	if a, b := text.Band([]uint64{1, 2, 1, 2}, 0, 2), text.Band([]uint64{1, 2, 1, 2}, 1, 2); a == b {
		t.Error("equal rows of two bands have one hash")
	}
	if got, want := text.Hash("crypto/aes.NewCipher", 0), uint64(0x164e746a12952636); got != want {
		t.Errorf("Hash = %#x, want %#x", got, want)
	}
}

func TestJaccardEdges(t *testing.T) {
	if text.Jaccard(nil, nil) != 1 || text.Jaccard(nil, []uint64{1}) != 0 {
		t.Error("empty sets")
	}
}

func words(s string) (int, error) { return len(strings.Fields(s)), nil }

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("word ", 100_000)
	for _, c := range []struct {
		in    string
		limit int
		want  string
		cut   bool
	}{
		{"", 3, "", false},
		{"one two three", 3, "one two three", false},
		{"one two three ", 3, "one two three", false},
		{"one two three four", 3, "one two three", true},
		{"one, two! three four", 2, "one, two!", true},
		{long, 5, "word word word word word", true},
		{strings.TrimSpace(long), 100_000, strings.TrimSpace(long), false},
	} {
		got, cut, err := text.Excerpt(c.in, c.limit, words)
		if err != nil || got != c.want || cut != c.cut {
			t.Errorf("Excerpt(%.30q, %d) = %.60q, %v, %v; want %.60q, %v", c.in, c.limit, got, cut, err, c.want, c.cut)
		}
	}
}

func TestExcerptCutsInsideAWord(t *testing.T) {
	runes := func(s string) (int, error) { return utf8.RuneCountInString(s), nil }
	if got, cut, err := text.Excerpt("unbreakable", 4, runes); got != "unbr" || !cut || err != nil {
		t.Errorf("got %q, %v, %v", got, cut, err)
	}
	if got, _, _ := text.Excerpt("中文字符很多", 4, runes); got != "中文字符" {
		t.Errorf("got %q", got)
	}
	dear := func(s string) (int, error) { return 10 * len(s), nil }
	if got, cut, err := text.Excerpt("a", 5, dear); got != "" || !cut || err != nil {
		t.Errorf("one character over the limit: %q, %v, %v", got, cut, err)
	}
}

func TestExcerptErrors(t *testing.T) {
	if _, _, err := text.Excerpt("a", 0, words); err == nil {
		t.Error("limit 0 passed")
	}
	fail := func(string) (int, error) { return 0, fmt.Errorf("broken") }
	if _, _, err := text.Excerpt("a", 1, fail); err == nil {
		t.Error("the counter's error was lost")
	}
}

// FuzzExcerpt counts like a greedy tokenizer whose tokens merge across the
// seam, which makes counts fall here and there.
func FuzzExcerpt(f *testing.F) {
	f.Add("abab ab a b ba 中文ab", 3)
	f.Add("\xff\xfe  x", 1)
	count := func(s string) (int, error) {
		return len(s) - strings.Count(s, "ab") - strings.Count(s, "ba "), nil
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got, cut, err := text.Excerpt(s, limit, count)
		if err != nil {
			if limit >= 1 {
				t.Error(err)
			}
			return
		}
		if n, _ := count(got); n > limit || !strings.HasPrefix(s, got) {
			t.Errorf("Excerpt(%q, %d) = %q of %d tokens", s, limit, got, n)
		}
		if !cut && strings.TrimSpace(s[len(got):]) != "" {
			t.Errorf("Excerpt(%q, %d) = %q says that nothing was cut", s, limit, got)
		}
	})
}

func Example() {
	a := text.Shingles(text.Fold("The cat sat on the mat."), 2)
	b := text.Shingles(text.Fold("the cat sat on a mat"), 2)
	fmt.Printf("%.2f\n", text.Jaccard(a, b))
	for w := range text.Terms("学习 Go") {
		fmt.Println(w)
	}
	// Output:
	// 0.43
	// 学习
	// Go
}
