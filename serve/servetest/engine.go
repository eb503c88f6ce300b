package servetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// Engine is a [serve.Engine] without a model. It answers by what the last
// message says:
//
//	say A B C    the words, one a token
//	forever      "tick " without end, one for each [Engine.Decode]
//	flood        64 KiB pieces without end
//	fail         an error before the first delta
//	break        a delta, then an error
//	panic        a panic
//	busy         [serve.ErrOverloaded]
//	raise        a [*serve.RequestError], as from a template
//	roles        what was asked, as text
//	write TEXT   the text as a model of [toolcall.Hermes] writes it, five characters a token
//
// A token of the prompt is a word, and the context is 32 tokens. One engine
// takes one "forever" or "flood".
type Engine struct {
	models []serve.ModelInfo
	step   chan struct{} // each value lets "forever" decode one token

	mu      sync.Mutex
	ended   chan struct{} // closed once "forever" or "flood" has ended
	decoded int           // by the last of them
}

// NewEngine returns an engine with a base, "starter", and an adapter on it,
// "shop/helpdesk v2".
func NewEngine() *Engine {
	created := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return &Engine{
		models: []serve.ModelInfo{
			{ID: "starter", Created: created, OwnedBy: "troika", ContextLength: 32, Kind: serve.KindBase, Tools: toolcall.Hermes, Fingerprint: "fp_0001"},
			{ID: "shop/helpdesk v2", Created: created, OwnedBy: "me", ContextLength: 32, Kind: serve.KindAdapter, Tools: toolcall.Hermes, Parent: "starter"},
		},
		step:  make(chan struct{}),
		ended: make(chan struct{}),
	}
}

// Decode lets "forever" decode n tokens and returns once it has begun the
// last of them.
func (e *Engine) Decode(n int) {
	for range n {
		e.step <- struct{}{}
	}
}

// Ended is closed once "forever" or "flood" has ended.
func (e *Engine) Ended() <-chan struct{} { return e.ended }

// Decoded returns how many tokens it decoded until then.
func (e *Engine) Decoded() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.decoded
}

// Models implements [serve.Engine].
func (e *Engine) Models() []serve.ModelInfo { return e.models }

// Chat implements [serve.Engine].
func (e *Engine) Chat(ctx context.Context, req serve.ChatRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	var u serve.Usage
	for _, m := range req.Messages {
		u.PromptTokens += len(strings.Fields(m.Content))
	}
	if limit := e.models[0].ContextLength; u.PromptTokens >= limit || u.PromptTokens+req.MaxTokens > limit {
		return u, "", &serve.ContextLengthError{PromptTokens: u.PromptTokens, MaxTokens: req.MaxTokens, ContextLength: limit}
	}
	verb, rest, _ := strings.Cut(req.Messages[len(req.Messages)-1].Content, " ")
	switch verb {
	case "say":
		return say(u, strings.SplitAfter(rest, " "), req.MaxTokens, withTokens(&req, emit))
	case "forever":
		return e.endless(ctx, u, "tick ", func() bool {
			select {
			case <-e.step:
				return true
			case <-ctx.Done():
				return false
			}
		}, emit)
	case "flood":
		return e.endless(ctx, u, strings.Repeat("x", 64<<10), func() bool { return ctx.Err() == nil }, emit)
	case "fail":
		return u, "", errors.New("weights /secret/path are gone")
	case "break":
		u.CompletionTokens = 1
		return u, "", errors.Join(emit(serve.Delta{Text: "half"}), errors.New("a kernel failed"))
	case "panic":
		panic("index out of range")
	case "busy":
		return u, "", serve.ErrOverloaded
	case "raise":
		return u, "", &serve.RequestError{Param: "messages", Message: "Conversation roles must alternate."}
	case "write":
		return write(u, rest, req, withTokens(&req, emit))
	case "roles":
		return say(u, []string{describe(req)}, 0, emit)
	}
	return u, "", fmt.Errorf("the fake does not know %q", verb)
}

// write says text in tokens of five characters, with the calls in it where the request
// has tools.
func write(u serve.Usage, text string, req serve.ChatRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	format := toolcall.Unknown
	var names []string
	if req.Tools != nil {
		var err error
		if names, err = toolcall.Names(req.Tools); err != nil {
			return u, "", err
		}
		format = toolcall.Hermes
	}
	p := toolcall.NewParser(format, names, req.OneCall)
	give := func(content string, calls []toolcall.Delta) error {
		if content == "" && len(calls) == 0 {
			return nil
		}
		return emit(serve.Delta{Text: content, Calls: calls})
	}
	reason := serve.FinishStop
	for piece := range slices.Chunk([]rune(text), 5) {
		if req.MaxTokens > 0 && u.CompletionTokens == req.MaxTokens {
			reason = serve.FinishLength
			break
		}
		u.CompletionTokens++
		if err := give(p.Push(string(piece))); err != nil {
			return u, "", err
		}
		if p.Done() {
			return u, serve.FinishStop, nil
		}
	}
	if err := give(p.Flush()); err != nil {
		return u, "", err
	}
	return u, reason, nil
}

func say(u serve.Usage, words []string, limit int, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	for i, w := range words {
		if limit > 0 && i == limit {
			return u, serve.FinishLength, nil
		}
		u.CompletionTokens++
		if err := emit(serve.Delta{Text: w}); err != nil {
			return u, "", err
		}
	}
	return u, serve.FinishStop, nil
}

