package local

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/tokenizer"
	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// Options bound what a server holds.
type Options struct {
	Known     []model.Architecture
	Sequences int // running at once on each base; 0: the engine's default
	Context   int // longest sequence; 0: the model's own, at most MaxContext
	// KV is what caches keep keys and values in, as in [infer.Options].
	KV tensor.DType
	// Queue is how many requests may wait on each base, and Speculate how many tokens
	// are guessed ahead, as in [infer.Options].
	Queue, Speculate int
	// AdapterMemory is how many bytes adapters may take: those that rested longest leave
	// memory, and come back when they are asked. Those that answer stay, whatever they
	// take. 0: 1 GiB.
	AdapterMemory int64
}

// defaultAdapterMemory has room for some thirty adapters of rank 16 on half a billion
// parameters.
const defaultAdapterMemory = 1 << 30

// MaxContext is the longest sequence served unless Options.Context says otherwise:
// the cache of a long context costs memory that few requests need.
const MaxContext = 8192

// Engine implements [serve.Engine]. Bases and their adapters are added before serving
// starts, tuned adapters are offered at any time. It is safe for concurrent use.
type Engine struct {
	dev  compute.Device
	opts Options

	mu     sync.Mutex
	bases  []*base
	models map[string]*served
	infos  []serve.ModelInfo // replaced when it grows, never changed
	uses   int64             // counts requests, to tell which adapter rested longest
	loaded int64             // bytes of adapters in memory
}

type base struct {
	dir      string
	bundle   *bundle.Bundle
	model    *gated
	engine   *infer.Engine   // nil where embedder is not
	embedder *infer.Embedder // of a model that makes embeddings
	set      *adapter.Set
	digest   func() (troika.Digest, error) // computed once
	chats    atomic.Int64                  // counts what was ever answered with
}

// gated is a model whose set of adapters may change between forward passes.
type gated struct {
	model.Model
	mu sync.RWMutex
}

// Forward implements [model.Model].
func (g *gated) Forward(o compute.Ops, b *model.Batch, kv compute.KV) *compute.Tensor {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.Model.Forward(o, b, kv)
}

// add puts an adapter between two forward passes.
func (b *base) add(x adapter.Adapter) int32 {
	b.model.mu.Lock()
	defer b.model.mu.Unlock()
	return b.set.Add(x)
}

// remove takes it away again.
func (b *base) remove(slot int32) {
	b.model.mu.Lock()
	defer b.model.mu.Unlock()
	b.set.Remove(slot)
}

// served is a model that may be asked for.
type served struct {
	base *base
	// chat answers; nil while an adapter is not in memory. It is written by who
	// holds loading and is one of users, or holds the engine's mu while there are none.
	chat    *infer.Chat
	tuned   *Tuned          // nil for a base, which is always in memory
	adapter *adapter.Frozen // of tuned, while in memory
	loading sync.Mutex

	// Under the engine's mu:
	users  int
	used   int64 // the engine's uses when it was last asked
	loaded bool
}

// New returns an engine without models. Close it when serving has ended.
func New(dev compute.Device, opts Options) *Engine {
	if opts.AdapterMemory == 0 {
		opts.AdapterMemory = defaultAdapterMemory
	}
	return &Engine{dev: dev, opts: opts, models: map[string]*served{}}
}

// AddBase loads the model directory dir, to be asked for by name.
func (e *Engine) AddBase(name, dir string) error {
	b, err := e.base(dir)
	if err != nil {
		return err
	}
	if b.embedder != nil {
		return e.add(name, &served{base: b}, serve.ModelInfo{Kind: serve.KindEmbedding})
	}
	return e.add(name, &served{base: b, chat: b.chat(nn.NoAdapter)}, serve.ModelInfo{Kind: serve.KindBase})
}

