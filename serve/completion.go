package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// completionRequestBody is the body of POST /v1/completions.
type completionRequestBody struct {
	Model         string          `json:"model"`
	Prompt        json.RawMessage `json:"prompt"`
	Stream        bool            `json:"stream"`
	StreamOptions *streamOptions  `json:"stream_options"`
	Echo          bool            `json:"echo"`
	Logprobs      *int            `json:"logprobs"`
	samplingBody
	structuredBody

	// Refused unless they ask for nothing.
	N      *int    `json:"n"`
	BestOf *int    `json:"best_of"`
	Suffix *string `json:"suffix"`
}

// The wire types of plain completions. Fields stand in OpenAI's order.
type (
	textBody struct {
		ID                string       `json:"id"`
		Object            string       `json:"object"`
		Created           int64        `json:"created"`
		Model             string       `json:"model"`
		SystemFingerprint string       `json:"system_fingerprint,omitempty"`
		Choices           []textChoice `json:"choices"`
		Usage             *usageBody   `json:"usage,omitempty"`
	}
	textChoice struct {
		Text         string        `json:"text"`
		Index        int           `json:"index"`
		Logprobs     *textLogprobs `json:"logprobs"`
		FinishReason *FinishReason `json:"finish_reason"`
	}
	// textLogprobs has an entry a token in each list. The first token of all has no
	// probability: null.
	textLogprobs struct {
		Tokens        []string             `json:"tokens"`
		TokenLogprobs []*float64           `json:"token_logprobs"`
		TopLogprobs   []map[string]float64 `json:"top_logprobs"`
		TextOffset    []int                `json:"text_offset"` // in characters
	}
)

const (
	maxPrompts = 128 // of one request
	// promptsAtOnce bounds what one request puts to the engine at a time, so that others
	// have their turn.
	promptsAtOnce = 4
)

// parseCompletion reads and checks a body. There is one request for each prompt.
func parseCompletion(b []byte) ([]CompletionRequest, *completionRequestBody, *failure) {
	var body completionRequestBody
	if f := decodeJSON(b, &body); f != nil {
		return nil, nil, f
	}
	for _, check := range []func() *failure{body.check, body.read} {
		if f := check(); f != nil {
			return nil, nil, f
		}
	}
	sampling, f := body.sampling()
	if f != nil {
		return nil, nil, f
	}
	switch n := body.MaxTokens; {
	case n == nil:
		sampling.MaxTokens = 16 // as OpenAI has it
	case *n == 0:
		sampling.MaxTokens = -1
	}
	if body.Logprobs != nil {
		sampling.Logprobs, sampling.TopLogprobs = true, *body.Logprobs
	}
	inputs, f := parseInputs("prompt", body.Prompt, maxPrompts)
	if f != nil {
		return nil, nil, f
	}
	var prompts []CompletionRequest
	for _, in := range inputs {
		prompts = append(prompts, CompletionRequest{
			Model: body.Model, Prompt: in.Text, Tokens: in.Tokens, Echo: body.Echo, Sampling: sampling,
		})
	}
	return prompts, &body, nil
}

func (b *completionRequestBody) check() *failure {
	switch {
	case b.Model == "":
		return badRequest("model", "You must provide a model parameter.")
	case b.N != nil && *b.N != 1:
		return unsupported("n", "Unsupported value for 'n'. Only one choice a prompt is offered: send n=1 or leave it out.")
	case b.BestOf != nil && *b.BestOf != 1:
		return unsupported("best_of", "Unsupported value for 'best_of'. Only 1 is supported.")
	case b.Suffix != nil && *b.Suffix != "":
		return unsupported("suffix", "Unsupported value for 'suffix'. Leave it out.")
	case b.MaxTokens != nil && (*b.MaxTokens < 0 || *b.MaxTokens == 0 && !b.Echo):
		return badRequest("max_tokens", "Invalid 'max_tokens': %d is less than 1; 0 is allowed with 'echo' alone.", *b.MaxTokens)
	case b.Logprobs != nil && (*b.Logprobs < 0 || *b.Logprobs > maxTopLogprobs):
		return badRequest("logprobs", "Invalid 'logprobs': %d is not within 0 to %d.", *b.Logprobs, maxTopLogprobs)
	case b.StreamOptions != nil && !b.Stream:
		return badRequest("stream_options", "'stream_options' is only allowed when 'stream' is true.")
	}
	return nil
}

