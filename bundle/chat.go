package bundle

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// ErrNoTemplate is returned when a conversation is put to a model without a chat
// template.
var ErrNoTemplate = errors.New("the model has no chat template; use a chat model, or plain text")

// Conversation is what a template renders.
type Conversation struct {
	Messages []chat.Message
	// Tools is a JSON array, or nil. Where the template has no place for them, they and
	// their calls are put into the messages: see [chat.DescribeTools].
	Tools json.RawMessage
	Vars  map[string]chat.Value
	Now   time.Time // for templates that tell the date
}

// input returns what the template renders, and for each of its messages the one of the
// conversation that it is.
func (b *Bundle) input(t *chat.Template, c Conversation) (in chat.Input, origins []int, err error) {
	vars := maps.Clone(b.vars)
	maps.Copy(vars, c.Vars)
	in = chat.Input{
		Messages: c.Messages, Tools: c.Tools, AddGenerationPrompt: true, DecodeArguments: true, Vars: vars, Now: c.Now,
	}
	calls := slices.ContainsFunc(c.Messages, func(m chat.Message) bool { return m.Role == "tool" || len(m.ToolCalls) > 0 })
	if b.blank[t] {
		in.Messages = slices.Clone(in.Messages)
		for i := range in.Messages {
			in.Messages[i].NoContent = false
		}
	}
	if len(c.Tools) > 0 && !strings.Contains(t.Source(), "tools") || calls && !strings.Contains(t.Source(), "tool") {
		return chat.DescribeTools(in)
	}
	origins = make([]int, len(in.Messages))
	for i := range origins {
		origins[i] = i
	}
	return in, origins, nil
}

// ToolFormat says how the model writes calls of tools.
func (b *Bundle) ToolFormat() (toolcall.Format, error) {
	if len(b.templates) == 0 {
		return toolcall.Unknown, ErrNoTemplate
	}
	name, err := chat.Select(b.sources, true)
	if err != nil {
		return toolcall.Unknown, err
	}
	return toolcall.Detect(b.sources[name]), nil
}

// HasTemplate reports whether the model has a chat template.
func (b *Bundle) HasTemplate() bool { return len(b.templates) > 0 }

// TemplateDigest hashes the chat templates with the special tokens that they name.
func (b *Bundle) TemplateDigest() troika.Digest {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(b.sources)) {
		_, _ = fmt.Fprintf(h, "template %q %q\n", name, b.sources[name])
	}
	for _, name := range slices.Sorted(maps.Keys(b.vars)) {
		text, _ := b.vars[name].Str()
		_, _ = fmt.Fprintf(h, "token %q %q\n", name, text)
	}
	return troika.DigestOf(h)
}

// template picks the template for a conversation, with tools or without.
func (b *Bundle) template(c Conversation) (*chat.Template, error) {
	if len(b.templates) == 0 {
		return nil, ErrNoTemplate
	}
	name, err := chat.Select(b.sources, len(c.Tools) > 0)
	if err != nil {
		return nil, err
	}
	return b.templates[name], nil
}

// Prompt returns the tokens that ask for the next answer of a conversation. The
// template supplies every special token.
func (b *Bundle) Prompt(c Conversation) ([]int32, error) {
	t, err := b.template(c)
	if err != nil {
		return nil, err
	}
	in, _, err := b.input(t, c)
	if err != nil {
		return nil, err
	}
	text, err := t.Render(in)
	if err != nil {
		return nil, fmt.Errorf("render chat template: %w", err)
	}
	return b.Tokenizer.Encode(text, false), nil
}

// Turn is an answer in a conversation as training sees it: the tokens that serving
// would send, and the tokens the model must produce.
type Turn struct {
	Message    int // index of the assistant message
	Prompt     []int32
	Completion []int32
}

// Turns returns each assistant turn of a conversation. The prompt's tokens are
// those that [Bundle.Prompt] gives for the messages before the turn.
func (b *Bundle) Turns(c Conversation) ([]Turn, error) {
	t, err := b.template(c)
	if err != nil {
		return nil, err
	}
	in, origins, err := b.input(t, c)
	if err != nil {
		return nil, err
	}
	turns, err := t.Turns(in)
	if err != nil {
		return nil, fmt.Errorf("render chat template: %w", err)
	}
	out := make([]Turn, len(turns))
	for i, t := range turns {
		out[i] = Turn{
			Message:    origins[t.Message],
			Prompt:     b.Tokenizer.Encode(t.Prompt, false),
			Completion: b.Tokenizer.Encode(t.Completion, false),
		}
	}
	return out, nil
}
