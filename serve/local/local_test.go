package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
)

const starterDir = "../../starter"

func Example() {
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	e := local.New(dev, local.Options{Known: all.Architectures(), Sequences: 1})
	defer e.Close()
	if err := e.AddBase("starter", "../../starter"); err != nil {
		fmt.Println(err)
		return
	}
	usage, finish, err := e.Chat(context.Background(), serve.ChatRequest{
		Model: "starter", Messages: []serve.Message{{Role: "user", Content: "Hello"}}, Sampling: serve.Sampling{MaxTokens: 3},
	}, func(serve.Delta) error { return nil })
	fmt.Println(usage.PromptTokens > 0, usage.CompletionTokens <= 3, finish != "", err)
	// Output: true true true <nil>
}

func engine(t *testing.T) *local.Engine {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: 2})
	t.Cleanup(dev.Close)
	b, err := bundle.Open(starterDir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	x, err := adapter.New(dev, m, adapter.Config{Rank: 2, Alpha: 4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := x.Save(dir, "starter"); err != nil {
		t.Fatal(err)
	}
	x.Free()
	m.Free()
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 256})
	before := dev.Stats().Weights
	t.Cleanup(func() {
		e.Close()
		if now := dev.Stats().Weights; now != before {
			t.Errorf("%d bytes of weights are held after closing", now-before)
		}
	})
	if err := e.AddBase("starter", starterDir); err != nil {
		t.Fatal(err)
	}
	one := dev.Stats().Weights - before
	if err := e.AddAdapter("tuned", dir, "starter", starterDir); err != nil {
		t.Fatal(err)
	}
	// Its own matrices, padded to whole panels, are small beside the base.
	if own := dev.Stats().Weights - before - one; own > one/4 {
		t.Errorf("an adapter of rank 2 takes %d bytes beside the %d of its base", own, one)
	}
	return e
}

func ask(e *local.Engine, req serve.ChatRequest) (string, error) {
	var text strings.Builder
	_, _, err := e.Chat(context.Background(), req, func(d serve.Delta) error {
		text.WriteString(d.Text)
		return nil
	})
	return text.String(), err
}

