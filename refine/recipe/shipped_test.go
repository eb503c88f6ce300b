package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/troikaml/troika/refine/extract"
)

// Words of our own, for pages that pass the published filters.
var (
	zhWords = strings.Fields(`园丁 老师 居民 图书馆 船长 木匠 医生 农民 摄影师 厨师 邮递员 画家 司机 邻居 春天 清晨 冬天 傍晚 周末 季节 假期 院子 梨树 旧书 地图
河边 桌子 鸟类 语言 市场 蔬菜 朋友 晚餐 星星 屋顶 向日葵 生活 经验 年轻人 天气 收成 习惯 故事 音乐 窗户 石头 森林 山路 桥梁 火车 车站 码头 海风 灯塔 雨水
修剪 整理 散步 修理 记录 学习 购买 写信 准备 观察 检查 种植 喜欢 相信 发现 讨论 保护 参加 完成 选择 介绍 练习 等待 寻找 回忆 描述 计划 分享 照顾 欣赏
安静 新鲜 丰盛 遥远 古老 明亮 温暖 干净 辛苦 简单 重要 美丽 宽阔 细心 耐心 认真 忙碌 快乐 普通 特别 经常 慢慢 已经 仍然 突然 大概 终于 总是 非常 刚刚`)
	zhJoin  = []string{"的", "在", "和", "是", "了", "也", "被", "而", "有", "与"}
	enWords = strings.Fields(`gardener teacher neighbour librarian captain carpenter doctor farmer photographer cook postman painter driver spring morning winter evening weekend season
holiday yard tree book map river table bird language market vegetable friend dinner star roof sunflower life habit weather harvest story music window stone forest road bridge train
station harbour wind lighthouse rain prunes sorts walks mends counts learns buys writes prepares watches checks plants likes believes finds protects joins finishes chooses describes
quiet fresh rich distant old bright warm clean hard simple important broad careful patient busy happy common special often slowly already still suddenly perhaps finally always very`)
	enJoin  = []string{"the", "of", "and", "to", "that", "have", "with", "be", "in", "a", "for", "on"}
	spamZh  = "澳门威尼斯人,百家乐开户,真人荷官,网上赌场,时时彩平台,六合彩特码"
	private = "请联系 13800138000 或 office@example.org"
)

// article returns paragraphs in Chinese or English, the same for the same seed.
func article(lang string, seed uint64, paragraphs int) []string {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	out := make([]string, paragraphs)
	for i := range out {
		var b strings.Builder
		for range 3 + r.IntN(4) {
			var s []string
			for range 5 + r.IntN(6) {
				if lang == "zh" {
					s = append(s, pick(zhWords), pick(zhJoin), pick(zhWords))
				} else {
					s = append(s, pick(enJoin), pick(enWords))
				}
			}
			if lang == "zh" {
				b.WriteString(strings.Join(s, "") + "。")
			} else {
				b.WriteString(strings.ToUpper(s[0][:1]) + strings.Join(s, " ")[1:] + ". ")
			}
		}
		out[i] = strings.TrimSpace(b.String())
	}
	return out
}

// page wraps paragraphs in what a site puts around them.
func page(title string, paragraphs []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html><html><head><title>%s</title></head><body><div class=nav><a href=/>Home</a> <a href=/a>News</a></div><div class=article><h1>%s</h1>\n", title, title)
	for _, p := range paragraphs {
		fmt.Fprintf(&b, "<p>%s</p>\n", p)
	}
	b.WriteString("</div><div class=footer>Copyright</div></body></html>")
	return b.String()
}

// mixedCorpus holds a little of everything that recipes are made for.
func mixedCorpus(t *testing.T) string {
	t.Helper()
	files := map[string]string{}
	for i := range 24 {
		zh, en := article("zh", uint64(i%20), 8), article("en", uint64(i%20), 8)
		if i%3 == 0 {
			zh = append([]string{spamZh}, zh...)
		}
		if i%4 == 0 {
			zh = append(zh, private)
			en = append(en, "Please write to office@example.org, or call from 13800138000.")
		}
		body := page(fmt.Sprintf("第%d篇", i), zh)
		if i%5 == 0 {
			gbk, err := simplifiedchinese.GBK.NewEncoder().String(body)
			if err != nil {
				t.Fatal(err)
			}
			body = gbk
		}
		files[fmt.Sprintf("zh/%02d.html", i)] = body
		files[fmt.Sprintf("en/%02d.html", i)] = page(fmt.Sprintf("Essay %d", i), en)
		files[fmt.Sprintf("notes/%02d.md", i)] = fmt.Sprintf("# Note %d\n\n## Part\n\n%s\n", i, strings.Join(en, "\n\n"))
	}
	var chat, table strings.Builder
	for i := range 60 {
		i %= 57
		q, a := article("zh", uint64(i), 1)[0], article("zh", uint64(100+i%50), 2)
		fmt.Fprintf(&chat, `{"question":%q,"answer":%q}`+"\n", q, strings.Join(a, " "))
		fmt.Fprintf(&table, "%q,%s\n", q, []string{"水果", "工具"}[i%2])
	}
	files["chat.jsonl"] = chat.String()
	files["table.csv"] = "文本,标签\n" + table.String()
	files["broken.docx"] = "PK and nothing"
	return corpus(t, files)
}

