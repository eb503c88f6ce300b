package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// template makes the lines of one block of spam; phrase makes one phrase. A
// separator is used where the template takes one.
type template struct {
	name      string
	separated bool
	make      func(r *rand.Rand, sep string, phrase func() string) []string
}

var separators = []string{",", "|", "、", "_", " "}

func several(n int, phrase func() string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = phrase()
	}
	return out
}

var templates = []template{
	{"list", true, func(r *rand.Rand, sep string, phrase func() string) []string {
		return []string{strings.Join(several(6+r.IntN(14), phrase), sep)}
	}},
	{"lists", true, func(r *rand.Rand, sep string, phrase func() string) []string {
		var out []string
		for range 2 + r.IntN(4) {
			out = append(out, strings.Join(several(4+r.IntN(6), phrase), sep))
		}
		return out
	}},
	{"column", false, func(r *rand.Rand, _ string, phrase func() string) []string {
		return several(6+r.IntN(12), phrase)
	}},
	{"title", false, func(_ *rand.Rand, _ string, phrase func() string) []string {
		p := several(6, phrase)
		return []string{fmt.Sprintf("%s_%s_%s-%s|%s,%s", p[0], p[1], p[2], p[3], p[4], p[5])}
	}},
	{"links", true, func(r *rand.Rand, sep string, phrase func() string) []string {
		return []string{"友情链接：" + strings.Join(several(5+r.IntN(8), phrase), sep) + fmt.Sprintf(" www.%d%dk.com", r.IntN(90)+10, r.IntN(900)+100)}
	}},
	{"brackets", false, func(r *rand.Rand, _ string, phrase func() string) []string {
		return []string{"【" + strings.Join(several(5+r.IntN(6), phrase), "】【") + "】"}
	}},
	{"numbered", false, func(r *rand.Rand, _ string, phrase func() string) []string {
		out := several(6+r.IntN(8), phrase)
		for i := range out {
			out[i] = fmt.Sprintf("%d.%s", i+1, out[i])
		}
		return out
	}},
	{"contact", true, func(r *rand.Rand, sep string, phrase func() string) []string {
		return []string{strings.Join(several(5+r.IntN(5), phrase), sep), fmt.Sprintf("%s 微信%d %s", phrase(), 10000000+r.IntN(80000000), phrase())}
	}},
}

// positions are where a block stands. On the same line it is glued to a
// sentence, and that line must stay.
var positions = []string{"head", "tail", "both", "middle", "same line"}