// Embed implements [serve.Engine]: the vector of a text has its words' lengths, brought
// to length one, among eight numbers. A text of one word is of Chat's verbs.
func (e *Engine) Embed(ctx context.Context, req serve.EmbeddingRequest) ([][]float32, serve.Usage, error) {
	var u serve.Usage
	var out [][]float32
	for _, in := range req.Inputs {
		text := in.Text
		if in.Tokens != nil {
			text = strings.Trim(fmt.Sprint(in.Tokens), "[]")
		}
		words := strings.Fields(text)
		u.PromptTokens += len(words)
		switch text {
		case "fail":
			return nil, u, errors.New("weights /secret/path are gone")
		case "busy":
			return nil, u, serve.ErrOverloaded
		case "raise":
			return nil, u, &serve.RequestError{Param: "input", Message: "Invalid 'input[0]': it has 99 tokens, the model takes at most 32."}
		}
		v := make([]float32, 8)
		for i, w := range words {
			v[i%len(v)] += float32(len(w))
		}
		infer.Normalize(v)
		out = append(out, v)
	}
	return out, u, ctx.Err()
}

// Complete implements [serve.Engine]. It knows the words of Chat, and says the ids of a
// prompt of tokens; with Echo, the prompt comes first.
func (e *Engine) Complete(ctx context.Context, req serve.CompletionRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	prompt := req.Prompt
	if req.Tokens != nil {
		prompt = fmt.Sprint("say ", req.Tokens)
	}
	chat := serve.ChatRequest{
		ID: req.ID, Key: req.Key, Model: req.Model, Sampling: req.Sampling,
		Messages: []serve.Message{{Role: "user", Content: prompt}},
	}
	if req.Echo {
		first := true
		for word := range strings.FieldsSeq(prompt) {
			d := serve.Delta{Text: word + " "}
			if req.Logprobs {
				d.Tokens = []serve.Token{{TokenLogprob: serve.TokenLogprob{Bytes: []byte(d.Text), Logprob: -0.5}, First: first}}
			}
			first = false
			if err := emit(d); err != nil {
				return serve.Usage{}, "", err
			}
		}
		if req.MaxTokens < 0 {
			return serve.Usage{PromptTokens: len(strings.Fields(prompt))}, serve.FinishLength, nil
		}
	}
	return e.Chat(ctx, chat, emit)
}

// withTokens tells of each word as one token with a probability of a half, beside
// as many others as were asked for.
func withTokens(req *serve.ChatRequest, emit func(serve.Delta) error) func(serve.Delta) error {
	if !req.Logprobs {
		return emit
	}
	return func(d serve.Delta) error {
		t := serve.Token{TokenLogprob: serve.TokenLogprob{Bytes: []byte(d.Text), Logprob: -0.6875}}
		for i := range req.TopLogprobs {
			t.Top = append(t.Top, serve.TokenLogprob{Bytes: []byte{'a', 0xff}, Logprob: 0 - float64(i)*1e5})
		}
		d.Tokens = []serve.Token{t}
		return emit(d)
	}
}

func (e *Engine) endless(ctx context.Context, u serve.Usage, piece string, next func() bool, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	defer func() {
		e.mu.Lock()
		e.decoded = u.CompletionTokens
		e.mu.Unlock()
		close(e.ended)
	}()
	for next() {
		u.CompletionTokens++
		if err := emit(serve.Delta{Text: piece}); err != nil {
			return u, "", err
		}
	}
	return u, "", ctx.Err()
}

func describe(req serve.ChatRequest) string {
	var b strings.Builder
	for _, m := range req.Messages {
		fmt.Fprintf(&b, "[%s name=%q id=%q calls=%s] %s\n", m.Role, m.Name, m.ToolCallID, m.ToolCalls, m.Content)
	}
	fmt.Fprintf(&b, "tools=%s stop=%q max=%d", req.Tools, req.Stop, req.MaxTokens)
	if req.ToolChoice.Required || req.OneCall {
		fmt.Fprintf(&b, " required=%v name=%q one=%v", req.ToolChoice.Required, req.ToolChoice.Name, req.OneCall)
	}
	if req.TopK != nil && req.MinP != nil && req.Repetition != nil {
		fmt.Fprintf(&b, " top_k=%d min_p=%v penalties=%v,%v,%v bias=%v", *req.TopK, *req.MinP, *req.Repetition, req.Frequency, req.Presence, req.LogitBias)
	}
	if req.Temperature != nil && req.TopP != nil && req.Seed != nil {
		fmt.Fprintf(&b, " temperature=%v top_p=%v seed=%d", *req.Temperature, *req.TopP, *req.Seed)
	}
	return b.String()
}

// Ledger keeps usage events in memory. It is safe for concurrent use.
type Ledger struct {
	// Err is what Emit returns, if not nil. It is set before first use.
	Err error

	mu     sync.Mutex
	events []meter.Event
	got    chan struct{}
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{got: make(chan struct{}, 100)} }

// Emit keeps e; it is meant for [serve.Options].
func (l *Ledger) Emit(ctx context.Context, e meter.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Err != nil {
		return l.Err
	}
	if err := errors.Join(ctx.Err(), e.Check()); err != nil {
		return err
	}
	l.events = append(l.events, e)
	l.got <- struct{}{}
	return nil
}

// Got yields a value for each event, up to 100 unread ones.
func (l *Ledger) Got() <-chan struct{} { return l.got }

// All returns the events so far.
func (l *Ledger) All() []meter.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]meter.Event(nil), l.events...)
}
