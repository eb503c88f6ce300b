package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/tokenizer/chat/jinja"
)

// Value is a value that a template can read: see the constructors of the
// package jinja, of which [String], [Bool] and [FromJSON] are repeated here.
type Value = jinja.Value

// Span is a range of bytes of rendered text.
type Span = jinja.Span

// Error is a failure of a template: a syntax error, a message the template
// raised by raise_exception (Kind is jinja.Raised), or a wrong operation. It
// carries the line.
type Error = jinja.Error

// FromJSON decodes JSON, keeping the order of keys and the difference between
// ints and floats.
func FromJSON(raw []byte) (Value, error) { return jinja.FromJSON(raw) }

// String returns a string value.
func String(s string) Value { return jinja.String(s) }

// Bool returns a bool value.
func Bool(b bool) Value { return jinja.Bool(b) }

// Template is a parsed chat template. It never changes and is safe for
// concurrent use.
type Template struct {
	source string
	hash   troika.Digest
	tree   *jinja.Template
}

// Parse reads the source of a chat template; name is used in errors. Every
// error is an [*Error].
func Parse(name, source string) (*Template, error) {
	tree, err := jinja.Parse(name, source)
	if err != nil {
		return nil, err
	}
	return &Template{source: source, hash: troika.Sum([]byte(source)), tree: tree}, nil
}

// Hash returns the digest of the template's source.
func (t *Template) Hash() troika.Digest { return t.hash }

// Source returns the template's source.
func (t *Template) Source() string { return t.source }

// Input is a conversation and all that a template may know about it. The
// zero values of all but Messages are what apply_chat_template defaults to.
type Input struct {
	Messages []Message
	// Tools is a JSON array of tool definitions, or empty for none. It is
	// passed on as it is.
	Tools json.RawMessage
	// AddGenerationPrompt asks the template to make the model answer.
	AddGenerationPrompt bool
	// ContinueFinalMessage leaves the last message open, so that the model
	// goes on writing it. It excludes AddGenerationPrompt.
	ContinueFinalMessage bool
	// DecodeArguments turns the arguments of tool calls that are JSON text, as
	// in OpenAI's wire format, into objects before the template sees them, as
	// Hugging Face's templates expect. Text that is not a JSON object stays
	// text. Training and serving must agree on it.
	DecodeArguments bool
	// Vars are further variables: bos_token, eos_token (see [SpecialTokens]),
	// enable_thinking, documents... They may not replace messages, tools or
	// add_generation_prompt.
	Vars map[string]Value
	// Now is what strftime_now tells, in its own location; zero means the
	// current time.
	Now time.Time
}

// ErrInput is the base of errors about an [Input] that no template could
// render.
var ErrInput = errors.New("chat input")

func inputError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

// Render returns the text of a conversation. Errors are [*Error] from the
// template, or wrap [ErrInput].
func (t *Template) Render(in Input) (string, error) {
	out, err := t.render(in)
	return out.Text, err
}

func (t *Template) render(in Input) (jinja.Output, error) {
	if len(in.Messages) == 0 {
		return jinja.Output{}, inputError("a conversation needs at least one message")
	}
	if in.ContinueFinalMessage && in.AddGenerationPrompt {
		return jinja.Output{}, inputError("ContinueFinalMessage and AddGenerationPrompt exclude each other")
	}
	messages, err := in.messageValues()
	if err != nil {
		return jinja.Output{}, err
	}
	if !in.ContinueFinalMessage {
		return t.renderValues(in, messages)
	}
	final, err := t.markFinal(messages)
	if err != nil {
		return jinja.Output{}, err
	}
	out, err := t.renderValues(in, messages)
	if err != nil {
		return jinja.Output{}, err
	}
	out.Text, err = cutAtMark(out.Text, final)
	return out, err
}

// renderValues renders messages that are values already.
func (t *Template) renderValues(in Input, messages []Value) (jinja.Output, error) {
	vars := map[string]Value{"documents": jinja.None()}
	for name, v := range in.Vars {
		switch name {
		case "messages", "tools", "add_generation_prompt":
			return jinja.Output{}, inputError("variable %q is set by the conversation itself", name)
		}
		vars[name] = v
	}
	vars["messages"] = jinja.List(messages...)
	vars["add_generation_prompt"] = Bool(in.AddGenerationPrompt)
	vars["tools"] = jinja.None()
	if len(in.Tools) > 0 {
		tools, err := FromJSON(in.Tools)
		if err != nil {
			return jinja.Output{}, inputError("tools: %s", err)
		}
		if k := tools.Kind(); k != jinja.KindList && k != jinja.KindNone {
			return jinja.Output{}, inputError("tools must be a JSON array")
		}
		vars["tools"] = tools
	}
	now := in.Now
	if now.IsZero() {
		now = time.Now()
	}
	return t.tree.Render(vars, now)
}

// continueMark is put behind the final message, to find where it ends in the
// rendered text. It is the reference's own.
const continueMark = "CONTINUE_FINAL_MESSAGE_TAG "

// markFinal adds the mark to the last message, in place of it in messages,
// and returns its text without the mark.
func (t *Template) markFinal(messages []Value) (string, error) {
	last := len(messages) - 1
	message, _ := messages[last].Dict()
	content, ok := message.Get("content")
	if !ok {
		return "", inputError("ContinueFinalMessage is set but the final message has no content to continue")
	}
	if !strings.Contains(t.source, "content") {
		return "", inputError("ContinueFinalMessage is set but the template does not read content")
	}
	if text, ok := content.Str(); ok {
		messages[last] = setKey(messages[last], "content", String(text+continueMark))
		return text, nil
	}
	blocks, _ := content.Items()
	blocks = append([]Value(nil), blocks...)
	for i := len(blocks) - 1; i >= 0; i-- {
		block, isDict := blocks[i].Dict()
		if !isDict {
			continue
		}
		v, _ := block.Get("text")
		text, isText := v.Str()
		if !isText {
			continue
		}
		blocks[i] = setKey(blocks[i], "text", String(text+continueMark))
		messages[last] = setKey(messages[last], "content", jinja.List(blocks...))
		return text, nil
	}
	return "", inputError("ContinueFinalMessage is set but the final message has no text to continue")
}

// cutAtMark ends rendered text where the final message does.
func cutAtMark(text, final string) (string, error) {
	bare := strings.TrimRight(continueMark, " ")
	at := strings.LastIndex(text, bare)
	if at < 0 || !strings.Contains(text, strings.TrimFunc(final, isSpace)) {
		return "", inputError("the final message does not appear in the rendered chat, so it cannot be continued")
	}
	if strings.HasPrefix(text[at:], continueMark) {
		return text[:at], nil
	}
	return strings.TrimRightFunc(text[:at], isSpace), nil
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
