package chat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troikaml/troika/tokenizer/chat/jinja"
)

// ErrNotPrefixStable says that a template renders a conversation's beginning
// differently once more messages follow, as templates do that drop earlier
// reasoning. Such a conversation has no single text with all answers as they
// were given; train on its [Turn]s instead.
var ErrNotPrefixStable = errors.New("the chat template is not prefix-stable")

// Turn is one assistant message as an example to learn from.
type Turn struct {
	// Message is the index of the assistant message in the input.
	Message int
	// Prompt is exactly what [Template.Render] gives, with the generation
	// prompt, for the messages before it: what serving feeds the model.
	Prompt string
	// Completion is what the model must write after Prompt, the end-of-turn
	// text included.
	Completion string
	// Gap is the whitespace that the template puts between the end of this
	// turn and whatever follows, and that the model does not write.
	Gap string
}

// Turns returns a conversation's assistant messages as prompts and
// completions, in order. Each is rendered as if the conversation ended with
// it, so that a template may treat earlier turns differently from the last.
// It fails, and says where, if a message rendered as an answer does not begin
// with its own prompt (the error wraps [ErrNotPrefixStable]) and if the end
// of a turn cannot be told from what the template always appends.
// AddGenerationPrompt is ignored; ContinueFinalMessage is refused.
func (t *Template) Turns(in Input) ([]Turn, error) {
	if in.ContinueFinalMessage {
		return nil, inputError("ContinueFinalMessage has no meaning for turns")
	}
	messages, err := in.messageValues()
	if err != nil {
		return nil, err
	}
	s := splitter{t: t, in: in, messages: messages}
	var turns []Turn
	for i := range in.Messages {
		if in.Messages[i].Role != "assistant" {
			continue
		}
		turn, err := s.turn(i)
		if err != nil {
			return nil, fmt.Errorf("assistant message %d: %w", i, err)
		}
		turns = append(turns, turn)
	}
	return turns, nil
}

// RenderSpans is Render with the ranges that the model writes. They come from
// the template's {% generation %} blocks if it has any; otherwise they are
// the completions of [Template.Turns] found in the whole text, one for each
// assistant message, and the error wraps [ErrNotPrefixStable] if the text
// does not contain each turn as it was served.
func (t *Template) RenderSpans(in Input) (text string, generated []Span, err error) {
	out, err := t.render(in)
	if err != nil {
		return "", nil, err
	}
	if t.tree.HasGeneration() {
		if out.LostLine > 0 {
			return "", nil, fmt.Errorf("template line %d: a generation block inside a macro or captured text has no known place", out.LostLine)
		}
		return out.Text, out.Generated, nil
	}
	turns, err := t.Turns(in)
	if err != nil {
		return "", nil, err
	}
	for _, turn := range turns {
		whole := turn.Prompt + turn.Completion
		if !strings.HasPrefix(out.Text, whole) {
			return "", nil, fmt.Errorf("assistant message %d: %w", turn.Message, unstable(whole, out.Text))
		}
		generated = append(generated, Span{Start: len(turn.Prompt), End: len(whole)})
	}
	return out.Text, generated, nil
}

// unstable is the error for a text that does not go on as an earlier one did.
func unstable(earlier, later string) error {
	n := 0
	for n < min(len(earlier), len(later)) && earlier[n] == later[n] {
		n++
	}
	return fmt.Errorf("%w: at byte %d it renders %q where it rendered %q before the messages that follow",
		ErrNotPrefixStable, n, excerpt(later, n), excerpt(earlier, n))
}

// excerpt shows a little of s around a byte.
func excerpt(s string, at int) string {
	return strings.ToValidUTF8(s[max(0, at-20):min(len(s), at+20)], "")
}

// splitter finds the turns of one conversation.
type splitter struct {
	t        *Template
	in       Input
	messages []Value
}

