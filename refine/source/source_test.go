package source_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/source"
)

// tree writes files into a new folder and returns it.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// walk returns all items, and the failures as text.
func walk(t testing.TB, o source.Options, inputs ...string) (items []source.Item, failures []string) {
	t.Helper()
	for it, err := range source.Walk(t.Context(), inputs, o) {
		if err == nil {
			items = append(items, it)
			continue
		}
		f, ok := errors.AsType[refine.Failure](err)
		if !ok {
			t.Fatal(err)
		}
		failures = append(failures, f.Error())
	}
	return items, failures
}

func paths(items []source.Item) string {
	var b strings.Builder
	for _, it := range items {
		b.WriteString(it.Path + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestWalkFolder(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.html":       "<p>B",
		"a/z.md":       "# Z",
		"a/rows.jsonl": `{"text":"one","n":1}` + "\n\nnonsense\n" + `{"text":"two","text":"three"}` + "\n",
		"c":            "<!doctype html><p>C",
		"x.css":        "p{}",
		"pic":          "\x89PNG....",
		".hidden":      "no",
	})
	items, failures := walk(t, source.Options{}, dir)
	if got, want := paths(items), "a/rows.jsonl#1 a/z.md b.html c"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{
		`a/rows.jsonl:3: not a JSON object`,
		`a/rows.jsonl:4: key "text": name comes twice`,
		`pic: a PNG picture is not read`,
		`x.css: files of kind ".css" are not read`,
	}
	if strings.Join(failures, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", failures, want)
	}
}

// FuzzWalk reads files of any content under names of every kind but PDF, whose reader
// takes seconds to start: each is items or failures, and an object of a line has each of
// its keys once.
func FuzzWalk(f *testing.F) {
	names := []string{"a.jsonl", "a.html", "a.txt", "a.csv", "a.md", "a.zip", "a.tar.gz", "a.txt.gz", "a.warc", "a.docx", "a.xlsx", "a.parquet", "a"}
	f.Add(0, []byte(`{"text":"one","n":[1,{"a":null}]}`+"\n\n{\"text\":\"\\u00e9\"}\r\nnonsense"))
	f.Add(0, []byte("\xff\xfe{\x00}\x00\n\x00"))
	f.Add(1, []byte("<!doctype html><meta charset=gbk><p>\xb4\xba"))
	f.Add(5, []byte("PK\x03\x04"))
	f.Add(12, []byte("%PNG\x00"))
	f.Fuzz(func(t *testing.T, kind int, content []byte) {
		if bytes.HasPrefix(content, []byte("%PDF")) {
			return
		}
		dir := tree(t, map[string]string{names[uint(kind)%uint(len(names))]: string(content)})
		items, _ := walk(t, source.Options{Limits: source.Limits{Line: 1 << 16, Whole: 1 << 20, Expand: 1 << 24}}, dir)
		for _, it := range items {
			seen := map[string]bool{}
			for _, field := range it.Fields {
				if it.MediaType == source.Row && strings.Contains(it.Path, ".jsonl#") && seen[field.Name] {
					t.Errorf("%s: key %q twice", it.Path, field.Name)
				}
				seen[field.Name] = true
			}
		}
	})
}
