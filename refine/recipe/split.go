package recipe

import (
	"fmt"

	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/text"
)

// The parts of a corpus that was split, as Hugging Face names them.
const (
	splitTrain      = "train"
	splitValidation = "validation"
	splitTest       = "test"
)

var splitNames = []string{splitTrain, splitValidation, splitTest}

// Split says which documents are kept apart from those to learn from. Lots are
// drawn for whole clusters: documents that are nearly the same, or of one group,
// are on one side.
type Split struct {
	validation, test float64
	seed             uint64
	stage            *dedupStage
}

// splitSettings are those of a split.
type splitSettings struct {
	// Validation and Test are the shares of clusters that are kept apart.
	Validation, Test float64
	// Seed draws the lots.
	Seed uint64
	// Shingle, Bands, Rows and MinWords say which documents are nearly the same,
	// as in dedup.Rule: wider than what duplicates are removed by.
	Shingle, Bands, Rows, MinWords int
}

func splitDefaults() splitSettings {
	// 20 bands of 5 rows find texts of similarity 0.55 half of the time.
	return splitSettings{Validation: 0.05, Test: 0.05, Shingle: 3, Bands: 20, Rows: 5, MinWords: 3}
}

func newSplit(s splitSettings) (Part, error) {
	if s.Validation < 0 || s.Test < 0 || s.Validation+s.Test >= 1 {
		return Part{}, fmt.Errorf("validation %g and test %g: want shares that leave some to train", s.Validation, s.Test)
	}
	signer, err := dedup.NewSigner(dedup.Rule{Shingle: s.Shingle, Bands: s.Bands, Rows: s.Rows, Seed: 1, MinWords: s.MinWords})
	if err != nil {
		return Part{}, err
	}
	return Part{Split: &Split{
		validation: s.Validation, test: s.Test, seed: s.Seed,
		stage: &dedupStage{
			rule: "split", keys: s.Bands + 1, byLang: true,
			sign: func(dst []uint64, group, t string) []uint64 { return splitKeys(dst, signer, s.Bands, group, t) },
		},
	}}, nil
}

// splitKeys returns the keys of a document: those of its text, and that of its
// group. What has no keys of its own shares them with its exact duplicates.
func splitKeys(dst []uint64, signer *dedup.Signer, bands int, group, t string) []uint64 {
	from := len(dst)
	dst = signer.Keys(dst, "", t)
	same := dedup.Exact("", t)
	for i := len(dst) - from; i < bands; i++ {
		dst = append(dst, same)
	}
	if group != "" {
		return append(dst, text.Hash(group, 0))
	}
	return append(dst, same)
}

// of returns the part that a cluster is in, by the ID of its first document.
func (s *Split) of(id string) string {
	if s == nil {
		return ""
	}
	lot := float64(text.Hash(id, s.seed)>>11) / (1 << 53)
	switch {
	case lot < s.test:
		return splitTest
	case lot < s.test+s.validation:
		return splitValidation
	default:
		return splitTrain
	}
}

// sides tells the documents of one chunk which part they are in.
type sides struct {
	of    *Split
	base  *layer
	first map[uint64][]UnitDrop
}

// splits returns the sides of the documents of chunk i.
func (r *runner) splits(base *layer, i int) (sides, error) {
	if base.split == nil {
		return sides{}, nil
	}
	first, err := base.split.chunk(i)
	return sides{r.Recipe.Steps[len(r.Recipe.Steps)-1].part.Split, base, first}, err
}

// mark says in the records of a document which part they are in.
func (s sides) mark(id string, number uint64, recs []record) error {
	if s.of == nil {
		return nil
	}
	if first := s.first[number]; len(first) > 0 {
		var err error
		if id, err = s.base.id(first[0].Twin >> unitBits); err != nil {
			return fmt.Errorf("split %s: %w", id, err)
		}
	}
	for i := range recs {
		recs[i].split = s.of.of(id)
	}
	return nil
}
