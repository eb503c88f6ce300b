package local

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/tokenizer/chat"
)

// Options bound what a server holds.
type Options struct {
	Known     []model.Architecture
	Sequences int // running at once on each base; 0: the engine's default
	Context   int // longest sequence; 0: the model's own, at most MaxContext
}

// MaxContext is the longest sequence served unless Options.Context says otherwise:
// the cache of a long context costs memory that few requests need.
const MaxContext = 8192

// Engine implements [serve.Engine]. Models are added before serving starts.
type Engine struct {
	dev   compute.Device
	opts  Options
	bases []*base
	chats map[string]*infer.Chat
	infos []serve.ModelInfo
}

type base struct {
	dir      string
	bundle   *bundle.Bundle
	model    model.Model
	engine   *infer.Engine
	set      *adapter.Set
	adapters []*adapter.Frozen
}

// New returns an engine without models. Close it when serving has ended.
func New(dev compute.Device, opts Options) *Engine {
	return &Engine{dev: dev, opts: opts, chats: map[string]*infer.Chat{}}
}

// AddBase loads the model directory dir, to be asked for by name.
func (e *Engine) AddBase(name, dir string) error {
	b, err := e.base(dir)
	if err != nil {
		return err
	}
	return e.add(name, b, nn.NoAdapter, serve.ModelInfo{Kind: serve.KindBase})
}

// AddAdapter loads the adapter directory dir over the base in baseDir, whose weights
// are shared with every other model on it.
func (e *Engine) AddAdapter(name, dir, parent, baseDir string) error {
	b, err := e.base(baseDir)
	if err != nil {
		return err
	}
	x, err := adapter.Open(e.dev, b.model, dir)
	if err != nil {
		return err
	}
	b.adapters = append(b.adapters, x)
	return e.add(name, b, b.set.Add(x), serve.ModelInfo{Kind: serve.KindAdapter, Parent: parent})
}

func (e *Engine) add(name string, b *base, slot int32, info serve.ModelInfo) error {
	if e.chats[name] != nil {
		return fmt.Errorf("two models are named %q", name)
	}
	info.ID, info.OwnedBy, info.Created = name, "troika", time.Now()
	info.ContextLength = b.engine.Context()
	e.chats[name] = &infer.Chat{Bundle: b.bundle, Engine: b.engine, Slot: slot}
	e.infos = append(e.infos, info)
	return nil
}

// base returns the loaded base in dir.
func (e *Engine) base(dir string) (*base, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(e.bases, func(b *base) bool { return b.dir == dir }); i >= 0 {
		return e.bases[i], nil
	}
	b := &base{dir: dir}
	if b.bundle, err = bundle.Open(dir, e.opts.Known); err != nil {
		return nil, err
	}
	if b.model, err = b.bundle.Load(e.dev, false); err != nil {
		return nil, err
	}
	b.set = adapter.NewSet(b.model)
	context := e.opts.Context
	if context == 0 {
		context = min(b.bundle.Facts.MaxPositions, MaxContext)
	}
	b.engine, err = infer.New(e.dev, b.model, infer.Options{Context: context, Sequences: e.opts.Sequences})
	if err != nil {
		b.model.Free()
		return nil, err
	}
	e.bases = append(e.bases, b)
	return b, nil
}

// Close ends running requests and frees the models.
func (e *Engine) Close() {
	for _, b := range e.bases {
		b.engine.Close()
		for _, x := range b.adapters {
			x.Free()
		}
		b.model.Free()
	}
	e.bases, e.chats, e.infos = nil, nil, nil
}

// Chats returns the model of that name, nil when there is none.
func (e *Engine) Chats(name string) *infer.Chat { return e.chats[name] }

// Models implements [serve.Engine].
func (e *Engine) Models() []serve.ModelInfo { return e.infos }

// Chat implements [serve.Engine].
func (e *Engine) Chat(ctx context.Context, req serve.ChatRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	c := e.chats[req.Model]
	if c == nil {
		return serve.Usage{}, "", &serve.RequestError{Param: "model", Message: fmt.Sprintf("no model %q", req.Model)}
	}
	conv := bundle.Conversation{Tools: req.Tools, Now: time.Now()}
	for _, m := range req.Messages {
		conv.Messages = append(conv.Messages, chat.Message{
			Role: m.Role, Content: m.Content, Name: m.Name, ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
		})
	}
	opts := infer.ChatOptions{MaxTokens: req.MaxTokens, Stop: req.Stop, Sampling: sampling(c.Bundle.Generation, req)}
	res, err := c.Answer(ctx, conv, opts, func(text string) error { return emit(serve.Delta{Text: text}) })
	usage := serve.Usage{PromptTokens: res.Prompt, CompletionTokens: res.Generated}
	var long *infer.ContextError
	switch {
	case errors.As(err, &long):
		err = &serve.ContextLengthError{PromptTokens: long.Prompt, MaxTokens: req.MaxTokens, ContextLength: long.Context}
	case errors.Is(err, bundle.ErrNoTemplate):
		err = &serve.RequestError{Param: "model", Message: err.Error()}
	}
	return usage, serve.FinishReason(res.Finish), err
}

// sampling joins what the request says with the model's defaults. A model whose
// generation config does not sample is greedy unless asked otherwise.
func sampling(g bundle.Generation, req serve.ChatRequest) infer.Sampling {
	var s infer.Sampling
	if g.DoSample {
		s.Temperature = 1
		if g.Temperature != nil {
			s.Temperature = *g.Temperature
		}
		if g.TopP != nil {
			s.TopP = *g.TopP
		}
		if g.TopK != nil {
			s.TopK = *g.TopK
		}
	}
	if req.Temperature != nil {
		s.Temperature = *req.Temperature
	}
	if req.TopP != nil {
		s.TopP = *req.TopP
	}
	if req.Seed != nil {
		s.Seed = uint64(*req.Seed)
	} else {
		s.Seed = rand.Uint64()
	}
	return s
}
