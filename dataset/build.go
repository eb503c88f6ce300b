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
// order does not matter but where Options.InOrder is set. Errors are two
// documents of one ID, options that make no sense, a count that fails, and too
// few documents to fill the splits.
func Build(docs []refine.Document, o Options) (*Version, error) {
	v, err := build(textRecords(docs), nil, o, parts{})
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	return v, nil
}

// textRecords returns a record for each document, in the same order.
func textRecords(docs []refine.Document) []Record {
	records := make([]Record, len(docs))
	for i, d := range docs {
		records[i] = Record{
			ID: d.ID, Text: d.Text, Label: d.Label, Source: d.Source, Licence: d.Licence, Lang: d.Lang, Group: d.Group,
			Raw: d.Raw,
		}
	}
	return records
}

// build makes a version of records, which it takes over, and adds to what p
// says of its card, its sources and the steps before. places gives the splits
// of the records by their IDs; without it they are drawn.
func build(records []Record, places map[string]string, o Options, p parts) (*Version, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	position, err := sortByID(records)
	if err != nil {
		return nil, err
	}
	if err := excerpts(records, o); err != nil {
		return nil, err
	}
	p.records, p.outcomes = dropDuplicates(records, o)
	cluster(p.records, o)
	p.steps = append(p.steps, recipe(o, places != nil)...)
	if places == nil {
		p.splits, err = assign(p.records, o)
	} else {
		p.splits, p.torn, err = given(p.records, places)
	}
	if err != nil {
		return nil, err
	}
	if o.InOrder {
		p.arrange(position)
	}
	return newVersion(p)
}

// sortByID sorts records by their IDs and returns where each ID stood. An ID
// that is empty or comes twice is an error.
func sortByID(records []Record) (map[string]int, error) {
	position := make(map[string]int, len(records))
	for i, r := range records {
		if r.ID == "" {
			return nil, fmt.Errorf("a document of %q has no ID", r.Source)
		}
		if _, twice := position[r.ID]; twice {
			return nil, fmt.Errorf("two documents have the ID %q", r.ID)
		}
		position[r.ID] = i
	}
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
	return position, nil
}

// arrange puts records and outcomes where their IDs stood.
func (p *parts) arrange(position map[string]int) {
	order := make([]int, len(p.records))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(position[p.records[a].ID], position[p.records[b].ID])
	})
	records, splits := make([]Record, len(order)), make([]string, len(order))
	for to, from := range order {
		records[to], splits[to] = p.records[from], p.splits[from]
	}
	p.records, p.splits = records, splits
	slices.SortFunc(p.outcomes, func(a, b Outcome) int { return cmp.Compare(position[a.ID], position[b.ID]) })
}

// excerpts normalises the texts of records and cuts them.
func excerpts(records []Record, o Options) error {
	return parallel(len(records), o, "read", func(i int) (err error) {
		r := &records[i]
		if r.Messages != nil {
			return nil
		}
		if !o.AsIs {
			r.Text = text.Normalize(r.Text)
		}
		if o.MaxTokens > 0 {
			if r.Text, r.Cut, err = text.Excerpt(r.Text, o.MaxTokens, o.Count); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
		}
		return nil
	})
}

// dropDuplicates keeps the first of the records that fold to the same text and
// all labels agree on, or with Options.Repeats all that say something. The
// outcomes are in the order of all records.
func dropDuplicates(records []Record, o Options) ([]Record, []Outcome) {
	outcomes := make([]Outcome, len(records))
	same := map[troika.Digest][]int{} // folded text -> indexes, ascending
	folded := make([]troika.Digest, len(records))
	for i, r := range records {
		outcomes[i] = Outcome{ID: r.ID, Source: r.Source, Raw: r.Raw}
		f := text.Fold(r.said(false))
		if f == "" && r.Messages == nil {
			outcomes[i].Dropped = ReasonEmpty
			continue
		}
		if o.Repeats {
			f = r.ID // like nothing else
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

// parallel calls do for 0..n-1 on some goroutines, tells of the progress, and
// returns the error of the smallest index that failed.
func parallel(n int, o Options, step string, do func(i int) error) error {
	type failure struct {
		index int
		err   error
	}
	var next, done atomic.Int64
	failures := make([]failure, o.Workers)
	var wg sync.WaitGroup
	for w := range o.Workers {
		failures[w].index = n
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					failures[w] = failure{i, err}
					return // this worker's later indexes are larger
				}
				if o.Progress != nil {
					o.Progress(step, int(done.Add(1)), n)
				}
			}
		})
	}
	wg.Wait()
	first := slices.MinFunc(failures, func(a, b failure) int { return cmp.Compare(a.index, b.index) })
	return first.err
}
