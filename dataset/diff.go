package dataset

import (
	"bytes"
	"slices"
	"strings"
)

// Diff is how a version differs from an earlier one. Records are the same where their
// IDs are.
type Diff struct {
	Same    int `json:"same"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"` // another content under the same ID
	Moved   int `json:"moved"`   // into another split, changed or not
	// Shards and Bytes are of the later version's splits; of them, Shared are blobs of
	// the earlier one as well.
	Shards       int   `json:"shards"`
	SharedShards int   `json:"shared_shards"`
	Bytes        int64 `json:"bytes"`
	SharedBytes  int64 `json:"shared_bytes"`
	// Changes are the records that differ, by their IDs.
	Changes []Change `json:"changes"`
}

// Change is a record that differs. A split is empty where the record is not.
type Change struct {
	ID      string `json:"id"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Changed bool   `json:"changed,omitempty"`
}

// Compare returns how after differs from before.
func Compare(before, after *Version) (Diff, error) {
	type place struct {
		split string
		line  []byte
	}
	old := map[string]place{}
	shards := map[string]bool{}
	for _, s := range before.manifest.Splits {
		for i := range before.records[s.Name] {
			r := &before.records[s.Name][i]
			line, err := appendLine(nil, r)
			if err != nil {
				return Diff{}, err
			}
			old[r.ID] = place{s.Name, line}
		}
		for _, shard := range s.Shards {
			shards[shard.Digest.String()] = true
		}
	}
	var d Diff
	for _, s := range after.manifest.Splits {
		for _, shard := range s.Shards {
			d.Shards++
			d.Bytes += shard.Bytes
			if shards[shard.Digest.String()] {
				d.SharedShards++
				d.SharedBytes += shard.Bytes
			}
		}
		for i := range after.records[s.Name] {
			r := &after.records[s.Name][i]
			line, err := appendLine(nil, r)
			if err != nil {
				return Diff{}, err
			}
			was, had := old[r.ID]
			delete(old, r.ID)
			c := Change{ID: r.ID, From: was.split, To: s.Name, Changed: had && !bytes.Equal(line, was.line)}
			switch {
			case !had:
				d.Added++
			case c.Changed:
				d.Changed++
			case c.From == c.To:
				d.Same++
				continue
			}
			if had && c.From != c.To {
				d.Moved++
			}
			d.Changes = append(d.Changes, c)
		}
	}
	for id, was := range old {
		d.Removed++
		d.Changes = append(d.Changes, Change{ID: id, From: was.split})
	}
	slices.SortFunc(d.Changes, func(a, b Change) int { return strings.Compare(a.ID, b.ID) })
	return d, nil
}
