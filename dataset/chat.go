package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/tokenizer/chat"
)

// MaxChatLine bounds the bytes of one line of chat JSONL.
const MaxChatLine = 16 << 20

// The roles of messages. "developer" is OpenAI's newer word for "system".
const (
	roleSystem    = "system"
	roleDeveloper = "developer"
	roleUser      = "user"
	roleAssistant = "assistant"
	roleTool      = "tool"
)

// Example is a conversation to learn from.
type Example struct {
	// Name tells where the example is from, as file:line or a record's ID.
	Name string
	// Messages are in the order of the conversation.
	Messages []chat.Message
	// Weights has one entry a message: 1 for an assistant message that is
	// learned, 0 for all others.
	Weights []int
	// Tools is a JSON array of the tools on offer, or nil.
	Tools json.RawMessage
	// Rejected are the messages that are a worse end of the conversation than its last
	// one; nil unless the example is a preference.
	Rejected []chat.Message

	line chatLine      // as ReadChat found it
	raw  troika.Digest // of the bytes it was read from
}

// ReadChat reads training examples, one a line, in OpenAI's fine-tuning format:
//
//	{"messages": [{"role": "user", "content": "..."},
//	              {"role": "assistant", "content": "...", "weight": 1}],
//	 "tools": [...]}
//
// Roles are system, developer, user, assistant and tool. A message has content,
// a string or an array of text parts; an assistant message may have tool_calls
// instead. weight, 0 or 1, stands on assistant messages only, and every example
// has an assistant message to learn from. Other keys of messages are passed to
// the chat template, other keys of the line are ignored, but for "functions"
// and "function_call", whose loss would change what is learned.
//
// A line may be a preference instead, in OpenAI's format for DPO:
//
//	{"input": {"messages": [{"role": "user", "content": "..."}], "tools": [...]},
//	 "preferred_output": [{"role": "assistant", "content": "..."}],
//	 "non_preferred_output": [{"role": "assistant", "content": "..."}]}
//
// It is read as the conversation with the preferred output, of which that alone is
// learned, and with Rejected.
//
// Empty lines are skipped. If any line is wrong, there are no examples and the
// error is a [refine.Failures] of all wrong lines; name is the file's name in
// it. A file without examples is an error too.
func ReadChat(r io.Reader, name string) ([]Example, error) {
	var examples []Example
	err := decodeLines(r, name, func(line refine.Line) error {
		e, err := parseExample(line.Bytes)
		if err != nil {
			return err
		}
		e.Name, e.raw = fmt.Sprintf("%s:%d", name, line.Number), troika.Sum(line.Bytes)
		examples = append(examples, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read examples: %w", err)
	}
	if len(examples) == 0 {
		return nil, fmt.Errorf("read examples: %s holds none", name)
	}
	return examples, nil
}

// decodeLines hands the lines of r that are not empty to decode. All that fail
// make a [refine.Failures].
func decodeLines(r io.Reader, name string, decode func(refine.Line) error) error {
	var failures refine.Failures
	for line, err := range refine.Lines(r, MaxChatLine) {
		if err == nil && len(bytes.TrimSpace(line.Bytes)) == 0 {
			continue
		}
		if err == nil {
			err = decode(line)
		}
		if err != nil {
			failures = append(failures, refine.Failure{Path: name, Line: line.Number, Err: err})
		}
	}
	return failures.Err()
}

// chatLine is a line of chat JSONL.
type chatLine struct {
	Messages  []json.RawMessage `json:"messages"`
	Tools     json.RawMessage   `json:"tools"`
	Functions json.RawMessage   `json:"functions"`
	Text      *json.RawMessage  `json:"text"`
	Rejected  []json.RawMessage `json:"rejected"`

	Input     *chatLine         `json:"input"`
	Preferred []json.RawMessage `json:"preferred_output"`
	Worse     []json.RawMessage `json:"non_preferred_output"`
}

// joined returns a preference as one conversation.
func (l chatLine) joined() (chatLine, error) {
	if l.Input == nil || len(l.Input.Messages) == 0 {
		return chatLine{}, errors.New(`"input" has no "messages"`)
	}
	if len(l.Preferred) == 0 || len(l.Worse) == 0 {
		return chatLine{}, errors.New(`a preference has a "preferred_output" and a "non_preferred_output"`)
	}
	return chatLine{
		Messages: slices.Concat(l.Input.Messages, l.Preferred), Rejected: l.Worse, Tools: l.Input.Tools, Functions: l.Input.Functions,
	}, nil
}

func parseExample(line []byte) (Example, error) {
	var in chatLine
	if err := refine.DecodeLine(line, &in); err != nil {
		return Example{}, err
	}
	if in.Messages == nil && (in.Input != nil || in.Preferred != nil || in.Worse != nil) {
		var err error
		if in, err = in.joined(); err != nil {
			return Example{}, err
		}
	}
	switch {
	case in.Messages == nil && in.Text != nil:
		return Example{}, errors.New(`"messages" is missing; a line with "text" and "label" is a document, not a chat`)
	case in.Messages == nil:
		return Example{}, errors.New(`"messages" is missing`)
	case !absent(in.Functions):
		return Example{}, errors.New(`"functions" is OpenAI's old form and not read: use "tools"`)
	}
	return exampleOf(in)
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// parseMessage checks one message and returns it without its weight.
func parseMessage(raw json.RawMessage) (m chat.Message, weight int, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return m, 0, errors.New("not a JSON object")
	}
	if !absent(fields["function_call"]) {
		return m, 0, errors.New(`"function_call" is OpenAI's old form and not read: use "tool_calls"`)
	}
	if w, has := fields["weight"]; has {
		// The template must not see it: it is not there when serving.
		if raw, err = without(raw, "weight"); err != nil {
			return m, 0, err
		}
		if absent(w) {
			delete(fields, "weight")
		}
	}
	if m, err = chat.MessageFromJSON(raw); err != nil {
		return m, 0, trimPrefix(err, "message: ")
	}
	if err := checkMessage(m); err != nil {
		return m, 0, err
	}
	weight, err = weightOf(m.Role, fields["weight"])
	return m, weight, err
}

// weightOf returns the weight of a message: that which is given, or 1 for the
// assistant's and 0 for the others'.
func weightOf(role string, given json.RawMessage) (int, error) {
	switch {
	case given == nil && role == roleAssistant:
		return 1, nil
	case given == nil:
		return 0, nil
	case role != roleAssistant:
		return 0, fmt.Errorf(`"weight" on a message of role %q: only assistant messages are learned`, role)
	}
	var w float64
	if err := json.Unmarshal(given, &w); err != nil || w != 0 && w != 1 {
		return 0, fmt.Errorf(`"weight" is %s, want 0 or 1`, given)
	}
	return int(w), nil
}

// checkMessage checks the role and that there is content of a kind we know.
func checkMessage(m chat.Message) error {
	switch m.Role {
	case roleSystem, roleDeveloper, roleUser, roleAssistant, roleTool:
	default:
		return fmt.Errorf("role %q is not known: want system, developer, user, assistant or tool", m.Role)
	}
	calls := 0
	if len(m.ToolCalls) > 0 {
		var list []map[string]json.RawMessage
		if err := json.Unmarshal(m.ToolCalls, &list); err != nil {
			return errors.New(`"tool_calls" must be an array of objects`)
		}
		calls = len(list)
	}
	if calls > 0 && m.Role != roleAssistant {
		return fmt.Errorf(`"tool_calls" on a message of role %q`, m.Role)
	}
	blank := strings.TrimSpace(m.Content) == ""
	if len(m.Parts) > 0 {
		var parts []struct {
			Type string  `json:"type"`
			Text *string `json:"text"`
		}
		if err := json.Unmarshal(m.Parts, &parts); err != nil {
			return errors.New(`"content" must be a string or an array of parts`)
		}
		for i, p := range parts {
			if p.Type != "text" || p.Text == nil {
				return fmt.Errorf(`part %d of "content" has type %q: only text is learned`, i+1, p.Type)
			}
			blank = blank && strings.TrimSpace(*p.Text) == ""
		}
	}
	// A tool may answer with nothing; nobody else may.
	if blank && calls == 0 && m.Role != roleTool {
		return fmt.Errorf("the %s message is empty", m.Role)
	}
	return nil
}

// without returns a JSON object less one key, the others in their order.
func without(object json.RawMessage, drop string) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if key == drop {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// trimPrefix drops words from the front of an error's text that its caller
// says better. The error is for people only: nothing is wrapped.
func trimPrefix(err error, prefix string) error {
	return errors.New(strings.TrimPrefix(err.Error(), prefix))
}

// Prompt turns labelled records into examples that ask for the label.
type Prompt struct {
	// System is the system message; empty means none.
	System string
	// Instruction precedes the text of the record in the user message, with an
	// empty line between them; empty means the text alone.
	Instruction string
}

// Messages returns what a model is asked about a text. Evaluation and serving
// must use the same Prompt as training.
func (p Prompt) Messages(text string) []chat.Message {
	var out []chat.Message
	if p.System != "" {
		out = append(out, chat.Message{Role: roleSystem, Content: p.System})
	}
	if p.Instruction != "" {
		text = p.Instruction + "\n\n" + text
	}
	return append(out, chat.Message{Role: roleUser, Content: text})
}

// Example returns the record as a question and, as the answer, its label.
func (p Prompt) Example(r Record) Example {
	messages := append(p.Messages(r.Text), chat.Message{Role: roleAssistant, Content: r.Label})
	weights := make([]int, len(messages))
	weights[len(weights)-1] = 1
	return Example{Name: r.ID, Messages: messages, Weights: weights}
}

// WriteChat writes examples that a Prompt made in OpenAI's fine-tuning format,
// as ReadChat reads it: one line each, with role and content.
func WriteChat(w io.Writer, examples []Example) error {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	var b []byte
	for _, e := range examples {
		line := struct {
			Messages []message `json:"messages"`
		}{make([]message, len(e.Messages))}
		for i, m := range e.Messages {
			if len(m.ToolCalls)+len(m.Parts)+len(e.Tools) > 0 || m.NoContent {
				return fmt.Errorf("write examples: %s has tools or parts", e.Name)
			}
			line.Messages[i] = message{m.Role, m.Content}
		}
		var err error
		if b, err = appendLine(b[:0], line); err != nil {
			return fmt.Errorf("write examples: %w", err)
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("write examples: %w", err)
		}
	}
	return nil
}
