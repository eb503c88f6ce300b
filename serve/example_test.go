package serve_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/troikaml/troika/serve"
)

// parrot is an engine that repeats the last message.
type parrot struct{}

func (parrot) Models() []serve.ModelInfo {
	return []serve.ModelInfo{{ID: "parrot", ContextLength: 100, Kind: serve.KindBase}}
}

func (parrot) Chat(_ context.Context, req serve.ChatRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	text := req.Messages[len(req.Messages)-1].Content
	n := len(strings.Fields(text))
	return serve.Usage{PromptTokens: n, CompletionTokens: n}, serve.FinishStop, emit(serve.Delta{Text: text})
}

func (p parrot) Complete(ctx context.Context, req serve.CompletionRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	return p.Chat(ctx, serve.ChatRequest{Messages: []serve.Message{{Role: "user", Content: req.Prompt}}}, emit)
}

func (parrot) Embed(context.Context, serve.EmbeddingRequest) ([][]float32, serve.Usage, error) {
	return nil, serve.Usage{}, &serve.RequestError{Param: "model", Message: "A parrot does not embed."}
}

func Example() {
	server, err := serve.New(parrot{}, serve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/chat/completions", strings.NewReader(
		`{"model": "parrot", "messages": [{"role": "user", "content": "你好 Troika"}], "n": 3}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body.String())
	// Output:
	// 400 {"error":{"message":"Unsupported value for 'n'. Only one choice a request is offered: send n=1 or leave it out.","type":"invalid_request_error","param":"n","code":"unsupported_parameter"}}
}
