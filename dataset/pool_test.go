package dataset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

// rows returns JSON lines of texts that have little in common.
func rows(from, to int) []byte {
	var b []byte
	for i := from; i < to; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		words := make([]string, 30)
		for j := range words {
			words[j] = fmt.Sprintf("w%d", r.IntN(100_000))
		}
		b = fmt.Appendf(b, `{"id":"%06d","text":"%s","label":"%c","lang":"en"}`+"\n", i, strings.Join(words, " "), 'a'+i%3)
	}
	return b
}

func versionOf(t *testing.T, card dataset.Card, lines ...[]byte) *dataset.Version {
	t.Helper()
	fsys := fstest.MapFS{"rows.jsonl": {Data: slices.Concat(lines...)}}
	m, err := dataset.Read(t.Context(), fsys, "rows.jsonl", dataset.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.Build(card, dataset.Options{TrainOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Versions that differ little share most of their bytes.
func TestCompare(t *testing.T) {
	before := versionOf(t, dataset.Card{}, rows(0, 6000))
	after := versionOf(t, dataset.Card{}, rows(0, 3000), []byte(`{"id":"003000","text":"something else","label":"a","lang":"en"}`+"\n"), rows(3001, 5999), rows(7000, 7002))
	d, err := dataset.Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if d.Same != 5998 || d.Added != 2 || d.Removed != 1 || d.Changed != 1 || d.Moved != 0 || len(d.Changes) != 4 {
		t.Errorf("%+v", d)
	}
	want := []dataset.Change{{ID: "003000", From: "train", To: "train", Changed: true}, {ID: "005999", From: "train"}, {ID: "007000", To: "train"}}
	if !slices.Equal(d.Changes[:3], want) {
		t.Errorf("changes %+v, want %+v", d.Changes, want)
	}
	if d.Shards < 4 || d.SharedShards < d.Shards-3 || d.SharedBytes < d.Bytes/3 {
		t.Errorf("%d of %d shards and %d of %d bytes are shared", d.SharedShards, d.Shards, d.SharedBytes, d.Bytes)
	}
}

// Rows say under which licence they are, known ones as a card has them.
func TestRowLicences(t *testing.T) {
	v := versionOf(t, dataset.Card{}, []byte(`{"id":"a","text":"the first","licence":" cc-by-4.0 "}
{"id":"b","text":"a second one","license":"Terms  of the shop"}
{"id":"c","text":"nothing said here","license":["MIT"]}
{"id":"d","text":"some other words","licence":null,"license":"mit"}
`))
	var got []string
	for _, r := range v.Split(dataset.Train) {
		got = append(got, r.Licence)
	}
	if want := []string{"CC-BY-4.0", "Terms of the shop", "", "MIT"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Only what no version names is collected, also beside one that is being added.
func TestCollect(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blobs := &pausing{Memory: new(store.Memory)}
	s, err := dataset.OpenStore(t.Context(), db, blobs)
	if err != nil {
		t.Fatal(err)
	}
	first, second := versionOf(t, dataset.Card{}, rows(0, 3000)), versionOf(t, dataset.Card{}, rows(0, 2999))
	for i, v := range []*dataset.Version{first, second, first} {
		if e, err := s.Add(t.Context(), "rows", v); err != nil || e.Number != i+1 {
			t.Fatal(e, err)
		}
	}
	collect := func(dry bool) int {
		n, err := s.Collect(t.Context(), dry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := collect(false); n != 0 {
		t.Errorf("%d blobs were collected that have a name", n)
	}
	if _, err := s.Remove(t.Context(), "rows@1"); err != nil || collect(true) != 0 {
		t.Errorf("after one of two names of a version is gone: %v", err)
	}
	if e, err := s.Remove(t.Context(), "rows"); err != nil || e.Number != 3 {
		t.Errorf("removed %+v, %v", e, err)
	}
	dry := collect(true)
	if n := collect(false); n == 0 || n != dry {
		t.Errorf("%d blobs were collected, %d were told", n, dry)
	}
	if _, err := s.Open(t.Context(), "rows@2"); err != nil {
		t.Error(err)
	}
	if e, err := s.Add(t.Context(), "rows", versionOf(t, dataset.Card{}, rows(0, 9))); err != nil || e.Number != 4 {
		t.Errorf("after the third was removed the next is %+v, %v", e, err)
	}
	if _, err := s.Remove(t.Context(), "rows@3"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removing what is not there: %v", err)
	}
	// Collecting between the blobs of a version and its name.
	blobs.after = func() { collect(false) }
	if _, err := s.Add(t.Context(), "late", first); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "late"); err != nil {
		t.Errorf("a version that was added while others were collected: %v", err)
	}
}

// pausing is a store that does something once, after a manifest was put.
type pausing struct {
	*store.Memory

	after func()
}

func (p *pausing) Put(ctx context.Context, r io.Reader) (troika.Digest, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return troika.Digest{}, 0, err
	}
	d, n, err := p.Memory.Put(ctx, bytes.NewReader(b))
	if p.after != nil && bytes.HasPrefix(b, []byte("{\n")) {
		do := p.after
		p.after = nil
		do()
	}
	return d, n, err
}

func digestOfFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return troika.Sum(b).Hex()
}

func TestCards(t *testing.T) {
	card := dataset.Card{
		Title: "Rows", Description: "Words in no order.", Licence: "CC-BY-4.0", Languages: []string{"en", "zh-Hans"},
		PII: "none", Provenance: "A generator.", Creator: "Shop AG", URL: "https://example.com/rows",
	}
	v := versionOf(t, card, rows(0, 5))
	e := dataset.Entry{Name: "rows", Number: 2, Digest: v.Digest(), Records: 5, AddedAt: time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)}
	dir := t.TempDir()
	files, err := v.Export(dir, dataset.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.Croissant(e, files)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Context      map[string]any `json:"@context"`
		ConformsTo   string
		License      string
		Version      string
		Distribution []struct{ ContentURL, SHA256 string }
		RecordSet    []struct {
			Field []struct {
				ID string `json:"@id"`
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	sum := digestOfFile(t, filepath.Join(dir, "train.jsonl"))
	if doc.ConformsTo != "http://mlcommons.org/croissant/1.1" || doc.Version != "2.0.0" || doc.License != "https://spdx.org/licenses/CC-BY-4.0.html" ||
		len(doc.Distribution) != 1 || doc.Distribution[0].SHA256 != sum || len(doc.RecordSet) != 1 || len(doc.RecordSet[0].Field) != 6 {
		t.Errorf("%s", text)
	}
	readme, err := v.HuggingFaceCard(e, files)
	if err != nil {
		t.Fatal(err)
	}
	const want = `---
pretty_name: Rows
license: cc-by-4.0
language:
    - en
    - zh
size_categories:
    - n<1K
dataset_info:
    - config_name: default
      features:
        - name: id
          dtype: string
        - name: text
          dtype: string
        - name: label
          dtype: string
        - name: source
          dtype: string
        - name: lang
          dtype: string
        - name: cluster
          dtype: string
        - name: raw
          dtype: string
configs:
    - config_name: default
      data_files:
        - split: train
          path: train.jsonl
---

# Rows

Words in no order.

## Provenance

A generator.
`
	if !strings.HasPrefix(string(readme), want) {
		t.Errorf("%s", readme)
	}
}

// TestChatCards: the roles and contents of conversations and preferences can be reached
// by the cards.
func TestChatCards(t *testing.T) {
	const line = `{"input":{"messages":[{"role":"user","content":"sky"}]},` +
		`"preferred_output":[{"role":"assistant","content":"blue"}],"non_preferred_output":[{"role":"assistant","content":"red"}]}` + "\n"
	m, err := dataset.Read(t.Context(), fstest.MapFS{"p.jsonl": {Data: []byte(line)}}, "p.jsonl", dataset.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.Build(dataset.Card{}, dataset.Options{TrainOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	files, err := v.Export(t.TempDir(), dataset.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := dataset.Entry{Name: "p", Number: 1, Digest: v.Digest(), Records: 1}
	croissant, err := v.Croissant(e, files)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := v.HuggingFaceCard(e, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"train/messages/role", "train/messages/content", "train/rejected/content"} {
		if !strings.Contains(string(croissant), `"@id": "`+id+`"`) {
			t.Errorf("no field %s: %s", id, croissant)
		}
	}
	if !strings.Contains(string(readme), "        - name: rejected\n          list:\n            - name: role\n") {
		t.Errorf("%s", readme)
	}
}
