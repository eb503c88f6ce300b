package source_test

import (
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
