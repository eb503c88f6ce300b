package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/troikaml/troika/tokenizer/chat"
)

// FromChats makes a version of conversations that [ReadChat] read, whose splits
// are given. Every example is kept as it is and in its order, repeated ones too:
// how often it is seen is the choice of whoever made the file. Each is a cluster
// of its own.
//
// The version depends on the lines of the files alone, not on the files' names.
// An example that ReadChat did not read, or a split without a place in [Splits],
// is an error; so is a version without any example.
func FromChats(splits map[string][]Example) (*Version, error) {
	var records []Record
	var places []string
	var outcomes []Outcome
	known := 0
	for _, split := range Splits() {
		examples, has := splits[split]
		if has {
			known++
		}
		for i, e := range examples {
			if e.line.Messages == nil {
				return nil, fmt.Errorf("build dataset: %s was not read from a file of conversations", e.Name)
			}
			id := fmt.Sprintf("%s/%08d", split, i+1)
			r := chatRecord(e)
			r.ID, r.Cluster = id, id
			records = append(records, r)
			places = append(places, split)
			outcomes = append(outcomes, Outcome{ID: id, Raw: e.raw})
		}
	}
	if known != len(splits) {
		return nil, fmt.Errorf("build dataset: splits are %v", Splits())
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("build dataset: %w", ErrTooFew)
	}
	v, err := newVersion(parts{
		records: records, splits: places, outcomes: outcomes, steps: []Step{{Name: stepChat}, {Name: stepGiven}},
	})
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	return v, nil
}

const (
	// stepChat says that conversations are kept as they are.
	stepChat = "chat"
	// stepTranslation says that pairs of texts became questions for a translation.
	stepTranslation = "translation"
)

// chatRecord returns the record of a conversation that was read, without its ID.
func chatRecord(e Example) Record {
	r := Record{Raw: e.raw, Tools: compact(e.line.Tools)}
	for _, m := range e.line.Messages {
		r.Messages = append(r.Messages, compact(m))
	}
	for _, m := range e.line.Rejected {
		r.Rejected = append(r.Rejected, compact(m))
	}
	return r
}

// given returns the splits that records have by their IDs, and how many
// clusters they tear apart.
func given(records []Record, places map[string]string) (splits []string, torn int, err error) {
	if len(records) == 0 {
		return nil, 0, ErrTooFew
	}
	home, several := map[string]string{}, map[string]bool{}
	for _, r := range records {
		split, has := places[r.ID]
		if !has || !slices.Contains(Splits(), split) {
			return nil, 0, fmt.Errorf("document %s has the split %q: splits are %v", r.ID, split, Splits())
		}
		splits = append(splits, split)
		if first, seen := home[r.Cluster]; !seen {
			home[r.Cluster] = split
		} else if first != split {
			several[r.Cluster] = true
		}
	}
	return splits, len(several), nil
}

// compact drops the white space of valid JSON, as a shard has it.
func compact(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	var b bytes.Buffer
	_ = json.Compact(&b, raw) // it was decoded before
	return b.Bytes()
}

// Examples returns the records of a split as examples, in their order: a
// conversation as it is, a labelled text as p asks for its label.
func (v *Version) Examples(split string, p Prompt) ([]Example, error) {
	out := make([]Example, len(v.records[split]))
	for i, r := range v.records[split] {
		if r.Messages == nil {
			out[i] = p.Example(r)
			continue
		}
		e, err := exampleOf(chatLine{Messages: r.Messages, Tools: r.Tools, Rejected: r.Rejected})
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", r.ID, err)
		}
		e.Name, e.raw = r.ID, r.Raw
		out[i] = e
	}
	return out, nil
}

// exampleOf checks a conversation and keeps its JSON for the record of it.
func exampleOf(in chatLine) (Example, error) {
	if len(in.Messages) == 0 {
		return Example{}, errors.New(`"messages" is empty`)
	}
	e := Example{line: chatLine{Messages: in.Messages}}
	if !absent(in.Tools) {
		var tools []map[string]json.RawMessage
		if err := json.Unmarshal(in.Tools, &tools); err != nil {
			return Example{}, errors.New(`"tools" must be an array of objects`)
		}
		if len(tools) > 0 {
			e.Tools, e.line.Tools = in.Tools, in.Tools
		}
	}
	learned, answers := 0, 0
	for i, raw := range in.Messages {
		m, weight, err := parseMessage(raw)
		if err != nil {
			return Example{}, fmt.Errorf("message %d: %w", i+1, err)
		}
		e.Messages = append(e.Messages, m)
		e.Weights = append(e.Weights, weight)
		learned += weight
		if m.Role == roleAssistant {
			answers++
		}
	}
	if in.Rejected != nil {
		return e, e.prefer(in.Rejected)
	}
	switch {
	case learned > 0:
		return e, nil
	case answers > 0:
		return Example{}, errors.New("every assistant message has weight 0: there is nothing to learn")
	}
	return Example{}, errors.New("no assistant message: there is nothing to learn")
}

// prefer makes an example a preference: of its conversation the last message alone is
// learned.
func (e *Example) prefer(rejected []json.RawMessage) error {
	if len(rejected) != 1 {
		return fmt.Errorf("the worse output has %d messages, want one", len(rejected))
	}
	m, _, err := parseMessage(rejected[0])
	if err != nil {
		return fmt.Errorf("worse output: %w", err)
	}
	last := len(e.Messages) - 1
	switch {
	case m.Role != roleAssistant || e.Messages[last].Role != roleAssistant:
		return errors.New("both outputs of a preference are messages of the assistant")
	case last == 0:
		return errors.New("a preference needs a question before its outputs")
	case e.Messages[last-1].Role == roleAssistant:
		return errors.New("the preferred output has several messages, or follows one of the assistant: want one")
	case bytes.Equal(compact(e.line.Messages[last]), compact(rejected[0])):
		return errors.New("both outputs are the same: there is nothing to prefer")
	}
	e.Rejected, e.line.Rejected = []chat.Message{m}, rejected
	clear(e.Weights)
	e.Weights[last] = 1
	return nil
}

// Pair returns a preference as two examples that each learn one end of the
// conversation: the better one, then the worse one.
func (e Example) Pair() [2]Example {
	better, worse := e, e
	better.Rejected, worse.Rejected = nil, nil
	last := len(e.Messages) - 1
	worse.Messages = slices.Concat(e.Messages[:last:last], e.Rejected)
	return [2]Example{better, worse}
}
