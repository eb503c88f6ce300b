package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// scriptTable derives the table of package text/script from the dictionaries of
// opencc-js. Its lines, of fields between tabs: N, pairs of a compatibility
// character and what stands for it; SC and TC, pairs of characters, to
// Traditional and to Simplified; SP and TP, a phrase and what its characters
// become, "." where they become what they do alone.
func scriptTable(folder string) ([]byte, error) {
	compat, err := load(folder, "CJK_Compatibility_Ideographs")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "N\t%s\n", joined(compat))
	for _, way := range []struct {
		mark  string
		chars string
		texts []string
	}{
		{"S", "STCharacters", []string{"STPhrases", "STPhrases_GeneratedFromRegionalPhrases"}},
		{"T", "TSCharacters", []string{"TSPhrases"}},
	} {
		chars, err := load(folder, way.chars)
		if err != nil {
			return nil, err
		}
		for from, to := range chars {
			if utf8.RuneCountInString(from) != 1 || utf8.RuneCountInString(to) != 1 {
				return nil, fmt.Errorf("%s: %q becomes %q: want one character each", way.chars, from, to)
			}
		}
		phrases, err := load(folder, way.texts...)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%sC\t%s\n", way.mark, joined(chars))
		kept := prune(phrases, chars)
		for _, from := range slices.Sorted(maps.Keys(kept)) {
			to, err := differing(from, kept[from], chars)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "%sP\t%s\t%s\n", way.mark, from, to)
		}
	}
	return []byte(b.String()), nil
}

// load reads the pairs of dictionaries, modules that export one string
// "from to other|from to". Of several results the first counts, and so does the
// first dictionary that has an entry.
func load(folder string, names ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(folder, name+".js"))
		if err != nil {
			return nil, err
		}
		_, text, _ := strings.Cut(string(raw), `"`)
		end := strings.LastIndexByte(text, '"')
		if end < 0 {
			return nil, fmt.Errorf("%s: no string in it", name)
		}
		for pair := range strings.SplitSeq(text[:end], "|") {
			f := strings.Split(pair, " ")
			if len(f) < 2 || f[0] == "" || f[1] == "" {
				return nil, fmt.Errorf("%s: entry %.40q", name, pair)
			}
			if _, ok := out[f[0]]; !ok {
				out[f[0]] = f[1]
			}
		}
	}
	return out, nil
}

// joined returns keys and values after one another, by key.
func joined(pairs map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		b.WriteString(k + pairs[k])
	}
	return b.String()
}

// plain converts a text character by character.
func plain(s string, chars map[string]string) string {
	var b strings.Builder
	for _, r := range s {
		if to, ok := chars[string(r)]; ok {
			b.WriteString(to)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// differing returns the characters of to, "." where plain gives the same.
func differing(from, to string, chars map[string]string) (string, error) {
	a, b := []rune(plain(from, chars)), []rune(to)
	if len(a) != len(b) {
		return "", fmt.Errorf("phrase %s becomes %s: want as many characters", from, to)
	}
	for i := range b {
		if a[i] == b[i] {
			b[i] = '.'
		}
	}
	return string(b), nil
}

// prune returns the phrases that plain gets wrong, and of the others those that
// keep such a phrase from being found across their end: conversions take the
// longest phrase from the left.
func prune(phrases, chars map[string]string) map[string]string {
	kept, heads := map[string]string{}, map[string]bool{}
	keep := func(p string) {
		kept[p] = phrases[p]
		for end := range p {
			heads[p[:end]] = true
		}
		heads[p] = true
	}
	for p, to := range phrases {
		if plain(p, chars) != to {
			keep(p)
		}
	}
	for {
		var more []string
		for p := range phrases {
			if _, ok := kept[p]; !ok && crosses(p, kept, heads) {
				more = append(more, p)
			}
		}
		if len(more) == 0 {
			return kept
		}
		for _, p := range more {
			keep(p)
		}
	}
}

// crosses reports whether a kept phrase could begin inside p: whether p ends
// with the beginning of one, or holds one after its first character.
func crosses(p string, kept map[string]string, heads map[string]bool) bool {
	for start := range p {
		if start == 0 {
			continue
		}
		tail := p[start:]
		if heads[tail] {
			return true
		}
		for end := range tail {
			if _, ok := kept[tail[:end]]; ok {
				return true
			}
		}
	}
	return false
}
