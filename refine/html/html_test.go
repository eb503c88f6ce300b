package html_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/html"
	"github.com/troikaml/troika/text"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPages compares each page of testdata with the text beside it. The pages
// are our own and imitate kinds of pages: a manual, a blog, a news site with
// unmarked navigation, a page wrapped in a form.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("testdata/*.html")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, name := range pages {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		page, err := html.Parse(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := fmt.Sprintf("title: %s\nlang: %s\n\n%s\n", page.Title, page.Lang, page.Text)
		golden := strings.TrimSuffix(name, ".html") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "",
		"just text":                           "just text",
		"<p>a<p>b":                            "a\n\nb",
		"<p>a <b>bold</b>, <i>it</i>alic</p>": "a bold, italic",
		"<p>a\n  b\t c</p>":                   "a b c",
		"<p>中文\n换行<b>\n粗体</b></p>":            "中文换行粗体",
		"<p>中文 空格</p>":                        "中文 空格",
		"a<br>b<br/>c":                        "a\nb\nc",
		"<ul><li>a<li><p>b</p><p>c</p></ul>d": "- a\n- b\nc\n\nd",
		"<ol><li>a<ul><li>b</ul></ol>":        "- a\n- b",
		"<dl><dt>t<dd>d</dl>":                 "t\nd",
		"<pre>  x\n\n   y</pre>z":             "  x\n\n   y\n\nz",
		"<table><tr><th>a<th>b<tr><td><p>1</p><p>2</p><td>3</table>":                                        "a | b\n1 2 | 3",
		"<p>a</p><script>b()</script><style>c{}</style><p>d":                                                "a\n\nd",
		"<p>a<span hidden>b</span><span style='Display : none'>c</span></p>":                                "a",
		"<nav>menu</nav><p>a</p><footer>f</footer><aside>s</aside>":                                         "a",
		"<header>top</header><article><header>By me</header><p>a</p></article>":                             "By me\n\na",
		"<div class='site-nav'>menu</div><p>a long enough paragraph</p>":                                    "a long enough paragraph",
		"<div class='has sidebar'><p>all of the content is here</p></div><p>x":                              "all of the content is here\n\nx",
		"<span class='menuitem'>Insert</span> it":                                                           "Insert it",
		"<form><p>The whole page is a form, with much text.</p></form>":                                     "The whole page is a form, with much text.",
		"<p>Text with a <a href=x>link</a> stays.</p>":                                                      "Text with a link stays.",
		"<ul><li><a href=1>one</a><li><a href=2>two</a><li><a href=3>three</a></ul><p>content that is kept": "content that is kept",
		"<h2>Section</h2><p>a</p><h3>Sub</h3><p>b":                                                          "Section\n\na\n\nSub\n\nb",
		"<title>T - Site</title><h1>T</h1><p>a":                                                             "a",
		"<title>T</title><h2>T</h2><p>a":                                                                    "a",
		"<div role=main><p>a</p></div><p>rest":                                                              "a",
		"<p>&lt;tag&gt; &amp; &nbsp; entity &#x4e2d;":                                                       "<tag> & entity 中",
		"<main><nav>x</nav><p>in</p></main>":                                                                "in",
		"<p>a</p><!-- comment --><p>b</p>":                                                                  "a\n\nb",
		"\xef\xbb\xbf<p>bom":                                                                                "bom",
		"\xff\xfe<\x00p\x00>\x00-N":                                                                         "中",
		"<meta http-equiv=x content='text/html; charset = big5'><p>\xa4\xa4\xa4\xe5":                        "中文",
		"<p>broken \xe4\xb8 bytes":                                                                          "broken \uFFFD bytes",
	} {
		page, err := html.Parse([]byte(in))
		if err != nil || page.Text != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, page.Text, err, want)
		}
	}
}

func TestHostile(t *testing.T) {
	if _, err := html.Parse([]byte(strings.Repeat("<div>", 100_000))); err == nil {
		t.Error("100,000 nested elements passed")
	}
	if _, err := html.Parse([]byte(strings.Repeat("<b>", 600) + "x")); err == nil {
		t.Error("600 nested elements passed")
	} else if !errors.Is(err, html.ErrTooDeep) && !strings.Contains(err.Error(), "512") {
		t.Errorf("600 nested elements: %v", err)
	}
	if _, err := html.Parse(make([]byte, html.MaxSize+1)); err == nil {
		t.Error("a page over the limit passed")
	}
	if page, err := html.Parse([]byte(strings.Repeat("<p><a href=x>", 10_000))); err == nil && len(page.Text) > 0 {
		t.Errorf("text from nothing: %.40q", page.Text)
	}
}

func FuzzParse(f *testing.F) {
	pages, err := filepath.Glob("testdata/*.html")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range pages {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("<table><tr><td><pre><li><table><tr><td>x"))
	f.Add([]byte("\xfe\xff\x00<"))
	f.Fuzz(func(t *testing.T, in []byte) {
		page, err := html.Parse(in)
		if err != nil {
			return
		}
		if text.Normalize(page.Text) != page.Text {
			t.Errorf("text is not normalised: %q", page.Text)
		}
		again, err := html.Parse(in)
		if err != nil || again != page {
			t.Errorf("another result the second time: %v", err)
		}
	})
}

func Example() {
	page, err := html.Parse([]byte(`<html lang="en"><title>Tea</title>
		<nav><a href="/">Home</a></nav>
		<h1>Tea</h1><p>Boil water.</p><ul><li>Green</li><li>Black</li></ul>`))
	fmt.Println(page.Title, page.Lang, err)
	fmt.Println(page.Text)
	// Output:
	// Tea en <nil>
	// Boil water.
	//
	// - Green
	// - Black
}