// parseInputs reads a text, token ids, or an array of at most limit of either.
func parseInputs(param string, raw json.RawMessage, limit int) ([]Input, *failure) {
	if !given(raw) {
		return nil, badRequest(param, "Invalid '%s': it is missing.", param)
	}
	var one Input
	if json.Unmarshal(raw, &one.Text) == nil || json.Unmarshal(raw, &one.Tokens) == nil {
		return []Input{one}, one.check(param)
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		return nil, badRequest(param, "Invalid '%s': a text, an array of texts, token ids or an array of those is expected.", param)
	}
	if len(many) > limit {
		return nil, badRequest(param, "Invalid '%s': %d of them, at most %d are taken.", param, len(many), limit)
	}
	out := make([]Input, len(many))
	for i, m := range many {
		var in Input
		if json.Unmarshal(m, &in.Text) != nil && json.Unmarshal(m, &in.Tokens) != nil {
			return nil, badRequest(param, "Invalid '%s[%d]': a text or token ids are expected.", param, i)
		}
		if f := in.check(param); f != nil {
			return nil, f
		}
		out[i] = in
	}
	return out, nil
}

func (in Input) check(param string) *failure {
	if in.Text == "" && len(in.Tokens) == 0 {
		return badRequest(param, "Invalid '%s': it is empty.", param)
	}
	if i := slices.IndexFunc(in.Tokens, func(id int32) bool { return id < 0 }); i >= 0 {
		return badRequest(param, "Invalid '%s': token %d is not in any vocabulary.", param, in.Tokens[i])
	}
	return nil
}

func (s *Server) serveCompletion(w http.ResponseWriter, r *http.Request) {
	body, f := s.readBody(w, r)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	prompts, options, f := parseCompletion(body)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	a, leave, f := s.admit(w, r, options.Model, "cmpl-")
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	defer leave()
	g, f := s.grammars.get(options.wanted)
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	a.param = "prompt"
	a.includeUsage = options.StreamOptions != nil && options.StreamOptions.IncludeUsage
	for i := range prompts {
		prompts[i].ID, prompts[i].Key, prompts[i].Model, prompts[i].Grammar = a.id, a.request.key, a.model.ID, g
	}
	c := &completion{answer: a, prompts: prompts, reasons: make([]FinishReason, len(prompts)), offsets: make([]int, len(prompts))}
	if options.Stream {
		c.stream(r.Context())
		return
	}
	c.whole(r.Context())
}

// completion is one call's prompts on their way to the client.
type completion struct {
	*answer
	prompts []CompletionRequest
	reasons []FinishReason // by prompt, once it ended
	offsets []int          // characters sent, by prompt
}

// work puts the prompts to the engine, some at a time. emit is called by one at a time,
// with the number of the prompt. The usage is of all.
func (c *completion) work(emit func(i int, d Delta) error) work {
	return func(ctx context.Context, first func(Delta) error) (total Usage, _ FinishReason, err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var mu sync.Mutex
		var errs []error
		var group sync.WaitGroup
		slots := make(chan struct{}, promptsAtOnce)
		for i, p := range c.prompts {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				u, reason, err := c.server.guard(c.id, c.server.complete(p))(ctx, func(d Delta) error {
					mu.Lock()
					defer mu.Unlock()
					if err := first(d); err != nil {
						return err
					}
					return emit(i, d)
				})
				mu.Lock()
				defer mu.Unlock()
				total.PromptTokens += u.PromptTokens
				total.CachedTokens += u.CachedTokens
				total.CompletionTokens += u.CompletionTokens
				c.reasons[i] = reason
				if err != nil {
					errs = append(errs, err)
					cancel() // the others' work would be for nothing
				}
			})
		}
		group.Wait()
		// The first error is the cause; the others were cancelled.
		if len(errs) > 0 {
			err = errs[0]
		}
		return total, FinishStop, err
	}
}

// complete is the work of one prompt.
func (s *Server) complete(req CompletionRequest) work {
	return func(ctx context.Context, emit func(Delta) error) (Usage, FinishReason, error) {
		return s.engine.Complete(ctx, req, emit)
	}
}

