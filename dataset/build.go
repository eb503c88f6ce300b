package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// Reasons why a document is not a record.
const (
	// ReasonEmpty: no text was left.
	ReasonEmpty = "empty"
	// ReasonDuplicate: a record with a smaller ID has the same folded text.
	ReasonDuplicate = "duplicate"
	// ReasonConflict: the same folded text came under several labels, so none
	// of them can be right by the text alone. Every such document is dropped.
	ReasonConflict = "label conflict"
)

// Outcome is what became of one document that went into a version.
type Outcome struct {
	ID     string        `json:"id"`
	Source string        `json:"source,omitempty"`
	Raw    troika.Digest `json:"raw,omitzero"`
	// Split is the split of the record, empty if the document was dropped.
	Split string `json:"split,omitempty"`
	// Dropped is the reason if it was dropped, and Of the ID of the document
	// that it repeats or contradicts.
	Dropped string `json:"dropped,omitempty"`
	Of      string `json:"of,omitempty"`
}

// ErrTooFew says that a split would be empty.
var ErrTooFew = errors.New("too few documents")

// Build makes a version of docs: excerpts, then exact duplicates out, then
// near-duplicates clustered, then splits. The documents are not changed; their
// order does not matter. Errors are two documents of one ID, options that make
// no sense, a count that fails, and too few documents to fill the splits.
func Build(docs []refine.Document, o Options) (*Version, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	docs = slices.Clone(docs)
	slices.SortFunc(docs, func(a, b refine.Document) int { return strings.Compare(a.ID, b.ID) })
	for i := range docs {
		if docs[i].ID == "" {
			return nil, fmt.Errorf("build dataset: a document of %q has no ID", docs[i].Source)
		}
		if i > 0 && docs[i].ID == docs[i-1].ID {
			return nil, fmt.Errorf("build dataset: two documents have the ID %q", docs[i].ID)
		}
	}
	records, err := excerpts(docs, o)
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	records, outcomes := dropDuplicates(records)
	cluster(records, o)
	splits, err := assign(records, o)
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	v, err := newVersion(records, splits, outcomes, recipe(o))
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	return v, nil
}

// excerpts returns a record for each document, in the same order.
func excerpts(docs []refine.Document, o Options) ([]Record, error) {
	records := make([]Record, len(docs))
	err := parallel(len(docs), o.Workers, func(i int) error {
		d := docs[i]
		r := Record{
			ID: d.ID, Text: text.Normalize(d.Text), Label: d.Label,
			Source: d.Source, Lang: d.Lang, Group: d.Group, Raw: d.Raw,
		}
		if o.MaxTokens > 0 {
			var err error
			if r.Text, r.Cut, err = text.Excerpt(r.Text, o.MaxTokens, o.Count); err != nil {
				return fmt.Errorf("%s: %w", d.ID, err)
			}
		}
		records[i] = r
		return nil
	})
	return records, err
}

// dropDuplicates keeps the first of the records that fold to the same text and
// all labels agree on. The outcomes are in the order of all records.
func dropDuplicates(records []Record) ([]Record, []Outcome) {
	outcomes := make([]Outcome, len(records))
	same := map[troika.Digest][]int{} // folded text -> indexes, ascending
	folded := make([]troika.Digest, len(records))
	for i, r := range records {
		outcomes[i] = Outcome{ID: r.ID, Source: r.Source, Raw: r.Raw}
		f := text.Fold(r.Text)
		if f == "" {
			outcomes[i].Dropped = ReasonEmpty
			continue
		}
		folded[i] = troika.Sum([]byte(f))
		same[folded[i]] = append(same[folded[i]], i)
	}
	kept := make([]Record, 0, len(same))
	for i, r := range records {
		if outcomes[i].Dropped != "" {
			continue
		}
		all := same[folded[i]]
		other := slices.IndexFunc(all, func(j int) bool { return records[j].Label != r.Label })
		switch {
		case other >= 0:
			outcomes[i].Dropped, outcomes[i].Of = ReasonConflict, records[all[other]].ID
		case all[0] != i:
			outcomes[i].Dropped, outcomes[i].Of = ReasonDuplicate, records[all[0]].ID
		default:
			kept = append(kept, r)
		}
	}
	return kept, outcomes
}

// parallel calls do for 0..n-1 on some goroutines and returns the error of the
// smallest index that failed.
func parallel(n, workers int, do func(i int) error) error {
	type failure struct {
		index int
		err   error
	}
	var next atomic.Int64
	failures := make([]failure, workers)
	var wg sync.WaitGroup
	for w := range workers {
		failures[w].index = n
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					failures[w] = failure{i, err}
					return // this worker's later indexes are larger
				}
			}
		})
	}
	wg.Wait()
	first := slices.MinFunc(failures, func(a, b failure) int { return cmp.Compare(a.index, b.index) })
	return first.err
}