// AddAdapter loads the adapter directory dir over the base in baseDir, whose weights
// are shared with every other model on it. What does not fit AdapterMemory beside others
// leaves again until it is asked.
func (e *Engine) AddAdapter(name, dir, parent, baseDir string) error {
	b, err := e.base(baseDir)
	if err != nil {
		return err
	}
	if b.embedder != nil {
		return fmt.Errorf("adapter %s: its base %s makes embeddings, which adapters are not served on", dir, parent)
	}
	m := &served{base: b, tuned: &Tuned{Name: name, Dir: dir, Parent: parent, BaseDir: baseDir}}
	if err := e.add(name, m, serve.ModelInfo{Kind: serve.KindAdapter, Parent: parent}); err != nil {
		return err
	}
	// Loaded at once, so that one that cannot be is an error now and not in an answer.
	_, release, err := e.use(name)
	if err != nil {
		e.forget(name)
		return err
	}
	release()
	return nil
}

// forget takes back what add did.
func (e *Engine) forget(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.models, name)
	e.infos = slices.DeleteFunc(slices.Clone(e.infos), func(i serve.ModelInfo) bool { return i.ID == name })
}

func (b *base) chat(slot int32) *infer.Chat {
	// A slot may come to hold another adapter, whose cached keys differ.
	share := strconv.FormatInt(b.chats.Add(1), 10)
	return &infer.Chat{Bundle: b.bundle, Engine: b.engine, Slot: slot, Share: share}
}

func (e *Engine) add(name string, m *served, info serve.ModelInfo) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.models[name] != nil {
		return fmt.Errorf("two models are named %q", name)
	}
	info.ID = name
	if info.OwnedBy == "" {
		info.OwnedBy = "troika"
	}
	if info.Created.IsZero() {
		info.Created = time.Now()
	}
	if m.base.embedder != nil {
		info.ContextLength = m.base.embedder.MaxTokens()
	} else {
		info.ContextLength = m.base.engine.Context()
		// Without a template, no chat and so no tools: the request says so.
		info.Tools, _ = m.base.bundle.ToolFormat()
	}
	e.models[name] = m
	e.infos = append(slices.Clone(e.infos), info)
	return nil
}

// base returns the loaded base in dir.
func (e *Engine) base(dir string) (*base, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if b := e.baseIn(dir); b != nil {
		return b, nil
	}
	b := &base{dir: dir}
	var m model.Model
	device := func(model.Facts) (compute.Device, error) { return e.dev, nil }
	if b.bundle, m, err = bundle.OpenModel(dir, e.opts.Known, device); err != nil {
		return nil, err
	}
	b.model = &gated{Model: m}
	b.set = adapter.NewSet(m)
	b.digest = sync.OnceValues(b.bundle.Digest)
	if err := e.start(b); err != nil {
		b.model.Free()
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bases = append(e.bases, b)
	return b, nil
}

// start makes what answers for a loaded base.
func (e *Engine) start(b *base) (err error) {
	context := e.opts.Context
	if context == 0 {
		context = min(b.bundle.Facts.MaxPositions, MaxContext)
	}
	if how := b.bundle.Embedding; how != nil {
		b.embedder = infer.NewEmbedder(e.dev, b.model, bundle.Embedding{Pooling: how.Pooling, MaxTokens: min(how.MaxTokens, context)})
		return nil
	}
	b.engine, err = infer.New(e.dev, b.model, infer.Options{
		Context: context, Sequences: e.opts.Sequences, KV: e.opts.KV, Queue: e.opts.Queue, Speculate: e.opts.Speculate,
	})
	return err
}

// baseIn returns the base that was loaded from an absolute path, or nil.
func (e *Engine) baseIn(dir string) *base {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.bases, func(b *base) bool { return b.dir == dir }); i >= 0 {
		return e.bases[i]
	}
	return nil
}

// Close ends running requests and frees the models. Nothing may be added meanwhile.
func (e *Engine) Close() {
	for _, b := range e.bases {
		if b.embedder != nil {
			b.embedder.Close()
			continue
		}
		b.engine.Close()
	}
	for _, m := range e.models {
		if m.adapter != nil {
			m.adapter.Free()
		}
	}
	for _, b := range e.bases {
		b.model.Free()
	}
	e.bases, e.models, e.infos = nil, nil, nil
}

// Models implements [serve.Engine].
func (e *Engine) Models() []serve.ModelInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.infos
}

