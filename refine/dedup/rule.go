package dedup

import (
	"fmt"
	"math"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/troikaml/troika/text"
)

// Rule says which texts are near-duplicates: those that agree in every row of
// one band at least. Two texts of Jaccard similarity j are found with
// probability Found(j).
type Rule struct {
	// Shingle is the number of words in a row that are compared as one.
	Shingle int `json:"shingle" yaml:"shingle"`
	// Bands and Rows lay out the signature of Bands*Rows hashes.
	Bands int `json:"bands" yaml:"bands"`
	Rows  int `json:"rows"  yaml:"rows"`
	// Seed draws the hash functions.
	Seed uint64 `json:"seed" yaml:"seed"`
	// MinWords is the length of the shortest text that is compared; shorter
	// ones have no keys. It is at least 1.
	MinWords int `json:"min_words" yaml:"min_words"`
}

// maxHashes bounds the length of a signature.
const maxHashes = 4096

// Documents returns the rule of FineWeb and FineWeb2 for whole documents:
// 5-word shingles in 14 bands of 8 rows, which finds texts of similarity 0.72
// half of the time. Documents of fewer words than a shingle are left alone.
func Documents() Rule { return Rule{Shingle: 5, Bands: 14, Rows: 8, Seed: 1, MinWords: 5} }

// Paragraphs returns the rule of Documents for paragraphs of at least 15
// words: headings, short list items and rows of tables repeat with reason.
func Paragraphs() Rule { return Rule{Shingle: 5, Bands: 14, Rows: 8, Seed: 1, MinWords: 15} }

// Found returns the probability that two texts of Jaccard similarity j share a
// key: 1-(1-j^Rows)^Bands.
func (r Rule) Found(j float64) float64 {
	return 1 - math.Pow(1-math.Pow(j, float64(r.Rows)), float64(r.Bands))
}

// Validate refuses rules that make no sense.
func (r Rule) Validate() error {
	switch {
	case r.Shingle < 1 || r.Bands < 1 || r.Rows < 1 || r.Rows > maxHashes/r.Bands:
		return fmt.Errorf("near-duplicates: shingle %d, %d bands, %d rows: want each at least 1 and at most %d hashes", r.Shingle, r.Bands, r.Rows, maxHashes)
	case r.MinWords < 1:
		return fmt.Errorf("near-duplicates: min_words %d is below 1", r.MinWords)
	}
	return nil
}

// Signer computes the keys of a rule. It is safe for concurrent use.
type Signer struct {
	rule    Rule
	hasher  *text.MinHasher
	scratch sync.Pool // of *scratch
}

// scratch is what one call of Keys needs for its duration.
type scratch struct {
	shingler  text.Shingler
	shingles  []uint64
	signature []uint64
}

// NewSigner returns a signer of the rule.
func NewSigner(r Rule) (*Signer, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	s := &Signer{rule: r, hasher: text.NewMinHasher(r.Bands*r.Rows, r.Seed)}
	s.scratch.New = func() any { return &scratch{signature: make([]uint64, s.hasher.Size())} }
	return s, nil
}

// Rule returns the signer's rule.
func (s *Signer) Rule() Rule { return s.rule }

// Keys appends the keys of a text to dst, Rule.Bands of them, or none where it
// has fewer than Rule.MinWords words. The text is folded (text.Fold) first.
func (s *Signer) Keys(dst []uint64, scope, unit string) []uint64 {
	sc := s.scratch.Get().(*scratch)
	defer s.scratch.Put(sc)
	var words int
	sc.shingles, words = sc.shingler.Append(sc.shingles[:0], unit, s.rule.Shingle)
	if words < s.rule.MinWords {
		return dst
	}
	s.hasher.Sign(sc.signature, sc.shingles)
	at := scopeKey(scope)
	for b := range s.rule.Bands {
		dst = append(dst, text.Band(sc.signature, b, s.rule.Rows)^at)
	}
	return dst
}

// Exact returns the one key that all texts share which fold to the same string
// (text.Fold). Two different texts share it with probability 2^-64: among a
// hundred million texts one such pair is to be expected in 3,700 corpora.
func Exact(scope, unit string) uint64 {
	return xxh3.HashString(text.Fold(unit)) ^ scopeKey(scope)
}

// scopeKey is 0 for the empty scope.
func scopeKey(scope string) uint64 {
	if scope == "" {
		return 0
	}
	return text.Hash(scope, 0)
}
