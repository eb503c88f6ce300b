package filter

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text/segment"
)

// plainTop is grams.top as its comment says it.
func plainTop(words []string, n int) int {
	count, best := map[string]int{}, ""
	for i := 0; i+n <= len(words); i++ {
		count[strings.Join(words[i:i+n], " ")]++
	}
	for i := 0; i+n <= len(words); i++ {
		if run := strings.Join(words[i:i+n], " "); count[run] > count[best] {
			best = run
		}
	}
	return count[best] * utf8.RuneCountInString(best)
}

// plainDuplicated is grams.duplicated as its comment says it.
func plainDuplicated(words []string, n int) int {
	seen, chars := map[string]bool{}, 0
	for i := 0; i+n <= len(words); {
		run := strings.Join(words[i:i+n], "")
		if seen[run] {
			chars += utf8.RuneCountInString(run)
			i += n
			continue
		}
		seen[run] = true
		i++
	}
	return chars
}

// TestGramsAgainstPlainMaps draws texts of few and of many words, of which some
// join to the same string, and compares with a count that takes no shortcut.
func TestGramsAgainstPlainMaps(t *testing.T) {
	pools := [][]string{
		{"a", "b"},
		{"a", "aa", "aaa", "."},
		{"the", "of", "cat", "sat", "mat", "on", "and", "then", "a"},
		{"研究", "研究生", "生命", "命", "。", "的"},
		{"internationalisation", "internationalisations", "counterrevolutionaries", "x"},
	}
	draw := rand.New(rand.NewPCG(3, 4))
	var r reading
	for range 3000 {
		pool := pools[draw.IntN(len(pools))]
		var kept []string
		for range draw.IntN(120) {
			// Words in a row come again now and then.
			if at := len(kept); at > 20 && draw.IntN(6) == 0 {
				from := draw.IntN(at - 12)
				kept = append(kept, kept[from:from+12]...)
				continue
			}
			kept = append(kept, pool[draw.IntN(len(pool))]+[]string{"", "", string(rune('a' + draw.IntN(26)))}[draw.IntN(3)])
		}
		r.reset(strings.Join(kept, " "))
		r.words, r.haveWords, r.wordsLang = nil, true, "en"
		for _, w := range kept {
			r.words = append(r.words, segment.Word{Text: w, Runes: utf8.RuneCountInString(w)})
		}
		g := r.gramsIn("en")
		for _, n := range []int{1, 2, 3, 4, 12} {
			if len(kept) < n {
				continue
			}
			if got, want := g.top(n), plainTop(kept, n); got != want {
				t.Fatalf("top %d of %q = %d, want %d", n, kept, got, want)
			}
		}
		runs := []Gram{{N: 5}, {N: 6}, {N: 10}, {N: 1 + draw.IntN(4)}}
		g.duplicated(runs, func(i, got int) {
			if want := plainDuplicated(kept, runs[i].N); got != want {
				t.Fatalf("runs of %d in %q: %d characters, want %d", runs[i].N, kept, got, want)
			}
		})
	}
}

// TestSpaceAndMarks holds the tables to what they stand for.
func TestSpaceAndMarks(t *testing.T) {
	for r := range rune(0x20000) {
		if want := 0x1C <= r && r <= 0x1F || unicode.IsSpace(r); segment.IsSpace(r) != want {
			t.Errorf("segment.IsSpace(%U) = %v", r, !want)
		}
		if endsSentence(r) != isTerminal(r) {
			t.Errorf("endsSentence(%U) = %v", r, endsSentence(r))
		}
	}
	for r := rune(0x4E00); r < 0xA000; r++ {
		if !unicode.IsLetter(r) || isMark(r) {
			t.Errorf("%U is no plain letter", r)
		}
	}
}