// A fresh adapter answers as its base, whatever shares the batch.
func TestModelsShareABase(t *testing.T) {
	e := engine(t)
	if infos := e.Models(); len(infos) != 2 || infos[1].Parent != "starter" || infos[1].ContextLength != 256 {
		t.Fatalf("models %+v", infos)
	}
	req := serve.ChatRequest{Messages: []serve.Message{{Role: "user", Content: "What is a slice?"}}, Sampling: serve.Sampling{MaxTokens: 12}}
	var wg sync.WaitGroup
	answers := make([]string, 6)
	for i := range answers {
		wg.Go(func() {
			req := req
			req.Model = []string{"starter", "tuned"}[i%2]
			var err error
			if answers[i], err = ask(e, req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, a := range answers {
		if a != answers[0] {
			t.Errorf("answer %d is %q, the first %q", i, a, answers[0])
		}
	}
}

func TestErrors(t *testing.T) {
	e := engine(t)
	var request *serve.RequestError
	if _, err := ask(e, serve.ChatRequest{Model: "other"}); !errors.As(err, &request) || request.Param != "model" {
		t.Errorf("unknown model: %v", err)
	}
	long := serve.ChatRequest{Model: "starter", Messages: []serve.Message{{Role: "user", Content: strings.Repeat("word ", 400)}}}
	var context *serve.ContextLengthError
	if _, err := ask(e, long); !errors.As(err, &context) || context.ContextLength != 256 || context.PromptTokens < 256 {
		t.Errorf("long prompt: %v", err)
	}
	if err := e.AddBase("starter", starterDir); err == nil || !strings.Contains(err.Error(), "two models") {
		t.Errorf("a second model of the same name: %v", err)
	}
}

// The same seed draws the same text; another seed, another.
func TestSeed(t *testing.T) {
	e := engine(t)
	hot := 1.5
	draw := func(seed int64) string {
		text, err := ask(e, serve.ChatRequest{
			Model: "starter", Messages: []serve.Message{{Role: "user", Content: "Tell"}}, Sampling: serve.Sampling{MaxTokens: 20, Temperature: &hot, Seed: &seed},
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if a, b, c := draw(1), draw(1), draw(2); a != b || a == c {
		t.Errorf("seeds 1, 1, 2 drew %q, %q, %q", a, b, c)
	}
}

// A conversation that goes on is not computed again, but only for the key and the
// model that it was for.
func TestCachedPrompts(t *testing.T) {
	e := engine(t)
	ask := func(model, key string) serve.Usage {
		t.Helper()
		usage, _, err := e.Chat(t.Context(), serve.ChatRequest{
			Model: model, Key: key, Sampling: serve.Sampling{MaxTokens: 2},
			Messages: []serve.Message{{Role: "user", Content: strings.Repeat("How do I open a file? ", 20)}},
		}, func(serve.Delta) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return usage
	}
	for _, c := range []struct {
		model, key string
		cached     bool
	}{
		{"starter", "ann", false},
		{"starter", "ann", true},
		{"starter", "bob", false},
		{"starter", "", false},
		{"tuned", "ann", false},
		{"tuned", "ann", true},
		{"starter", "", true},
	} {
		u := ask(c.model, c.key)
		if (u.CachedTokens > 0) != c.cached || u.CachedTokens >= u.PromptTokens {
			t.Errorf("%s for %q: %d of %d tokens were cached, want some: %v", c.model, c.key, u.CachedTokens, u.PromptTokens, c.cached)
		}
	}
}

// A text is gone on with as the engine would chat, and an echo tells how likely it is.
func TestComplete(t *testing.T) {
	e := engine(t)
	run := func(req serve.CompletionRequest) (text string, tokens []serve.Token, u serve.Usage) {
		t.Helper()
		req.Model = "starter"
		u, _, err := e.Complete(t.Context(), req, func(d serve.Delta) error {
			text += d.Text
			tokens = append(tokens, d.Tokens...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return text, tokens, u
	}
	const prompt = "Package os provides 打开文件"
	answer, _, u := run(serve.CompletionRequest{Prompt: prompt, Sampling: serve.Sampling{MaxTokens: 5}})
	whole, tokens, _ := run(serve.CompletionRequest{Prompt: prompt, Echo: true, Sampling: serve.Sampling{MaxTokens: 5, Logprobs: true}})
	if whole != prompt+answer {
		t.Errorf("echoed %q, want the prompt and %q", whole, answer)
	}
	if len(tokens) != u.PromptTokens+u.CompletionTokens || !tokens[0].First || tokens[1].First || tokens[1].Logprob >= 0 {
		t.Errorf("%d tokens, usage %+v, %+v", len(tokens), u, tokens[:2])
	}
	scored, again, u := run(serve.CompletionRequest{Prompt: prompt, Echo: true, Sampling: serve.Sampling{MaxTokens: -1, Logprobs: true}})
	if scored != prompt || len(again) != u.PromptTokens || u.CompletionTokens != 0 {
		t.Errorf("scored %q: %d tokens, usage %+v", scored, len(again), u)
	}
	for i, token := range again {
		if token.Logprob != tokens[i].Logprob {
			t.Errorf("token %d has %g alone and %g with an answer", i, token.Logprob, tokens[i].Logprob)
		}
	}
	var request *serve.RequestError
	_, _, err := e.Complete(t.Context(), serve.CompletionRequest{Model: "starter", Tokens: []int32{1 << 20}}, nil)
	if !errors.As(err, &request) || request.Param != "prompt" {
		t.Errorf("an unknown token: %v", err)
	}
}

// A conversation that fills the context ends with length and exact counts, never by
// dropping its beginning; a prompt that leaves no room is refused; and of a flood some are
// answered and the others told to come back.
func TestFloodAndContext(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 64, Sequences: 1, Queue: 4, Speculate: 4})
	defer e.Close()
	if err := e.AddBase("starter", starterDir); err != nil {
		t.Fatal(err)
	}
	req := func(key string) serve.CompletionRequest {
		return serve.CompletionRequest{Model: "starter", Key: key, Tokens: []int32{10, 11, 12}, Sampling: serve.Sampling{
			LogitBias: map[int32]float32{20: 100},
		}}
	}
	usage, finish, err := e.Complete(t.Context(), req("a"), func(serve.Delta) error { return nil })
	if err != nil || finish != serve.FinishLength || usage.PromptTokens+usage.CompletionTokens != 64 {
		t.Errorf("to the end of the context: %+v, %s, %v", usage, finish, err)
	}
	if usage.DraftedTokens == 0 || usage.AcceptedTokens == 0 {
		t.Errorf("an answer of one token again and again was not guessed: %+v", usage)
	}
	full := req("a")
	full.Tokens = make([]int32, 64)
	var long *serve.ContextLengthError
	if _, _, err := e.Complete(t.Context(), full, func(serve.Delta) error { return nil }); !errors.As(err, &long) || long.PromptTokens != 64 || long.ContextLength != 64 {
		t.Errorf("a prompt over the context: %v", err)
	}
	var answered, refused atomic.Int32
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			switch _, _, err := e.Complete(t.Context(), req("a"), func(serve.Delta) error { return nil }); {
			case err == nil:
				answered.Add(1)
			case errors.Is(err, serve.ErrOverloaded):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if answered.Load() == 0 || answered.Load()+refused.Load() != 12 {
		t.Errorf("of 12 at once %d were answered, %d refused", answered.Load(), refused.Load())
	}
}

// A model whose template has no place for tools is told of them, and its prompt has
// results; what a template does not take is the request's fault.
func TestTools(t *testing.T) {
	e := engine(t)
	tools := []byte(`[{"type":"function","function":{"name":"now"}}]`)
	messages := []serve.Message{
		{Role: "user", Content: "When?"},
		{Role: "assistant", NoContent: true, ToolCalls: []byte(`[{"id":"a","type":"function","function":{"name":"now","arguments":"{}"}}]`)},
		{Role: "tool", ToolCallID: "a", Content: "noon"},
	}
	prompt := func(tools []byte, messages []serve.Message) int {
		t.Helper()
		u, _, err := e.Chat(t.Context(), serve.ChatRequest{Model: "starter", Tools: tools, Messages: messages, Sampling: serve.Sampling{MaxTokens: 1}},
			func(serve.Delta) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return u.PromptTokens
	}
	plain, told, all := prompt(nil, messages[:1]), prompt(tools, messages[:1]), prompt(tools, messages)
	if told < plain+20 || all < told+10 {
		t.Errorf("prompts of %d tokens, %d with a tool and %d with its result", plain, told, all)
	}
	if again := prompt(nil, messages); again <= plain || again >= all {
		t.Errorf("a prompt of %d tokens without the tool, %d with it", again, all)
	}
	dir := t.TempDir()
	files, err := filepath.Glob(starterDir + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) == "chat_template.jinja" {
			data = []byte("{% if messages[0].role == 'user' %}{{ raise_exception('No users.') }}{% endif %}{{ tools }}x")
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.AddBase("odd", dir); err != nil {
		t.Fatal(err)
	}
	var request *serve.RequestError
	if _, err := ask(e, serve.ChatRequest{Model: "odd", Messages: messages}); !errors.As(err, &request) || request.Param != "messages" || !strings.Contains(err.Error(), "No users.") {
		t.Errorf("a conversation that the template refuses: %v", err)
	}
}
