package recipe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/examples"
)

// Output says what is written.
type Output struct {
	// Kind is the form of the records: text, completion (the title before the
	// text), classification (only what has a label), chat or translation (pairs
	// of aligned parts).
	Kind string
	// Format is jsonl or parquet.
	Format string
	// ShardBytes is the size at which a shard is full, counted as JSON lines.
	ShardBytes int64
	// Chunk cuts long texts at their structure; its zero value does not.
	Chunk examples.Chunk
}

func defaultOutput() Output {
	return Output{Kind: kindText, Format: formatJSONL, ShardBytes: 256 << 20}
}

// The kinds and formats of records.
const (
	kindText           = "text"
	kindCompletion     = "completion"
	kindClassification = "classification"
	kindChat           = "chat"
	kindTranslation    = "translation"

	formatJSONL   = "jsonl"
	formatParquet = "parquet"
)

var (
	kinds   = []string{kindText, kindCompletion, kindClassification, kindChat, kindTranslation}
	formats = []string{formatJSONL, formatParquet}
)

func (o Output) check() error {
	switch {
	case !slices.Contains(kinds, o.Kind):
		return fmt.Errorf("output: kind %q: want one of %q", o.Kind, kinds)
	case !slices.Contains(formats, o.Format):
		return fmt.Errorf("output: format %q: want one of %q", o.Format, formats)
	case o.ShardBytes < 1:
		return fmt.Errorf("output: shard_bytes %d: want at least 1", o.ShardBytes)
	case (o.Kind == kindChat || o.Kind == kindTranslation) && o.Chunk != (examples.Chunk{}):
		return errors.New("output: conversations and translations are not cut into chunks")
	}
	if err := o.Chunk.Validate(); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// needs returns the step that a kind of output ends with, or "".
func (o Output) needs() string {
	switch o.Kind {
	case kindClassification:
		return "has-label"
	case kindChat:
		return "whole-chat"
	case kindTranslation:
		return "has-translation"
	default:
		return ""
	}
}

// Record is a line of a shard. The order of the fields is part of the format.
type Record struct {
	ID      string `json:"id"                parquet:"id"`
	Text    string `json:"text"              parquet:"text"`
	Source  string `json:"source"            parquet:"source"`
	Licence string `json:"licence,omitempty" parquet:"licence"`
	Lang    string `json:"lang"              parquet:"lang"`
	Label   string `json:"label,omitempty"   parquet:"label"`
	Title   string `json:"title,omitempty"   parquet:"title"`
	Group   string `json:"group,omitempty"   parquet:"group"`
}

// ChatRecord is a line of a shard of conversations.
type ChatRecord struct {
	ID       string `json:"id"                parquet:"id"`
	Messages []Turn `json:"messages"          parquet:"messages,list"`
	Source   string `json:"source"            parquet:"source"`
	Licence  string `json:"licence,omitempty" parquet:"licence"`
	Lang     string `json:"lang"              parquet:"lang"`
}

// record is one record of a shard, in the two forms in which it is needed.
type record struct {
	text  Record
	chat  ChatRecord
	pair  PairRecord
	line  []byte
	split string
}

// records returns what is written of a document.
func (o Output) records(d *refine.Document) ([]record, error) {
	if o.Kind == kindChat {
		turns := splitTurns(d.Text)
		c := ChatRecord{ID: d.ID, Messages: turns[:sound(turns)], Source: d.Source, Licence: d.Licence, Lang: d.Lang}
		line, err := jsonLine(c)
		return []record{{chat: c, line: line}}, err
	}
	base := Record{
		ID: d.ID, Text: d.Text, Source: d.Source, Licence: d.Licence, Lang: d.Lang, Label: d.Label, Title: d.Title, Group: d.Group,
	}
	if o.Kind == kindCompletion && d.Title != "" {
		base.Title = ""
		if topHeading(d.Text) != d.Title {
			base.Text = "# " + d.Title + "\n\n" + d.Text
		}
	}
	pieces := []string{base.Text}
	if o.Chunk != (examples.Chunk{}) {
		pieces = o.Chunk.Split(base.Text)
	}
	out := make([]record, 0, len(pieces))
	for i, piece := range pieces {
		one := base
		one.Text = piece
		if len(pieces) > 1 {
			one.ID = fmt.Sprintf("%s#%d", d.ID, i)
			if one.Group == "" {
				one.Group = d.ID
			}
		}
		line, err := jsonLine(one)
		if err != nil {
			return nil, err
		}
		out = append(out, record{text: one, line: line})
	}
	return out, nil
}

func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	err := encodeLine(&b, v)
	return b.Bytes(), err
}

// labelStep drops documents without a label.
type labelStep struct{}

func (labelStep) Name() string { return "has-label" }

func (labelStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	if d.Label == "" {
		return refine.Verdict{Drop: &refine.Reason{Rule: "no-label", Threshold: 1}}, nil
	}
	return refine.Verdict{}, nil
}

// chatStep drops conversations without a question that is answered.
type chatStep struct{}

func (chatStep) Name() string { return "whole-chat" }

func (chatStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	turns := splitTurns(d.Text)
	n := sound(turns)
	v := refine.Verdict{Scores: map[string]float64{"turns": float64(n)}}
	if n < 2 {
		v.Drop = &refine.Reason{Rule: "no-answer", Value: float64(n), Threshold: 2}
	} else if n < len(turns) {
		v.Counts = map[string]int{"turns-cut": len(turns) - n}
	}
	return v, nil
}

// encodeLine writes v as one line of JSON without HTML escapes.
func encodeLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
