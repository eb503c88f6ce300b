package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika/meter"
)

// fakeEngine answers by what the last message says:
//
//	say A B C    the words, one a token
//	forever      "tick " without end, one for each value of step
//	flood        64 KiB pieces without end
//	fail         an error before the first delta
//	break        a delta, then an error
//	panic        a panic
//	busy         ErrOverloaded
//	raise        a *RequestError, as from a template
//	roles        what was asked, as text
//
// A token of the prompt is a word.
type fakeEngine struct {
	models []ModelInfo
	step   chan struct{} // each value lets "forever" decode one token

	mu      sync.Mutex
	ended   chan struct{} // closed once "forever" or "flood" has ended
	decoded int           // by the last of them
}

func newFake() *fakeEngine {
	created := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return &fakeEngine{
		models: []ModelInfo{
			{ID: "starter", Created: created, OwnedBy: "troika", ContextLength: 32, Kind: KindBase, Fingerprint: "fp_0001"},
			{ID: "shop/helpdesk v2", Created: created, OwnedBy: "me", ContextLength: 32, Kind: KindAdapter, Parent: "starter"},
		},
		step:  make(chan struct{}),
		ended: make(chan struct{}),
	}
}

// decode lets "forever" decode n tokens.
func (e *fakeEngine) decode(n int) {
	for range n {
		e.step <- struct{}{}
	}
}

func (e *fakeEngine) Models() []ModelInfo { return e.models }

func (e *fakeEngine) Chat(ctx context.Context, req ChatRequest, emit func(Delta) error) (Usage, FinishReason, error) {
	var u Usage
	for _, m := range req.Messages {
		u.PromptTokens += len(strings.Fields(m.Content))
	}
	if limit := e.models[0].ContextLength; u.PromptTokens >= limit || u.PromptTokens+req.MaxTokens > limit {
		return u, "", &ContextLengthError{PromptTokens: u.PromptTokens, MaxTokens: req.MaxTokens, ContextLength: limit}
	}
	verb, rest, _ := strings.Cut(req.Messages[len(req.Messages)-1].Content, " ")
	switch verb {
	case "say":
		return say(u, strings.SplitAfter(rest, " "), req.MaxTokens, emit)
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
		return u, "", errors.Join(emit(Delta{Text: "half"}), errors.New("a kernel failed"))
	case "panic":
		panic("index out of range")
	case "busy":
		return u, "", ErrOverloaded
	case "raise":
		return u, "", &RequestError{Param: "messages", Message: "Conversation roles must alternate."}
	case "roles":
		return say(u, []string{describe(req)}, 0, emit)
	}
	return u, "", fmt.Errorf("the fake does not know %q", verb)
}

func say(u Usage, words []string, limit int, emit func(Delta) error) (Usage, FinishReason, error) {
	for i, w := range words {
		if limit > 0 && i == limit {
			return u, FinishLength, nil
		}
		u.CompletionTokens++
		if err := emit(Delta{Text: w}); err != nil {
			return u, "", err
		}
	}
	return u, FinishStop, nil
}

func (e *fakeEngine) endless(ctx context.Context, u Usage, piece string, next func() bool, emit func(Delta) error) (Usage, FinishReason, error) {
	defer func() {
		e.mu.Lock()
		e.decoded = u.CompletionTokens
		e.mu.Unlock()
		close(e.ended)
	}()
	for next() {
		u.CompletionTokens++
		if err := emit(Delta{Text: piece}); err != nil {
			return u, "", err
		}
	}
	return u, "", ctx.Err()
}

func describe(req ChatRequest) string {
	var b strings.Builder
	for _, m := range req.Messages {
		fmt.Fprintf(&b, "[%s name=%q id=%q calls=%s] %s\n", m.Role, m.Name, m.ToolCallID, m.ToolCalls, m.Content)
	}
	fmt.Fprintf(&b, "tools=%s stop=%q max=%d", req.Tools, req.Stop, req.MaxTokens)
	if req.Temperature != nil && req.TopP != nil && req.Seed != nil {
		fmt.Fprintf(&b, " temperature=%v top_p=%v seed=%d", *req.Temperature, *req.TopP, *req.Seed)
	}
	return b.String()
}

// ledger keeps events in memory.
type ledger struct {
	mu     sync.Mutex
	events []meter.Event
	err    error
	got    chan struct{}
}

func newLedger() *ledger { return &ledger{got: make(chan struct{}, 100)} }

func (l *ledger) emit(ctx context.Context, e meter.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if err := errors.Join(ctx.Err(), e.Check()); err != nil {
		return err
	}
	l.events = append(l.events, e)
	l.got <- struct{}{}
	return nil
}

func (l *ledger) all() []meter.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]meter.Event(nil), l.events...)
}
