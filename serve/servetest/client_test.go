package servetest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

// newServer returns a server of e that emits to l, if not nil.
func newServer(t *testing.T, e serve.Engine, l *servetest.Ledger) *serve.Server {
	t.Helper()
	var o serve.Options
	if l != nil {
		o.Emit = l.Emit
	}
	s, err := serve.New(e, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves s on a loopback port until the test ends and returns its URL.
func start(t *testing.T, s *serve.Server) string {
	t.Helper()
	url, stop := startUntil(t, s, time.Minute)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return url
}

// startUntil also returns what shuts the server down and waits for its end.
func startUntil(t *testing.T, s *serve.Server, grace time.Duration) (url string, stop func() error) {
	t.Helper()
	ln, err := serve.Listen(t.Context(), "127.0.0.1:0", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, ln, s, grace, slog.New(slog.DiscardHandler)) }()
	return "http://" + ln.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

func newClient(t *testing.T, url, key string) openai.Client {
	t.Helper()
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0),
		option.WithHTTPClient(&http.Client{Transport: transport}))
}

func ask(model, content string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)},
	}
}

func TestSDKChat(t *testing.T) {
	l := servetest.NewLedger()
	key, secret, err := serve.NewKey("shop", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := serve.NewKeySet([]serve.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	s, err := serve.New(servetest.NewEngine(), serve.Options{Keys: keys, Emit: l.Emit})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, start(t, s), secret)
	got, err := c.Chat.Completions.New(t.Context(), ask("starter", "say 你好 there"))
	if err != nil {
		t.Fatal(err)
	}
	if text := got.Choices[0].Message.Content; text != "你好 there" || got.Choices[0].FinishReason != "stop" {
		t.Errorf("answer %q, %s", text, got.Choices[0].FinishReason)
	}
	if u := got.Usage; u.PromptTokens != 3 || u.CompletionTokens != 2 || u.TotalTokens != 5 {
		t.Errorf("usage %+v", u)
	}
	e := l.All()
	if len(e) != 1 || e[0].ID != got.ID || e[0].Key != "shop" || e[0].PromptTokens != 3 || e[0].CompletionTokens != 2 {
		t.Errorf("events %+v for completion %s", e, got.ID)
	}
}

func TestSDKStream(t *testing.T) {
	c := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "any")
	p := ask("shop/helpdesk v2", "say one two 三")
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	pieces := 0
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatal("the SDK could not add a chunk")
		}
		pieces++
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if acc.Choices[0].Message.Content != "one two 三" || acc.Choices[0].FinishReason != "stop" {
		t.Errorf("answer %+v", acc.Choices[0])
	}
	if acc.Usage.PromptTokens != 4 || acc.Usage.CompletionTokens != 3 {
		t.Errorf("usage %+v", acc.Usage)
	}
	if pieces != 6 { // role, three words, finish, usage
		t.Errorf("%d chunks, want 6", pieces)
	}
}

func TestSDKModels(t *testing.T) {
	c := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "any")
	list, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Data) != 2 || list.Data[0].ID != "starter" || list.Data[0].OwnedBy != "troika" {
		t.Errorf("models %+v", list.Data)
	}
	one, err := c.Models.Get(t.Context(), "shop/helpdesk v2")
	if err != nil || one.ID != "shop/helpdesk v2" {
		t.Errorf("model %+v, %v", one, err)
	}
}

func TestSDKErrors(t *testing.T) {
	c := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "any")
	for _, want := range []struct {
		model, content string
		status         int
		code, text     string
	}{
		{"nobody", "say x", 404, "model_not_found", "Available: starter, shop/helpdesk v2"},
		{"starter", "say " + strings.Repeat("w ", 50), 400, "context_length_exceeded", "32 tokens. The prompt has 51 tokens"},
		{"starter", "busy", 429, "overloaded", "Try again"},
		{"starter", "fail", 500, "", "request req-"},
	} {
		_, whole := c.Chat.Completions.New(t.Context(), ask(want.model, want.content))
		stream := c.Chat.Completions.NewStreaming(t.Context(), ask(want.model, want.content))
		for stream.Next() {
			t.Errorf("%s %s: a chunk came before the error", want.model, want.content)
		}
		for _, err := range []error{whole, stream.Err()} {
			var api *openai.Error
			if !errors.As(err, &api) {
				t.Errorf("%s: error %v is not the API's", want.code, err)
				continue
			}
			if api.StatusCode != want.status || api.Code != want.code || !strings.Contains(api.Message, want.text) {
				t.Errorf("got %d %q %q, want %+v", api.StatusCode, api.Code, api.Message, want)
			}
		}
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("starter", "break"))
	var text strings.Builder
	for stream.Next() {
		if choices := stream.Current().Choices; len(choices) > 0 {
			text.WriteString(choices[0].Delta.Content)
		}
	}
	if err := stream.Err(); text.String() != "half" || err == nil || !strings.Contains(err.Error(), "failed to answer") {
		t.Errorf("broken stream: %q then %v", text.String(), err)
	}
}

