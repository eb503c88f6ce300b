package infer

import (
	"context"
	"errors"
	"strings"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/grammar"
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
}

// Piece is a piece of an answer.
type Piece struct {
	Text string // valid UTF-8
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
	req := Request{
		Prompt: prompt, Slot: c.Slot, MaxTokens: o.MaxTokens, End: c.Bundle.Generation.EOS, Sampling: o.Sampling,
		Share: c.share(o), Client: o.Client, Logprobs: o.Logprobs, TopLogprobs: o.TopLogprobs, Echo: o.Echo,
	}
	if o.Grammar != nil {
		m, err := o.Grammar.Matcher(c.Bundle.Vocabulary())
		if err != nil {
			return Result{Prompt: len(prompt)}, &GrammarError{err}
		}
		req.Constraint = m
	}
	var waiting []Token // of text that is held back
	give := func(text string) error {
		if text == "" {
			return nil
		}
		p := Piece{Text: text, Tokens: waiting}
		waiting = nil
		return emit(p)
	}
	res, err := c.Engine.Generate(ctx, req, func(t Token) error {
		if o.Logprobs {
			waiting = append(waiting, t)
		}
		if t.Echoed {
			return give(decoder.Push(t.ID))
		}
		piece, hit := text.push(decoder.Push(t.ID))
		if err := give(piece); err != nil {
			return err
		}
		if hit {
			return ErrStop
		}
		return nil
	})
	if err != nil || text.hit {
		return res, err
	}
	piece, hit := text.push(decoder.Flush())
	if !hit {
		piece += text.held
	}
	if piece != "" || len(waiting) > 0 {
		err = emit(Piece{Text: piece, Tokens: waiting})
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
