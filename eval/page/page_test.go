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
	p := page.Page{Title: "helpdesk", Lineage: []page.Fact{{Name: "base", Value: "starter"}}}
	var b bytes.Buffer
	err := p.Write(&b)
	fmt.Println(strings.Contains(b.String(), "<th>base</th><td><code>starter</code></td>"), err)
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
		Title: "desk & <b>co</b>", By: "shop",
		Report: &eval.Report{
			Base: base, Tuned: tuned, Gain: gain, Slices: slices, Regressions: lost,
			Forgetting: &eval.Forgetting{Tokens: 9, Base: 2, Tuned: 3, Ratio: 1.5},
		},
		Losses:  []page.Loss{{1, 2, nil}, {2, math.NaN(), nil}, {3, 1, &valid}, {4, 0.75, &valid}},
		Answers: []page.Answer{{ID: "1", Question: gold[1].Text, Right: "blue", Base: " blue ", Tuned: said[1].Label}},
		Lineage: []page.Fact{{"dataset", "sha256:00"}},
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
		"<title>desk &amp; &lt;b&gt;co&lt;/b&gt;</title>", "&lt;script&gt;alert(1)", `<td>a&amp;b</td>`, "ratio <strong>1.500</strong>",
		`points="56.0,8.0 `, "Right before tuning, wrong after: 1", `class="text right"> blue `, `class="text wrong"`, "p = ",
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

// A page of nothing is a page.
func TestEmpty(t *testing.T) {
	var b bytes.Buffer
	p := page.Page{Title: "none", Losses: []page.Loss{{Step: 1, Train: 1}}}
	if err := p.Write(&b); err != nil || strings.Contains(b.String(), "<svg") || !strings.Contains(b.String(), "</html>") {
		t.Errorf("%v\n%s", err, &b)
	}
}
