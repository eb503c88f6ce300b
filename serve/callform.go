package serve

import (
	"encoding/json"
	"fmt"

	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// callForm is the form of an answer that calls tools. Its fields tell one from another.
type callForm struct {
	Format toolcall.Format
	Choice ToolChoice
	One    bool // no more than one call
	Tools  []toolBody
	// Content is what an answer without calls must be of; nil for any text.
	Content any
	content *form
}

// askCalls holds the answer to calls where they are required, or where a function is
// strict: its arguments then satisfy its schema whenever it is called.
func (b *chatBody) askCalls(m ModelInfo) *failure {
	c := b.calls
	if c == nil {
		return nil
	}
	if m.Tools == toolcall.Unknown && m.Kind != KindEmbedding {
		return badRequest("tools", "The model '%s' takes no tools: it has no chat template, or one that writes calls in none of the ways "+
			"that are known here (Qwen and Hermes, Llama 3, Mistral, Gemma 3).", m.ID)
	}
	strict := false
	for _, t := range c.Tools {
		strict = strict || t.Function.Strict
	}
	if !c.Choice.Required && !strict && b.wanted == nil {
		return nil
	}
	c.Format = m.Tools
	if c.content = b.wanted; c.content != nil {
		c.Content = c.content.key()
	}
	b.wanted = &form{param: "tools", kind: formCalls, calls: c}
	return nil
}

// toolError is a schema of a tool that cannot be held to.
type toolError struct {
	param string
	err   error
}

func (e *toolError) Error() string { return e.param + ": " + e.err.Error() }

func (e *toolError) Unwrap() error { return e.err }

// grammar returns the texts that the form allows.
func (c *callForm) grammar() (*grammar.Grammar, error) {
	s, ok := c.Format.Spelling()
	if !ok {
		return nil, fmt.Errorf("calls in the format %q cannot be written", c.Format)
	}
	call, err := c.call(s)
	if err != nil {
		return nil, err
	}
	most := -1
	if c.One {
		most = 0
	}
	calls := grammar.Concat(grammar.Literal(s.Open), call,
		grammar.Repeat(grammar.Concat(grammar.Literal(s.Between), call), 0, most), grammar.Literal(s.Close))
	if c.Choice.Required {
		return calls, nil
	}
	if c.content != nil {
		content, err := c.content.compile()
		if err != nil {
			return nil, &toolError{c.content.param, err}
		}
		return grammar.Choice(calls, content), nil
	}
	said := grammar.Without(s.Marks...)
	if !s.Bare {
		return grammar.Choice(said, grammar.Concat(said, calls)), nil
	}
	// What begins as a call does is one.
	first, err := grammar.Regex("[^ \\t\\r\\n{\\[`<]")
	if err != nil {
		return nil, err
	}
	return grammar.Choice(calls, grammar.Concat(first, said)), nil
}

// call returns the texts of one call of any of the functions that may be called.
func (c *callForm) call(s toolcall.Spelling) (*grammar.Grammar, error) {
	var calls []*grammar.Grammar
	for i, t := range c.Tools {
		if c.Choice.Name != "" && c.Choice.Name != t.Function.Name {
			continue
		}
		arguments, err := t.arguments()
		if err != nil {
			return nil, &toolError{fmt.Sprintf("tools[%d].function.parameters", i), err}
		}
		calls = append(calls, grammar.Concat(
			grammar.Literal(s.Before+t.Function.Name+s.Middle), arguments, grammar.Literal(s.After)))
	}
	return grammar.Choice(calls...), nil
}

// arguments returns the texts of a function's arguments. A schema that cannot be held to
// is an error where the function is strict; else any object will do.
func (t *toolBody) arguments() (*grammar.Grammar, error) {
	schema := t.Function.Parameters
	if !given(schema) {
		schema = json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(schema, &keys); err != nil {
		return nil, err
	}
	switch _, typed := keys["type"]; {
	case typed:
	case len(keys) == 0:
		schema = json.RawMessage(`{"type":"object"}`)
	default:
		schema = append([]byte(`{"type":"object",`), schema[1:]...)
	}
	g, err := grammar.JSONSchema(schema, grammar.Options{})
	if err == nil {
		err = g.Compile()
	}
	if err != nil && !t.Function.Strict {
		return grammar.JSON(true, grammar.Options{}), nil
	}
	return g, err
}
