package dataset

import "github.com/troikaml/troika"

// The kinds of sources.
const (
	// SourceRefined is a folder that troika refine wrote; its digest is that of
	// its manifest.json.
	SourceRefined = "refined"
	// SourceFile is a file of JSON lines, by the digest of its bytes.
	SourceFile = "file"
	// SourceFiles is a folder with a file for each split, SourceFolder one with
	// a folder for each label. The digest is of lines "DIGEST NAME", one for each
	// input.
	SourceFiles  = "files"
	SourceFolder = "folder"
	// SourceExported is a version that was exported; its digest is the version's.
	SourceExported = "exported"
)

// Source is what the documents of a version were read from.
type Source struct {
	Kind string `json:"kind"`
	// Name is the file's or folder's own, without the folders around it.
	Name   string        `json:"name"`
	Digest troika.Digest `json:"digest"`
	// Recipe, its version and its digest say how a refined source was made.
	Recipe        string        `json:"recipe,omitempty"`
	RecipeVersion string        `json:"recipe_version,omitempty"`
	RecipeDigest  troika.Digest `json:"recipe_digest,omitzero"`
	// Counts are what the refinery counted, by its own names.
	Counts map[string]int64 `json:"counts,omitempty"`
	// Inputs are shards of [Input] lines: the raw files behind the source.
	Inputs []Shard `json:"inputs,omitempty"`
}

// Input is a raw file that a source was made from, a line of a shard.
type Input struct {
	Name   string        `json:"name"`
	Digest troika.Digest `json:"digest,omitzero"`
	Bytes  int64         `json:"bytes,omitempty"`
	// Documents came out of it, and Failed items could not be read.
	Documents int `json:"documents"`
	Failed    int `json:"failed,omitempty"`
}
