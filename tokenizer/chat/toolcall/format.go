package toolcall

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Format is how a family of models writes calls.
type Format string

// The formats; the package's documentation shows them.
const (
	Unknown Format = "" // the template has tools in a way that is not known here
	Hermes  Format = "hermes"
	Llama3  Format = "llama3"
	Mistral Format = "mistral"
	// MistralArgs is Mistral where the template has the name before [ARGS]. Both forms are
	// read in either.
	MistralArgs Format = "mistral-args"
	Plain       Format = "plain"
)

// families says by which texts in a chat template a format is known: all of has and none
// of lacks. The first row that fits counts.
var families = []struct {
	format     Format
	has, lacks []string
}{
	{MistralArgs, []string{"[TOOL_CALLS]", "[ARGS]"}, nil},
	{Mistral, []string{"[TOOL_CALLS]"}, nil},
	// Qwen3-Coder and GLM write XML between the same marks.
	{Hermes, []string{"<tool_call>", "tools"}, []string{"<function=", "<arg_key>"}},
	{Llama3, []string{"<|start_header_id|>", "tools"}, nil},
	// FunctionGemma and Gemma 4 have marks of their own.
	{Plain, []string{"<start_of_turn>"}, []string{"<start_function_call>"}},
	{Plain, nil, []string{"tools"}},
}

// Detect tells the format from the source of a chat template.
func Detect(template string) Format {
	has := func(mark string) bool { return strings.Contains(template, mark) }
	for _, f := range families {
		if !slices.ContainsFunc(f.lacks, has) && !slices.ContainsFunc(f.has, func(m string) bool { return !has(m) }) {
			return f.format
		}
	}
	return Unknown
}

// Tokens returns the marks of a format that are special tokens in some vocabularies. Who
// decodes an answer for a [Parser] must not leave them out.
func (f Format) Tokens() []string {
	switch f {
	case Hermes:
		return []string{"<tool_call>", "</tool_call>"}
	case Llama3:
		return []string{"<|python_tag|>"}
	case Mistral, MistralArgs:
		return []string{"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"}
	case Plain, Unknown:
	}
	return nil
}

// mark is what may stand around calls.
type mark struct {
	open, end string // end is "" where nothing closes
	// strict asks for a known function's name and for arguments: what is not a call may
	// look like one.
	strict bool
	python bool // calls may be written as in Python
	named  bool // a function's name may stand before an object of arguments
}

// marks returns what calls may stand in, and what they may be at the beginning of an
// answer without a mark before them, nil for nothing.
func (f Format) marks() (marks []mark, bare *mark) {
	switch f {
	case Hermes:
		return []mark{{open: "<tool_call>", end: "</tool_call>"}}, nil
	case Llama3:
		return []mark{{open: "<|python_tag|>"}}, &mark{strict: true}
	case Mistral, MistralArgs:
		return []mark{{open: "[TOOL_CALLS]", named: true}}, nil
	case Plain:
		return []mark{
			{open: "```tool_code", end: "```", strict: true, python: true},
			{open: "```tool_call", end: "```", strict: true, python: true},
			{open: "```json", end: "```", strict: true},
		}, &mark{strict: true, python: true}
	case Unknown:
	}
	return nil, nil
}

// Names returns the names of the functions in a JSON array of tools.
func Names(tools json.RawMessage) ([]string, error) {
	var list []struct {
		Function struct{ Name string }
	}
	if err := json.Unmarshal(tools, &list); err != nil {
		return nil, fmt.Errorf("read tools: %w", err)
	}
	names := make([]string, len(list))
	for i, t := range list {
		if names[i] = t.Function.Name; names[i] == "" {
			return nil, errors.New("read tools: a function has no name")
		}
	}
	return names, nil
}