// render renders the first n messages; with last, that value takes the place
// of the last of them.
func (s *splitter) render(n int, prompt bool, last *Value) (string, error) {
	in := s.in
	in.AddGenerationPrompt = prompt
	messages := s.messages[:n:n]
	if last != nil {
		messages = append(messages[:n-1:n-1], *last)
	}
	out, err := s.t.renderValues(in, messages)
	return out.Text, err
}

func (s *splitter) turn(i int) (Turn, error) {
	prompt, err := s.render(i, true, nil)
	if err != nil {
		return Turn{}, err
	}
	full, err := s.render(i+1, false, nil)
	if err != nil {
		return Turn{}, err
	}
	if !strings.HasPrefix(full, prompt) {
		return Turn{}, unstable(prompt, full)
	}
	tail, err := s.tail(i)
	if err != nil {
		return Turn{}, err
	}
	appended, err := s.appended(i, prompt, tail)
	if err != nil {
		return Turn{}, err
	}
	turn := Turn{Message: i, Prompt: prompt}
	turn.Completion = strings.TrimSuffix(full[len(prompt):], appended)
	// What follows an end-of-turn mark is not the model's; whitespace that
	// stands alone is the mark itself.
	if end := strings.TrimRightFunc(strings.TrimSuffix(tail, appended), isSpace); end != "" {
		kept := strings.TrimRightFunc(turn.Completion, isSpace)
		turn.Gap = turn.Completion[len(kept):]
		turn.Completion = kept
	}
	return turn, nil
}

// sentinel stands in for a message's text, to see what the template puts
// behind it.
const sentinel = "\uE000SENTINEL\uE001"

// probe returns message i with the sentinel as its text.
func (s *splitter) probe(i int) Value {
	message, _ := s.messages[i].Dict()
	content, _ := message.Get("content")
	parts, isList := content.Items()
	if !isList {
		return setKey(s.messages[i], "content", String(sentinel))
	}
	parts = append([]Value(nil), parts...)
	for j := len(parts) - 1; j >= 0; j-- {
		if d, ok := parts[j].Dict(); ok {
			if _, ok := d.Get("text"); ok {
				parts[j] = setKey(parts[j], "text", String(sentinel))
				break
			}
		}
	}
	return setKey(s.messages[i], "content", jinja.List(parts...))
}

// tail returns what the template puts behind the text of message i when it is
// the last. It is empty if the template does not show the text.
func (s *splitter) tail(i int) (string, error) {
	probe := s.probe(i)
	text, err := s.render(i+1, false, &probe)
	if err != nil {
		if s.in.Messages[i].NoContent {
			return "", nil // the template wants no text beside tool calls
		}
		return "", err
	}
	if at := strings.LastIndex(text, sentinel); at >= 0 {
		return text[at+len(sentinel):], nil
	}
	return "", nil
}

// appended returns the generation prompt if the template appends it to every
// conversation whether asked to or not, and "" otherwise.
func (s *splitter) appended(i int, prompt, tail string) (string, error) {
	plain, err := s.render(i, false, nil)
	if err != nil || plain != prompt {
		return "", err
	}
	// Without any message, such a template renders nothing but its prompt.
	always, err := s.render(0, false, nil)
	if err == nil {
		if bos, ok := s.in.Vars["bos_token"].Str(); ok {
			always = strings.TrimPrefix(always, bos)
		}
		if always != "" && strings.HasSuffix(prompt, always) && strings.HasSuffix(tail, always) {
			return always, nil
		}
		return "", nil
	}
	// It cannot be asked. If a user's text is followed by the same as an
	// answer's, and the answer starts right behind it, the prompt hides there.
	if i == 0 || tail == "" || !strings.HasSuffix(prompt, tail) {
		return "", nil
	}
	probe := s.probe(i)
	text, err := s.render(i+1, false, &probe)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(text, prompt+sentinel) {
		return "", fmt.Errorf("the template ignores add_generation_prompt and may append it to the answer: the end of the turn is not known")
	}
	return "", nil
}
