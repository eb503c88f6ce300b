package translation

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Tokenizer says how BLEU cuts sentences into words.
type Tokenizer string

// The tokenizers, as sacreBLEU names them.
const (
	// Mteval is that of mteval-v13a, which the WMT campaigns use.
	Mteval Tokenizer = "13a"
	// Chinese cuts Chinese text into characters and the rest as Mteval.
	Chinese Tokenizer = "zh"
	// None cuts at white space.
	None Tokenizer = "none"
)

// Check refuses tokenizers that are not known.
func (t Tokenizer) Check() error {
	switch t {
	case Mteval, Chinese, None:
		return nil
	}
	return fmt.Errorf("tokenizer %q: want %s, %s or %s", t, Mteval, Chinese, None)
}

// words cuts a sentence.
func (t Tokenizer) words(s string) []string {
	switch t {
	case Mteval:
		for _, e := range entities {
			s = strings.ReplaceAll(s, e[0], e[1])
		}
		s = separate(" " + s + " ")
	case Chinese:
		s = separate(spreadChinese(strings.TrimFunc(s, isSpace)))
	case None:
	}
	return strings.FieldsFunc(s, isSpace)
}

// entities are replaced one after the other: &amp;lt; becomes a sign.
var entities = [][2]string{
	{"<skipped>", ""},
	{"-\n", ""},
	{"\n", " "},
	{"&quot;", `"`},
	{"&amp;", "&"},
	{"&lt;", "<"},
	{"&gt;", ">"},
}

// marks are the replacements of mteval-v13a: ASCII marks stand alone, points and
// commas unless they are between digits, hyphens after digits.
var marks = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile("([{-~\\[-` -&(-+:-@/])"), " $1 "},
	{regexp.MustCompile(`([^0-9])([.,])`), "$1 $2 "},
	{regexp.MustCompile(`([.,])([^0-9])`), " $1 $2"},
	{regexp.MustCompile(`([0-9])(-)`), "$1 $2 "},
}

func separate(s string) string {
	for _, m := range marks {
		s = m.find.ReplaceAllString(s, m.put)
	}
	return s
}

// isSpace is Python's str.isspace, which has the separators of ASCII as well.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// chinese are the characters that stand alone. The first range is what the reference
// makes of "U+20000 to U+2A6D6", which it writes with four digits and a rest: its
// scores are what everybody compares with, so it is kept.
var chinese = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x2001, Hi: 0x2a6d, Stride: 1},
	{Lo: 0x2e80, Hi: 0x2fdf, Stride: 1},
	{Lo: 0x2ff0, Hi: 0x303f, Stride: 1},
	{Lo: 0x3100, Hi: 0x312f, Stride: 1},
	{Lo: 0x31a0, Hi: 0x31bf, Stride: 1},
	{Lo: 0x31c0, Hi: 0x31ef, Stride: 1},
	{Lo: 0x3200, Hi: 0x4db5, Stride: 1},
	{Lo: 0x4e00, Hi: 0x9fbb, Stride: 1},
	{Lo: 0xf900, Hi: 0xfa2d, Stride: 1},
	{Lo: 0xfa30, Hi: 0xfa6a, Stride: 1},
	{Lo: 0xfa70, Hi: 0xfad9, Stride: 1},
	{Lo: 0xfe10, Hi: 0xfe1f, Stride: 1},
	{Lo: 0xfe30, Hi: 0xfe4f, Stride: 1},
	{Lo: 0xff00, Hi: 0xffef, Stride: 1},
}}

func spreadChinese(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.Is(chinese, r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