// Chat implements [serve.Engine].
func (e *Engine) Chat(ctx context.Context, req serve.ChatRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	c, release, err := e.use(req.Model)
	if err != nil {
		return serve.Usage{}, "", err
	}
	defer release()
	conv := bundle.Conversation{Tools: req.Tools, Now: time.Now()}
	for _, m := range req.Messages {
		conv.Messages = append(conv.Messages, chat.Message{
			Role: m.Role, Content: m.Content, NoContent: m.NoContent,
			Name: m.Name, ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
		})
	}
	o, err := options(c, req.Key, &req.Sampling)
	if err != nil {
		return serve.Usage{}, "", err
	}
	if err := readCalls(c.Bundle, &req, &o); err != nil {
		return serve.Usage{}, "", templateError(err)
	}
	res, err := c.Answer(ctx, conv, o, pieces(c, emit))
	return finished(res, &req.Sampling, templateError(err))
}

// templateError blames the request for what its model's template does not take.
func templateError(err error) error {
	if errors.Is(err, bundle.ErrNoTemplate) {
		return &serve.RequestError{Param: "model", Message: err.Error()}
	}
	if _, ok := errors.AsType[*chat.Error](err); ok || errors.Is(err, chat.ErrInput) {
		return &serve.RequestError{Param: "messages", Message: err.Error()}
	}
	return err
}

// readCalls makes an answer tell calls of tools from content. That there are calls where
// they are required is what the grammar is for.
func readCalls(b *bundle.Bundle, req *serve.ChatRequest, o *infer.ChatOptions) error {
	if len(req.Tools) == 0 {
		return nil
	}
	format, err := b.ToolFormat()
	if err != nil {
		return err
	}
	names, err := toolcall.Names(req.Tools)
	if err != nil {
		return err
	}
	o.Tools, o.CallTokens = toolcall.NewParser(format, names, req.OneCall), format.Tokens()
	return nil
}

// Complete implements [serve.Engine].
func (e *Engine) Complete(ctx context.Context, req serve.CompletionRequest, emit func(serve.Delta) error) (serve.Usage, serve.FinishReason, error) {
	c, release, err := e.use(req.Model)
	if err != nil {
		return serve.Usage{}, "", err
	}
	defer release()
	o, err := options(c, req.Key, &req.Sampling)
	if err != nil {
		return serve.Usage{}, "", err
	}
	// Clients of plain completions count on an entry for each token that was drawn.
	o.Echo, o.EndLogprob = req.Echo, true
	prompt := req.Tokens
	if prompt == nil {
		prompt = c.Bundle.Tokenizer.Encode(req.Prompt, true)
	}
	for _, id := range prompt {
		if n := c.Bundle.Facts.VocabSize; int(id) >= n {
			return serve.Usage{}, "", &serve.RequestError{
				Param: "prompt", Message: fmt.Sprintf("Invalid 'prompt': token %d is not in the vocabulary of %d.", id, n),
			}
		}
	}
	res, err := c.Continue(ctx, prompt, o, pieces(c, emit))
	return finished(res, &req.Sampling, err)
}

// Embed implements [serve.Engine].
func (e *Engine) Embed(ctx context.Context, req serve.EmbeddingRequest) ([][]float32, serve.Usage, error) {
	e.mu.Lock()
	m := e.models[req.Model]
	e.mu.Unlock()
	if m == nil || m.base.embedder == nil {
		return nil, serve.Usage{}, &serve.RequestError{
			Param: "model", Message: fmt.Sprintf("The model '%s' does not make embeddings.", req.Model),
		}
	}
	b, most := m.base.bundle, m.base.embedder.MaxTokens()
	texts := make([][]int32, len(req.Inputs))
	var usage serve.Usage
	for i, in := range req.Inputs {
		texts[i] = in.Tokens
		if texts[i] == nil {
			texts[i] = b.Tokenizer.Encode(in.Text, true)
		}
		if n := len(texts[i]); n > most {
			return nil, serve.Usage{}, &serve.RequestError{
				Param: "input", Message: fmt.Sprintf("Invalid 'input[%d]': it has %d tokens, the model takes at most %d.", i, n, most),
			}
		}
		for _, id := range in.Tokens {
			if n := b.Facts.VocabSize; int(id) >= n {
				return nil, serve.Usage{}, &serve.RequestError{
					Param: "input", Message: fmt.Sprintf("Invalid 'input[%d]': token %d is not in the vocabulary of %d.", i, id, n),
				}
			}
		}
		usage.PromptTokens += len(texts[i])
	}
	vectors, err := m.base.embedder.Embed(ctx, texts)
	return vectors, usage, err
}

