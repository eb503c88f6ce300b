package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"github.com/troikaml/troika/refine/source"
)

func TestSplitKeepsStructure(t *testing.T) {
	text := "# Manual\n\nIntroduction that is short.\n\n## Install\n\n```sh\nmake\n\nmake install\n```\n\n" +
		"## Use\n\n| key | meaning |\n| --- | --- |\n" + strings.Repeat("| a | something |\n", 12) +
		"\n### Deep\n\n" + strings.Repeat("一句话说完了。", 40) + "\n"
	c := Chunk{MaxChars: 160, MinChars: 20}
	got := c.Split(text)
	if len(got) < 5 {
		t.Fatalf("%d pieces: %q", len(got), got)
	}
	for i, p := range got {
		if n := utf8.RuneCountInString(p); n > c.MaxChars || n == 0 {
			t.Errorf("piece %d has %d characters", i, n)
		}
	}
	if !strings.HasPrefix(got[1], "# Manual\n\n## Install") || !strings.Contains(got[1], "make\n\nmake install\n```") {
		t.Errorf("the code is cut: %q", got[1])
	}
	tables := 0
	for _, p := range got {
		if strings.Contains(p, "| a |") {
			tables++
			if !strings.Contains(p, "| key | meaning |\n| --- | --- |\n| a |") {
				t.Errorf("a part of the table lacks its head: %q", p)
			}
		}
	}
	if tables < 2 {
		t.Errorf("the table is in %d pieces", tables)
	}
	if last := got[len(got)-1]; !strings.HasPrefix(last, "# Manual\n\n## Use\n\n### Deep\n\n一句") || !strings.HasSuffix(last, "。") {
		t.Errorf("last piece %q", last)
	}
	if n := strings.Count(strings.Join(got, ""), "一句话说完了。"); n != 40 {
		t.Errorf("%d sentences of 40 are left", n)
	}
	if got := c.Split("short"); !slices.Equal(got, []string{"short"}) {
		t.Errorf("a short text became %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("# A\n\ntext text\n\n```\ncode\n", 0)
	f.Add("| a | b |\n| --- | --- |\n| c | d |\n"+strings.Repeat("x", 300), 7)
	f.Add(strings.Repeat("# "+strings.Repeat("h", 50)+"\n", 5)+strings.Repeat("长", 200), 50)
	f.Fuzz(func(t *testing.T, text string, least int) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		c := Chunk{MaxChars: 100, MinChars: max(0, least%100)}
		letters := func(s string) map[rune]int {
			m := map[rune]int{}
			for _, r := range s {
				if r > ' ' {
					m[r]++
				}
			}
			return m
		}
		got := letters(strings.Join(c.Split(text), ""))
		for r, n := range letters(strings.TrimSpace(text)) {
			if got[r] < n && !strings.ContainsRune("\u0085\u00a0", r) {
				t.Errorf("%d of %d %q are left of %q", got[r], n, r, text)
			}
		}
		for _, p := range c.Split(text) {
			if utf8.RuneCountInString(p) > c.MaxChars {
				t.Errorf("a piece of %d characters: %q", utf8.RuneCountInString(p), p)
			}
		}
	})
}

func fields(t *testing.T, row string) *source.Item {
	t.Helper()
	var in map[string]json.RawMessage
	if err := json.Unmarshal([]byte(row), &in); err != nil {
		t.Fatal(err)
	}
	it := &source.Item{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		f := source.Field{Name: name, Value: string(in[name]), JSON: true}
		if json.Unmarshal(in[name], &f.Value) == nil {
			f.JSON = false
		}
		it.Fields = append(it.Fields, f)
	}
	return it
}

func TestReadChat(t *testing.T) {
	for _, c := range []struct{ row, want string }{
		{`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q\n\nr"},{"role":"assistant","content":"a"}]}`, "system:s user:q\n\nr assistant:a"},
		{`{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}`, "user:q assistant:a"},
		{`{"instruction":"i","input":"x","output":"o"}`, "user:i\n\nx assistant:o"},
		{`{"问题":"是吗","回答":"是"}`, "user:是吗 assistant:是"},
		{`{"prompt":"p","response":"\u001euser\nr"}`, "user:p assistant:user\nr"},
		{`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"no answer"}]}`, "user:q assistant:a"},
	} {
		turns, err := ReadChat(fields(t, c.row))
		if err != nil {
			t.Errorf("%s: %v", c.row, err)
			continue
		}
		turns = splitTurns(joinTurns(turns))
		var got []string
		for _, turn := range turns[:sound(turns)] {
			got = append(got, turn.Role+":"+turn.Content)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.row, strings.Join(got, " "), c.want)
		}
	}
	for row, want := range map[string]string{
		`{"text":"x"}`:     "no conversation",
		`{"messages":"x"}`: "no list",
		`{"messages":[{"role":"tool","content":"x"}]}`:                             `role "tool"`,
		`{"messages":[{"role":"assistant","content":"x","tool_calls":[{}]}]}`:      "tools",
		`{"messages":[{"role":"assistant","content":[{"type":"text","text":1}]}]}`: "no string",
	} {
		if _, err := ReadChat(fields(t, row)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", row, err, want)
		}
	}
}

