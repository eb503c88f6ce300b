package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/troikaml/troika/meter"
)

// The wire types of chat completions. Fields stand in OpenAI's order.
type (
	completionBody struct {
		ID                string       `json:"id"`
		Object            string       `json:"object"`
		Created           int64        `json:"created"`
		Model             string       `json:"model"`
		Choices           []choiceBody `json:"choices"`
		Usage             *usageBody   `json:"usage"`
		SystemFingerprint string       `json:"system_fingerprint,omitempty"`
	}
	choiceBody struct {
		Index        int           `json:"index"`
		Message      assistantBody `json:"message"`
		Logprobs     *logprobsBody `json:"logprobs"`
		FinishReason FinishReason  `json:"finish_reason"`
	}
	assistantBody struct {
		Role      string     `json:"role"`
		Content   *string    `json:"content"` // null where there are calls alone
		Refusal   *string    `json:"refusal"`
		ToolCalls []callBody `json:"tool_calls,omitempty"`
	}
	chunkBody struct {
		ID                string        `json:"id"`
		Object            string        `json:"object"`
		Created           int64         `json:"created"`
		Model             string        `json:"model"`
		SystemFingerprint string        `json:"system_fingerprint,omitempty"`
		Choices           []chunkChoice `json:"choices"`
		// Usage is left out, or null until the last chunk where it was asked for.
		Usage json.RawMessage `json:"usage,omitempty"`
	}
	chunkChoice struct {
		Index        int           `json:"index"`
		Delta        deltaBody     `json:"delta"`
		Logprobs     *logprobsBody `json:"logprobs"`
		FinishReason *FinishReason `json:"finish_reason"`
	}
	deltaBody struct {
		Role      string      `json:"role,omitempty"`
		Content   *string     `json:"content,omitempty"`
		ToolCalls []callDelta `json:"tool_calls,omitempty"`
	}
	usageBody struct {
		PromptTokens        int `json:"prompt_tokens"`
		CompletionTokens    int `json:"completion_tokens"`
		TotalTokens         int `json:"total_tokens"`
		PromptTokensDetails struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
)

func newUsageBody(u Usage) *usageBody {
	b := &usageBody{
		PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens,
		TotalTokens: u.PromptTokens + u.CompletionTokens,
	}
	b.PromptTokensDetails.CachedTokens = u.CachedTokens
	return b
}

func (s *Server) serveChat(w http.ResponseWriter, r *http.Request) {
	body, f := s.readBody(w, r)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	req, options, f := parseChat(body)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	a, leave, f := s.admit(w, r, req.Model, "chatcmpl-")
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	defer leave()
	if f := options.askCalls(a.model); f != nil {
		s.writeFailure(w, f)
		return
	}
	if req.Grammar, f = s.grammars.get(options.wanted); f != nil {
		s.writeFailure(w, f)
		return
	}
	a.includeUsage = options.StreamOptions != nil && options.StreamOptions.IncludeUsage
	req.ID, req.Key, req.Model = a.id, a.request.key, a.model.ID
	if options.Stream {
		a.stream(r.Context(), *req)
		return
	}
	a.whole(r.Context(), *req)
}

// admit finds the model and takes a place for an answer, which leave gives back.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, name, prefix string) (a *answer, leave func(), f *failure) {
	id, request := prefix+s.newID(), requestOf(r.Context())
	model, f := s.answering(request, name, id)
	if f != nil {
		return nil, nil, f
	}
	until, f := s.until(r)
	if f != nil {
		return nil, nil, f
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return nil, nil, overloaded()
	}
	return &answer{
		server: s, w: w, request: request, model: model, id: id, created: s.now(), until: until,
	}, func() { <-s.slots }, nil
}

// answer is one completion on its way to the client.
type answer struct {
	server  *Server
	w       http.ResponseWriter
	request *request
	model   ModelInfo
	id      string
	created time.Time
	until   time.Time // when it must be done; zero: never
	// param is what has a prompt that is too long, where it is not messages.
	param string
	// includeUsage asks a stream for a last chunk with the usage.
	includeUsage bool
}

