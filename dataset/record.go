package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

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
	// Rejected is, of a preference, the message that is worse than the last one.
	Rejected []json.RawMessage `json:"rejected,omitempty"`
	// Label is the class; it may be empty.
	Label string `json:"label,omitempty"`
	// Source is where the raw document was found.
	Source string `json:"source,omitempty"`
	// Licence is what the raw document says of its terms, as a card has it where it is
	// one of those, or empty.
	Licence string `json:"licence,omitempty"`
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

// said returns what the record says, by which near-duplicates are told: its text,
// or what people, models and tools say in the conversation. A system message says
// the same in all conversations of a task, so it is left out unless asked for.
func (r *Record) said(system bool) string {
	if r.Messages == nil {
		return r.Text
	}
	var b strings.Builder
	for _, raw := range r.Messages {
		var m struct {
			Role      string          `json:"role"`
			Content   json.RawMessage `json:"content"`
			ToolCalls json.RawMessage `json:"tool_calls"`
		}
		// What cannot be read here was refused before.
		_ = json.Unmarshal(raw, &m)
		if !system && (m.Role == roleSystem || m.Role == roleDeveloper) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(contentText(m.Content))
		if !absent(m.ToolCalls) {
			b.Write(m.ToolCalls)
		}
	}
	return b.String()
}

// contentText returns a message's content, a string or an array of text parts.
func contentText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(raw, &parts) // absent content is none
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// characters counts those of all that the record says.
func (r *Record) characters() int { return utf8.RuneCountInString(r.said(true)) }

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
