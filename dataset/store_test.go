package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

// home opens the store with the database in a folder, as a process would.
func home(t *testing.T, dir string, blobs store.Blobs) (*dataset.Store, *store.DB) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := dataset.OpenStore(t.Context(), db, blobs)
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

func TestStore(t *testing.T) {
	dir, blobs := t.TempDir(), &store.Memory{}
	s, _ := home(t, dir, blobs)
	docs := sentences(200)
	first, second := build(t, docs, dataset.Options{}), build(t, docs[:150], dataset.Options{})
	for i, v := range []*dataset.Version{first, second, second, first} {
		e, err := s.Add(t.Context(), "areas", v)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"areas@1", "areas@2", "areas@2", "areas@3"}[i] // the same again is no new version
		if e.Ref() != want || e.Digest != v.Digest() || e.Records == 0 || e.AddedAt.IsZero() {
			t.Errorf("Add: %+v, want %s", e, want)
		}
	}
	if _, err := s.Add(t.Context(), "another", second); err != nil {
		t.Fatal(err)
	}
	s, db := home(t, dir, blobs) // another process
	entries, err := s.List(t.Context())
	var refs []string
	for _, e := range entries {
		refs = append(refs, e.Ref())
	}
	if want := []string{"another@1", "areas@1", "areas@2", "areas@3"}; err != nil || !slices.Equal(refs, want) {
		t.Errorf("List = %q, %v; want %q", refs, err, want)
	}
	for ref, want := range map[string]*dataset.Version{
		"areas": first, "areas@2": second, "another": second,
		first.Digest().String(): first, second.Digest().Hex()[:8]: second,
	} {
		got, err := s.Open(t.Context(), ref)
		if err != nil {
			t.Errorf("Open(%s): %v", ref, err)
			continue
		}
		same(t, got, want)
	}
	for _, ref := range []string{"nobody", "areas@9", "areas@x", "", "0123456789abcdef", "areas%", "@1"} {
		if e, err := s.Find(t.Context(), ref); err == nil {
			t.Errorf("Find(%q) = %+v", ref, e)
		} else if ref != "areas@x" && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Find(%q): %v, want ErrNotFound", ref, err)
		}
	}
	log, err := lineage.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	records, err := log.Of(t.Context(), first.Digest())
	if err != nil || len(records) != 1 || len(records[0].Inputs) != 1 || !strings.Contains(string(records[0].Details), `"cluster"`) {
		t.Errorf("lineage: %+v, %v", records, err)
	}
	for _, name := range []string{"", "Upper", "a@b", "../x", strings.Repeat("x", 64)} {
		if _, err := s.Add(t.Context(), name, first); err == nil {
			t.Errorf("a dataset was named %q", name)
		}
	}
}

// same compares what two versions hold.
func same(t *testing.T, got, want *dataset.Version) {
	t.Helper()
	if got.Digest() != want.Digest() || string(got.ManifestJSON()) != string(want.ManifestJSON()) || !slices.Equal(got.Labels(), want.Labels()) {
		t.Errorf("version %s, want %s", got.Digest(), want.Digest())
	}
	for _, name := range dataset.Splits() {
		if !reflect.DeepEqual(got.Split(name), want.Split(name)) {
			t.Errorf("split %s differs", name)
		}
	}
	if !reflect.DeepEqual(got.Outcomes(), want.Outcomes()) {
		t.Error("outcomes differ")
	}
}

// failing is a store of blobs whose puts fail after a while, as on a full disk.
type failing struct {
	store.Memory
	left int
}

var errFull = errors.New("no space left on device")

func (f *failing) Has(ctx context.Context, d troika.Digest) (bool, error) {
	if f.left--; f.left < 0 {
		return false, errFull
	}
	return f.Memory.Has(ctx, d)
}

// TestAddFailsWhole: wherever the storing breaks, there is no version, and
// what is left behind does not stop the next try.
func TestAddFailsWhole(t *testing.T) {
	v := build(t, sentences(100), dataset.Options{})
	blobs := &failing{}
	_, db := home(t, t.TempDir(), blobs)
	s, err := dataset.OpenStore(t.Context(), db, blobs)
	if err != nil {
		t.Fatal(err)
	}
	// Three splits, the lineage, the manifest; once more with the name.
	const looks = 2 * 5
	for left := range looks {
		blobs.left = left
		if _, err := s.Add(t.Context(), "x", v); !errors.Is(err, errFull) {
			t.Fatalf("after %d blobs: %v", left, err)
		}
		if entries, err := s.List(t.Context()); err != nil || len(entries) != 0 {
			t.Fatalf("after %d blobs: %v, %v", left, entries, err)
		}
	}
	blobs.left = looks
	if e, err := s.Add(t.Context(), "x", v); err != nil || e.Number != 1 {
		t.Fatal(e, err)
	}
}

// rotten is a store of blobs in which one has gone bad.
type rotten struct {
	*store.Memory
	name    troika.Digest
	content []byte
}

func (r *rotten) Open(ctx context.Context, d troika.Digest) (io.ReadCloser, error) {
	if d == r.name {
		return store.Verify(io.NopCloser(bytes.NewReader(r.content)), d), nil
	}
	return r.Memory.Open(ctx, d)
}