// work is a request put to the engine.
type work func(ctx context.Context, emit func(Delta) error) (Usage, FinishReason, error)

// chat is the work of a chat request.
func (s *Server) chat(req ChatRequest) work {
	return func(ctx context.Context, emit func(Delta) error) (Usage, FinishReason, error) {
		called := false
		u, reason, err := s.engine.Chat(ctx, req, func(d Delta) error {
			called = called || len(d.Calls) > 0
			return emit(d)
		})
		if called && reason == FinishStop {
			reason = FinishToolCalls
		}
		return u, reason, err
	}
}

// ask runs the engine and records the usage, however it ended.
func (a *answer) ask(ctx context.Context, do work, emit func(Delta) error) (u Usage, reason FinishReason, err error) {
	s := a.server
	// Without a cancel of our own, an engine that ignored emit's error would
	// go on for a client that no longer reads.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !a.until.IsZero() {
		var done context.CancelFunc
		ctx, done = context.WithDeadline(ctx, a.until)
		defer done()
	}
	s.metrics.inFlight.Inc()
	first := true
	u, reason, err = s.guard(a.id, do)(ctx, func(d Delta) error {
		if first {
			first = false
			s.metrics.firstToken.WithLabelValues(a.model.ID).Observe(time.Since(a.request.start).Seconds())
		}
		if err := emit(d); err != nil {
			cancel()
			return err
		}
		return nil
	})
	s.metrics.inFlight.Dec()
	if !isRefusal(err) {
		s.metrics.observeUsage(a.model.ID, u)
		a.meter(ctx, u, err)
	}
	a.request.attrs = append(a.request.attrs,
		slog.String("model", a.model.ID), slog.String("completion", a.id), slog.Int("prompt_tokens", u.PromptTokens),
		slog.Int("completion_tokens", u.CompletionTokens), slog.String("finish", string(reason)))
	return u, reason, err
}

// guard turns a panic of the engine into an error, so that a stream ends with one and
// its slot and usage are accounted for.
func (s *Server) guard(id string, do work) work {
	return func(ctx context.Context, emit func(Delta) error) (u Usage, reason FinishReason, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				s.log.Error("engine panicked", "completion", id, "cause", cause, "stack", string(debug.Stack()))
				err = fmt.Errorf("engine panicked: %v", cause)
			}
		}()
		return do(ctx, emit)
	}
}

// meter emits the usage event. Losing one is reported loudly, but the answer
// still goes out: the work is done, and a client that repeats it would be
// charged twice.
func (a *answer) meter(ctx context.Context, u Usage, err error) {
	s := a.server
	if s.emit == nil {
		return
	}
	e := meter.Event{
		ID: a.id, Time: s.now(), Key: a.request.key, Model: a.model.ID,
		PromptTokens: int64(u.PromptTokens), CachedTokens: int64(u.CachedTokens),
		CompletionTokens: int64(u.CompletionTokens), Outcome: meter.OutcomeDone,
	}
	switch {
	case ctx.Err() != nil:
		e.Outcome = meter.OutcomeAborted
	case err != nil:
		e.Outcome = meter.OutcomeFailed
	}
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.emit(ctx, e); err != nil {
		s.metrics.unmetered.Inc()
		s.log.Error("usage event lost", "error", err, "id", e.ID, "key", e.Key, "model", e.Model,
			"prompt_tokens", e.PromptTokens, "completion_tokens", e.CompletionTokens)
	}
}