// whole answers with one JSON object.
func (c *completion) whole(ctx context.Context) {
	texts := make([]strings.Builder, len(c.prompts))
	tokens := make([][]Token, len(c.prompts))
	usage, _, err := c.ask(ctx, c.work(func(i int, d Delta) error {
		texts[i].WriteString(d.Text)
		tokens[i] = append(tokens[i], d.Tokens...)
		return nil
	}), func(Delta) error { return nil })
	if err != nil {
		c.server.writeFailure(c.w, c.failure(ctx, err))
		return
	}
	body := c.body()
	body.Usage = newUsageBody(usage)
	for i := range c.prompts {
		body.Choices = append(body.Choices, textChoice{
			Text: texts[i].String(), Index: i, Logprobs: c.logprobs(i, tokens[i]), FinishReason: &c.reasons[i],
		})
	}
	c.server.writeJSON(c.w, http.StatusOK, body)
}

// stream answers with server-sent events, prompts as they go on.
func (c *completion) stream(ctx context.Context) {
	started := false
	send := func(choices ...textChoice) error {
		if !started {
			started = true
			startEvents(c.w)
		}
		body := c.body()
		body.Choices = append(body.Choices, choices...)
		return c.event(body)
	}
	usage, _, err := c.ask(ctx, c.work(func(i int, d Delta) error {
		return send(textChoice{Text: d.Text, Index: i, Logprobs: c.logprobs(i, d.Tokens)})
	}), func(Delta) error { return nil })
	switch {
	case err != nil && !started:
		c.server.writeFailure(c.w, c.failure(ctx, err))
		return
	case err != nil:
		f := c.failure(ctx, err)
		if f.status == statusClientGone || errors.Is(err, errClientGone) {
			noteStatus(c.w, statusClientGone)
			return
		}
		_ = c.event(f.body()) // the stream ends here either way
		return
	}
	for i := range c.prompts {
		if send(textChoice{Index: i, FinishReason: &c.reasons[i]}) != nil {
			noteStatus(c.w, statusClientGone)
			return
		}
	}
	if c.includeUsage {
		body := c.body()
		body.Usage = newUsageBody(usage)
		_ = c.event(body)
	}
	_ = c.write("data: [DONE]\n\n")
}

func (c *completion) body() textBody {
	return textBody{
		ID: c.id, Object: "text_completion", Created: c.created.Unix(), Model: c.model.ID,
		SystemFingerprint: c.model.Fingerprint, Choices: []textChoice{},
	}
}

// logprobs describes tokens of a prompt's answer; it counts characters on from the last
// call for the same prompt.
func (c *completion) logprobs(i int, tokens []Token) *textLogprobs {
	req := &c.prompts[i]
	if !req.Logprobs {
		return nil
	}
	out := &textLogprobs{
		Tokens: []string{}, TokenLogprobs: []*float64{}, TopLogprobs: []map[string]float64{}, TextOffset: []int{},
	}
	for _, t := range tokens {
		name, offset := tokenName(t.Bytes), c.offsets[i]
		c.offsets[i] += utf8.RuneCountInString(name)
		out.Tokens, out.TextOffset = append(out.Tokens, name), append(out.TextOffset, offset)
		if t.First {
			out.TokenLogprobs, out.TopLogprobs = append(out.TokenLogprobs, nil), append(out.TopLogprobs, nil)
			continue
		}
		p := finite(t.Logprob)
		// The token itself is always told of, as by OpenAI: where it was not among the
		// likeliest, there is one more.
		top := map[string]float64{}
		for _, other := range t.Top {
			if _, ok := top[tokenName(other.Bytes)]; !ok {
				top[tokenName(other.Bytes)] = finite(other.Logprob)
			}
		}
		if req.TopLogprobs > 0 {
			if _, ok := top[name]; !ok {
				top[name] = p
			}
		}
		out.TokenLogprobs, out.TopLogprobs = append(out.TokenLogprobs, &p), append(out.TopLogprobs, top)
	}
	return out
}

// tokenName is a token's text, or its bytes where they are no whole characters.
func tokenName(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var name strings.Builder
	name.WriteString("bytes:")
	for _, c := range b {
		fmt.Fprintf(&name, `\x%02x`, c)
	}
	return name.String()
}
