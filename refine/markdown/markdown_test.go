package markdown_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/markdown"
	"github.com/troikaml/troika/text"
)

func TestParse(t *testing.T) {
	for in, want := range map[string][2]string{
		"":                                {"", ""},
		"just a line":                     {"", "just a line"},
		"# Title #\n\ntext":               {"Title", "text"},
		"## Section\ntext\n# Later title": {"Later title", "Section\ntext"},
		"#hashtag is text":                {"", "#hashtag is text"},
		"Title\n=====\n\ntext":            {"Title", "text"},
		"Section\n---\ntext\n\n---\nmore": {"", "Section\ntext\n\nmore"},
		"---\na: b\n---\n\ntext":          {"", "text"},
		"---\nno end":                     {"", "---\nno end"},
		"a [link](http://x \"t\") and ![i](p.png) *it* **bold** `code` <http://y>": {"", "a link and  it bold code http://y"},
		"[ref][1] stays\n\n[1]: http://x":                                          {"", "ref stays"},
		"```go\n# not a heading\n*p = 1\n```":                                      {"", "# not a heading\n*p = 1"},
		"~~~\n```\n~~~\nx":                                                         {"", "```\nx"},
		"a <!-- two\nlines --> b":                                                  {"", "a  b"},
		"| a | b |\n|---|:-:|\n| 1 | 2 |":                                          {"", "| a | b |\n| 1 | 2 |"},
		"- one\n- two\n  - three":                                                  {"", "- one\n- two\n  - three"},
		"snake_case_name and 2 * 3 * 4":                                            {"", "snake_case_name and 2 * 3 * 4"},
		"# 标题\n\n**中文**内容":                                                         {"标题", "中文内容"},
	} {
		title, body := markdown.Parse([]byte(in))
		if title != want[0] || body != want[1] {
			t.Errorf("Parse(%q) = %q, %q; want %q", in, title, body, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# a\n```\n*b*\n[c](d)\n---\n"))
	f.Add([]byte("---\n---\n![[]](\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_, body := markdown.Parse(in)
		if text.Normalize(body) != body {
			t.Errorf("text is not normalised: %q", body)
		}
	})
}

func TestParseIsLinear(t *testing.T) {
	size := 200_000
	if testing.Short() {
		size = 20_000
	}
	for _, s := range []string{"[", "*a", "`", "<!--", "![", "**_"} {
		markdown.Parse([]byte(strings.Repeat(s, size/len(s)))) // minutes if it were not
	}
}

func Example() {
	title, body := markdown.Parse([]byte("# Tea\n\nBoil **water**, see [below](#x).\n"))
	fmt.Printf("%s: %s\n", title, body)
	// Output: Tea: Boil water, see below.
}
