package spam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/spam"
)

// fixture is a page of testdata/wrapped.jsonl, which
//
//	go run ./bench/spam -seed 4 -every 3 -write refine/spam/testdata/wrapped.jsonl
//
// makes from words, articles and templates of its own.
type fixture struct {
	Name  string   `json:"name"`
	Lines []string `json:"lines"`
	Kinds []string `json:"kinds"`
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	raw, err := os.ReadFile("testdata/wrapped.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out []fixture
	for line := range bytes.Lines(raw) {
		var f fixture
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func cutter(t *testing.T) *spam.Cutter {
	t.Helper()
	c, err := spam.New(spam.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWrapped asks for 98 % of the spam and for every line of the articles.
func TestWrapped(t *testing.T) {
	c := cutter(t)
	total, found := 0, 0
	all := fixtures(t)
	for _, f := range all {
		d := refine.Document{Text: strings.Join(f.Lines, "\n")}
		v, err := c.Apply(t.Context(), &d)
		if err != nil {
			t.Fatal(err)
		}
		cut := make([]bool, len(f.Lines))
		for _, l := range v.Lines {
			cut[l.Line] = true
			if l.Rule != spam.Rule || l.Value <= l.Threshold {
				t.Errorf("%s: reason %+v", f.Name, l.Reason)
			}
		}
		var kept []string
		for i, line := range f.Lines {
			if !cut[i] {
				kept = append(kept, line)
			}
			switch {
			case f.Kinds[i] == "spam":
				total++
				if cut[i] {
					found++
				}
			case cut[i] && line != "":
				t.Errorf("%s: lost %q", f.Name, line)
			}
		}
		if want := strings.Join(kept, "\n"); d.Text != want {
			t.Errorf("%s: the lines that are left are not those that were kept", f.Name)
		}
	}
	if total < 300 {
		t.Fatalf("only %d spam lines: the test proves nothing", total)
	}
	if recall := float64(found) / float64(total); recall < 0.98 {
		t.Errorf("%d of %d spam lines found: %.4f", found, total, recall)
	}
}

// TestArticlesStay: without the spam around them the pages lose nothing.
func TestArticlesStay(t *testing.T) {
	c := cutter(t)
	for _, f := range fixtures(t) {
		var lines []string
		for i, line := range f.Lines {
			if f.Kinds[i] != "spam" {
				lines = append(lines, line)
			}
		}
		if b := c.Find(strings.Join(lines, "\n")); len(b) != 0 {
			t.Errorf("%s: blocks %v", f.Name, b)
		}
	}
}

func TestHardNegatives(t *testing.T) {
	c := cutter(t)
	for _, s := range []string{
		"",
		"赌博",
		"网络赌博的危害\n这是一篇关于网络赌博的文章。\n赌博",
		"首页 | 新闻 | 体育 | 财经 | 娱乐 | 科技 | 汽车 | 登录 | 注册",
		"首页\n下载\n论坛\n注册\n登录\n联系我们",
		"盐、糖、酱油、醋、料酒、葱、姜、蒜",
		"床前明月光\n疑是地上霜\n举头望明月\n低头思故乡",
		"性教育、避孕、安全套、青春期、生理卫生",
		"The quick brown fox, casino, poker, slots, bonus, free",
		"警方通报\n男子网络赌博被判刑\n医院回应患者投诉",
	} {
		if b := c.Find(s); len(b) != 0 {
			t.Errorf("%q: blocks %v", s, b)
		}
	}
}

func TestSameLineStays(t *testing.T) {
	c := cutter(t)
	s := "他在河边坐了很久，直到天黑才回家。澳门赌场,时时彩,百家乐,棋牌,博彩,六合彩"
	if b := c.Find(s); len(b) != 0 {
		t.Errorf("a sentence was cut: %v", b)
	}
}

// TestScript: Simplified spam in a Traditional article needs less evidence.
func TestScript(t *testing.T) {
	article := func(line string) string {
		return strings.Repeat("這條鐵路原本是為了運送木材而修的，後來纔開始載客，車廂裡沒有冷氣。\n", 3) + line
	}
	s := spam.Defaults()
	s.Script = 0
	plain, err := spam.New(s)
	if err != nil {
		t.Fatal(err)
	}
	with := cutter(t)
	const line = "办证|刻印|户头|车牌|驾校|订单"
	a, b := with.Find(article(line)), plain.Find(article(line))
	if len(a) != 1 || len(b) == 1 && b[0].Evidence >= a[0].Evidence {
		t.Errorf("blocks %v with the script, %v without", a, b)
	}
}

func TestNewErrors(t *testing.T) {
	if _, err := spam.New(spam.Settings{}); err == nil {
		t.Error("empty settings passed")
	}
}

func FuzzFind(f *testing.F) {
	f.Add("赌场,博彩\n\n棋牌|彩金 免费\n文章。")
	f.Add("\xff\xfe\n𠀀,赌\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := spam.New(spam.Defaults())
		if err != nil {
			t.Fatal(err)
		}
		d := refine.Document{Text: s}
		v, err := c.Apply(t.Context(), &d)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(s, "\n")
		last := -1
		for _, l := range v.Lines {
			if l.Line <= last || l.Line >= len(lines) {
				t.Fatalf("line %d after %d of %d", l.Line, last, len(lines))
			}
			last = l.Line
		}
		kept := slices.Clone(lines)
		for _, l := range slices.Backward(v.Lines) {
			kept = slices.Delete(kept, l.Line, l.Line+1)
		}
		if got := strings.Join(kept, "\n"); got != d.Text {
			t.Errorf("text %q, want %q", d.Text, got)
		}
	})
}

func Example() {
	c, err := spam.New(spam.Defaults())
	if err != nil {
		fmt.Println(err)
		return
	}
	d := refine.Document{Text: "澳门赌场|时时彩|百家乐|棋牌下载|六合彩开奖|彩金\n山脚下的小村庄\n村子坐落在两条河交汇的地方。"}
	v, err := c.Apply(context.Background(), &d)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(v.Lines), "line cut")
	fmt.Println(d.Text)
	// Output:
	// 1 line cut
	// 山脚下的小村庄
	// 村子坐落在两条河交汇的地方。
}