// whole answers with one JSON object.
func (a *answer) whole(ctx context.Context, req ChatRequest) {
	var text strings.Builder
	var calls []callBody
	var tokens []Token
	usage, reason, err := a.ask(ctx, a.server.chat(req), func(d Delta) error {
		text.WriteString(d.Text)
		calls = addCalls(calls, a.id, d.Calls)
		tokens = append(tokens, d.Tokens...)
		return nil
	})
	if err != nil {
		a.server.writeFailure(a.w, a.failure(ctx, err))
		return
	}
	a.server.writeJSON(a.w, http.StatusOK, completionBody{
		ID: a.id, Object: "chat.completion", Created: a.created.Unix(), Model: a.model.ID,
		Choices: []choiceBody{{
			Message:  newAssistant(text.String(), calls),
			Logprobs: newLogprobs(&req, tokens), FinishReason: reason,
		}},
		Usage:             newUsageBody(usage),
		SystemFingerprint: a.model.Fingerprint,
	})
}

// failure maps an error for the client and logs those that are ours.
func (a *answer) failure(ctx context.Context, err error) *failure {
	f := engineFailure(ctx, err, a.request.id)
	if f.Code != nil && *f.Code == contextExceeded && a.param != "" {
		f.Param = &a.param
	}
	if f.status == http.StatusInternalServerError {
		a.server.log.Error("engine failed", "request", a.request.id, "model", a.model.ID, "error", err)
	}
	return f
}

// stream answers with server-sent events. Headers wait for the first delta, so
// that an error before it is an HTTP status.
func (a *answer) stream(ctx context.Context, req ChatRequest) {
	started := false
	start := func() error {
		if started {
			return nil
		}
		started = true
		startEvents(a.w)
		empty := ""
		return a.send(chunkChoice{Delta: deltaBody{Role: "assistant", Content: &empty}})
	}
	usage, reason, err := a.ask(ctx, a.server.chat(req), func(d Delta) error {
		if err := start(); err != nil || d.Text == "" && len(d.Calls) == 0 && len(d.Tokens) == 0 {
			return err
		}
		delta := deltaBody{Content: &d.Text, ToolCalls: newCallDeltas(a.id, d.Calls)}
		if d.Text == "" && len(d.Calls) > 0 {
			delta.Content = nil
		}
		return a.send(chunkChoice{Delta: delta, Logprobs: newLogprobs(&req, d.Tokens)})
	})
	switch {
	case err != nil && !started:
		a.server.writeFailure(a.w, a.failure(ctx, err))
		return
	case err != nil:
		f := a.failure(ctx, err)
		if f.status == statusClientGone || errors.Is(err, errClientGone) {
			noteStatus(a.w, statusClientGone)
			return
		}
		_ = a.event(f.body()) // the stream ends here either way
		return
	}
	if start() != nil || a.send(chunkChoice{FinishReason: &reason}) != nil {
		noteStatus(a.w, statusClientGone)
		return
	}
	if a.includeUsage {
		counts, err := json.Marshal(newUsageBody(usage))
		if err != nil { // only for values that this package builds
			a.server.log.Error("encode usage", "error", err)
		}
		chunk := a.chunk()
		chunk.Choices, chunk.Usage = []chunkChoice{}, counts
		_ = a.event(chunk)
	}
	_ = a.write("data: [DONE]\n\n")
}

func (a *answer) chunk(choices ...chunkChoice) chunkBody {
	c := chunkBody{
		ID: a.id, Object: "chat.completion.chunk", Created: a.created.Unix(), Model: a.model.ID,
		SystemFingerprint: a.model.Fingerprint, Choices: choices,
	}
	if a.includeUsage {
		c.Usage = json.RawMessage("null")
	}
	return c
}

func (a *answer) send(choice chunkChoice) error { return a.event(a.chunk(choice)) }

func (a *answer) event(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return a.write("data: " + string(b) + "\n\n")
}

// errClientGone marks an error that came from writing to the client.
var errClientGone = errors.New("client does not read")

func (a *answer) write(text string) error { return a.server.push(a.w, text) }

// startEvents sets the headers of server-sent events.
func startEvents(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
}

// push sends text at once. A client that leaves it unread for the write
// timeout is as good as gone.
func (s *Server) push(w http.ResponseWriter, text string) error {
	s.extendWrite(w)
	if _, err := w.Write([]byte(text)); err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}
