package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// Kinds of lines.
const (
	kindSpam     = "spam"
	kindSentence = "sentence"
	kindOther    = "other"
)

// Fixture is a page whose lines are known.
type Fixture struct {
	Name     string   `json:"name"`
	Template string   `json:"template"`
	Theme    string   `json:"theme"`
	Article  string   `json:"article"`
	Lines    []string `json:"lines"`
	Kinds    []string `json:"kinds"`
}

// Text returns the page.
func (f Fixture) Text() string { return strings.Join(f.Lines, "\n") }

func (f *Fixture) add(kind string, lines ...string) {
	for _, l := range lines {
		f.Lines = append(f.Lines, l)
		f.Kinds = append(f.Kinds, kind)
	}
}

// generate returns a fixture for every template, theme, article and position,
// with separators in turn. Words replace the cores of themes where there are any.
func generate(seed uint64, words []string) []Fixture {
	r := rand.New(rand.NewPCG(seed, 5))
	var out []Fixture
	turn := 0
	for _, t := range templates {
		for _, th := range themes {
			for _, a := range articles {
				position := positions[turn%len(positions)]
				sep := separators[turn/len(positions)%len(separators)]
				turn++
				cores := th.cores
				if len(words) > 0 {
					cores = words
				}
				out = append(out, wrap(r, t, th, cores, a, position, sep))
			}
		}
	}
	return out
}

func wrap(r *rand.Rand, t template, th theme, cores []string, a article, position, sep string) Fixture {
	f := Fixture{
		Name: strings.Join([]string{t.name, th.name, a.name, position, fmt.Sprintf("%q", sep)}, "/"), Template: t.name, Theme: th.name, Article: a.name,
	}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	block := func() []string {
		return t.make(r, sep, func() string { return pick(th.before) + pick(cores) + pick(th.after) })
	}
	if position == "head" || position == "both" {
		f.add(kindSpam, block()...)
		if r.IntN(2) == 0 {
			f.add(kindOther, "")
		}
	}
	middle := 2 + r.IntN(len(a.lines)-2)
	for i, line := range a.lines {
		if position == "middle" && i == middle {
			f.add(kindSpam, block()...)
		}
		kind := kindOther
		if strings.ContainsAny(line, "。") {
			kind = kindSentence
		}
		if position == "same line" && kind == kindSentence && r.IntN(3) == 0 {
			line += sep + strings.Join(block(), sep)
		}
		f.add(kind, line)
	}
	if position == "tail" || position == "both" {
		if r.IntN(2) == 0 {
			f.add(kindOther, "")
		}
		f.add(kindSpam, block()...)
	}
	return f
}

// shortest is the length of the shortest word of spam that is taken from a file.
const shortest = 2

// usable reports whether a word from a file can stand in a list.
func usable(word string) bool {
	n := utf8.RuneCountInString(word)
	return n >= shortest && n <= 8 && !strings.ContainsAny(word, " ,|_")
}
