package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// How a model whose template has no place for tools is told of them. It is asked for
// the form that package toolcall reads as Plain.
const (
	toolsHead = "You can call the functions below. To call one, answer with nothing but a JSON object: " +
		`{"name": the function, "parameters": {argument: value}}. Separate several calls by semicolons.`
	resultHead = "Result of "
)

// DescribeTools rewrites a conversation for a template that has no place for tools. What
// the tools are stands in the system message, calls are the text of an answer, and
// results are the user's: those that follow one another, and what the user says then,
// are one message. origins has for each message the index of the one in that its text
// ends with, and -1 for one that is new.
func DescribeTools(in Input) (out Input, origins []int, err error) {
	out = in
	out.Messages, out.Tools = nil, nil
	head, err := describeTools(in.Tools)
	if err != nil {
		return Input{}, nil, err
	}
	add := func(m Message, origin int) {
		out.Messages = append(out.Messages, m)
		origins = append(origins, origin)
	}
	if head != "" && (len(in.Messages) == 0 || in.Messages[0].Role != "system") {
		add(Message{Role: "system", Content: head}, -1)
	}
	names := map[string]string{} // of functions, by the id of their call
	results := false             // the last message has results
	for i, m := range in.Messages {
		switch {
		case i == 0 && m.Role == "system" && head != "":
			m.setText(m.text() + "\n\n" + head)
		case m.Role == "assistant" && len(m.ToolCalls) > 0:
			if err := m.spellCalls(names); err != nil {
				return Input{}, nil, fmt.Errorf("message %d: %w", i, err)
			}
		case m.Role == "tool":
			name := m.Name
			if name == "" {
				name = names[m.ToolCallID]
			}
			m = Message{Role: "user", Content: resultHead + name + ":\n" + m.text()}
			if results {
				join(&out.Messages[len(out.Messages)-1], m, origins, i)
				continue
			}
			add(m, i)
			results = true
			continue
		case m.Role == "user" && results:
			join(&out.Messages[len(out.Messages)-1], m, origins, i)
			results = false
			continue
		}
		results = false
		add(m, i)
	}
	return out, origins, nil
}

// join adds the text of a message to the last one.
func join(last *Message, m Message, origins []int, origin int) {
	last.Content += "\n\n" + m.text()
	origins[len(origins)-1] = origin
}

func describeTools(tools json.RawMessage) (string, error) {
	if len(tools) == 0 {
		return "", nil
	}
	var list []struct{ Function json.RawMessage }
	if err := json.Unmarshal(tools, &list); err != nil {
		return "", inputError("tools must be a JSON array of functions")
	}
	if len(list) == 0 {
		return "", nil
	}
	var text strings.Builder
	text.WriteString(toolsHead + "\n")
	for _, t := range list {
		var line bytes.Buffer
		if json.Compact(&line, t.Function) != nil {
			return "", inputError("tools must be a JSON array of functions")
		}
		text.WriteString("\n" + line.String())
	}
	return text.String(), nil
}

// text returns the text of a message, of its parts too.
func (m *Message) text() string {
	var parts []struct{ Text string }
	if len(m.Parts) == 0 || json.Unmarshal(m.Parts, &parts) != nil {
		return m.Content
	}
	var all strings.Builder
	for _, p := range parts {
		all.WriteString(p.Text)
	}
	return all.String()
}

func (m *Message) setText(text string) { m.Content, m.Parts, m.NoContent = text, nil, false }

// spellCalls makes the calls of a message its text, and notes which function a call's
// id is of.
func (m *Message) spellCalls(names map[string]string) error {
	var calls []struct {
		ID       string
		Function struct {
			Name      string
			Arguments json.RawMessage
		}
	}
	if err := json.Unmarshal(m.ToolCalls, &calls); err != nil {
		return inputError("tool_calls must be a JSON array of calls")
	}
	if len(calls) == 0 {
		return nil
	}
	texts := make([]string, len(calls))
	for i, c := range calls {
		names[c.ID] = c.Function.Name
		name, err := json.Marshal(c.Function.Name)
		if err != nil {
			return inputError("tool_calls[%d]: %s", i, err)
		}
		arguments := string(c.Function.Arguments)
		var text string // as OpenAI has it
		if json.Unmarshal(c.Function.Arguments, &text) == nil {
			arguments = text
		}
		if strings.TrimSpace(arguments) == "" || arguments == "null" {
			arguments = "{}"
		}
		texts[i] = fmt.Sprintf(`{"name": %s, "parameters": %s}`, name, arguments)
	}
	said := m.text()
	if said != "" {
		said += "\n"
	}
	m.setText(said + strings.Join(texts, "; "))
	m.ToolCalls = nil
	return nil
}

// NeedsContent reports whether a template fails on a message that only calls tools, and
// would not if it had the empty text as its content: Qwen3's first one looks into the
// content whether there is one or not.
func NeedsContent(t *Template, vars map[string]Value) bool {
	in := Input{Vars: vars, DecodeArguments: true, Messages: []Message{
		{Role: "user", Content: "x"},
		{Role: "assistant", NoContent: true, ToolCalls: json.RawMessage(`[{"id":"a1b2c3d4e","type":"function","function":{"name":"f","arguments":"{}"}}]`)},
	}}
	if _, err := t.Render(in); err == nil {
		return false
	}
	in.Messages[1].NoContent = false
	_, err := t.Render(in)
	return err == nil
}
