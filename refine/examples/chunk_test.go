package examples_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/troikaml/troika/refine/examples"
)

func TestSplitKeepsStructure(t *testing.T) {
	text := "# Manual\n\nIntroduction that is short.\n\n## Install\n\n```sh\nmake\n\nmake install\n```\n\n" +
		"## Use\n\n| key | meaning |\n| --- | --- |\n" + strings.Repeat("| a | something |\n", 12) +
		"\n### Deep\n\n" + strings.Repeat("一句话说完了。", 40) + "\n"
	c := examples.Chunk{MaxChars: 160, MinChars: 20}
	got := c.Split(text)
	if len(got) < 5 {
		t.Fatalf("%d pieces: %q", len(got), got)
	}
	for i, p := range got {
		if n := utf8.RuneCountInString(p); n > c.MaxChars || n == 0 {
			t.Errorf("piece %d has %d characters", i, n)
		}
	}
	if !strings.HasPrefix(got[1], "# Manual\n\n## Install") || !strings.Contains(got[1], "make\n\nmake install\n```") {
		t.Errorf("the code is cut: %q", got[1])
	}
	tables := 0
	for _, p := range got {
		if strings.Contains(p, "| a |") {
			tables++
			if !strings.Contains(p, "| key | meaning |\n| --- | --- |\n| a |") {
				t.Errorf("a part of the table lacks its head: %q", p)
			}
		}
	}
	if tables < 2 {
		t.Errorf("the table is in %d pieces", tables)
	}
	if last := got[len(got)-1]; !strings.HasPrefix(last, "# Manual\n\n## Use\n\n### Deep\n\n一句") || !strings.HasSuffix(last, "。") {
		t.Errorf("last piece %q", last)
	}
	if n := strings.Count(strings.Join(got, ""), "一句话说完了。"); n != 40 {
		t.Errorf("%d sentences of 40 are left", n)
	}
	if got := c.Split("short"); !slices.Equal(got, []string{"short"}) {
		t.Errorf("a short text became %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("# A\n\ntext text\n\n```\ncode\n", 0)
	f.Add("| a | b |\n| --- | --- |\n| c | d |\n"+strings.Repeat("x", 300), 7)
	f.Add(strings.Repeat("# "+strings.Repeat("h", 50)+"\n", 5)+strings.Repeat("长", 200), 50)
	f.Fuzz(func(t *testing.T, text string, least int) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		c := examples.Chunk{MaxChars: 100, MinChars: max(0, least%100)}
		letters := func(s string) map[rune]int {
			m := map[rune]int{}
			for _, r := range s {
				if r > ' ' {
					m[r]++
				}
			}
			return m
		}
		got := letters(strings.Join(c.Split(text), ""))
		for r, n := range letters(strings.TrimSpace(text)) {
			if got[r] < n && !strings.ContainsRune("\u0085\u00a0", r) {
				t.Errorf("%d of %d %q are left of %q", got[r], n, r, text)
			}
		}
		for _, p := range c.Split(text) {
			if utf8.RuneCountInString(p) > c.MaxChars {
				t.Errorf("a piece of %d characters: %q", utf8.RuneCountInString(p), p)
			}
		}
	})
}
