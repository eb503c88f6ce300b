package extract_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/troikaml/troika/refine/extract"
	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/charset"
)

var update = flag.Bool("update", false, "write the golden files")

// pages of testdata, all of them our own.
var pages = []string{"article", "news.zh", "docs", "forum", "noscript", "jsonld"}

func load(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// inGB18030 returns a page that says it is in GB 2312, as those bytes.
func inGB18030(tb testing.TB, page []byte) []byte {
	tb.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes(page)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func golden(p extract.Page) string {
	return fmt.Sprintf("title: %s\nlang: %s\ndate: %s\nauthor: %s\n\n%s\n", p.Title, p.Lang, p.Date, p.Author, p.Text)
}

func TestPages(t *testing.T) {
	for _, name := range pages {
		page := load(t, name+".html")
		if name == "news.zh" {
			page = inGB18030(t, page)
		}
		p, err := extract.Parse(page, extract.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file := filepath.Join("testdata", name+".md")
		if *update {
			if err := os.WriteFile(file, []byte(golden(p)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := golden(p); got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestPagesAgain reads the same pages through other encodings, cut and changed
// where it must not matter: the text is the same.
func TestPagesAgain(t *testing.T) {
	page := load(t, "news.zh.html")
	want, err := extract.Parse(page, extract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	undeclared := bytes.ReplaceAll(page, []byte("charset=gb2312"), nil)
	wide := []byte("\xff\xfe")
	for _, r := range string(page) {
		wide = append(wide, byte(r), byte(r>>8))
	}
	for name, c := range map[string]struct {
		page    []byte
		charset string
		as      charset.Encoding
	}{
		"again":                   {page, "", charset.UTF8},
		"GB18030":                 {inGB18030(t, page), "", charset.GB18030},
		"GB18030, declared wrong": {inGB18030(t, page), "iso-8859-1", charset.GB18030},
		"GB18030, not declared":   {inGB18030(t, undeclared), "", charset.GB18030},
		"UTF-8, declared GB 2312": {page, "gb2312", charset.UTF8},
		"UTF-16":                  {wide, "", charset.UTF16LE},
		"UTF-8 with mark":         {append([]byte("\xef\xbb\xbf"), page...), "", charset.UTF8},
		"line ends of Windows":    {bytes.ReplaceAll(page, []byte("\n"), []byte("\r\n")), "", charset.UTF8},
	} {
		got, err := extract.Parse(c.page, extract.Options{Charset: c.charset})
		if err != nil || got.Text != want.Text || got.Title != want.Title || got.Encoding != c.as {
			t.Errorf("%s: as %s, %v\n%s\n%s", name, got.Encoding, err, got.Title, got.Text)
		}
	}
}

func TestBig5(t *testing.T) {
	const page = `<title>海邊的小站</title><div class=article><p>小站在海邊，一天只有四班車。站長說，最忙的時候是春天，因為那時候有很多人來看櫻花，而其他的日子裡，車站裡常常只有他和一隻貓。</p><p>鐵路公司曾經想要關掉這個車站，但是附近的居民寫了許多信，最後車站還是留了下來。</p></div>`
	b, err := traditionalchinese.Big5.NewEncoder().Bytes([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	p, err := extract.Parse(b, extract.Options{})
	if err != nil || p.Encoding != charset.Big5 || !strings.Contains(p.Text, "小站在海邊，一天只有四班車。") || p.Title != "海邊的小站" {
		t.Errorf("as %s, %v: %s", p.Encoding, err, p.Text)
	}
}

// TestHostile holds pages that mean harm, or are none.
func TestHostile(t *testing.T) {
	const prose = "This sentence is long enough to be taken as prose, and it has what prose has, such as commas. "
	for name, c := range map[string]struct {
		page string
		want error
		text string // a piece that must be there
	}{
		"nothing":             {"", nil, ""},
		"nested deep":         {strings.Repeat("<div>", 100_000) + prose, extract.ErrTooDeep, ""},
		"nested deep, closed": {strings.Repeat("<div>", 100_000) + prose + strings.Repeat("</div>", 100_000), extract.ErrTooDeep, ""},
		"formatting":          {strings.Repeat("<b><p>", 100_000) + prose, nil, "commas."},
		"one byte too large":  {strings.Repeat(" ", extract.MaxSize+1), extract.ErrTooLarge, ""},
		"as large as allowed": {"<p>" + prose + strings.Repeat(" ", extract.MaxSize-len(prose)-3), nil, "commas."},
		"elements":            {strings.Repeat("<p>", extract.MaxElements), extract.ErrTooLarge, ""},
		"one line":            {"<p>" + strings.Repeat(prose, 20_000), nil, "commas."},
		"one word":            {"<p>" + strings.Repeat("x", 1<<20), nil, ""},
		"NUL bytes":           {"<p>" + strings.ReplaceAll(prose, "a", "\x00a"), nil, "This sentence is long"},
		"only NUL bytes":      {strings.Repeat("\x00", 1000), charset.ErrBinary, ""},
		"no page":             {"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00", charset.ErrBinary, ""},
		"cut character":       {"<p>" + prose + "这是一个被截断的句子，最后一个字不完整\xe6\x9c", nil, "不完整"},
		"cut tag":             {"<p>" + prose + "<p class='", nil, "commas."},
		"ticks":               {"<pre>" + strings.Repeat("`", 1<<18) + prose + "</pre>", nil, "commas."},
		"title":               {"<title>" + strings.Repeat("title ", 1<<18) + "</title>" + strings.Repeat("<p>title title</p>", 1<<12), nil, ""},
		"attributes":          {"<p " + strings.Repeat("a=b ", 1<<18) + ">" + prose, nil, "commas."},
		"classes":             {"<p class='" + strings.Repeat("comment-a1 ", 1<<16) + "'>" + prose, nil, ""},
		"nested JSON":         {`<script type="application/ld+json">` + strings.Repeat(`{"a":`, 1<<17) + `"articleBody"</script>` + prose, nil, ""},
		"comment":             {"<p>" + prose + strings.Repeat("<!--", 1<<18), nil, "commas."},
		"references":          {"<p>" + prose + strings.Repeat("&#x110000;&amp", 1<<16), nil, "commas."},
	} {
		p, err := extract.Parse([]byte(c.page), extract.Options{})
		switch {
		case !errors.Is(err, c.want):
			t.Errorf("%s: %v, want %v", name, err, c.want)
		case err != nil && p != (extract.Page{}):
			t.Errorf("%s: an error and a page", name)
		case err != nil && len(err.Error()) > 200:
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		case !strings.Contains(p.Text, c.text):
			t.Errorf("%s: %.200q", name, p.Text)
		case len(p.Title) > 1000:
			t.Errorf("%s: a title of %d bytes", name, len(p.Title))
		}
	}
}

// TestBar keeps less the higher the bar is.
// TestLists: short items are kept with the text around them, and lists of links are not.
func TestLists(t *testing.T) {
	const before, after = "山脚下的小村庄坐落在两条河交汇的地方，最早的房屋建于三百多年以前。每到春天，河边的柳树发了新芽，孩子们就在树下追逐玩耍。",
		"村里的老人说，只要水还清，日子就不会差。他们仍然保留着每年秋收之后一起吃长桌宴的习惯，客人来了也可以坐下。"
	for items, want := range map[string]string{
		"<ul><li>甲<li>乙<li>丙</ul>":                             "- 甲\n- 乙\n- 丙",
		"<ul><li>Apples<li>Pears<li>Plums</ul>":                "- Apples\n- Pears\n- Plums",
		"<ol><li>Open<ul><li>one<li>two</ul><li>Save</ol>":     "1. Open\n   - one\n   - two\n2. Save",
		"<ul><li><a href=a>甲</a><li><a href=b>乙</a></ul>":      "",
		"<ul class=related-posts><li>Apples<li>Pears</ul>":     "",
		"<nav><ul><li>Apples<li>Pears<li>Plums</ul></nav>":     "",
		"<div class=comments><ul><li>Nice<li>So so</ul></div>": "",
	} {
		page := "<html><head><meta charset=utf-8><body><article><h1>村庄</h1><p>" + before + "</p>" + items + "<p>" + after + "</p></article>"
		p, err := extract.Parse([]byte(page), extract.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(p.Text, before)
		got, _, _ := strings.Cut(rest, after)
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%s: %q, want %q", items, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	page := load(t, "article.html")
	all, err := extract.Blocks(page, extract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := len(page)
	for _, bar := range []int{-1 << 15, -256, 0, 256, 1 << 15} {
		p, err := extract.Parse(page, extract.Options{Bar: bar})
		if err != nil {
			t.Fatal(err)
		}
		if bar < 1<<15 && len(p.Text) > last {
			t.Errorf("bar %d keeps %d bytes, one below keeps %d", bar, len(p.Text), last)
		}
		last = len(p.Text)
		for _, b := range all {
			if line := text.Normalize(b.Text); bar == -1<<15 && !strings.Contains(p.Text, line) {
				t.Errorf("without a bar %q is missing", line)
			}
		}
	}
	higher, err := extract.Blocks(page, extract.Options{Bar: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range higher {
		if b.Score != all[i].Score-100 || len(b.Features) != len(extract.Features()) {
			t.Errorf("block %d: score %d at bar 100, %d at 0; %d features", i, b.Score, all[i].Score, len(b.Features))
		}
	}
}

// TestScore puts another model in place of the built-in one.
func TestScore(t *testing.T) {
	page := load(t, "article.html")
	none := func([]int16) int { return -1000 }
	p, err := extract.Parse(page, extract.Options{Score: none})
	if err != nil {
		t.Fatal(err)
	}
	// where a model keeps nothing, prose is kept
	if !strings.Contains(p.Text, "Twice a day") || strings.Contains(p.Text, "Boats") {
		t.Errorf("%s", p.Text)
	}
}

func TestMeta(t *testing.T) {
	for page, want := range map[string]extract.Page{
		`<title>Ice - The Site</title><h1>The Site</h1>`:                  {Title: "Ice - The Site"},
		`<title>Why ice floats - The Site</title><h1>Why ice floats</h1>`: {Title: "Why ice floats"},
		`<title>x</title><meta property=og:title content=" a
		b "><meta property=og:title content=c>`: {Title: "a b"},
		`<h1></h1><h1>one <b>two</b><br>three</h1><h1>four</h1>`:       {Title: "one two three"},
		`<svg><title>icon</title></svg><title>page &amp; more</title>`: {Title: "page & more"},
		`<html lang=" zh-CN ">`:     {Lang: "zh-CN"},
		`<html lang="no language">`: {},
		`<p><html lang=de>`:         {Lang: "de"},
		`<time datetime=2020-01-02>x</time><meta name=date content=2021-03-04><meta name=date content=2022-01-01>`: {Date: "2021-03-04"},
		`<meta name=date content=soon><time datetime="2020-01-02T10:00">x</time>`:                                  {Date: "2020-01-02"},
		`<time datetime=2020-13-02>`: {},
		`<meta name=author content="https://example.com/a"><meta name=author content=Ann>`:                                                                                   {Author: "Ann"},
		`<meta name=DCTERMS.license content=own><p>a<a rel="nofollow License" href="https://example.com/by?a=1&amp;b">terms</a><a rel=license href="https://example.com/2">`: {Licence: "https://example.com/by?a=1&b"},
		`<link rel=license href=/terms><meta name=dcterms.license content="CC0-1.0"><a rel=licensed href="https://example.com">x</a>`:                                        {Licence: "CC0-1.0"},
		`<link rel=license href="http://example.com/l"><svg><a rel=license href="https://example.com/icon">i</a></svg>`:                                                      {Licence: "http://example.com/l"},
	} {
		got, err := extract.Parse([]byte(page), extract.Options{})
		if err != nil || got.Title != want.Title || got.Lang != want.Lang || got.Date != want.Date || got.Author != want.Author || got.Licence != want.Licence {
			t.Errorf("%s:\n%+v, %v", page, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range pages {
		f.Add(load(f, name+".html"), "", 0)
	}
	f.Add(inGB18030(f, load(f, "news.zh.html")), "big5", -100)
	for _, s := range []string{
		"<table><tr><td rowspan=9 colspan=9>a<td>b<tr><td>c</table>", "<ol start=7><li>a<li><pre>x</pre></ol>", "<svg><title/><p>x",
		"<script type='application/ld+json'>{\"articleBody\":\"<p>a<p>b\"}</script>", "<a><b><p></a><i></b>x", "<select><td></svg></template>",
		"<form><form></form><h1><h2></h1>", "<pre><div>a</div><table><td>b</pre>", "&#0;&#x80;\x00\x1f<\x00p>",
	} {
		f.Add([]byte(s), "", 100)
	}
	f.Fuzz(func(t *testing.T, b []byte, charset string, bar int) {
		o := extract.Options{Charset: charset, Bar: bar % (1 << 16)}
		p, err := extract.Parse(b, o)
		again, errAgain := extract.Parse(b, o)
		if p != again || (err == nil) != (errAgain == nil) {
			t.Errorf("%+v, %v, and the second time %+v, %v", p, err, again, errAgain)
		}
		if err != nil {
			return
		}
		if !utf8.ValidString(p.Text + p.Title + p.Author) {
			t.Errorf("not UTF-8: %+v", p)
		}
		if text.Normalize(p.Text) != p.Text {
			t.Errorf("not normalised: %q", p.Text)
		}
		if most := 200 + 40*len(b); len(p.Text) > most {
			t.Errorf("%d bytes of text from %d", len(p.Text), len(b))
		}
	})
}