// options says to the engine what a request says.
func options(c *infer.Chat, key string, s *serve.Sampling) (infer.ChatOptions, error) {
	for id := range s.LogitBias {
		if n := c.Bundle.Facts.VocabSize; int(id) >= n {
			return infer.ChatOptions{}, &serve.RequestError{
				Param: "logit_bias", Message: fmt.Sprintf("Invalid 'logit_bias': token %d is not in the vocabulary of %d.", id, n),
			}
		}
	}
	return infer.ChatOptions{
		MaxTokens: s.MaxTokens, Stop: s.Stop, Sampling: sampling(c.Bundle.Generation, s),
		Logprobs: s.Logprobs, TopLogprobs: s.TopLogprobs, Share: key, Client: key, Grammar: s.Grammar,
	}, nil
}

// pieces passes pieces on as deltas.
func pieces(c *infer.Chat, emit func(serve.Delta) error) func(infer.Piece) error {
	first := true
	return func(p infer.Piece) error {
		d := serve.Delta{Text: p.Text, Calls: p.Calls, Tokens: describe(c.Bundle.Tokenizer, p.Tokens)}
		if first && len(d.Tokens) > 0 {
			d.Tokens[0].First, first = p.Tokens[0].Echoed, false
		}
		return emit(d)
	}
}

// finished says how a request ended.
func finished(res infer.Result, s *serve.Sampling, err error) (serve.Usage, serve.FinishReason, error) {
	usage := serve.Usage{PromptTokens: res.Prompt, CachedTokens: res.Cached, CompletionTokens: res.Generated}
	usage.DraftedTokens, usage.AcceptedTokens = res.Drafted, res.Accepted
	if errors.Is(err, infer.ErrFull) {
		err = serve.ErrOverloaded
	}
	if long, ok := errors.AsType[*infer.ContextError](err); ok {
		err = &serve.ContextLengthError{PromptTokens: long.Prompt, MaxTokens: s.MaxTokens, ContextLength: long.Context}
	}
	if bad, ok := errors.AsType[*infer.GrammarError](err); ok {
		err = &serve.RequestError{Param: "response_format", Message: fmt.Sprintf("This model cannot write the form that is asked for: %v.", bad.Err)}
	}
	return usage, serve.FinishReason(res.Finish), err
}

// describe gives tokens their bytes.
func describe(t *tokenizer.Tokenizer, tokens []infer.Token) []serve.Token {
	one := func(p infer.TokenLogprob) serve.TokenLogprob {
		return serve.TokenLogprob{Bytes: t.Bytes(p.ID), Logprob: p.Logprob}
	}
	var out []serve.Token
	for _, token := range tokens {
		described := serve.Token{TokenLogprob: one(token.TokenLogprob)}
		for _, p := range token.Top {
			described.Top = append(described.Top, one(p))
		}
		out = append(out, described)
	}
	return out
}

// sampling joins what the request says with the model's defaults. A model whose
// generation config does not sample is greedy unless asked otherwise.
func sampling(g bundle.Generation, req *serve.Sampling) infer.Sampling {
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
	if req.TopK != nil {
		s.TopK = *req.TopK
	}
	if req.MinP != nil {
		s.MinP = *req.MinP
	}
	if req.Repetition != nil {
		s.Repetition = *req.Repetition
	}
	s.Frequency, s.Presence, s.Bias = req.Frequency, req.Presence, req.LogitBias
	if req.Seed != nil {
		s.Seed = uint64(*req.Seed)
	} else {
		s.Seed = rand.Uint64()
	}
	return s
}
