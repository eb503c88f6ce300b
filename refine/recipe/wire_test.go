package recipe

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
)

// fullEntry has something in every field.
func fullEntry() *entry {
	reason := refine.Reason{Rule: "r.x", Value: -0.1, Threshold: math.MaxFloat64}
	return &entry{
		ID: "a\xff\xfeb", File: 3, Map: []int32{0, 7, 9}, Class: classEdited, Before: "vor", Excerpt: "Anfang",
		Doc: &refine.Document{
			ID: "a", Text: "text\n中文", Label: "l", Source: "s\x80", Licence: "MIT", Lang: "zh-Hans", Group: "g", Title: "t",
			Raw: troika.Sum([]byte("raw")),
		},
		Decision: Decision{
			ID: "a\xff\xfeb", Source: "s", Lang: "zh", Kept: true, Drop: &Drop{Step: "step", Reason: reason, Twin: "twin"},
			Before: 8, After: 7, Edited: []string{"one", "two"}, Lines: []Line{{Line: 4, Step: "one", Reason: reason, Text: "gone"}},
			Counts: map[string]map[string]int{"pii": {"email": 2, "ip": -1}},
			Scores: map[string]map[string]float64{"f": {"a": 1e-300, "b": 0.1}, "g": {"c": 3}},
			Hits:   []decontaminate.Hit{{Benchmark: "b", ID: "q", Shared: 1, Of: 2}},
		},
		Failure: &failure{Source: "f", Line: 1, Error: "why"},
		End:     &inputEnd{Name: "n", Size: 1 << 40, Digest: troika.Sum(nil), Documents: 5, Failed: 6},
	}
}

// asJSON returns e as JSON keeps it.
func asJSON(t *testing.T, e *entry) *entry {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out := &entry{}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWire holds the encoding of entries to what JSON makes of them: of a full one,
// and of each field left out.
func TestWire(t *testing.T) {
	entries := []*entry{{}, fullEntry()}
	for i := range reflect.TypeFor[entry]().NumField() {
		e := fullEntry()
		reflect.ValueOf(e).Elem().Field(i).SetZero()
		if e.ID == "" {
			e.Decision.ID = ""
			e.Decision = Decision{}
		}
		entries = append(entries, e)
	}
	for i := range reflect.TypeFor[Decision]().NumField() {
		e := fullEntry()
		reflect.ValueOf(&e.Decision).Elem().Field(i).SetZero()
		if e.Decision.ID == "" {
			e.Decision = Decision{}
		}
		entries = append(entries, e)
	}
	for i, e := range entries {
		var w encoder
		if err := w.entry(e); err != nil {
			t.Fatal(err)
		}
		want, got := asJSON(t, e), &entry{}
		if err := (&decoder{b: w.b, names: map[string]string{}}).entry(got, false); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("entry %d: %+v, want %+v", i, got, want)
		}
		alone := &entry{}
		if err := (&decoder{b: w.b}).entry(alone, true); err != nil {
			t.Fatal(err)
		}
		if alone.ID != want.ID || alone.File != want.File || alone.Decision.ID != want.Decision.ID || !reflect.DeepEqual(alone.Doc, want.Doc) {
			t.Errorf("entry %d: the document alone is %+v", i, alone)
		}
		// A part of an entry is an error, whatever it ends in.
		for n := range len(w.b) {
			if err := (&decoder{b: w.b[:n], names: map[string]string{}}).entry(&entry{}, false); err == nil {
				t.Fatalf("entry %d: the first %d bytes of %d were read", i, n, len(w.b))
			}
		}
	}
	var w encoder
	if err := w.entry(&entry{ID: "a", Decision: Decision{ID: "b"}}); err == nil {
		t.Error("a decision about another document was written")
	}
}

// FuzzWire: whatever bytes a chunk file holds, reading ends and takes memory in
// proportion to them.
func FuzzWire(f *testing.F) {
	var w encoder
	if err := w.entry(fullEntry()); err != nil {
		f.Fatal(err)
	}
	f.Add(w.b)
	f.Add([]byte{0, 0, 63, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e := &entry{}
		if err := (&decoder{b: b, names: map[string]string{}}).entry(e, false); err != nil {
			return
		}
		var again encoder
		if err := again.entry(e); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDrawn compares with a sorted list, with names that come again.
func TestDrawn(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		d := drawn[int]{most: 1 + draw.IntN(20)}
		var want []lot[int]
		for i := range draw.IntN(200) {
			name := strings.Repeat("n", 1+draw.IntN(60))
			d.add(name, i)
			l := lot[int]{at: lotOf(name), name: name, item: i}
			at, _ := slices.BinarySearchFunc(want, l, func(a, b lot[int]) int {
				return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name))
			})
			if at == d.most || len(want) == d.most && want[d.most-1].name == name {
				continue
			}
			want = slices.Insert(want, at, l)
			want = want[:min(len(want), d.most)]
		}
		got := d.all()
		if !slices.EqualFunc(got, want, func(a int, b lot[int]) bool { return a == b.item }) {
			t.Fatalf("%d of %d: %v, want %v", len(got), d.most, got, want)
		}
	}
}
