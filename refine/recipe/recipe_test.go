package recipe

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestShippedOpen(t *testing.T) {
	for _, name := range []string{"web-zh", "web-en", "docs-company", "chat-sft", "labelled-table", "parallel-pages"} {
		r, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Name != name || r.Description == "" || len(r.Steps) < 3 {
			t.Errorf("%s: %+v", name, r)
		}
		again, err := Open(name)
		if err != nil || again.Digest() != r.Digest() {
			t.Errorf("%s: opened twice it has another digest", name)
		}
	}
	if len(Shipped()) != 6 {
		t.Errorf("shipped: %q", Shipped())
	}
}

func TestRecipesCompose(t *testing.T) {
	fsys := fstest.MapFS{
		"base.yaml": {Data: []byte("format: 1\nname: base\nversion: 1\nsteps:\n  - min-length: {min_chars: 7}\n  - exact-dedup\n")},
		"mine.yml": {Data: []byte(`format: 1
name: mine
version: 2
use: [base.yaml]
without: [exact-dedup]
set:
  min-length: {min_chars: 9}
steps:
  - near-dedup: {bands: 4, rows: 3}
input:
  text: body
output: {format: parquet}
`)},
	}
	r, err := OpenFS(fsys, "mine.yml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name":"mine","version":"2"`, `{"step":"min-length","settings":{"min_chars":9}}`,
		`{"step":"near-dedup","settings":{"by_lang":true,"shingle":5,"bands":4,"rows":3,"seed":1,"min_words":5}}`,
		`"text":["body"]`, `"format":"parquet"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	if len(r.Steps) != 2 {
		t.Errorf("%d steps", len(r.Steps))
	}
	only, err := OfSteps([]string{"min-length"}, r)
	if err != nil || string(only.Steps[0].Settings) != `{"min_chars":9}` {
		t.Errorf("one step of a recipe: %v", err)
	}
}

// What names a recipe to people does not change what it is.
func TestDigestIsOfTheWork(t *testing.T) {
	a := testRecipe(t, "steps: [min-length]\n")
	b := testRecipe(t, "steps: [min-length: {min_chars: 1}]\ndescription: other words\n")
	c := testRecipe(t, "steps: [min-length: {min_chars: 2}]\n")
	d := testRecipe(t, "steps: [min-length]\noutput: {shard_bytes: 5}\n")
	if a.Digest() != b.Digest() {
		t.Error("defaults written out changed the digest")
	}
	if a.Digest() == c.Digest() || a.Digest() == d.Digest() {
		t.Error("a setting did not change the digest")
	}
}

func TestRecipeErrors(t *testing.T) {
	const top = "format: 1\nname: r\nversion: 1\n"
	for content, want := range map[string]string{
		"":                               "empty",
		"format: 2\nname: r\n":           "format 2: this program reads format 1",
		"name: r\nversion: 1\n":          `"format" is missing`,
		"format: 1\n":                    "name and version",
		top + "stepz: []\n":              `line 4: unknown field "stepz"; there are description, format,`,
		top + "name: again\n":            `"name"`,
		top + "steps: [nothing]\n":       `line 4: no step "nothing"`,
		top + "steps:\n- a: 1\n  b: 2\n": "line 5: want a step",
		top + "steps:\n- min-length:\n    min_chars: many\n":          `line 6: min_chars: "many" is not of type integer`,
		top + "steps:\n- min-length:\n    min_chars: 1\n    max: 2\n": `line 7: unknown field "max"; there are min_chars`,
		top + "steps:\n- near-dedup: {bands: 0}\n":                    "line 5: near-duplicates",
		top + "steps: [min-length, min-length]\n":                     "there twice",
		top + "use: [r.yaml]\n":                                       "it uses itself",
		top + "use: [none]\n":                                         "no such recipe",
		top + "without: [min-length]\n":                               "no recipe in use has that step",
		top + "set: {min-length: {min_chars: 1}}\n":                   "line 4: set min-length",
		top + "output: {kind: poem}\n":                                `kind "poem"`,
		top + "output: {kind: chat, chunk: {max_chars: 200}}\n":       "not cut",
		top + "output: {chunk: {max_chars: 20}}\n":                    "max_chars of at least",
		top + "steps: &a [min-length]\nuse: *a\n":                     "aliases",
		top + "---\nformat: 1\n":                                      "more than one",
		top + "steps: [\n":                                            "line ",
		strings.Repeat("[", 20000):                                    "",
	} {
		_, err := OpenFS(fstest.MapFS{"r.yaml": {Data: []byte(content)}}, "r.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", content[:min(len(content), 200)], err, want)
		}
	}
	if _, err := OpenFS(os.DirFS(t.TempDir()), "none.yaml"); err == nil {
		t.Error("a missing file was opened")
	}
	if _, err := OpenFS(fstest.MapFS{"r.yaml": {Data: make([]byte, maxRecipe+1)}}, "r.yaml"); err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("a huge recipe: %v", err)
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{"MinWords": "min_words", "ID": "id", "MaxLineChars": "max_line_chars", "Top2Gram": "top2_gram", "URLCount": "url_count"} {
		if got := snake(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func FuzzRecipe(f *testing.F) {
	for _, name := range Shipped() {
		content, err := shipped.ReadFile("shipped/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("format: 1\nname: r\nversion: 1\nset: {a: &a [*a]}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := OpenFS(fstest.MapFS{"r.yaml": {Data: content}}, "r.yaml")
		if err == nil && r.Digest().IsZero() {
			t.Error("a recipe without a digest")
		}
	})
}
