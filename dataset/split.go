package dataset

import (
	"fmt"
	"math"
	"slices"

	"github.com/troikaml/troika/text"
)

// unit is a cluster as the splits see it.
type unit struct {
	name    string
	records []int
	lot     float64 // in [0, 1), by the name alone
	split   string
}

// assign returns the split of each record. A cluster draws its lot by the hash
// of its name, so it keeps its split when other documents come and go. Only
// where that leaves a label without a record in a split, the cluster of that
// label whose lot is nearest moves there.
func assign(records []Record, o Options) ([]string, error) {
	units := clusters(records, o.Seed)
	for i := range units {
		units[i].split = splitOf(units[i].lot, o)
	}
	for _, label := range labelsOf(records) {
		for _, split := range []string{Test, Validation, Train} {
			if share(split, o) > 0 {
				repair(units, records, label, split, o)
			}
		}
	}
	splits := make([]string, len(records))
	sizes := map[string]int{}
	for _, u := range units {
		for _, i := range u.records {
			splits[i] = u.split
			sizes[u.split]++
		}
	}
	for _, split := range Splits() {
		if sizes[split] == 0 && share(split, o) > 0 {
			return nil, fmt.Errorf("%w: split %s is empty (%d documents in %d clusters)", ErrTooFew, split, len(records), len(units))
		}
	}
	return splits, nil
}

// clusters lists the clusters in the order of their names.
func clusters(records []Record, seed uint64) []unit {
	var units []unit
	at := map[string]int{}
	for i, r := range records { // in the order of IDs, so a cluster's name comes first
		k, seen := at[r.Cluster]
		if !seen {
			k = len(units)
			at[r.Cluster] = k
			lot := float64(text.Hash(r.Cluster, seed)>>11) / (1 << 53)
			units = append(units, unit{name: r.Cluster, lot: lot})
		}
		units[k].records = append(units[k].records, i)
	}
	return units
}

// bounds returns the range of lots of a split: test, validation, train.
func bounds(split string, o Options) (from, to float64) {
	switch split {
	case Test:
		return 0, o.Test
	case Validation:
		return o.Test, o.Test + o.Validation
	default:
		return o.Test + o.Validation, 1
	}
}

func share(split string, o Options) float64 {
	from, to := bounds(split, o)
	return to - from
}

func splitOf(lot float64, o Options) string {
	for _, split := range []string{Test, Validation} {
		if _, to := bounds(split, o); lot < to {
			return split
		}
	}
	return Train
}

// repair moves a cluster of the label into a split that has none of it, if
// another split can spare one: it must keep a cluster of that label.
func repair(units []unit, records []Record, label, split string, o Options) {
	var holders []int
	count := map[string]int{}
	for i, u := range units {
		if slices.ContainsFunc(u.records, func(r int) bool { return records[r].Label == label }) {
			holders = append(holders, i)
			count[u.split]++
		}
	}
	if count[split] > 0 {
		return
	}
	from, to := bounds(split, o)
	best, distance := -1, math.Inf(1)
	for _, i := range holders {
		u := units[i]
		if count[u.split] < 2 {
			continue
		}
		if d := max(from-u.lot, u.lot-to); d < distance {
			best, distance = i, d
		}
	}
	if best >= 0 {
		units[best].split = split
	}
}

// labelsOf returns the labels in use, sorted.
func labelsOf(records []Record) []string {
	set := map[string]bool{}
	for _, r := range records {
		if r.Label != "" {
			set[r.Label] = true
		}
	}
	labels := make([]string, 0, len(set))
	for l := range set {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	return labels
}
