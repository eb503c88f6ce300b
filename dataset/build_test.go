package dataset_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// sentences makes n documents of random words, five labels, with near-copies
// and exact copies among them.
func sentences(n int) []refine.Document {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("word%d", rng.IntN(500)) }
	var docs []refine.Document
	for i := range n {
		words := make([]string, 20+rng.IntN(20))
		for k := range words {
			words[k] = word()
		}
		d := refine.Document{ID: fmt.Sprintf("doc/%04d", i), Label: fmt.Sprint("label ", i%5), Source: "here"}
		switch i % 10 {
		case 7: // a copy of the one before with one word changed
			words = strings.Fields(docs[i-1].Text)
			words[len(words)/2] = "changed"
			d.Label = docs[i-1].Label
		case 9: // an exact copy but for case and spaces
			words = strings.Fields(strings.ToUpper(docs[i-1].Text))
			d.Label = docs[i-1].Label
		}
		d.Text = strings.Join(words, " ")
		docs = append(docs, d)
	}
	return docs
}

func build(t *testing.T, docs []refine.Document, o dataset.Options) *dataset.Version {
	t.Helper()
	v, err := dataset.Build(docs, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// splitOf maps the ID of each record to its split.
func splitOf(v *dataset.Version) map[string]string {
	m := map[string]string{}
	for _, name := range dataset.Splits() {
		for _, r := range v.Split(name) {
			m[r.ID] = name
		}
	}
	return m
}

func TestBuildIsDeterministic(t *testing.T) {
	docs := sentences(600)
	want := build(t, docs, dataset.Options{MaxTokens: 15, Workers: 1})
	for _, workers := range []int{2, 3, 8} {
		shuffled := slices.Clone(docs)
		rand.New(rand.NewPCG(uint64(workers), 0)).Shuffle(len(docs), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		got := build(t, shuffled, dataset.Options{MaxTokens: 15, Workers: workers})
		if got.Digest() != want.Digest() || !bytes.Equal(got.ManifestJSON(), want.ManifestJSON()) {
			t.Fatalf("%d workers and another order: version %s, want %s", workers, got.Digest(), want.Digest())
		}
	}
	changed := map[string]dataset.Options{
		"excerpt":   {MaxTokens: 14},
		"seed":      {MaxTokens: 15, Seed: 1},
		"shares":    {MaxTokens: 15, Test: 0.2, Validation: 0.1},
		"near rule": {MaxTokens: 15, Near: dataset.Near{Shingle: 3, Bands: 20, Rows: 4, Threshold: 0.6, Seed: 1}},
	}
	for name, o := range changed {
		if build(t, docs, o).Digest() == want.Digest() {
			t.Errorf("another %s gives the same version", name)
		}
	}
	docs[0].Raw[0]++
	if build(t, docs, dataset.Options{MaxTokens: 15}).Digest() == want.Digest() {
		t.Error("another raw document gives the same version")
	}
}

// TestFormatIsPinned: a change of this digest breaks every dataset there is.
func TestFormatIsPinned(t *testing.T) {
	v := build(t, sentences(100), dataset.Options{MaxTokens: 15})
	if got, want := v.Digest().String(), "sha256:d8ea5d0e3d169a3868ed887cdf905f62d472a6613b16aca7f642ea74c30605dc"; got != want {
		t.Errorf("version %s, want %s\n%s", got, want, v.ManifestJSON())
	}
}

// TestNearDuplicatesStayTogether holds the clusters to all pairs by brute force.
func TestNearDuplicatesStayTogether(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 500
	}
	v := build(t, sentences(n), dataset.Options{})
	var all []dataset.Record
	splits := splitOf(v)
	for _, name := range dataset.Splits() {
		all = append(all, v.Split(name)...)
	}
	rule := dataset.DefaultNear()
	shingles := make([][]uint64, len(all))
	for i, r := range all {
		shingles[i] = text.Shingles(text.Fold(r.Text), rule.Shingle)
	}
	near := 0
	for i := range all {
		for j := range i {
			if text.Jaccard(shingles[i], shingles[j]) < rule.Threshold {
				continue
			}
			near++
			if all[i].Cluster != all[j].Cluster || splits[all[i].ID] != splits[all[j].ID] {
				t.Errorf("%s and %s are near-duplicates in %s and %s", all[i].ID, all[j].ID, splits[all[i].ID], splits[all[j].ID])
			}
		}
	}
	if near < n/20 {
		t.Errorf("only %d pairs: the test proves nothing", near)
	}
	if got := v.Manifest().Clusters; got != len(all)-near {
		t.Errorf("%d clusters of %d records and %d pairs", got, len(all), near)
	}
	for _, r := range all {
		if r.Cluster > r.ID {
			t.Errorf("cluster %s of %s is not its smallest ID", r.Cluster, r.ID)
		}
	}
}

func TestGroupsStayTogether(t *testing.T) {
	docs := sentences(400)
	for i := range docs {
		docs[i].Group = fmt.Sprint("page ", i/4)
	}
	v := build(t, docs, dataset.Options{})
	splits, at := splitOf(v), map[string]string{}
	for _, name := range dataset.Splits() {
		for _, r := range v.Split(name) {
			if other, seen := at[r.Group]; seen && other != splits[r.ID] {
				t.Errorf("%s is in %s and %s", r.Group, other, splits[r.ID])
			}
			at[r.Group] = splits[r.ID]
		}
	}
}

func TestDuplicatesAndConflicts(t *testing.T) {
	docs := sentences(100)
	docs = append(docs,
		refine.Document{ID: "x/1", Text: "the same words", Label: "a"},
		refine.Document{ID: "x/2", Text: "The  SAME\nwords", Label: "a"},
		refine.Document{ID: "y/1", Text: "claimed by two", Label: "a"},
		refine.Document{ID: "y/2", Text: "claimed by two", Label: "a"},
		refine.Document{ID: "y/3", Text: "Claimed by two", Label: "b"},
		refine.Document{ID: "z/1", Text: " \n", Label: "a"},
	)
	v := build(t, docs, dataset.Options{})
	got := map[string]string{}
	for _, o := range v.Outcomes() {
		if (o.Dropped == "") == (o.Split == "") {
			t.Errorf("%s: neither kept nor dropped, or both: %+v", o.ID, o)
		}
		if strings.Contains("xyz", o.ID[:1]) {
			got[o.ID] = o.Dropped + " " + o.Of
		}
	}
	want := map[string]string{
		"x/1": " ", "x/2": "duplicate x/1", "z/1": "empty ",
		"y/1": "label conflict y/3", "y/2": "label conflict y/3", "y/3": "label conflict y/1",
	}
	for id := range want {
		if got[id] != want[id] {
			t.Errorf("%s: %q, want %q", id, got[id], want[id])
		}
	}
	m := v.Manifest()
	if m.Documents != 106 || m.Dropped["duplicate"] != 11 || m.Dropped["label conflict"] != 3 || m.Dropped["empty"] != 1 {
		t.Errorf("manifest counts %d documents, dropped %v", m.Documents, m.Dropped)
	}
	if len(splitOf(v)) != 106-15 {
		t.Errorf("%d records", len(splitOf(v)))
	}
}

func TestSplitsKeepTheirDocuments(t *testing.T) {
	docs := sentences(2000)
	before := splitOf(build(t, docs[:1000], dataset.Options{}))
	after := splitOf(build(t, docs, dataset.Options{}))
	for id, split := range before {
		if after[id] != split {
			t.Errorf("%s moved from %s to %s when documents were added", id, split, after[id])
		}
	}
	n := map[string]int{}
	for _, split := range after {
		n[split]++
	}
	for split, share := range map[string]float64{dataset.Train: 0.8, dataset.Validation: 0.1, dataset.Test: 0.1} {
		if got := float64(n[split]) / float64(len(after)); got < share-0.03 || got > share+0.03 {
			t.Errorf("%s has a share of %.3f, want about %.1f", split, got, share)
		}
	}
}

func TestEveryLabelInEverySplit(t *testing.T) {
	docs := sentences(300)
	for i := range docs[:9] { // three rare labels of three documents, none of them copies
		docs[i*10].Label = fmt.Sprint("rare ", i%3)
		docs[i*10].ID = fmt.Sprint("rare/", i)
	}
	for seed := range uint64(10) {
		v := build(t, docs, dataset.Options{Seed: seed})
		for _, split := range v.Manifest().Splits {
			for _, label := range v.Labels() {
				if split.Labels[label] == 0 {
					t.Errorf("seed %d: no %s in %s", seed, label, split.Name)
				}
			}
		}
	}
}

func TestExcerptStep(t *testing.T) {
	docs := sentences(100)
	count := func(s string) (int, error) { return len(s), nil }
	v := build(t, docs, dataset.Options{MaxTokens: 50, Count: count, Tokenizer: "bytes"})
	cut := 0
	for _, name := range dataset.Splits() {
		for _, r := range v.Split(name) {
			if len(r.Text) > 50 {
				t.Errorf("%s has %d bytes", r.ID, len(r.Text))
			}
			if r.Cut {
				cut++
			}
		}
	}
	if cut == 0 || !strings.Contains(string(v.ManifestJSON()), `"tokenizer": "bytes"`) {
		t.Errorf("%d excerpts\n%s", cut, v.ManifestJSON())
	}
	broken := errors.New("no such token")
	_, err := dataset.Build(docs, dataset.Options{MaxTokens: 5, Tokenizer: "x", Count: func(string) (int, error) { return 0, broken }})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "doc/0000") {
		t.Errorf("a failing counter: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	docs := sentences(50)
	for name, test := range map[string]struct {
		docs []refine.Document
		o    dataset.Options
	}{
		"nothing":            {nil, dataset.Options{}},
		"one document":       {docs[:1], dataset.Options{}},
		"no ID":              {[]refine.Document{{Text: "x"}}, dataset.Options{}},
		"one ID twice":       {append(slices.Clone(docs), docs[3]), dataset.Options{}},
		"shares over one":    {docs, dataset.Options{Validation: 0.5, Test: 0.5}},
		"negative share":     {docs, dataset.Options{Validation: -0.1, Test: 0.5}},
		"negative excerpt":   {docs, dataset.Options{MaxTokens: -1}},
		"nameless tokenizer": {docs, dataset.Options{Count: func(string) (int, error) { return 0, nil }}},
		"no bands":           {docs, dataset.Options{Near: dataset.Near{Shingle: 1, Rows: 1, Threshold: 1}}},
		"huge signature":     {docs, dataset.Options{Near: dataset.Near{Shingle: 1, Rows: 1 << 40, Bands: 1 << 40, Threshold: 1}}},
		"no threshold":       {docs, dataset.Options{Near: dataset.Near{Shingle: 1, Rows: 1, Bands: 1}}},
	} {
		if v, err := dataset.Build(test.docs, test.o); err == nil {
			t.Errorf("%s: built %s", name, v.Digest())
		}
	}
	if _, err := dataset.Build(docs[:1], dataset.Options{}); !errors.Is(err, dataset.ErrTooFew) {
		t.Errorf("one document: %v", err)
	}
}

func TestNoSplitWanted(t *testing.T) {
	v := build(t, sentences(50), dataset.Options{Validation: 0.3})
	if n := len(v.Split(dataset.Test)); n != 0 {
		t.Errorf("%d records in a test split of share 0", n)
	}
	if v.Split("no such split") != nil {
		t.Error("a split that is none has records")
	}
}
