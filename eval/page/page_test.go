package page_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/page"
)

func Example() {
	p := page.Page{Model: "helpdesk", Chain: []page.Stage{{Name: page.StageAdapter, Facts: []page.Fact{{Name: "base", Value: "starter"}}}}}
	var b bytes.Buffer
	err := p.Write(&b)
	fmt.Println(strings.Contains(b.String(), "<td><code>starter</code></td>"), err)
	// Output: true <nil>
}

func full(t *testing.T) *page.Page {
	t.Helper()
	gold := []eval.Example{{ID: "1", Text: "sky?", Label: "blue"}, {ID: "2", Text: "<script>alert(1)</script>", Label: "red"}}
	said := []eval.Prediction{{Label: "blue"}, {Label: `"><img src=x onerror=alert(2)>`}}
	r := eval.Resampling{Seed: 1}
	base, err := eval.Score(eval.Labels(gold), gold, said, r)
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := eval.Score(eval.Labels(gold), gold, []eval.Prediction{said[1], {Label: "red"}}, r)
	if err != nil {
		t.Fatal(err)
	}
	slices, err := eval.Slices([]string{"a&b", "c"}, base, tuned, r)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := eval.Regressions(gold, said, []eval.Prediction{said[1], {Label: "red"}})
	if err != nil {
		t.Fatal(err)
	}
	gain, err := eval.Compare(eval.Accuracy, base, tuned, r)
	if err != nil {
		t.Fatal(err)
	}
	valid := 0.5
	p := &page.Page{
		Model: "desk & <b>co</b>", By: "shop",
		Report: &eval.Report{
			Base: base, Tuned: tuned, Gain: gain, Slices: slices, Regressions: lost,
			Forgetting: &eval.Forgetting{Tokens: 9, Base: 2, Tuned: 3, Ratio: 1.5},
		},
		Losses:  []page.Loss{{1, 2, nil}, {2, math.NaN(), nil}, {3, 1, &valid}, {4, 0.75, &valid}},
		Answers: []page.Answer{{ID: "1", Question: gold[1].Text, Right: "blue", Base: " blue ", Tuned: said[1].Label}},
		Chain: []page.Stage{
			{Name: page.StageSources, Lists: []page.List{
				{Name: "raw files", Columns: []string{"name", "digest"}, Rows: [][]string{{"<i>a</i>.html", "sha256:01"}, {"title", "sha256:02"}}, All: 7},
			}},
			{Name: page.StageDataset, Facts: []page.Fact{{"licence", "CC-BY-4.0"}, {"own & name", "x"}}},
			{Name: page.StageAnswers, Note: page.NoteAnswers},
		},
	}
	return p
}

// The file is whole HTML that asks for nothing and runs nothing, whatever is in the texts.
func TestPage(t *testing.T) {
	var first, second bytes.Buffer
	if err := full(t).Write(&first); err != nil {
		t.Fatal(err)
	}
	if err := full(t).Write(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("the same content gave other bytes: %v", err)
	}
	text := first.String()
	for _, want := range []string{
		"<title>Evaluation of desk &amp; &lt;b&gt;co&lt;/b&gt;</title>", "&lt;script&gt;alert(1)", `<td>a&amp;b</td>`, "之比</span> <strong>1.500</strong>",
		`points="56.0,8.0 `, "Right before tuning, wrong after</span>", `class="text right"> blue `, `class="text wrong"`, "p = ",
		"<code>&lt;i&gt;a&lt;/i&gt;.html</code>", "<td><code>title</code></td>", "<summary><span lang=\"en\">raw files</span><span lang=\"zh\">原始文件</span>: 7",
		"此处未列出：</span> 5", "许可证</span></th><td><code>CC-BY-4.0</code>", "<th>own &amp; name</th>", "desk &amp; &lt;b&gt;co&lt;/b&gt; 的评测</span></h1>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "<no value>", "%!"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %s", never)
		}
	}
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" || n.Data == "img" || n.Data == "link" || n.Data == "iframe" || n.Data == "a" {
			t.Errorf("the page has an element %s", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "href" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("the page has %s=%q", a.Key, a.Val)
			}
		}
	}
}

// Everything that the page says by itself is there in both languages, one of them shown.
func TestLanguages(t *testing.T) {
	for _, chinese := range []bool{false, true} {
		p := full(t)
		p.Chinese = chinese
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		root, err := html.Parse(&b)
		if err != nil {
			t.Fatal(err)
		}
		spans := map[string]int{}
		checked, lang := "", ""
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				switch {
				case n.Data == "span" && a.Key == "lang":
					spans[a.Val]++
				case n.Data == "html" && a.Key == "lang":
					lang = a.Val
				case a.Key == "checked":
					for _, b := range n.Attr {
						if b.Key == "id" {
							checked += b.Val
						}
					}
				}
			}
			if n.Data == "th" || n.Data == "h2" || n.Data == "h3" || n.Data == "summary" {
				if n.FirstChild != nil && n.FirstChild.Type == html.TextNode && !strings.HasPrefix(n.FirstChild.Data, "own") && n.FirstChild.Data != "shop" {
					t.Errorf("<%s>%s is in one language", n.Data, n.FirstChild.Data)
				}
			}
		}
		want := [2]string{"en", "en"}
		if chinese {
			want = [2]string{"zh", "zh-CN"}
		}
		if spans["en"] == 0 || spans["en"] != spans["zh"] || [2]string{checked, lang} != want {
			t.Errorf("spans %v, %q is shown and the file's language is %q", spans, checked, lang)
		}
	}
}

// A page of nothing is a page.
func TestEmpty(t *testing.T) {
	var b bytes.Buffer
	p := page.Page{Model: "none", Losses: []page.Loss{{Step: 1, Train: 1}}}
	if err := p.Write(&b); err != nil || strings.Contains(b.String(), "<svg") || !strings.Contains(b.String(), "</html>") {
		t.Errorf("%v\n%s", err, &b)
	}
}
