package dataset

import (
	"slices"

	"github.com/troikaml/troika/text"
)

// forest is a union-find whose sets are named by their smallest member.
type forest []int

func newForest(n int) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = i
	}
	return f
}

func (f forest) root(i int) int {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

// join merges the sets of a and b; the smaller root wins, so that names do not
// depend on the order of the calls.
func (f forest) join(a, b int) {
	ra, rb := f.root(a), f.root(b)
	f[max(ra, rb)] = min(ra, rb)
}

// cluster fills in Record.Cluster. The records must be in the order of IDs. Those
// that have one cluster already, or one group, are joined whatever they say.
func cluster(records []Record, o Options) {
	sets := newForest(len(records))
	joinKeys(sets, records, func(r *Record) string { return r.Group })
	joinKeys(sets, records, func(r *Record) string { return r.Cluster })
	joinNear(sets, records, o)
	for i := range records {
		records[i].Cluster = records[sets.root(i)].ID
	}
}

// joinKeys joins the records that share a key; the empty one is none.
func joinKeys(sets forest, records []Record, key func(*Record) string) {
	first := map[string]int{}
	for i := range records {
		k := key(&records[i])
		if k == "" {
			continue
		}
		if j, seen := first[k]; seen {
			sets.join(j, i)
		} else {
			first[k] = i
		}
	}
}

// joinNear joins near-duplicates: records that share a band and, when their
// shingles are compared, are as similar as the rule asks.
func joinNear(sets forest, records []Record, o Options) {
	hasher := text.NewMinHasher(o.Near.Bands*o.Near.Rows, o.Near.Seed)
	shingles := make([][]uint64, len(records))
	bands := make([][]uint64, len(records))
	// The function returns no error.
	_ = parallel(len(records), o, "compare", func(i int) error {
		shingles[i] = text.Shingles(text.Fold(records[i].said(false)), o.Near.Shingle)
		if len(shingles[i]) == 0 {
			return nil // nothing but punctuation: like nothing else
		}
		signature := make([]uint64, hasher.Size())
		hasher.Sign(signature, shingles[i])
		bands[i] = make([]uint64, o.Near.Bands)
		for b := range bands[i] {
			bands[i][b] = text.Band(signature, b, o.Near.Rows)
		}
		return nil
	})
	for b := range o.Near.Bands {
		joinBucket(sets, shingles, o.Near.Threshold, buckets(bands, b))
	}
}

// buckets lists the records that share a value in band b, each list ascending.
func buckets(bands [][]uint64, b int) [][]int {
	at := map[uint64][]int{}
	var keys []uint64
	for i, values := range bands {
		if values == nil {
			continue
		}
		if len(at[values[b]]) == 0 {
			keys = append(keys, values[b])
		}
		at[values[b]] = append(at[values[b]], i)
	}
	var out [][]int
	for _, k := range keys {
		if len(at[k]) > 1 {
			out = append(out, at[k])
		}
	}
	return out
}

// joinBucket verifies the pairs of each bucket, nearest IDs first. Pairs that
// are joined already are not compared again, so a bucket of n copies of one
// text costs n comparisons and not n squared.
func joinBucket(sets forest, shingles [][]uint64, threshold float64, buckets [][]int) {
	for _, bucket := range buckets {
		for at, i := range bucket {
			for _, j := range slices.Backward(bucket[:at]) {
				if sets.root(i) == sets.root(j) {
					continue
				}
				if text.Jaccard(shingles[i], shingles[j]) >= threshold {
					sets.join(i, j)
				}
			}
		}
	}
}
