package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// vocabulary returns n made-up words of two to four syllables.
func vocabulary(r *rand.Rand, n int) []string {
	syllables := strings.Fields("ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu zan ter ment ing al ity ous pre con")
	seen := map[string]bool{}
	var out []string
	for len(out) < n {
		var b strings.Builder
		for range 2 + r.IntN(3) {
			b.WriteString(syllables[r.IntN(len(syllables))])
		}
		if w := b.String(); !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// sentence draws words with the frequencies of language: the k-th as often as 1/k.
func sentence(z *rand.Zipf, words []string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = words[z.Uint64()]
	}
	return out
}

// abstract is a generated document. Copies of one text share Origin.
type abstract struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Origin int    `json:"origin"`
}

// abstracts returns about n documents in random order: a third of the texts
// stand alone, a third has exact copies, a third near ones. Every other text that
// stands alone quotes up to half of the one before and is no copy for that.
func abstracts(seed uint64, n int) []abstract {
	r := rand.New(rand.NewPCG(seed, 9))
	words := vocabulary(r, 20000)
	z := rand.NewZipf(r, 1.1, 8, uint64(len(words)-1))
	var out []abstract
	var alone []string
	for origin := 0; len(out) < n; origin++ {
		text := sentence(z, words, 60+r.IntN(180))
		if origin%6 == 3 {
			copy(text, alone[:r.IntN(len(alone)/2)])
		}
		if origin%6 == 0 {
			alone = text
		}
		out = append(out, abstract{Text: punctuate(r, text), Origin: origin})
		kind := origin % 3
		if kind == 0 {
			continue
		}
		for range 1 + r.IntN(2) {
			other := text
			if kind == 2 {
				other = edit(r, z, words, text)
			}
			out = append(out, abstract{Text: punctuate(r, other), Origin: origin})
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for i := range out {
		out[i].ID = fmt.Sprintf("%07d", i)
	}
	return out
}

// edit changes up to one word in 20, and now and then cuts the end off.
func edit(r *rand.Rand, z *rand.Zipf, words, text []string) []string {
	out := append([]string(nil), text...)
	for range 1 + r.IntN(max(len(out)/20, 1)) {
		i := r.IntN(len(out))
		switch r.IntN(3) {
		case 0:
			out[i] = words[z.Uint64()]
		case 1:
			out = append(out[:i], out[i+1:]...)
		default:
			out = append(out[:i], append([]string{words[z.Uint64()]}, out[i:]...)...)
		}
	}
	if r.IntN(4) == 0 {
		out = out[:len(out)*9/10]
	}
	return out
}

// punctuate writes words as sentences, each time in another way.
func punctuate(r *rand.Rand, words []string) string {
	var b strings.Builder
	start := true
	for i, w := range words {
		if start {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
		start = false
		switch {
		case i == len(words)-1, r.IntN(14) == 0:
			b.WriteString(".")
			start = true
		case r.IntN(10) == 0:
			b.WriteString(",")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

// pair returns two texts whose sets of 5-word shingles have the Jaccard
// similarity same/(same+2*5*changes) with same+5*changes shingles each.
func pair(r *rand.Rand, words []string, shingles, changes int) (a, b string) {
	n := shingles + 4
	text := make([]string, n)
	for i, k := range r.Perm(len(words))[:n+changes] {
		if i < n {
			text[i] = words[k]
		}
	}
	other := append([]string(nil), text...)
	// One change in each equal stretch of at least ten words, five or more from
	// its ends, so that every change takes five shingles of its own.
	stretch := n / changes
	for c := range changes {
		at := c*stretch + 4 + r.IntN(stretch-8)
		other[at] += "x"
	}
	return strings.Join(text, " "), strings.Join(other, " ")
}
