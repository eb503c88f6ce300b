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

	"github.com/parquet-go/parquet-go"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/source"
)

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

// What a row or a page says of its terms stays with what is made of it.
func TestLicences(t *testing.T) {
	in := corpus(t, map[string]string{
		"t.jsonl": `{"text":"good product","license":"mit\n licence"}` + "\n" + `{"text":"bad product","licence":["x"],"license":"no"}` + "\n",
		"c.jsonl": `{"question":"q","answer":"a","licence":"CC0-1.0"}` + "\n",
		"p.html":  `<html lang=en><p>The text of a page that is long enough to be content, as it says something.</p><a rel=license href="https://example.com/by">terms</a>`,
	})
	texts := testRecipe(t, "steps: [min-length]\noutput: {kind: text}\n")
	for file, want := range map[string]string{
		"t.jsonl": `"source":"t.jsonl#1","licence":"mit licence","lang":""}`, "p.html": `"source":"p.html","licence":"https://example.com/by","lang":"en"`,
	} {
		_, out := mustRun(t, Options{Inputs: []string{filepath.Join(in, file)}, Recipe: texts})
		if lines := out["data-00000.jsonl"]; !strings.Contains(lines, want) || strings.Count(lines, "licence\":") != 1 {
			t.Errorf("%s: %s", file, lines)
		}
	}
	chat := testRecipe(t, "input: {chat: true}\nsteps: [min-length]\noutput: {kind: chat}\n")
	if _, out := mustRun(t, Options{Inputs: []string{filepath.Join(in, "c.jsonl")}, Recipe: chat}); !strings.Contains(out["data-00000.jsonl"], `"licence":"CC0-1.0"`) {
		t.Errorf("chat: %s", out["data-00000.jsonl"])
	}
	for _, c := range [][3]string{{"", "", ""}, {"a", "", "a"}, {"", "b", "b"}, {"a", "a", "a"}, {"a", "b", "a AND b"}} {
		if got := bothLicences(&refine.Document{Licence: c[0]}, &refine.Document{Licence: c[1]}); got != c[2] {
			t.Errorf("of %q and %q: %q", c[0], c[1], got)
		}
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
