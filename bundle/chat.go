package bundle

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/tokenizer/chat"
)

// ErrNoTemplate is returned when a conversation is put to a model without a chat
// template.
var ErrNoTemplate = errors.New("the model has no chat template; use a chat model, or plain text")

// Conversation is what a template renders.
type Conversation struct {
	Messages []chat.Message
	Tools    json.RawMessage // JSON array, or nil
	Vars     map[string]chat.Value
	Now      time.Time // for templates that tell the date
}

func (b *Bundle) input(c Conversation) chat.Input {
	vars := maps.Clone(b.vars)
	maps.Copy(vars, c.Vars)
	return chat.Input{
		Messages: c.Messages, Tools: c.Tools, AddGenerationPrompt: true, DecodeArguments: true, Vars: vars, Now: c.Now,
	}
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
	text, err := t.Render(b.input(c))
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
	turns, err := t.Turns(b.input(c))
	if err != nil {
		return nil, fmt.Errorf("render chat template: %w", err)
	}
	out := make([]Turn, len(turns))
	for i, t := range turns {
		out[i] = Turn{
			Message:    t.Message,
			Prompt:     b.Tokenizer.Encode(t.Prompt, false),
			Completion: b.Tokenizer.Encode(t.Completion, false),
		}
	}
	return out, nil
}
