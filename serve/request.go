package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// chatBody is the body of POST /v1/chat/completions, the parameters that are
// acted upon or refused. All others are harmless to the answer and ignored.
type chatBody struct {
	Model               string          `json:"model"`
	Messages            []messageBody   `json:"messages"`
	Stream              bool            `json:"stream"`
	StreamOptions       *streamOptions  `json:"stream_options"`
	N                   *int            `json:"n"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	Tools               json.RawMessage `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls"`
	Logprobs            bool            `json:"logprobs"`
	TopLogprobs         *int            `json:"top_logprobs"`
	samplingBody
	structuredBody
	calls *callForm // once read; nil where no tool may be called

	// Refused unless they ask for nothing.
	Functions  json.RawMessage `json:"functions"`
	Modalities []string        `json:"modalities"`
}

// samplingBody is what chats and plain completions say about drawing.
type samplingBody struct {
	MaxTokens        *int               `json:"max_tokens"`
	Temperature      *float64           `json:"temperature"`
	TopP             *float64           `json:"top_p"`
	Seed             *int64             `json:"seed"`
	Stop             json.RawMessage    `json:"stop"`
	FrequencyPenalty float64            `json:"frequency_penalty"`
	PresencePenalty  float64            `json:"presence_penalty"`
	LogitBias        map[string]float64 `json:"logit_bias"`

	// Not OpenAI's, but what other servers take.
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	TopK              *int     `json:"top_k"`
	MinP              *float64 `json:"min_p"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type messageBody struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	Name       string          `json:"name"`
	ToolCalls  json.RawMessage `json:"tool_calls"`
	ToolCallID string          `json:"tool_call_id"`
}

const (
	maxStop        = 4    // as OpenAI has it
	maxTopLogprobs = 20   // as OpenAI has it
	maxBias        = 4096 // more than OpenAI takes; bounds the work of a step
	maxMessages    = 4096 // far beyond any context; bounds the work of checking
)

// readBody reads a JSON body within the server's limits.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	if t := r.Header.Get("Content-Type"); !isJSON(t) {
		return nil, newFailure(http.StatusUnsupportedMediaType, typeRequest, "unsupported_content_type", "",
			"The body must be JSON (Content-Type: application/json), not %q.", t)
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.readTimeout))
	b, err := io.ReadAll(s.bodies.reader(http.MaxBytesReader(w, r.Body, s.maxBody), requestOf(r.Context())))
	if err == nil {
		// The answer may take longer than the body: from here the connection
		// is read on only to see the client go away. After an error the
		// deadline stays, or net/http would wait for the rest of the body.
		_ = control.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return nil, s.readFailure(err)
	}
	return b, nil
}

func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

// parseChat reads and checks a body. What it returns holds no reference to a
// parameter that is not supported.
func parseChat(b []byte) (*ChatRequest, *chatBody, *failure) {
	var body chatBody
	if f := decodeJSON(b, &body); f != nil {
		return nil, nil, f
	}
	for _, check := range []func() *failure{body.checkRefused, body.checkNumbers, body.read} {
		if f := check(); f != nil {
			return nil, nil, f
		}
	}
	messages, f := body.messages()
	if f != nil {
		return nil, nil, f
	}
	req := &ChatRequest{Model: body.Model, Messages: messages}
	if req.Sampling, f = body.sampling(); f != nil {
		return nil, nil, f
	}
	if n := body.MaxCompletionTokens; n != nil {
		req.MaxTokens = *n
	}
	req.Logprobs, req.TopLogprobs = body.Logprobs, valueOr(body.TopLogprobs, 0)
	if f := body.readTools(req); f != nil {
		return nil, nil, f
	}
	return req, &body, nil
}

func decodeJSON(b []byte, v any) *failure {
	d := json.NewDecoder(bytes.NewReader(b))
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return badRequest("", "The body has data after its JSON value, at byte %d.", d.InputOffset())
		}
		return nil
	}
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return badRequest("", "The body is not valid JSON: %v, at byte %d.", syntax, syntax.Offset)
	case errors.As(err, &kind) && kind.Field != "":
		field := strings.TrimPrefix(kind.Field, "samplingBody.") // encoding/json names embedded structs too
		return badRequest(field, "Invalid type for '%s': got %s.", field, kind.Value)
	case errors.As(err, &kind):
		return badRequest("", "The body must be a JSON object, not %s.", kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("", "The body is not valid JSON: it ends early, after %d bytes.", len(b))
	}
	return badRequest("", "The body is not valid JSON: %v.", err)
}

// checkRefused names the first parameter that would change the answer and is
// not supported.
func (b *chatBody) checkRefused() *failure {
	type refused struct {
		param string
		asked bool
		hint  string
	}
	for _, p := range []refused{
		{"n", b.N != nil && *b.N != 1, "Only one choice a request is offered: send n=1 or leave it out."},
		{"functions", given(b.Functions), "Use tools."},
	} {
		if p.asked {
			return unsupported(p.param, "Unsupported value for '%s'. %s", p.param, p.hint)
		}
	}
	for _, m := range b.Modalities {
		if m != "text" {
			return unsupported("modalities", "Unsupported value for 'modalities': %q. Only \"text\" is supported.", m)
		}
	}
	return nil
}

func (b *chatBody) checkNumbers() *failure {
	if b.Model == "" {
		return badRequest("model", "You must provide a model parameter.")
	}
	if n := b.MaxCompletionTokens; n != nil && *n < 1 {
		return badRequest("max_completion_tokens", "Invalid 'max_completion_tokens': %d is less than 1.", *n)
	}
	if n := b.MaxTokens; n != nil && *n < 1 {
		return badRequest("max_tokens", "Invalid 'max_tokens': %d is less than 1.", *n)
	}
	if m, c := b.MaxTokens, b.MaxCompletionTokens; m != nil && c != nil && *m != *c {
		return badRequest("max_tokens", "'max_tokens' (%d) and 'max_completion_tokens' (%d) contradict each other.", *m, *c)
	}
	if b.StreamOptions != nil && !b.Stream {
		return badRequest("stream_options", "'stream_options' is only allowed when 'stream' is true.")
	}
	if n := b.TopLogprobs; n != nil && (*n < 0 || *n > maxTopLogprobs) {
		return badRequest("top_logprobs", "Invalid 'top_logprobs': %d is not within 0 to %d.", *n, maxTopLogprobs)
	}
	if b.TopLogprobs != nil && !b.Logprobs {
		return badRequest("top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is true.")
	}
	return nil
}

// sampling checks and collects what is said about drawing.
func (b *samplingBody) sampling() (Sampling, *failure) {
	if p := b.TopP; p != nil && !(*p > 0 && *p <= 1) {
		return Sampling{}, badRequest("top_p", "Invalid 'top_p': %v is not above 0 and at most 1.", *p)
	}
	for _, p := range []struct {
		param          string
		value          float64
		least, highest float64
	}{
		{"temperature", valueOr(b.Temperature, 0), 0, 2},
		{"frequency_penalty", b.FrequencyPenalty, -2, 2},
		{"presence_penalty", b.PresencePenalty, -2, 2},
		{"repetition_penalty", valueOr(b.RepetitionPenalty, 1), 0.01, 100},
		{"min_p", valueOr(b.MinP, 0), 0, 1},
		{"top_k", float64(valueOr(b.TopK, 0)), -1, math.MaxInt32},
	} {
		if !(p.value >= p.least && p.value <= p.highest) {
			return Sampling{}, badRequest(p.param, "Invalid '%s': %g is not within %g to %g.", p.param, p.value, p.least, p.highest)
		}
	}
	stop, f := parseStop(b.Stop)
	if f != nil {
		return Sampling{}, f
	}
	bias, f := parseBias(b.LogitBias)
	if f != nil {
		return Sampling{}, f
	}
	s := Sampling{
		MaxTokens: valueOr(b.MaxTokens, 0), Temperature: b.Temperature, TopP: b.TopP, MinP: b.MinP,
		Repetition: b.RepetitionPenalty, Frequency: b.FrequencyPenalty, Presence: b.PresencePenalty,
		LogitBias: bias, Seed: b.Seed, Stop: stop,
	}
	if k := b.TopK; k != nil {
		all := max(*k, 0) // vLLM has -1 for all
		s.TopK = &all
	}
	return s, nil
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// parseBias reads token ids and what is added to their logits.
func parseBias(given map[string]float64) (map[int32]float32, *failure) {
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > maxBias {
		return nil, badRequest("logit_bias", "Invalid 'logit_bias': %d tokens, at most %d are taken.", len(given), maxBias)
	}
	bias := make(map[int32]float32, len(given))
	for name, b := range given {
		id, err := strconv.ParseInt(name, 10, 32)
		if err != nil || id < 0 {
			return nil, badRequest("logit_bias", "Invalid 'logit_bias': %q is not a token id.", name)
		}
		if !(b >= -100 && b <= 100) {
			return nil, badRequest("logit_bias", "Invalid 'logit_bias': %g, of token %d, is not within -100 to 100.", b, id)
		}
		bias[int32(id)] = float32(b)
	}
	return bias, nil
}

func (b *chatBody) messages() ([]Message, *failure) {
	if len(b.Messages) == 0 {
		return nil, badRequest("messages", "Invalid 'messages': at least one message is expected.")
	}
	if len(b.Messages) > maxMessages {
		return nil, badRequest("messages", "Invalid 'messages': %d messages, at most %d are taken.", len(b.Messages), maxMessages)
	}
	out := make([]Message, len(b.Messages))
	for i, m := range b.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		switch m.Role {
		case "system", "developer", "user", "assistant", "tool":
		default:
			return nil, badRequest(at+".role", "Invalid '%s.role': %q is not one of system, developer, user, assistant, tool.", at, m.Role)
		}
		text, f := parseContent(m.Content, at+".content")
		if f != nil {
			return nil, f
		}
		calls, f := m.calls(at)
		if f != nil {
			return nil, f
		}
		if !given(m.Content) && calls == nil {
			return nil, badRequest(at+".content", "Invalid '%s.content': it is missing.", at)
		}
		if m.Role == "tool" && m.ToolCallID == "" {
			return nil, badRequest(at+".tool_call_id", "Invalid '%s.tool_call_id': it is missing; it names the call that this is the result of.", at)
		}
		out[i] = Message{
			Role: m.Role, Content: text, NoContent: !given(m.Content), Name: m.Name, ToolCalls: calls, ToolCallID: m.ToolCallID,
		}
	}
	return out, nil
}

// parseContent reads a string, or an array of text parts, or nothing.
func parseContent(raw json.RawMessage, at string) (string, *failure) {
	if !given(raw) {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type    string  `json:"type"`
		Text    *string `json:"text"`
		Refusal *string `json:"refusal"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return "", badRequest(at, "Invalid '%s': a string or an array of parts is expected.", at)
	}
	var all strings.Builder
	for i, p := range parts {
		switch {
		case p.Type == "text" && p.Text != nil:
			all.WriteString(*p.Text)
		case p.Type == "refusal" && p.Refusal != nil:
			all.WriteString(*p.Refusal)
		default:
			return "", unsupported(fmt.Sprintf("%s[%d]", at, i), "Unsupported part of type %q in '%s'. Only text is supported.", p.Type, at)
		}
	}
	return all.String(), nil
}

func parseStop(raw json.RawMessage) ([]string, *failure) {
	if !given(raw) {
		return nil, nil
	}
	var one string
	stop := []string{}
	if json.Unmarshal(raw, &one) == nil {
		stop = append(stop, one)
	} else if json.Unmarshal(raw, &stop) != nil {
		return nil, badRequest("stop", "Invalid 'stop': a string or an array of strings is expected.")
	}
	if len(stop) > maxStop {
		return nil, badRequest("stop", "Invalid 'stop': %d strings, at most %d are taken.", len(stop), maxStop)
	}
	if slices.Contains(stop, "") {
		return nil, badRequest("stop", "Invalid 'stop': an empty string would end every answer.")
	}
	return stop, nil
}

// given reports whether a value was sent and is not null.
func given(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}
