package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// right returns the text of an example's answer, message last of it. Calls of tools are
// as the chat template writes them.
func (m *measurement) right(e dataset.Example, last int) (string, error) {
	if len(e.Messages[last].ToolCalls) == 0 {
		return e.Messages[last].Content, nil
	}
	turns, err := m.s.bundle.Turns(bundle.Conversation{Messages: e.Messages[:last+1], Tools: e.Tools})
	if err != nil {
		return "", fmt.Errorf("%s: %w", e.Name, err)
	}
	completion := turns[len(turns)-1].Completion
	if end := slices.IndexFunc(completion, func(id int32) bool { return slices.Contains(m.s.bundle.Generation.EOS, id) }); end >= 0 {
		completion = completion[:end]
	}
	return m.s.bundle.Tokenizer.Decode(completion, true), nil
}

// predictions are answers as they are scored.
func (m *measurement) predictions(answers []string) []eval.Prediction {
	out := predictions(answers)
	for i, text := range answers {
		out[i].Label = m.scored(m.questions[i], text)
	}
	return out
}

// scored returns what counts of an answer: its text without the white space around it
// or, where it calls tools, the calls in one spelling.
func (m *measurement) scored(q bundle.Conversation, answer string) string {
	answer = strings.TrimSpace(answer)
	if len(q.Tools) == 0 {
		return answer
	}
	format, err := m.s.bundle.ToolFormat()
	if err != nil {
		return answer
	}
	names, err := toolcall.Names(q.Tools)
	if err != nil {
		return answer
	}
	if calls := spell(format, names, answer); calls != "" {
		return calls
	}
	return answer
}

// spell returns the calls in an answer, a line each with sorted keys; "" where there are
// none, or one is broken.
func spell(format toolcall.Format, names []string, answer string) string {
	type call struct {
		Name      string         `json:"name"`
		Arguments map[string]any `json:"arguments"`
	}
	var calls []call
	var arguments []string
	p := toolcall.NewParser(format, names, false)
	content, deltas := p.Push(answer)
	rest, more := p.Flush()
	for _, d := range append(deltas, more...) {
		if d.Index == len(calls) {
			calls, arguments = append(calls, call{}), append(arguments, "")
		}
		calls[d.Index].Name += d.Name
		arguments[d.Index] += d.Arguments
	}
	var out strings.Builder
	out.WriteString(strings.TrimSpace(content + rest))
	for i := range calls {
		dec := json.NewDecoder(strings.NewReader(arguments[i]))
		dec.UseNumber()
		if dec.Decode(&calls[i].Arguments) != nil {
			return ""
		}
		line, err := json.Marshal(calls[i])
		if err != nil {
			return ""
		}
		if out.Len() > 0 {
			out.WriteByte('\n')
		}
		out.Write(line)
	}
	if len(calls) == 0 {
		return ""
	}
	return out.String()
}