// Every shipped recipe keeps, drops and explains something of a mixed corpus,
// and writes the same bytes for any number of workers, any memory that cuts the
// input otherwise, and after stops.
func TestShippedReplay(t *testing.T) {
	in := mixedCorpus(t)
	inputs := map[string][]string{"chat-sft": {"chat.jsonl"}, "labelled-table": {"table.csv", "notes"}}
	for _, name := range Shipped() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Inputs: []string{in}, Workers: 1, Memory: 64 << 20}
			if some := inputs[name]; some != nil {
				o.Inputs = nil
				for _, s := range some {
					o.Inputs = append(o.Inputs, filepath.Join(in, s))
				}
			}
			r, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if o.Recipe, err = r.Set("output.shard_bytes", "20000"); err != nil {
				t.Fatal(err)
			}
			report, want := mustRun(t, o)
			if c := report.Counts; c.Kept < 10 || c.Records < 10 || c.Dropped+c.Lines == 0 {
				t.Errorf("counts %+v", c)
			}
			for _, workers := range []int{2, 5} {
				o.Workers, o.Memory = workers, int64(workers)<<30
				if _, got := mustRun(t, o); !maps.Equal(got, want) {
					t.Errorf("%d workers: the output differs", workers)
				}
			}
			o.Out = filepath.Join(t.TempDir(), "out")
			if got := stopAndGoOn(t, o); !maps.Equal(got, want) {
				t.Error("the output of the stopped run differs")
			}
		})
	}
}

// stopAndGoOn stops a run at several moments and lets it end.
func stopAndGoOn(t *testing.T, o Options) map[string]string {
	t.Helper()
	for _, stop := range []int{1, 3, 6, 11, 1 << 30} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		o.Workers = 1
		o.Progress = func(Phase, int64, int64) {
			if calls++; calls == stop {
				cancel()
			}
		}
		_, err := Run(ctx, o)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	return tree(t, o.Out)
}

