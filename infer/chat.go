package infer

import (
	"context"
	"errors"
	"strings"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// Chat is a model that answers conversations: a bundle, an engine over its weights,
// and the adapter slot to answer with. It is safe for concurrent use.
type Chat struct {
	Bundle *bundle.Bundle
	Engine *Engine
	Slot   int32
	// Share is that of [Request]; an answer may narrow it.
	Share string
}

// ChatOptions bound an answer.
type ChatOptions struct {
	MaxTokens int // 0: up to the context
	Sampling  Sampling
	// Client is that of [Request].
	Client string
	// Share is added to the chat's own, to narrow who shares cached beginnings.
	Share string
	// Stop strings end the answer where the first of them begins. Empty strings have
	// no effect.
	Stop []string
	// Grammar, if not nil, is what the answer is of, unless MaxTokens, the context or a
	// stop string cuts it short. Special tokens are no part of it.
	Grammar *grammar.Grammar
	// Logprobs and TopLogprobs are those of [Request].
	Logprobs    bool
	TopLogprobs int
	// Echo emits the prompt before the answer; stop strings do not count in it.
	Echo bool
	// EndLogprob tells of the token that ended the answer too, with Logprobs.
	EndLogprob bool
	// Tools, if not nil, tells calls of tools from content; it is used up by the answer.
	// CallTokens are the special tokens that it reads, as [toolcall.Format.Tokens] names
	// them. Stop strings count in the text that the calls are written in.
	Tools      *toolcall.Parser
	CallTokens []string
}

// Piece is a piece of an answer.
type Piece struct {
	Text string // valid UTF-8
	// Calls are pieces of calls of tools. Where Text is not empty as well, nothing is
	// known of the order of both.
	Calls []toolcall.Delta
	// Tokens are the tokens that ended in this piece, where log-probabilities are asked
	// for. The text of a token may be split between pieces.
	Tokens []Token
}

// Answer generates the next turn of a conversation and calls emit with its pieces.
// Result counts tokens as [Engine.Generate] does.
func (c *Chat) Answer(ctx context.Context, conv bundle.Conversation, o ChatOptions, emit func(Piece) error) (Result, error) {
	prompt, err := c.Bundle.Prompt(conv)
	if err != nil {
		return Result{}, err
	}
	return c.Continue(ctx, prompt, o, emit)
}

// Continue generates what follows a prompt, as Answer does.
func (c *Chat) Continue(ctx context.Context, prompt []int32, o ChatOptions, emit func(Piece) error) (Result, error) {
	text := stopper{stops: o.Stop}
	decoder := c.Bundle.Tokenizer.NewDecoder(true)
	decoder.Keep(o.CallTokens...)
	req := Request{
		Prompt: prompt, Slot: c.Slot, MaxTokens: o.MaxTokens, End: c.Bundle.Generation.EOS, Sampling: o.Sampling,
		Share: c.share(o), Client: o.Client, Logprobs: o.Logprobs, TopLogprobs: o.TopLogprobs, Echo: o.Echo,
		EmitEnd: o.Logprobs && o.EndLogprob,
	}
	if o.Grammar != nil {
		vocabulary := c.Bundle.Vocabulary()
		if o.Tools != nil {
			vocabulary = c.Bundle.ToolVocabulary()
		}
		m, err := o.Grammar.Matcher(vocabulary)
		if err != nil {
			return Result{Prompt: len(prompt)}, &GrammarError{err}
		}
		req.Constraint = m
	}
	var waiting []Token // of text that is held back
	give := func(text string, calls ...toolcall.Delta) error {
		if text == "" && len(calls) == 0 {
			return nil
		}
		p := Piece{Text: text, Calls: calls, Tokens: waiting}
		waiting = nil
		return emit(p)
	}
	// push gives text of the answer, and says whether the answer ends with it.
	push := func(text string) (end bool, err error) {
		if o.Tools == nil {
			return false, give(text)
		}
		content, calls := o.Tools.Push(text)
		return o.Tools.Done(), give(content, calls...)
	}
	res, err := c.Engine.Generate(ctx, req, func(t Token) error {
		if o.Logprobs {
			waiting = append(waiting, t)
		}
		if t.Ends {
			return nil
		}
		if t.Echoed {
			return give(decoder.Push(t.ID))
		}
		piece, hit := text.push(decoder.Push(t.ID))
		end, err := push(piece)
		if err == nil && (hit || end) {
			return ErrStop
		}
		return err
	})
	if err != nil {
		return res, err
	}
	var last Piece
	if !text.hit {
		piece, hit := text.push(decoder.Flush())
		if !hit {
			piece += text.held
		}
		last.Text = piece
	}
	if o.Tools != nil {
		content, calls := o.Tools.Push(last.Text)
		rest, more := o.Tools.Flush()
		last.Text, last.Calls = content+rest, append(calls, more...)
	}
	if last.Text != "" || len(last.Calls) > 0 || len(waiting) > 0 && !text.hit {
		last.Tokens = waiting
		err = emit(last)
	}
	return res, err
}

// GrammarError reports a grammar that cannot be compiled, or not for the tokenizer.
type GrammarError struct{ Err error }

func (e *GrammarError) Error() string { return "constrain the answer: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *GrammarError) Unwrap() error { return e.Err }

// share is empty unless the chat shares.
func (c *Chat) share(o ChatOptions) string {
	if c.Share == "" {
		return ""
	}
	return c.Share + "\x00" + o.Share
}

// Text collects a whole answer.
func (c *Chat) Text(ctx context.Context, conv bundle.Conversation, o ChatOptions) (string, Result, error) {
	var b strings.Builder
	res, err := c.Answer(ctx, conv, o, func(p Piece) error {
		b.WriteString(p.Text)
		return nil
	})
	if errors.Is(err, ErrStop) {
		err = nil
	}
	return b.String(), res, err
}

// stopper passes text on up to the first stop string, holding back an end that may
// yet become one.
type stopper struct {
	stops []string
	held  string
	hit   bool
}

func (s *stopper) push(text string) (pass string, hit bool) {
	text = s.held + text
	s.held = ""
	first := len(text)
	for _, stop := range s.stops {
		if at := strings.Index(text, stop); stop != "" && at >= 0 && at <= first {
			first, s.hit = at, true
		}
	}
	if s.hit {
		return text[:first], true
	}
	keep := 0
	for _, stop := range s.stops {
		for n := min(len(stop)-1, len(text)); n > keep; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				keep = n
				break
			}
		}
	}
	s.held = text[len(text)-keep:]
	return text[:len(text)-keep], false
}
