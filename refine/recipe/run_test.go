package recipe

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/internal/fsx"
)

// corpus writes files below a new folder.
func corpus(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// testRecipe returns a recipe from YAML.
func testRecipe(t *testing.T, steps string) *Recipe {
	t.Helper()
	dir := corpus(t, map[string]string{"r.yaml": "format: 1\nname: r\nversion: 1\n" + steps})
	r, err := OpenFS(os.DirFS(dir), "r.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree returns the files of an output folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockFile {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decodeLines[T any](t *testing.T, lines string) []T {
	t.Helper()
	var out []T
	dec := json.NewDecoder(strings.NewReader(lines))
	for dec.More() {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func mustRun(t *testing.T, o Options) (*Report, map[string]string) {
	t.Helper()
	if o.Out == "" {
		o.Out = filepath.Join(t.TempDir(), "out")
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report, tree(t, o.Out)
}

const dedupSteps = `
steps:
  - min-length: {min_chars: 4}
  - exact-dedup
  - paragraph-dedup: {min_chars: 10}
`

func TestRunDecides(t *testing.T) {
	in := corpus(t, map[string]string{
		"a.txt":      "The first text.\n\nA paragraph that repeats.\n\nEnd.",
		"b.txt":      "The   FIRST text.\n\nA paragraph that repeats.\n\nEnd.",
		"c.txt":      "Another one.\n\nA paragraph that repeats.\n",
		"d.txt":      "x",
		"e.html":     "<title>T</title><main><p>Seite</p></main>",
		"bad.txt":    "\x01\x02\x03\x04\x05\x06\x07",
		"rows.jsonl": `{"id":"one","text":"row one"}` + "\n{\n" + `{"id":"one","text":"row two"}` + "\n",
	})
	r := testRecipe(t, dedupSteps)
	report, out := mustRun(t, Options{Inputs: []string{in}, Recipe: r})
	if report.Counts.Kept != 4 || report.Counts.Dropped != 2 || report.Counts.Failed != 3 {
		t.Errorf("counts %+v", report.Counts)
	}
	decisions := map[string]Decision{}
	for _, d := range decodeLines[Decision](t, out[decisionsFile]) {
		decisions[d.ID] = d
	}
	if d := decisions["b.txt"].Drop; d == nil || d.Step != "exact-dedup" || d.Twin != "a.txt" || d.Value != 2 || d.Threshold != 1 {
		t.Errorf("b.txt: %+v", d)
	}
	if d := decisions["d.txt"].Drop; d == nil || d.Rule != "too-short" || d.Value != 1 || d.Threshold != 4 {
		t.Errorf("d.txt: %+v", d)
	}
	if l := decisions["c.txt"].Lines; len(l) != 1 || l[0].Line != 2 || l[0].Text != "A paragraph that repeats." || l[0].Step != "paragraph-dedup" {
		t.Errorf("c.txt: %+v", l)
	}
	texts := map[string]string{}
	for _, rec := range decodeLines[Record](t, out["data-00000.jsonl"]) {
		texts[rec.ID] = rec.Text
	}
	want := map[string]string{
		"a.txt": "The first text.\n\nA paragraph that repeats.\n\nEnd.", "c.txt": "Another one.",
		"e.html": "Seite", "one": "row one",
	}
	if !maps.Equal(texts, want) {
		t.Errorf("records %q, want %q", texts, want)
	}
	failures := decodeLines[failure](t, out[failuresFile])
	if len(failures) != 3 || failures[0].Source != "bad.txt" || !strings.Contains(failures[2].Error, `ID "one"`) {
		t.Errorf("failures %+v", failures)
	}
	if exists(stateFolder) {
		t.Error("the state is left")
	}
}

// bigCorpus returns files of several kinds and sizes with duplicates among
// them.
func bigCorpus(t *testing.T) string {
	files := map[string]string{}
	for i := range 60 {
		var b strings.Builder
		for p := range 1 + i%7 {
			fmt.Fprintf(&b, "Paragraph %d of text %d speaks of things.\n\n", p, i%23)
		}
		b.WriteString("The common end of every text here.")
		files[fmt.Sprintf("d%d/t%02d.txt", i%3, i)] = b.String()
	}
	var rows strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&rows, `{"id":"r%d","text":"Row %d says the following: %s"}`+"\n", i%2900, i%1500, strings.Repeat("word ", i%40))
	}
	files["rows.jsonl"] = rows.String()
	return corpus(t, files)
}

// The same bytes come out for any number of workers and any amount of memory,
// which decides how the input is cut.
func TestRunIsTheSameForAnyWork(t *testing.T) {
	in := bigCorpus(t)
	r := testRecipe(t, "steps:\n  - exact-dedup\n  - paragraph-dedup: {min_chars: 20}\n  - min-length: {min_chars: 15}\noutput: {shard_bytes: 20000}\n")
	var want map[string]string
	for _, c := range []struct {
		workers int
		memory  int64
	}{{1, 64 << 20}, {3, 64 << 20}, {2, 4 << 30}, {16, 64 << 20}} {
		_, got := mustRun(t, Options{Inputs: []string{in}, Recipe: r, Workers: c.workers, Memory: c.memory})
		if want == nil {
			want = got
			if len(got) < 8 {
				t.Errorf("too few files to tell: %q", slices.Sorted(maps.Keys(got)))
			}
			continue
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d workers, %d bytes: the output differs", c.workers, c.memory)
		}
	}
}

// A run that was stopped at any moment goes on and writes the same bytes.
func TestRunResumes(t *testing.T) {
	in := bigCorpus(t)
	r := testRecipe(t, "steps:\n  - exact-dedup\n  - min-length: {min_chars: 15}\n  - paragraph-dedup: {min_chars: 20}\n")
	_, want := mustRun(t, Options{Inputs: []string{in}, Recipe: r, Workers: 2, Memory: 64 << 20})
	out := filepath.Join(t.TempDir(), "out")
	stops := 0
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		_, err := Run(ctx, Options{
			Inputs: []string{in}, Recipe: r, Workers: 1, Memory: 64 << 20, Out: out,
			Progress: func(Phase, int64, int64) {
				if calls++; calls == stop {
					cancel()
				}
			},
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 3 {
		t.Errorf("stopped %d times only", stops)
	}
	if got := tree(t, out); !maps.Equal(got, want) {
		t.Error("the output of the stopped run differs")
	}
}

func TestRunRefuses(t *testing.T) {
	in := corpus(t, map[string]string{"a.txt": "text"})
	r := testRecipe(t, "steps: [min-length]\n")
	out := filepath.Join(t.TempDir(), "out")
	mustRun(t, Options{Inputs: []string{in}, Recipe: r, Out: out})
	if _, err := Run(t.Context(), Options{Inputs: []string{in}, Recipe: r, Out: out}); !errors.Is(err, ErrFinished) {
		t.Errorf("a second run: %v", err)
	}
	mustRun(t, Options{Inputs: []string{in}, Recipe: r, Out: out, Overwrite: true})
	if _, err := Run(t.Context(), Options{Inputs: []string{filepath.Join(in, "none")}, Recipe: r, Out: out}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an input that is not there: %v", err)
	}
	lock, err := fsx.TryLock(filepath.Join(out, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Inputs: []string{in}, Recipe: r, Out: out}); !errors.Is(err, fsx.ErrLocked) {
		t.Errorf("a folder in use: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Inputs: []string{in}, Recipe: r, Out: other}); err == nil {
		t.Error("a cancelled run ended well")
	}
	if err := os.MkdirAll(filepath.Join(other, stateFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, stateFolder, "plan.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Inputs: []string{in}, Recipe: r, Out: other}); !errors.Is(err, ErrOtherRun) {
		t.Errorf("another run's state: %v", err)
	}
}

func TestChunkFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "c")
	var entries []*entry
	for i := range 5 {
		entries = append(entries, &entry{ID: fmt.Sprintf("d%d\"<", i), Excerpt: strings.Repeat("x", 5000*i)})
	}
	if err := writeChunk(name, entries); err != nil {
		t.Fatal(err)
	}
	r, err := openChunk(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	n := 0
	for e, err := range r.all(false) {
		if err != nil || e.ID != entries[n].ID || e.Excerpt != entries[n].Excerpt {
			t.Fatalf("entry %d: %v", n, err)
		}
		if id, err := r.id(n); err != nil || id != e.ID {
			t.Errorf("id %d: %q, %v", n, id, err)
		}
		n++
	}
	b, _ := os.ReadFile(name)
	for _, bad := range [][]byte{nil, b[:3], b[len(b)-5:], bytes.Repeat([]byte{255}, 64)} {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openChunk(name); err == nil {
			t.Errorf("a broken file of %d bytes was opened", len(bad))
		}
	}
}

// What cannot be read is told by name, and the rest goes on.
func TestRunGoesOnAfterBadInputs(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(bytes.Repeat([]byte("{\"text\":\"a row of text\"}\n"), 2000)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	in := corpus(t, map[string]string{
		"deep.html":        strings.Repeat("<div>", 100_000) + "deep",
		"cut.jsonl.gz":     packed.String()[:packed.Len()-20],
		"broken.zip":       "PK\x03\x04 and nothing",
		"nul.txt":          "a\x00b",
		"empty.txt":        "",
		"long.jsonl":       "{\"text\":\"" + strings.Repeat("x", 5<<20) + "\"}\n{\"text\":\"short\"}\n",
		"good.txt":         "A good text.",
		"folder/good.html": "<main><p>A good page.</p></main>",
	})
	if err := os.Symlink(in, filepath.Join(in, "loop")); err != nil {
		t.Skip(err)
	}
	report, out := mustRun(t, Options{Inputs: []string{in}, Recipe: testRecipe(t, "steps: [min-length]\n")})
	failed := map[string]bool{}
	for _, f := range decodeLines[failure](t, out[failuresFile]) {
		failed[strings.TrimSuffix(strings.SplitN(f.Source, "#", 2)[0], "!")] = true
		if f.Error == "" {
			t.Errorf("%s failed without a reason", f.Source)
		}
	}
	for _, name := range []string{"deep.html", "cut.jsonl.gz", "broken.zip", "nul.txt", "long.jsonl", "loop"} {
		if !failed[name] {
			t.Errorf("%s is not among the failures %v", name, failed)
		}
	}
	kept := out["data-00000.jsonl"]
	for _, id := range []string{`"good.txt"`, `"folder/good.html"`, `"long.jsonl#2"`} {
		if !strings.Contains(kept, id) {
			t.Errorf("%s is not among the records (%d kept)", id, report.Counts.Kept)
		}
	}
}

// Nothing of a file that changed while it was read is used.
func TestRunDropsWhatChanged(t *testing.T) {
	in := corpus(t, map[string]string{
		"a.jsonl": strings.Repeat("{\"text\":\"a row of text\"}\n", 100), "b.txt": "Another text.",
	})
	r := &runner{
		Options: Options{Out: t.TempDir(), Recipe: testRecipe(t, "steps: [exact-dedup]\n"), Workers: 2, Memory: leastMemory, Progress: func(Phase, int64, int64) {}},
		state:   t.TempDir(),
	}
	inputs, err := findInputs(t.Context(), []string{in})
	if err != nil {
		t.Fatal(err)
	}
	inputs[0].Modified++ // as if it had been listed before a change
	r.plan = &plan{Inputs: inputs, ChunkBytes: 1000}
	report, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := tree(t, r.Out)
	if report.Counts.Kept != 1 || report.Counts.Documents != 1 || !strings.Contains(out[failuresFile], "changed") {
		t.Errorf("counts %+v, failures %s", report.Counts, out[failuresFile])
	}
}