// web-zh leaves the lines that stay byte for byte as they were extracted: no
// script is converted, nothing is folded, and private data is counted, not
// hidden, but in what people are shown.
func TestWebZhKeepsBytes(t *testing.T) {
	paragraphs := article("zh", 1, 10)
	paragraphs = append(paragraphs, "全角ＡＢＣ１２３与半角ABC123，以及①②③和㎡这样的符号，都应该原样保留下来。", "這一段是繁體字寫成的，裏面有發現、頭髮與乾淨這些詞，不應該被轉換成另一種字體。", private+"，我们会尽快回复您的来信。")
	wrapped := append([]string{spamZh}, paragraphs...)
	body := page("保留原文", wrapped)
	in := corpus(t, map[string]string{"a.html": body})
	r, err := Open("web-zh")
	if err != nil {
		t.Fatal(err)
	}
	report, out := mustRun(t, Options{Inputs: []string{in}, Recipe: r})
	if report.Counts.Kept != 1 {
		t.Fatalf("counts %+v, decisions %s", report.Counts, out[decisionsFile])
	}
	extracted, err := extract.Parse([]byte(body), extract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := strings.Split(extracted.Text, "\n")
	d := decodeLines[Decision](t, out[decisionsFile])[0]
	gone := map[int]bool{}
	for _, l := range d.Lines {
		gone[l.Line] = true
	}
	if len(gone) == 0 || !gone[slices.Index(before, spamZh)] {
		t.Errorf("the spam stayed: %+v", d.Lines)
	}
	var want []string
	for i, l := range before {
		if !gone[i] && l != "" {
			want = append(want, l)
		}
	}
	var got []string
	for l := range strings.SplitSeq(decodeLines[Record](t, out["data-00000.jsonl"])[0].Text, "\n") {
		if l != "" {
			got = append(got, l)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := d.Counts["redact-pii"]; n["mobile"] != 1 || n["email"] != 1 {
		t.Errorf("counted %v", d.Counts)
	}
	if page := out[pageFile]; strings.Contains(page, "13800138000") || strings.Contains(out[reportFile], "office@example.org") {
		t.Error("the report shows what is private")
	}
}

// The steps that name languages, tell scripts, hide what is private and avoid
// benchmarks, each in a recipe of its own.
func TestSteps(t *testing.T) {
	in := corpus(t, map[string]string{
		"en.txt":   "The quick brown fox jumps over the lazy dog, and nobody minds.",
		"fr.txt":   "Le renard brun saute par-dessus le chien paresseux, et personne ne dit rien.",
		"hans.txt": "梨树喜欢阳光充足的地方，每年冬天要剪去枯枝。",
		"hant.txt": "梨樹喜歡陽光充足的地方，每年冬天要剪去枯枝。",
		"wide.txt": "ＡＢＣ　１２３",
		"pii.txt":  "Write to office@example.org today.",
		"dirty.md": "# Quiz\n\nWhich planet of the seven is the one that nobody has ever seen by day?\n",
	})
	bench := corpus(t, map[string]string{
		"quiz.jsonl": `{"question":"Which planet of the seven is the one that nobody has ever seen by day?","answer":"none"}` + "\n",
	})
	run := func(steps string) (map[string]Decision, map[string]string, map[string]string) {
		t.Helper()
		_, out := mustRun(t, Options{Inputs: []string{in}, Recipe: testRecipe(t, steps)})
		decisions := map[string]Decision{}
		for _, d := range decodeLines[Decision](t, out[decisionsFile]) {
			decisions[d.ID] = d
		}
		texts := map[string]string{}
		for _, r := range decodeLines[Record](t, out["data-00000.jsonl"]) {
			texts[r.ID] = r.Lang + " " + r.Text
		}
		return decisions, texts, out
	}
	d, texts, _ := run("steps: [language: {keep: [en, zh], min_score: 0.5}]\n")
	if d["fr.txt"].Drop == nil || d["fr.txt"].Drop.Rule != "language:fr" || d["fr.txt"].Drop.Threshold != 0.5 || d["hans.txt"].Lang != "zh-Hans" ||
		!strings.HasPrefix(texts["hant.txt"], "zh-Hant ") || !strings.HasPrefix(texts["en.txt"], "en ") {
		t.Errorf("language: %+v %v", d["fr.txt"].Drop, texts)
	}
	_, texts, _ = run("steps: [chinese-script: {to: traditional}]\n")
	if want := "zh-Hant 梨樹喜歡陽光充足的地方，每年冬天要剪去枯枝。"; texts["hans.txt"] != want || texts["hant.txt"] != want || texts["en.txt"][0] != ' ' {
		t.Errorf("script: %v", texts)
	}
	d, _, _ = run("steps: [chinese-script: {only: simplified}]\n")
	if d["hant.txt"].Drop == nil || d["hant.txt"].Drop.Value != 1 || d["hans.txt"].Drop != nil {
		t.Errorf("script: %+v", d["hant.txt"].Drop)
	}
	_, texts, _ = run("steps: [normalize: {form: nfkc}, redact-pii: {kinds: [email]}]\n")
	if texts["wide.txt"] != " ABC 123" || texts["pii.txt"] != " Write to <EMAIL> today." {
		t.Errorf("normalize, redact: %q", texts)
	}
	d, _, out := run(fmt.Sprintf("steps: [decontaminate: {path: %q}]\n", bench))
	if drop := d["dirty.md"].Drop; drop == nil || drop.Rule != "contaminated:quiz#1" || len(d["dirty.md"].Hits) != 1 {
		t.Errorf("decontaminate: %+v", d["dirty.md"])
	}
	if !strings.Contains(out[contaminationFile], `"benchmark":"quiz","id":"1","shared":3,"of":3,"document":"dirty.md"`) || !strings.Contains(out[manifestFile], `"digest": "sha256:`) {
		t.Errorf("report %s", out[contaminationFile])
	}
	r := testRecipe(t, fmt.Sprintf("steps: [decontaminate: {path: %q}]\n", filepath.Join(bench, "quiz.jsonl")))
	digest := func(r *Recipe) string { return string(r.Steps[0].Settings) }
	if _, err := r.Set("decontaminate.digest", "sha256:"+strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "the recipe wants") {
		t.Errorf("another digest: %v", err)
	}
	if again, err := r.Set("decontaminate.words", "12"); err != nil || digest(again) == digest(r) {
		t.Errorf("other words: %v", err)
	}
}

func TestSet(t *testing.T) {
	r := testRecipe(t, "steps: [min-length: {min_chars: 3}]\n")
	changed, err := r.Set("min-length.min_chars", "5")
	if err == nil {
		changed, err = changed.Set("output.chunk.max_chars", "300")
	}
	if err == nil {
		changed, err = changed.Set("input.text", "[body, main]")
	}
	if err != nil || string(changed.Steps[0].Settings) != `{"min_chars":5}` || changed.Output.Chunk.MaxChars != 300 || !slices.Equal(changed.Input.Text, []string{"body", "main"}) {
		t.Errorf("%+v %v", changed, err)
	}
	if string(r.Steps[0].Settings) != `{"min_chars":3}` || r.Output.Chunk.MaxChars != 0 {
		t.Error("the recipe itself changed")
	}
	for _, bad := range []string{"min-length", "none.x", "min-length.none", "output.kind.x", ""} {
		if _, err := r.Set(bad, "1"); err == nil {
			t.Errorf("%q was set", bad)
		}
	}
	if _, err := r.Set("min-length.min_chars", "["); err == nil {
		t.Error("broken YAML was taken")
	}
}

// A split keeps documents that are nearly the same, and those of one group, on
// one side, and every side gets its share.
func TestSplitKeepsClusters(t *testing.T) {
	var rows strings.Builder
	for i := range 300 {
		words := strings.Fields(strings.Join(article("en", uint64(i), 2), " "))
		for v := range 3 {
			words[4+v] = fmt.Sprintf("variant%d", v)
			fmt.Fprintf(&rows, `{"id":"d%d-%d","text":%q}`+"\n", i, v, strings.Join(words, " "))
		}
	}
	in := corpus(t, map[string]string{"rows.jsonl": rows.String()})
	report, out := mustRun(t, Options{Inputs: []string{in}, Recipe: testRecipe(t, "steps: [split: {validation: 0.2, test: 0.2}]\noutput: {shard_bytes: 50000}\n")})
	side := map[string]string{}
	counts := map[string]int{}
	for name, lines := range out {
		split, _, ok := strings.Cut(name, "-")
		if !ok || !slices.Contains(splitNames, split) {
			continue
		}
		for _, r := range decodeLines[Record](t, lines) {
			cluster, _, _ := strings.Cut(r.ID, "-")
			if was := side[cluster]; was != "" && was != split {
				t.Errorf("%s is in %s and in %s", cluster, was, split)
			}
			side[cluster] = split
			counts[split]++
		}
	}
	if counts[splitTrain] < 400 || counts[splitValidation] < 100 || counts[splitTest] < 100 || counts[splitTrain]+counts[splitTest]+counts[splitValidation] != 900 {
		t.Errorf("counts %v", counts)
	}
	if !maps.Equal(report.Steps[0].Counts, counts) || !strings.Contains(out[manifestFile], `"split": "validation"`) {
		t.Errorf("report %v", report.Steps[0].Counts)
	}
	if _, err := OfSteps([]string{"split", "exact-dedup"}, nil); err == nil || !strings.Contains(err.Error(), "after it") {
		t.Errorf("a split before a stage: %v", err)
	}
}

// What is not there or no model is refused when a recipe is opened.
func TestNamedFiles(t *testing.T) {
	dir := corpus(t, map[string]string{
		"model.bin": "no model", "bench/q.jsonl": "{", "short/q.txt": "x",
		"r.yaml": "format: 1\nname: r\nversion: 1\nsteps: [language: {model: model.bin}]\n",
		"s.yaml": "format: 1\nname: r\nversion: 1\nsteps: [decontaminate: {path: bench}]\n",
		"t.yaml": "format: 1\nname: r\nversion: 1\nsteps: [decontaminate: {path: short/q.txt}]\n",
		"u.yaml": "format: 1\nname: r\nversion: 1\nsteps: [decontaminate: {path: ../up}]\n",
		"v.yaml": "format: 1\nname: r\nversion: 1\nsteps: [language: {model: bench}]\n",
	})
	for name, want := range map[string]string{"r.yaml": "not a usable model", "s.yaml": "q.jsonl", "t.yaml": "long enough", "u.yaml": "not below", "v.yaml": "folder"} {
		if _, err := OpenFS(os.DirFS(dir), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// The page of a report needs nothing else and shows all that was found.
func TestPage(t *testing.T) {
	in := mixedCorpus(t)
	r, err := Open("web-zh")
	if err != nil {
		t.Fatal(err)
	}
	report, out := mustRun(t, Options{Inputs: []string{in}, Recipe: r})
	html := out[pageFile]
	for _, want := range []string{"Funnel", "spam-lines", "language:en", "前后对比", `class="del"`, "mobile", "Languages", "Scores", "broken.docx", "near-dedup"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, bad := range []string{"<script", "src=", "@import", "href=\"http"} {
		if strings.Contains(html, bad) {
			t.Errorf("%q is on the page", bad)
		}
	}
	var again bytes.Buffer
	if err := WritePage(&again, report); err != nil || again.String() != html {
		t.Errorf("written again it differs: %v", err)
	}
}
