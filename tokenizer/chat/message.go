package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troikaml/troika/tokenizer/chat/jinja"
)

// Message is one message of a conversation, in OpenAI's terms. A Message made
// in Go shows the template its fields in the order below; one made by
// [MessageFromJSON] also has the keys this type does not know, and all keys
// in the order in which they came.
type Message struct {
	Role string
	// Content is the text. It is passed on, even if empty, unless NoContent or
	// Parts is set.
	Content string
	// NoContent says that the message has no content at all, as one that only
	// calls tools.
	NoContent bool
	// Parts is content given as a JSON array of parts, instead of Content.
	Parts json.RawMessage
	// ReasoningContent is what the model thought, if not empty.
	ReasoningContent string
	// ToolCalls is a JSON array, or empty.
	ToolCalls json.RawMessage
	// ToolCallID and Name are left out where empty.
	ToolCallID string
	Name       string

	order []string         // keys as they came
	extra map[string]Value // values of keys this type does not know
}

// keys of the wire message that are fields of Message, in the order in which
// a message made in Go shows them.
var messageKeys = []string{"role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name"}

// MessageFromJSON reads a message in OpenAI's wire format. Unknown keys are
// kept for the template. Keys whose value is null count as absent, as in
// apply_chat_template.
func MessageFromJSON(raw json.RawMessage) (Message, error) {
	v, err := FromJSON(raw)
	if err != nil {
		return Message{}, fmt.Errorf("message: %w", err)
	}
	dict, ok := v.Dict()
	if !ok {
		return Message{}, fmt.Errorf("message: want a JSON object")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Message{}, fmt.Errorf("message: %w", err)
	}
	m := Message{NoContent: true, extra: map[string]Value{}}
	for i := range dict.Len() {
		key, value := dict.At(i)
		name, _ := key.Str()
		if value.Kind() == jinja.KindNone {
			continue
		}
		m.order = append(m.order, name)
		if err := m.set(name, value, fields[name]); err != nil {
			return Message{}, err
		}
	}
	if m.Role == "" {
		return Message{}, fmt.Errorf("message: role is missing")
	}
	return m, nil
}

// set stores one key of a wire message.
func (m *Message) set(name string, value Value, raw json.RawMessage) error {
	switch name {
	case "content":
		m.NoContent = false
		if text, ok := value.Str(); ok {
			m.Content = text
			return nil
		}
		return setArray(&m.Parts, name, value, raw)
	case "tool_calls":
		return setArray(&m.ToolCalls, name, value, raw)
	case "role":
		return setText(&m.Role, name, value)
	case "name":
		return setText(&m.Name, name, value)
	case "reasoning_content":
		return setText(&m.ReasoningContent, name, value)
	case "tool_call_id":
		return setText(&m.ToolCallID, name, value)
	}
	m.extra[name] = value
	return nil
}

func setText(to *string, name string, value Value) error {
	text, ok := value.Str()
	if !ok {
		return fmt.Errorf("message: %s must be a string", name)
	}
	*to = text
	return nil
}

func setArray(to *json.RawMessage, name string, value Value, raw json.RawMessage) error {
	if value.Kind() != jinja.KindList {
		want := "an array"
		if name == "content" {
			want = "a string or an array"
		}
		return fmt.Errorf("message: %s must be %s", name, want)
	}
	*to = bytes.Clone(raw)
	return nil
}

// value returns the field behind a key, and whether the message has it.
func (m *Message) value(name string, decodeArguments bool) (v Value, ok bool, err error) {
	known := func(text string) (Value, bool, error) {
		return String(text), text != "" || slices.Contains(m.order, name), nil
	}
	switch name {
	case "role":
		return String(m.Role), true, nil
	case "content":
		if len(m.Parts) > 0 {
			v, err := FromJSON(m.Parts)
			return v, true, err
		}
		return String(m.Content), !m.NoContent, nil
	case "reasoning_content":
		return known(m.ReasoningContent)
	case "tool_call_id":
		return known(m.ToolCallID)
	case "name":
		return known(m.Name)
	case "tool_calls":
		if len(m.ToolCalls) == 0 {
			return Value{}, false, nil
		}
		v, err := FromJSON(m.ToolCalls)
		if err == nil && decodeArguments {
			v = decodeCalls(v)
		}
		return v, true, err
	}
	v, ok = m.extra[name]
	return v, ok, nil
}

// Value returns the message as the template sees it. With decodeArguments,
// arguments of tool calls that are JSON text become objects.
func (m *Message) Value(decodeArguments bool) (Value, error) {
	order := slices.Clone(m.order)
	for _, name := range messageKeys {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	dict := &jinja.Dict{}
	for _, name := range order {
		v, ok, err := m.value(name, decodeArguments)
		if err != nil {
			return Value{}, inputError("%s: %s", name, err)
		}
		if ok && v.Kind() != jinja.KindNone {
			dict.Set(name, v)
		}
	}
	return jinja.Map(aliasReasoning(dict)), nil
}

// aliasReasoning offers a message's reasoning under the two names that
// templates read, from whichever of three it came under, as the reference
// does.
func aliasReasoning(message *jinja.Dict) *jinja.Dict {
	for _, name := range []string{"reasoning_content", "thinking", "reasoning"} {
		reasoning, ok := message.Get(name)
		if !ok {
			continue
		}
		out := &jinja.Dict{}
		out.Set("thinking", reasoning)
		for i := range message.Len() {
			key, v := message.At(i)
			k, _ := key.Str()
			out.Set(k, v)
		}
		out.Set("reasoning_content", reasoning)
		return out
	}
	return message
}

// decodeCalls replaces arguments that are the text of a JSON object.
func decodeCalls(calls Value) Value {
	items, _ := calls.Items()
	out := make([]Value, len(items))
	for i, call := range items {
		out[i] = replaceKey(call, "function", func(function Value) Value {
			return replaceKey(function, "arguments", decodeObject)
		})
	}
	return jinja.List(out...)
}

func decodeObject(arguments Value) Value {
	text, ok := arguments.Str()
	if !ok {
		return arguments
	}
	v, err := FromJSON([]byte(text))
	if err != nil || v.Kind() != jinja.KindDict {
		return arguments
	}
	return v
}

// replaceKey returns a dict with one value changed; anything else, and a dict
// without the key, is returned as it is.
func replaceKey(v Value, name string, change func(Value) Value) Value {
	dict, ok := v.Dict()
	if !ok {
		return v
	}
	old, ok := dict.Get(name)
	if !ok {
		return v
	}
	return setKey(v, name, change(old))
}

// setKey returns a copy of a dict with one value set.
func setKey(v Value, name string, value Value) Value {
	out := &jinja.Dict{}
	if dict, ok := v.Dict(); ok {
		for i := range dict.Len() {
			key, item := dict.At(i)
			k, _ := key.Str()
			out.Set(k, item)
		}
	}
	out.Set(name, value)
	return jinja.Map(out)
}

func (in *Input) messageValues() ([]Value, error) {
	out := make([]Value, len(in.Messages))
	for i := range in.Messages {
		v, err := in.Messages[i].Value(in.DecodeArguments)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		out[i] = v
	}
	return out, nil
}