// A client that leaves stops the engine within one step, and what was decoded
// until then is what is charged.
func TestClientDisconnect(t *testing.T) {
	e, l := servetest.NewEngine(), servetest.NewLedger()
	s := newServer(t, e, l)
	c := newClient(t, start(t, s), "any")
	ctx, cancel := context.WithCancel(t.Context())
	go e.Decode(3) // the response starts with the first token
	stream := c.Chat.Completions.NewStreaming(ctx, ask("starter", "forever and ever"))
	for pieces := 0; pieces < 3 && stream.Next(); {
		if stream.Current().Choices[0].Delta.Content == "tick " {
			pieces++
		}
	}
	cancel()
	_ = stream.Close()
	waitFor(t, e.Ended(), "the engine to stop")
	waitFor(t, l.Got(), "the usage event")
	got := l.All()
	if len(got) != 1 || got[0].PromptTokens != 3 || got[0].CompletionTokens != 3 || got[0].Outcome != meter.OutcomeAborted {
		t.Errorf("events %+v, want one of 3+3 tokens, aborted", got)
	}
}

// The same for a request that is not streamed: nothing is written, and only
// the connection tells that the client is gone.
func TestClientDisconnectWhole(t *testing.T) {
	e, l := servetest.NewEngine(), servetest.NewLedger()
	c := newClient(t, start(t, newServer(t, e, l)), "any")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Chat.Completions.New(ctx, ask("starter", "forever"))
		done <- err
	}()
	e.Decode(1)
	e.Decode(1)
	cancel()
	waitFor(t, e.Ended(), "the engine to stop")
	waitFor(t, l.Got(), "the usage event")
	if got := l.All(); len(got) != 1 || got[0].CompletionTokens != 2 || got[0].Outcome != meter.OutcomeAborted {
		t.Errorf("events %+v, want one of 2 tokens, aborted", got)
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("client saw %v", err)
	}
}

func waitFor(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("waited in vain for %s", what)
	}
}

