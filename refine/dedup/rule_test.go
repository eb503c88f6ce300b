package dedup_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/text"
)

func TestKeys(t *testing.T) {
	s, err := dedup.NewSigner(dedup.Documents())
	if err != nil {
		t.Fatal(err)
	}
	const unit = "Ｔｈｅ cat sat on the mat, and 猫坐在垫子上。"
	keys := s.Keys(nil, "", unit)
	if len(keys) != 14 {
		t.Fatalf("%d keys", len(keys))
	}
	// The documented way, step by step.
	h := text.NewMinHasher(14*8, 1)
	signature := make([]uint64, h.Size())
	h.Sign(signature, text.Shingles(text.Fold(unit), 5))
	for b, k := range keys {
		if want := text.Band(signature, b, 8); k != want {
			t.Errorf("band %d: %#x, want %#x", b, k, want)
		}
	}
	if again := s.Keys(nil, "", "the CAT sat  on the mat, and 猫坐在垫子上!"); !slices.Equal(again, keys) {
		t.Error("case, width and punctuation make a difference")
	}
	for _, other := range []string{"zh", "en"} {
		if in := s.Keys(nil, other, unit); slices.ContainsFunc(in, func(k uint64) bool { return slices.Contains(keys, k) }) {
			t.Errorf("scope %q shares keys with the empty one", other)
		}
	}
	if short := s.Keys(nil, "", "only four words here"); short != nil {
		t.Errorf("a text below MinWords has keys: %v", short)
	}
	if got := s.Keys([]uint64{7}, "", unit); got[0] != 7 || !slices.Equal(got[1:], keys) {
		t.Error("keys were not appended")
	}
}

func TestExact(t *testing.T) {
	if dedup.Exact("", "Ａ  b\n") != dedup.Exact("", "a B") || dedup.Exact("", "a b") == dedup.Exact("", "a b.") {
		t.Error("exact duplicates are texts that fold to the same string")
	}
	if dedup.Exact("zh", "a") == dedup.Exact("en", "a") {
		t.Error("scopes share a key")
	}
}

func TestRule(t *testing.T) {
	r := dedup.Documents()
	if got := r.Found(0.8); math.Abs(got-0.9235) > 1e-4 {
		t.Errorf("Found(0.8) = %.4f", got)
	}
	for _, bad := range []dedup.Rule{{}, {Shingle: 5, Bands: 14, Rows: 8}, {Shingle: 5, Bands: 1 << 20, Rows: 1 << 60, MinWords: 1}} {
		if _, err := dedup.NewSigner(bad); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

func TestWeight(t *testing.T) {
	for size, want := range map[uint64]int{0: 1, 1: 1, 2: 2, 3: 3, 4: 3, 5: 5, 99: 5, 100: 8, 999: 8, 1000: 1, 1 << 40: 1} {
		if got := dedup.Weight(size); got != want {
			t.Errorf("Weight(%d) = %d, want %d", size, got, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"", "a b c d e f", "猫坐在垫子上 e\u0301 ﬁ ½", "\xff\xfe a'b_c", "ｱﾞ ㍿ İ ſ"} {
		f.Add(s)
	}
	rule := dedup.Documents()
	rule.MinWords = 1
	s, err := dedup.NewSigner(rule)
	if err != nil {
		f.Fatal(err)
	}
	h := text.NewMinHasher(rule.Bands*rule.Rows, rule.Seed)
	f.Fuzz(func(t *testing.T, unit string) {
		keys := s.Keys(nil, "", unit)
		set := text.Shingles(text.Fold(unit), rule.Shingle)
		if len(set) == 0 {
			if keys != nil {
				t.Errorf("keys without words: %v", keys)
			}
			return
		}
		signature := make([]uint64, h.Size())
		h.Sign(signature, set)
		for b := range rule.Bands {
			if keys[b] != text.Band(signature, b, rule.Rows) {
				t.Fatalf("band %d of %q differs", b, unit)
			}
		}
	})
}

func Example() {
	docs := []string{
		"The horse pulls the carriage over the hill and down to the river before the rain.",
		"A quite different text about something else, long enough to be compared with others.",
		"The horse pulls the carriage over the hill and down to the river before the rain!",
	}
	signer, err := dedup.NewSigner(dedup.Documents())
	if err != nil {
		fmt.Println(err)
		return
	}
	index, err := dedup.NewIndex(os.TempDir(), signer.Rule().Bands, 64<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer index.Close()
	for i, d := range docs {
		if err := index.Add(uint64(i), signer.Keys(nil, "en", d)); err != nil {
			fmt.Println(err)
			return
		}
	}
	for m, err := range index.Members(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if m.Duplicate() {
			fmt.Printf("%d goes, %d stays: %s\n", m.Number, m.First, strings.ToLower(docs[m.First][:9]))
		}
	}
	// Output:
	// 2 goes, 0 stays: the horse
}
