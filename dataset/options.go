package dataset

import (
	"fmt"
	"runtime"

	"github.com/troikaml/troika/text"
)

// maxHashes bounds the length of a signature.
const maxHashes = 4096

// Options is the recipe of a version and how to run it. The zero value is the
// default recipe: no excerpts, 80 % train, 10 % validation, 10 % test.
type Options struct {
	// MaxTokens is the length of the excerpt that is kept of each document, in
	// tokens; 0 keeps documents whole.
	MaxTokens int
	// Count returns the number of tokens of a text; it must be safe for
	// concurrent use. Nil counts words (text.Words).
	Count func(string) (int, error)
	// Tokenizer names what Count counts, such as the digest of a tokenizer
	// file. It is recorded and must be given with Count.
	Tokenizer string
	// Validation and Test are the shares of clusters in those splits, both at
	// least 0 and together below 1; both 0 means 0.1 each. The rest is for
	// training.
	Validation, Test float64
	// TrainOnly puts every record into the training split.
	TrainOnly bool
	// AsIs keeps texts to the byte, for those that were cleaned before. Without it
	// they are normalised (text.Normalize).
	AsIs bool
	// Repeats keeps documents that fold to the same text. As near-duplicates of
	// one another they share a split.
	Repeats bool
	// InOrder keeps records in the order of the documents rather than of their
	// IDs. Rows that are added at the end then leave most shards as they are.
	InOrder bool
	// Near says what a near-duplicate is.
	Near Near
	// Seed draws the splits.
	Seed uint64
	// Workers is the number of goroutines; it never changes the result. 0
	// means one a processor.
	Workers int
	// Progress is told how many documents a step has done, from several
	// goroutines; it may be nil.
	Progress func(step string, done, documents int)
}

// Near says which records are near-duplicates: those whose sets of word
// shingles, of folded text, have at least a Jaccard similarity of Threshold.
// Candidates are found by MinHash in bands, so a pair at the threshold is
// found with probability 1-(1-Threshold^Rows)^Bands, and then verified.
type Near struct {
	// Shingle is the number of words in a row.
	Shingle int `json:"shingle"`
	// Bands and Rows lay out the signature of Bands*Rows hashes.
	Bands int `json:"bands"`
	Rows  int `json:"rows"`
	// Threshold is the least similarity, above 0 and at most 1.
	Threshold float64 `json:"threshold"`
	// Seed draws the hash functions.
	Seed uint64 `json:"seed"`
}

// DefaultNear returns the rule for excerpts of some dozen words: 3-word
// shingles at a similarity of 0.6, found with probability 0.9999. (Rules for
// whole web pages, such as FineWeb's 5 words in 14 bands of 8, take two
// sentences that differ in one word for different.)
func DefaultNear() Near {
	return Near{Shingle: 3, Bands: 64, Rows: 4, Threshold: 0.6, Seed: 1}
}

// complete fills in the defaults and refuses what makes no sense.
func (o Options) complete() (Options, error) {
	if o.Near == (Near{}) {
		o.Near = DefaultNear()
	}
	if o.Validation == 0 && o.Test == 0 && !o.TrainOnly {
		o.Validation, o.Test = 0.1, 0.1
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch n := o.Near; {
	case o.TrainOnly && (o.Validation != 0 || o.Test != 0):
		return o, fmt.Errorf("shares of validation %g and test %g, though all is for training", o.Validation, o.Test)
	case o.MaxTokens < 0:
		return o, fmt.Errorf("max tokens %d is below 0", o.MaxTokens)
	case o.Count != nil && o.Tokenizer == "":
		return o, fmt.Errorf("a token counter without a name for its tokenizer")
	case !(o.Validation >= 0 && o.Test >= 0 && o.Validation+o.Test < 1):
		return o, fmt.Errorf("shares of validation %g and test %g: want each at least 0 and together below 1", o.Validation, o.Test)
	case n.Shingle < 1 || n.Bands < 1 || n.Rows < 1 || n.Rows > maxHashes/n.Bands:
		return o, fmt.Errorf("near-duplicates: %d-word shingles in %d bands of %d rows: want each at least 1 and at most %d hashes", n.Shingle, n.Bands, n.Rows, maxHashes)
	case !(n.Threshold > 0 && n.Threshold <= 1):
		return o, fmt.Errorf("near-duplicates: threshold %g: want above 0 and at most 1", n.Threshold)
	}
	if o.Count == nil {
		o.Count, o.Tokenizer = countWords, "words"
	}
	return o, nil
}

func countWords(s string) (int, error) {
	n := 0
	for range text.Words(s) {
		n++
	}
	return n, nil
}
