package recipe

import (
	"fmt"
	"slices"
)

// Input says how raw documents become documents.
type Input struct {
	// Text, ID, Label, Lang and Title are the fields of records and the columns of
	// tables that hold these; a field that a record lacks is left empty.
	Text, ID, Label, Lang, Title string
	// FolderLabels takes the first folder below an input for the label.
	FolderLabels bool
}

func defaultInput() Input {
	return Input{Text: "text", ID: "id", Label: "label", Lang: "lang", Title: "title"}
}

func (i Input) check() error {
	if i.Text == "" {
		return fmt.Errorf("input: text names no field")
	}
	return nil
}

// Output says what is written.
type Output struct {
	// Kind is the form of the records: text.
	Kind string
	// Format is jsonl or parquet.
	Format string
	// ShardBytes is the size at which a shard is full, counted as JSON lines.
	ShardBytes int64
}

func defaultOutput() Output {
	return Output{Kind: "text", Format: "jsonl", ShardBytes: 256 << 20}
}

var (
	kinds   = []string{"text"}
	formats = []string{"jsonl"}
)

func (o Output) check() error {
	switch {
	case !slices.Contains(kinds, o.Kind):
		return fmt.Errorf("output: kind %q: want one of %q", o.Kind, kinds)
	case !slices.Contains(formats, o.Format):
		return fmt.Errorf("output: format %q: want one of %q", o.Format, formats)
	case o.ShardBytes < 1:
		return fmt.Errorf("output: shard_bytes %d: want at least 1", o.ShardBytes)
	}
	return nil
}

// Record is a line of a shard. The order of the fields is part of the format.
type Record struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Source string `json:"source"`
	Lang   string `json:"lang"`
	Label  string `json:"label,omitempty"`
	Title  string `json:"title,omitempty"`
	Group  string `json:"group,omitempty"`
}