// A client that stops reading must not hold the engine for ever.
func TestSlowReader(t *testing.T) {
	e, l := servetest.NewEngine(), servetest.NewLedger()
	s, err := serve.New(e, serve.Options{Emit: l.Emit, WriteTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	url := start(t, s)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"model":"starter","stream":true,"messages":[{"role":"user","content":"flood"}]}`
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	waitFor(t, e.Ended(), "the engine to stop")
	waitFor(t, l.Got(), "the usage event")
	got := l.All()
	if len(got) != 1 || got[0].CompletionTokens != int64(e.Decoded()) || got[0].Outcome != meter.OutcomeAborted {
		t.Errorf("events %+v, want one of %d tokens, aborted", got, e.Decoded())
	}
}

// A body that never arrives is given up.
func TestSlowBody(t *testing.T) {
	s, err := serve.New(servetest.NewEngine(), serve.Options{ReadTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	url := start(t, s)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	answer := make([]byte, 64)
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 408 ") {
		t.Errorf("answer %q, %v; want 408", answer[:n], err)
	}
}

// Shutting down lets what is under way finish within the grace, and cuts the
// rest off with an error that the client can read.
func TestShutdown(t *testing.T) {
	t.Run("finishes", func(t *testing.T) {
		e := servetest.NewEngine()
		url, stop := startUntil(t, newServer(t, e, nil), time.Minute)
		c := newClient(t, url, "any")
		go e.Decode(1)
		stream := c.Chat.Completions.NewStreaming(t.Context(), ask("starter", "forever"))
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		// The stream still runs while the server drains.
		for range 3 {
			e.Decode(1)
			if !stream.Next() {
				t.Fatalf("stream ended during the grace: %v", stream.Err())
			}
		}
		_ = stream.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Run("cuts off", func(t *testing.T) {
		e, l := servetest.NewEngine(), servetest.NewLedger()
		url, stop := startUntil(t, newServer(t, e, l), 50*time.Millisecond)
		c := newClient(t, url, "any")
		go e.Decode(1)
		stream := c.Chat.Completions.NewStreaming(t.Context(), ask("starter", "forever"))
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		for stream.Next() {
			continue
		}
		if err := stream.Err(); err == nil || !strings.Contains(err.Error(), "shutting down") {
			t.Errorf("client saw %v", err)
		}
		if got := l.All(); len(got) != 1 || got[0].CompletionTokens != 1 || got[0].Outcome != meter.OutcomeAborted {
			t.Errorf("events %+v, want one of 1 token, aborted", got)
		}
	})
}

// The official client reads plain completions, their log-probabilities and their
// streams.
func TestSDKCompletions(t *testing.T) {
	client := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "any")
	params := openai.CompletionNewParams{
		Model: "starter", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"say 世 界", "say b"}},
		Echo: openai.Bool(true), Logprobs: openai.Int(1), MaxTokens: openai.Int(4),
	}
	got, err := client.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Choices) != 2 || got.Choices[0].Text != "say 世 界 世 界" || got.Choices[1].Index != 1 ||
		got.Choices[1].FinishReason != "stop" || len(got.Choices[0].Logprobs.TokenLogprobs) != 5 || got.Usage.TotalTokens != 8 {
		t.Errorf("completions %s", got.RawJSON())
	}
	texts := map[int64]string{}
	stream := client.Completions.NewStreaming(t.Context(), params)
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			texts[c.Index] += c.Text
		}
	}
	if err := stream.Err(); err != nil || texts[0] != "say 世 界 世 界" || texts[1] != "say b b" {
		t.Errorf("streamed %v, %v", texts, err)
	}
}

// The official client embeds texts and tokens, whole and shortened, as numbers and as
// their bytes.
func TestEmbeddings(t *testing.T) {
	c := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "")
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "starter", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"what is it", "xxx"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Data) != 2 || got.Data[1].Index != 1 || len(got.Data[1].Embedding) != 8 || got.Data[1].Embedding[0] != 1 ||
		got.Usage.PromptTokens != 4 || got.Usage.TotalTokens != 4 || got.Model != "starter" {
		t.Errorf("embeddings %s", got.RawJSON())
	}
	short, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "starter", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("what is it")}, Dimensions: openai.Int(1),
	})
	if err != nil || len(short.Data[0].Embedding) != 1 || short.Data[0].Embedding[0] != 1 {
		t.Errorf("one dimension: %v, %v", short, err)
	}
	_, err = c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "starter", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("raise")},
	})
	if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != http.StatusBadRequest || e.Param != "input" {
		t.Errorf("too long a text: %v", err)
	}
}

const writesCalls = "write I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\"}\n</tool_call>"

func askWithTools(content string) openai.ChatCompletionNewParams {
	p := ask("starter", content)
	for _, name := range []string{"weather", "now"} {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: name, Parameters: shared.FunctionParameters{"type": "object"},
		}))
	}
	return p
}

// The official client gets calls of tools, whole and in a stream, and sends their results.
func TestSDKTools(t *testing.T) {
	c := newClient(t, start(t, newServer(t, servetest.NewEngine(), nil)), "any")
	p := askWithTools(writesCalls)
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	finished := 0
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatal("the SDK could not add a chunk")
		}
		if _, ok := acc.JustFinishedToolCall(); ok {
			finished++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if finished != 2 {
		t.Errorf("the SDK saw %d calls finish, want 2", finished)
	}
	for what, answer := range map[string]openai.ChatCompletion{"whole": *got, "stream": acc.ChatCompletion} {
		choice := answer.Choices[0]
		calls := choice.Message.ToolCalls
		if choice.FinishReason != "tool_calls" || choice.Message.Content != "I look." || len(calls) != 2 || answer.Usage.CompletionTokens != 25 {
			t.Fatalf("%s: %+v, usage %+v", what, choice, answer.Usage)
		}
		if calls[0].Function.Name != "weather" || calls[0].Function.Arguments != `{"city": "Köln"}` ||
			calls[1].Function.Name != "now" || calls[1].Function.Arguments != "{}" || len(calls[0].ID) != 9 || calls[0].ID == calls[1].ID {
			t.Errorf("%s: calls %+v", what, calls)
		}
	}
	p = askWithTools("When?")
	p.Messages = append(p.Messages, got.Choices[0].Message.ToParam(), openai.ToolMessage("noon", got.Choices[0].Message.ToolCalls[1].ID), openai.UserMessage("roles"))
	back, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	text := back.Choices[0].Message.Content
	for _, want := range []string{`"arguments":"{\"city\": \"Köln\"}"`, `[tool name="" id="` + got.Choices[0].Message.ToolCalls[1].ID + `" calls=] noon`} {
		if !strings.Contains(text, want) {
			t.Errorf("the engine was asked %s, want %s in it", text, want)
		}
	}
}