func TestOutputKinds(t *testing.T) {
	in := corpus(t, map[string]string{
		"t.jsonl": `{"text":"good product","label":"pos"}` + "\n" + `{"text":"bad product"}` + "\n",
		"c.jsonl": `{"question":"q","answer":"a"}` + "\n" + `{"question":"q","answer":""}` + "\n",
		"d.md":    "# Title\n\nText of the page.\n",
	})
	classes := testRecipe(t, "steps: [min-length]\noutput: {kind: classification}\n")
	report, out := mustRun(t, Options{Inputs: []string{filepath.Join(in, "t.jsonl")}, Recipe: classes})
	if report.Counts.Kept != 1 || out["data-00000.jsonl"] != `{"id":"t.jsonl#1","text":"good product","source":"t.jsonl#1","lang":"","label":"pos"}`+"\n" {
		t.Errorf("classification: %+v %s", report.Counts, out["data-00000.jsonl"])
	}
	chat := testRecipe(t, "input: {chat: true}\nsteps: [min-length]\noutput: {kind: chat}\n")
	report, out = mustRun(t, Options{Inputs: []string{filepath.Join(in, "c.jsonl")}, Recipe: chat})
	if report.Counts.Kept != 1 || !strings.Contains(out["data-00000.jsonl"], `"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]`) {
		t.Errorf("chat: %+v %s", report.Counts, out["data-00000.jsonl"])
	}
	completion := testRecipe(t, "steps: [min-length]\noutput: {kind: completion}\n")
	_, out = mustRun(t, Options{Inputs: []string{filepath.Join(in, "d.md")}, Recipe: completion})
	if !strings.Contains(out["data-00000.jsonl"], `"text":"# Title\n\nText of the page."`) {
		t.Errorf("completion: %s", out["data-00000.jsonl"])
	}
}

// Parquet shards hold the records of the JSON lines, and are the same bytes on
// every run.
func TestParquet(t *testing.T) {
	var rows strings.Builder
	for i := range 500 {
		fmt.Fprintf(&rows, `{"text":"row %d","label":"l%d","prompt":"p%d","response":"r"}`+"\n", i, i%3, i)
	}
	in := corpus(t, map[string]string{"t.jsonl": rows.String()})
	settings := "steps: [min-length]\noutput: {shard_bytes: 20000, format: %s}\n"
	_, lines := mustRun(t, Options{Inputs: []string{in}, Recipe: testRecipe(t, fmt.Sprintf(settings, "jsonl"))})
	r := testRecipe(t, fmt.Sprintf(settings, "parquet"))
	_, out := mustRun(t, Options{Inputs: []string{in}, Recipe: r, Workers: 1})
	if _, again := mustRun(t, Options{Inputs: []string{in}, Recipe: r, Workers: 3}); !maps.Equal(out, again) {
		t.Error("a second run wrote other bytes")
	}
	for name, want := range lines {
		parts, ok := strings.CutSuffix(name, ".jsonl")
		if !ok || !strings.HasPrefix(name, "data-") {
			continue
		}
		file := []byte(out[parts+".parquet"])
		got, err := parquet.Read[Record](bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, decodeLines[Record](t, want)) {
			t.Errorf("%s holds other records", name)
		}
	}
	chat := testRecipe(t, "input: {chat: true}\nsteps: [min-length]\noutput: {kind: chat, format: parquet}\n")
	_, out = mustRun(t, Options{Inputs: []string{in}, Recipe: chat})
	file := []byte(out["data-00000.parquet"])
	got, err := parquet.Read[ChatRecord](bytes.NewReader(file), int64(len(file)))
	if err != nil || len(got) != 500 || !slices.Equal(got[7].Messages, []Turn{{"user", "p7"}, {"assistant", "r"}}) {
		t.Errorf("chat as Parquet: %d rows, %v", len(got), err)
	}
}

func TestOverwriteRemovesOldShards(t *testing.T) {
	in := corpus(t, map[string]string{"a.txt": strings.Repeat("text ", 100), "b.txt": strings.Repeat("more ", 100)})
	out := filepath.Join(t.TempDir(), "out")
	mustRun(t, Options{Inputs: []string{in}, Out: out, Recipe: testRecipe(t, "steps: [min-length]\noutput: {shard_bytes: 10}\n")})
	if _, err := os.Stat(filepath.Join(out, "data-00001.jsonl")); err != nil {
		t.Fatal(err)
	}
	_, left := mustRun(t, Options{Inputs: []string{in}, Out: out, Overwrite: true, Recipe: testRecipe(t, "steps: [min-length]\noutput: {format: parquet}\n")})
	for name := range left {
		if strings.HasPrefix(name, "data-") && name != "data-00000.parquet" {
			t.Errorf("%s is left", name)
		}
	}
}
