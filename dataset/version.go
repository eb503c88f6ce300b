package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troikaml/troika"
)

const (
	// Format is the name and number of the manifest's format.
	Format = "troika.dataset/1"
	// shardSize is the number of bytes after which a shard is closed.
	shardSize = 8 << 20
)

// Step is one step of a recipe with all its parameters.
type Step struct {
	Name   string         `json:"step"`
	Params map[string]any `json:"params,omitempty"`
}

// Shard is a blob of JSON lines.
type Shard struct {
	Digest  troika.Digest `json:"digest"`
	Records int           `json:"records"`
	Bytes   int64         `json:"bytes"`
}

// SplitInfo describes one split.
type SplitInfo struct {
	Name    string         `json:"name"`
	Records int            `json:"records"`
	Labels  map[string]int `json:"labels,omitempty"`
	Shards  []Shard        `json:"shards"`
}

// Manifest is everything about a version but its records. Its JSON, as
// written, is what the version's digest covers.
type Manifest struct {
	Format string `json:"format"`
	Recipe []Step `json:"recipe"`
	// Documents is the number that went in; Dropped counts those that are no
	// records by reason; Clusters counts the clusters of the records.
	Documents int            `json:"documents"`
	Dropped   map[string]int `json:"dropped,omitempty"`
	Clusters  int            `json:"clusters"`
	Labels    []string       `json:"labels,omitempty"`
	Splits    []SplitInfo    `json:"splits"`
	// Lineage are shards of [Outcome] lines, one a document that went in.
	Lineage []Shard `json:"lineage"`
}

// Version is an immutable dataset. It is safe for concurrent use; the slices
// it hands out are shared and must not be changed.
type Version struct {
	digest   troika.Digest
	manifest Manifest
	encoded  []byte
	records  map[string][]Record
	outcomes []Outcome
}

// Digest names the version: the digest of its manifest.
func (v *Version) Digest() troika.Digest { return v.digest }

// Manifest returns the manifest; it must not be changed.
func (v *Version) Manifest() Manifest { return v.manifest }

// ManifestJSON returns the bytes that Digest covers; they must not be changed.
func (v *Version) ManifestJSON() []byte { return v.encoded }

// Split returns the records of a split in the order of their IDs; none for a
// name that is no split.
func (v *Version) Split(name string) []Record { return v.records[name] }

// Labels returns the labels in use, sorted.
func (v *Version) Labels() []string { return v.manifest.Labels }

// Outcomes tells what became of every document that went in, by ID.
func (v *Version) Outcomes() []Outcome { return v.outcomes }

// recipe records what Build did. Names and parameters are part of the format.
func recipe(o Options) []Step {
	steps := []Step{{Name: "normalize"}}
	if o.MaxTokens > 0 {
		steps = append(steps, Step{Name: "excerpt", Params: map[string]any{
			"max_tokens": o.MaxTokens, "tokenizer": o.Tokenizer,
		}})
	}
	return append(steps,
		Step{Name: "drop-duplicates", Params: map[string]any{"conflicting_labels": "drop"}},
		Step{Name: "cluster", Params: map[string]any{
			"by": "group, near-duplicate", "shingle": o.Near.Shingle, "bands": o.Near.Bands,
			"rows": o.Near.Rows, "threshold": o.Near.Threshold, "seed": o.Near.Seed,
		}},
		Step{Name: "split", Params: map[string]any{
			"validation": o.Validation, "test": o.Test, "seed": o.Seed,
		}},
	)
}

// newVersion encodes and digests. The outcomes still lack their splits.
func newVersion(records []Record, splits []string, outcomes []Outcome, steps []Step) (*Version, error) {
	v := &Version{records: map[string][]Record{}, outcomes: outcomes}
	v.manifest = Manifest{
		Format: Format, Recipe: steps, Documents: len(outcomes), Dropped: map[string]int{}, Labels: labelsOf(records),
	}
	place := map[string]string{}
	for i, r := range records {
		v.records[splits[i]] = append(v.records[splits[i]], r)
		place[r.ID] = splits[i]
		if r.Cluster == r.ID {
			v.manifest.Clusters++
		}
	}
	for i := range outcomes {
		outcomes[i].Split = place[outcomes[i].ID]
		if outcomes[i].Dropped != "" {
			v.manifest.Dropped[outcomes[i].Dropped]++
		}
	}
	for _, name := range Splits() {
		info := SplitInfo{Name: name, Records: len(v.records[name]), Labels: map[string]int{}, Shards: []Shard{}}
		for _, r := range v.records[name] {
			if r.Label != "" {
				info.Labels[r.Label]++
			}
		}
		err := shards(v.records[name], func(s Shard, _ []byte) error {
			info.Shards = append(info.Shards, s)
			return nil
		})
		if err != nil {
			return nil, err
		}
		v.manifest.Splits = append(v.manifest.Splits, info)
	}
	err := shards(outcomes, func(s Shard, _ []byte) error {
		v.manifest.Lineage = append(v.manifest.Lineage, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v.manifest); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	v.encoded, v.digest = b.Bytes(), troika.Sum(b.Bytes())
	return v, nil
}

// shards encodes lines into shards and hands each to emit; the bytes are valid
// until emit returns.
func shards[T any](lines []T, emit func(Shard, []byte) error) error {
	var buf []byte
	count := 0
	for i, line := range lines {
		var err error
		if buf, err = appendLine(buf, line); err != nil {
			return err
		}
		count++
		if len(buf) < shardSize && i < len(lines)-1 {
			continue
		}
		s := Shard{Digest: troika.Sum(buf), Records: count, Bytes: int64(len(buf))}
		if err := emit(s, slices.Clip(buf)); err != nil {
			return err
		}
		buf, count = buf[:0], 0
	}
	return nil
}