func TestLoadRefusesWhatWasChanged(t *testing.T) {
	blobs := &store.Memory{}
	s, _ := home(t, t.TempDir(), blobs)
	v := build(t, sentences(100), dataset.Options{})
	if _, err := s.Add(t.Context(), "x", v); err != nil {
		t.Fatal(err)
	}
	digests := []troika.Digest{v.Digest(), v.Manifest().Splits[0].Shards[0].Digest, v.Manifest().Lineage[0].Digest}
	for _, d := range digests {
		good, err := store.ReadBlob(t.Context(), blobs, d, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(good)
		bad[len(bad)/2] ^= 1
		for name, content := range map[string][]byte{"changed": bad, "cut": good[:len(good)-9], "longer": append(slices.Clone(good), '\n')} {
			if _, err := dataset.Load(t.Context(), &rotten{blobs, d, content}, v.Digest()); err == nil {
				t.Errorf("%s is %s and was loaded", d, name)
			}
		}
		same(t, load(t, &rotten{blobs, d, good}, v.Digest()), v)
		if err := blobs.Delete(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if _, err := dataset.Load(t.Context(), blobs, v.Digest()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s is gone: %v, want ErrNotFound", d, err)
		}
		if _, _, err := blobs.Put(t.Context(), bytes.NewReader(good)); err != nil {
			t.Fatal(err)
		}
	}
	other, _, err := blobs.Put(t.Context(), strings.NewReader(`{"format":"troika.dataset/99"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Load(t.Context(), blobs, other); err == nil || !strings.Contains(err.Error(), "troika.dataset/99") {
		t.Errorf("a manifest of the future: %v", err)
	}
}

func load(t *testing.T, blobs store.Blobs, d troika.Digest) *dataset.Version {
	t.Helper()
	v, err := dataset.Load(t.Context(), blobs, d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExport(t *testing.T) {
	v := build(t, sentences(100), dataset.Options{})
	dir := t.TempDir()
	if _, err := v.Export(dir, dataset.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range dataset.Splits() {
		b, err := os.ReadFile(filepath.Join(dir, name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		// What is exported is labelled JSONL that can be read again.
		docs, failures := refine.ReadLabelled(strings.NewReader(string(b)), name)
		if len(failures) > 0 {
			t.Error(failures)
		}
		for i, r := range v.Split(name) {
			if docs[i].ID != r.ID || docs[i].Text != r.Text || docs[i].Label != r.Label {
				t.Errorf("%s, line %d: %+v, want %+v", name, i+1, docs[i], r)
			}
		}
		lines += len(docs)
	}
	if want := len(splitOf(v)); lines != want {
		t.Errorf("%d lines, want %d", lines, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "manifest.json")); err != nil || string(b) != string(v.ManifestJSON()) {
		t.Errorf("manifest.json: %v", err)
	}
	if _, err := v.Export(filepath.Join(dir, "nowhere"), dataset.ExportOptions{}); err == nil {
		t.Error("exported to a folder that is not there")
	}
}

// failingTable is a table that cannot be finished.
type failingTable struct{}

func (failingTable) Write(dataset.TextRow, int) error { return nil }
func (failingTable) Close() error                     { return errors.New("no space left") }

// TestExportStopped: a folder that an export was stopped in is not taken for a
// dataset, and the next export makes it whole.
func TestExportStopped(t *testing.T) {
	v := build(t, sentences(100), dataset.Options{})
	dir := t.TempDir()
	whole := func() error {
		_, err := dataset.Read(t.Context(), os.DirFS(dir), ".", dataset.ReadOptions{})
		return err
	}
	if _, err := v.Export(dir, dataset.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := whole(); err != nil {
		t.Fatal(err)
	}
	tables := &dataset.Tables{Texts: func(io.Writer) dataset.Table[dataset.TextRow] { return failingTable{} }}
	if _, err := v.Export(dir, dataset.ExportOptions{Tables: tables}); err == nil {
		t.Fatal("exported without space")
	}
	if err := whole(); err == nil || !strings.Contains(err.Error(), "export again") {
		t.Errorf("read a folder that is not whole: %v", err)
	}
	// Cards come before what makes the folder whole: none is there without them.
	card := func(splits []dataset.File) ([]byte, error) {
		if err := whole(); err == nil || len(splits) != len(dataset.Splits()) {
			t.Errorf("whole before its card, of %d splits", len(splits))
		}
		return []byte("card"), nil
	}
	bad := func([]dataset.File) ([]byte, error) { return nil, errors.New("no words") }
	o := dataset.ExportOptions{Cards: map[string]func([]dataset.File) ([]byte, error){"A.md": card, "B.md": bad}}
	if _, err := v.Export(dir, o); err == nil || whole() == nil {
		t.Errorf("exported without a card: %v", err)
	}
	o.Cards["B.md"] = card
	if _, err := v.Export(dir, o); err != nil {
		t.Fatal(err)
	}
	if err := whole(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "B.md")); err != nil || string(b) != "card" {
		t.Errorf("card %q: %v", b, err)
	}
}

func Example() {
	var docs []refine.Document
	for i := range 40 {
		docs = append(docs, refine.Document{
			ID: fmt.Sprintf("%02d", i), Label: []string{"even", "odd"}[i%2],
			Text: fmt.Sprintf("number %d and its square %d", i, i*i),
		})
	}
	v, err := dataset.Build(docs, dataset.Options{MaxTokens: 128})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for _, split := range dataset.Splits() {
		n += len(v.Split(split))
	}
	fmt.Println(n, v.Labels())
	// Output: 40 [even odd]
}
