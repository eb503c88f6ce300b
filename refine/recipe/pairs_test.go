package recipe

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

func TestLanguageOf(t *testing.T) {
	for where, want := range map[string]string{
		"help/zh-CN/a/b.html":             "zh-CN help/*/a/b",
		"help/en/a/b.htm":                 "en help/*/a/b",
		"a/page.zh_TW.html":               "zh-TW a/page",
		"a/page_en.md":                    "en a/page",
		"https://zh.example.org/x/y":      "zh *.example.org/x/y",
		"https://example.org/en-GB/a.php": "en-GB example.org/*/a",
		"docs/abc/x.html":                 " ",
		"EN/x.html":                       " ",
		"x.html":                          " ",
		"":                                " ",
	} {
		lang, group := languageOf(where)
		if lang+" "+group != want {
			t.Errorf("%s: %s %s, want %s", where, lang, group, want)
		}
	}
}

// Pages and their translations become aligned pairs; what has no translation is
// dropped with that reason.
func TestPairs(t *testing.T) {
	en := "<h1>Pears</h1><p>Pears are sweet and keep for days in a cool place.</p><p>Wash them first, and dry them with a cloth of linen.</p><p>Press 24 of them for a glass of juice.</p>"
	zh := "<h1>梨</h1><p>梨很甜，放在阴凉的地方可以保存好几天。</p><p>先洗一洗，再用亚麻布把它们擦干。</p><p>榨一杯果汁需要 24 个梨。</p>"
	in := corpus(t, map[string]string{
		"en/pears.html": page("Pears", []string{en}), "zh-CN/pears.html": page("梨", []string{zh}), "zh-TW/pears.html": page("梨", []string{strings.ReplaceAll(zh, "阴凉", "陰涼")}),
		"en/apples.html":   page("Apples", []string{"<p>Apples have no translation, although there are many of them in the garden.</p>"}),
		"zh-CN/figs.html":  page("无花果", []string{"<p>无花果没有对应的原文，虽然园子里种了很多很多的无花果树。</p>"}),
		"en/lists.html":    page("List", []string{strings.Repeat("<li>one of many items of a list</li>", 9) + "<p>And nothing else is here at all.</p>"}),
		"zh-CN/lists.html": page("清单", []string{"<h2>一</h2><h2>二</h2><h2>三</h2><p>完全不同的一段文字，和原来的网页没有任何关系，也没有相同的结构可言。</p>"}),
	})
	r, err := Open("parallel-pages")
	if err != nil {
		t.Fatal(err)
	}
	_, out := mustRun(t, Options{Inputs: []string{in}, Recipe: r})
	got := map[string]string{}
	for _, p := range decodeLines[PairRecord](t, out["data-00000.jsonl"]) {
		if p.Lang != "en" || !strings.HasPrefix(p.TranslationLang, "zh") || p.Score <= 0.2 {
			t.Errorf("%+v", p)
		}
		if strings.HasPrefix(p.ID, "zh-CN/pears") {
			got[p.Text] = p.Translation
		}
	}
	want := map[string]string{
		"Pears are sweet and keep for days in a cool place.":   "梨很甜，放在阴凉的地方可以保存好几天。",
		"Wash them first, and dry them with a cloth of linen.": "先洗一洗，再用亚麻布把它们擦干。",
		"Press 24 of them for a glass of juice.":               "榨一杯果汁需要 24 个梨。",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%q is %q, want %q", k, got[k], v)
		}
	}
	decisions := map[string]string{}
	for _, d := range decodeLines[Decision](t, out[decisionsFile]) {
		if d.Drop != nil {
			decisions[d.ID] = d.Drop.Step + " " + d.Drop.Rule + " " + d.Drop.Twin
		}
	}
	if !maps.Equal(decisions, map[string]string{
		"en/apples.html": "has-translation no-translation ", "zh-CN/figs.html": "has-translation no-translation ",
		"zh-CN/lists.html": "has-translation not-aligned en/lists.html",
	}) {
		t.Errorf("dropped %v", decisions)
	}
	r, err = r.Set("output.format", "parquet")
	if err != nil {
		t.Fatal(err)
	}
	_, table := mustRun(t, Options{Inputs: []string{in}, Recipe: r})
	file := []byte(table["data-00000.parquet"])
	rows, err := parquet.Read[PairRecord](bytes.NewReader(file), int64(len(file)))
	if err != nil || len(rows) != strings.Count(out["data-00000.jsonl"], "\n") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, bad := range []string{"{from: en, to: en-US}", "{from: 12}"} {
		if _, err := r.Set("has-translation", bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
