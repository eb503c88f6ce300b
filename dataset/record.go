package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/troikaml/troika"
)

// The names of the splits.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// Splits returns the names of the splits in their fixed order.
func Splits() []string { return []string{Train, Validation, Test} }

// Record is one document of a version, a line of a shard: a text or a
// conversation. The order of the fields is the order in the file and part of the
// format. A line with a conversation is one that [ReadChat] reads.
type Record struct {
	// ID is unique within a version.
	ID string `json:"id"`
	// Text is normalised and, where the recipe has an excerpt step, cut.
	Text string `json:"text,omitempty"`
	// Messages and Tools are a conversation as it was given, white space aside;
	// nil in the record of a text.
	Messages []json.RawMessage `json:"messages,omitempty"`
	Tools    json.RawMessage   `json:"tools,omitempty"`
	// Label is the class; it may be empty.
	Label string `json:"label,omitempty"`
	// Source is where the raw document was found.
	Source string `json:"source,omitempty"`
	// Lang is a BCP 47 tag or empty.
	Lang string `json:"lang,omitempty"`
	// Group is the key that renderings of one document share, or empty.
	Group string `json:"group,omitempty"`
	// Cluster is the smallest ID among the records that must stay together.
	Cluster string `json:"cluster"`
	// Raw is the digest of the raw document, zero where it is not known.
	Raw troika.Digest `json:"raw,omitzero"`
	// Cut says that the excerpt step left something off.
	Cut bool `json:"cut,omitempty"`
}

// appendLine appends v as one line of JSON. Shards and manifests are made of
// such lines: no HTML escapes, fields in the order of the struct.
func appendLine(b []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return buf.Bytes(), nil
}
