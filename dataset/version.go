package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"

	"github.com/troikaml/troika"
)

const (
	// Format is the name and number of the manifest's format.
	Format = "troika.dataset/2"
	// formatOne had neither cards, sources nor statistics, and one large shard
	// after the other. It is read still.
	formatOne = "troika.dataset/1"
)

// Step is one step of a recipe with all its parameters.
type Step struct {
	Name   string         `json:"step"`
	Params map[string]any `json:"params,omitempty"`
}

// SplitInfo describes one split.
type SplitInfo struct {
	Name    string `json:"name"`
	Records int    `json:"records"`
	// Labels and Languages count records; those without are not in them.
	Labels    map[string]int `json:"labels,omitempty"`
	Languages map[string]int `json:"languages,omitempty"`
	// Characters is how many there are in the texts of all records. Lengths
	// counts records by them: its first number is of those with none, the next
	// of those with 1, then with 2 and 3, 4 to 7 and so on.
	Characters int64   `json:"characters"`
	Lengths    []int   `json:"lengths,omitempty"`
	Shards     []Shard `json:"shards"`
}

// Manifest is everything about a version but its records. Its JSON, as
// written, is what the version's digest covers.
type Manifest struct {
	Format string `json:"format"`
	// Card is what people must know of the data; nil where nobody said.
	Card *Card `json:"card,omitempty"`
	// Sources are what the documents were read from, if that is known.
	Sources []Source `json:"sources,omitempty"`
	// Recipe is every step from the raw documents to the records.
	Recipe []Step `json:"recipe"`
	// Documents is the number that went in; Dropped counts those that are no
	// records by reason; Clusters counts the clusters of the records.
	Documents int            `json:"documents"`
	Dropped   map[string]int `json:"dropped,omitempty"`
	Clusters  int            `json:"clusters"`
	// Torn counts the clusters of near-duplicates that lie in several splits: 0
	// unless the splits were given.
	Torn   int         `json:"torn,omitempty"`
	Labels []string    `json:"labels,omitempty"`
	Splits []SplitInfo `json:"splits"`
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
	inputs   [][]Input // of each source
}

// Digest names the version: the digest of its manifest.
func (v *Version) Digest() troika.Digest { return v.digest }

// Manifest returns the manifest; it must not be changed.
func (v *Version) Manifest() Manifest { return v.manifest }

// ManifestJSON returns the bytes that Digest covers; they must not be changed.
func (v *Version) ManifestJSON() []byte { return v.encoded }

// Split returns the records of a split in the order of the shards; none for a
// name that is no split.
func (v *Version) Split(name string) []Record { return v.records[name] }

// Labels returns the labels in use, sorted.
func (v *Version) Labels() []string { return v.manifest.Labels }

// Outcomes tells what became of every document that went in, in the order of
// the shards.
func (v *Version) Outcomes() []Outcome { return v.outcomes }

// Inputs returns the raw files behind a source, by its place in the manifest; none where
// the source is a file itself.
func (v *Version) Inputs(source int) []Input { return v.inputs[source] }

// recipe records what build did. Names and parameters are part of the format.
func recipe(o Options, splitsGiven bool) []Step {
	var steps []Step
	if !o.AsIs {
		steps = append(steps, Step{Name: "normalize"})
	}
	if o.MaxTokens > 0 {
		steps = append(steps, Step{Name: "excerpt", Params: map[string]any{
			"max_tokens": o.MaxTokens, "tokenizer": o.Tokenizer,
		}})
	}
	if o.Repeats {
		steps = append(steps, Step{Name: "drop-empty"})
	} else {
		steps = append(steps, Step{Name: "drop-duplicates", Params: map[string]any{"conflicting_labels": "drop"}})
	}
	steps = append(steps, Step{Name: "cluster", Params: map[string]any{
		"by": "group, near-duplicate", "shingle": o.Near.Shingle, "bands": o.Near.Bands,
		"rows": o.Near.Rows, "threshold": o.Near.Threshold, "seed": o.Near.Seed,
	}})
	if splitsGiven {
		steps = append(steps, Step{Name: stepGiven})
	} else {
		steps = append(steps, Step{Name: "split", Params: map[string]any{
			"validation": o.Validation, "test": o.Test, "seed": o.Seed,
		}})
	}
	if o.InOrder {
		steps = append(steps, Step{Name: "order", Params: map[string]any{"by": "input"}})
	}
	return steps
}

// stepGiven says that the splits are those of the documents' owner.
const stepGiven = "given-splits"

// parts is what a version consists of.
type parts struct {
	records  []Record
	splits   []string  // of each record
	torn     int       // clusters that lie in several splits
	outcomes []Outcome // without their splits
	steps    []Step
	card     *Card
	sources  []Source
	inputs   [][]Input // of each source
}

// newVersion encodes and digests.
func newVersion(p parts) (*Version, error) {
	v := &Version{records: map[string][]Record{}, outcomes: p.outcomes, inputs: p.inputs}
	v.manifest = Manifest{
		Format: Format, Card: p.card, Sources: p.sources, Recipe: p.steps,
		Documents: len(p.outcomes), Dropped: map[string]int{}, Torn: p.torn, Labels: labelsOf(p.records),
	}
	place, clusters := map[string]string{}, map[string]bool{}
	for i, r := range p.records {
		v.records[p.splits[i]] = append(v.records[p.splits[i]], r)
		place[r.ID] = p.splits[i]
		clusters[r.Cluster] = true
	}
	v.manifest.Clusters = len(clusters)
	for i := range p.outcomes {
		p.outcomes[i].Split = place[p.outcomes[i].ID]
		if p.outcomes[i].Dropped != "" {
			v.manifest.Dropped[p.outcomes[i].Dropped]++
		}
	}
	if err := v.describe(); err != nil {
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

// describe fills in what the manifest says of splits, outcomes and inputs.
func (v *Version) describe() error {
	m := &v.manifest
	for _, name := range Splits() {
		info := splitInfo(name, v.records[name])
		var err error
		if info.Shards, err = listShards(v.records[name]); err != nil {
			return err
		}
		m.Splits = append(m.Splits, info)
	}
	for i := range m.Sources {
		var err error
		if m.Sources[i].Inputs, err = listShards(v.inputs[i]); err != nil {
			return err
		}
	}
	var err error
	m.Lineage, err = listShards(v.outcomes)
	return err
}

// splitInfo counts the records of a split.
func splitInfo(name string, records []Record) SplitInfo {
	info := SplitInfo{Name: name, Records: len(records), Labels: map[string]int{}, Languages: map[string]int{}}
	for i := range records {
		r := &records[i]
		if r.Label != "" {
			info.Labels[r.Label]++
		}
		if r.Lang != "" {
			info.Languages[r.Lang]++
		}
		n := r.characters()
		info.Characters += int64(n)
		bin := bits.Len(uint(n))
		for len(info.Lengths) <= bin {
			info.Lengths = append(info.Lengths, 0)
		}
		info.Lengths[bin]++
	}
	return info
}
