package dedup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
)

// minMemory is the least grant that an Index works with, in bytes.
const minMemory = 1 << 20

// Index collects the keys of units and finds the clusters. Add is safe for
// concurrent use; Members may be called once nothing is added any more.
type Index struct {
	mu    sync.Mutex
	dir   string
	limit int64
	bands []*sorter
}

// NewIndex returns an empty index of units with the given number of keys: the
// bands of a rule, or 1 for exact duplicates. It makes a folder of its own in
// dir for what does not fit in memory bytes, which are shared by the rows held
// while adding, the buffers of files while sorting and the sets while joining.
// Less than 1 MiB is taken for 1 MiB.
func NewIndex(dir string, keys int, memory int64) (*Index, error) {
	if keys < 1 || keys > maxHashes {
		return nil, fmt.Errorf("index of duplicates: %d keys a unit: want 1 to %d", keys, maxHashes)
	}
	own, err := os.MkdirTemp(dir, "dedup-*")
	if err != nil {
		return nil, fmt.Errorf("index of duplicates: %w", err)
	}
	x := &Index{dir: own, limit: max(memory, minMemory)}
	for b := range keys {
		x.bands = append(x.bands, newSorter(own, fmt.Sprintf("band-%03d", b), x.limit/2/int64(keys), x.limit/8))
	}
	return x, nil
}

// Add puts in a unit. Keys is what a Signer returned, in its order; a unit
// without keys is like no other. Numbers must not repeat.
func (x *Index) Add(number uint64, keys []uint64) error {
	if len(keys) == 0 {
		return nil
	}
	if len(keys) != len(x.bands) {
		return fmt.Errorf("index of duplicates: unit %d has %d keys, want %d", number, len(keys), len(x.bands))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for b, key := range keys {
		if err := x.bands[b].add(pair{key, number}); err != nil {
			return err
		}
	}
	return nil
}

// Close removes the index's files.
func (x *Index) Close() error {
	var errs []error
	for _, b := range x.bands {
		errs = append(errs, b.close())
	}
	return errors.Join(append(errs, os.RemoveAll(x.dir))...)
}

// Member is a unit that has duplicates.
type Member struct {
	// Number is the unit's.
	Number uint64
	// First is the number of the unit that stays for the whole cluster, its
	// smallest.
	First uint64
	// Size is the number of units in the cluster, at least 2.
	Size uint64
}

// Duplicate reports whether the unit goes because another stays in its place.
func (m Member) Duplicate() bool { return m.Number != m.First }

// Members yields every unit of every cluster of two or more, in ascending order
// of numbers, and ends after an error.
func (x *Index) Members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		stars, err := x.stars(ctx)
		if err != nil {
			yield(Member{}, err)
			return
		}
		defer stars.close() //nolint:errcheck // its files go with the index
		for m, err := range stars.members(ctx) {
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// links yields the edges of the graph of shared keys: for each band and key the
// smallest number with each of the others, (smallest, other).
func (x *Index) links(ctx context.Context) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for _, band := range x.bands {
			var head pair
			begun := false
			for p, err := range band.sorted(ctx) {
				if err != nil {
					yield(pair{}, err)
					return
				}
				if !begun || p.a != head.a {
					head, begun = p, true
					continue
				}
				if !yield(pair{head.b, p.b}, nil) {
					return
				}
			}
		}
	}
}
