package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/tensor"
)

// ErrClosed is returned to requests of an engine that was closed.
var ErrClosed = errors.New("the engine is closed")

// Options bound an engine.
type Options struct {
	Context   int // longest sequence, prompt and answer together
	Pages     int // cache pages; 0: enough for Sequences of the full context
	Sequences int // running at once; 0: 8
	Chunk     int // prompt tokens of one step; 0: 128, as fast as more and in less memory
	// KV is what the cache keeps keys and values in: F32, the zero value, F16 or Q8_0.
	// With F32 logits have the bits of training; the others round, and take half of the
	// memory and a good quarter.
	KV tensor.DType
	// Queue is how many requests may wait for a place, those of one client as many as
	// there are places left; more get ErrFull. 0: any number.
	Queue int
	// Speculate is how many tokens of an answer may be guessed ahead, from what the
	// sequence had before, and checked in one pass; 0: none. It changes no token. With
	// others that run, one less for each: where a pass has many rows, more cost.
	Speculate int
	// Retain is how many pages of ended sequences are kept, for others that begin the
	// same; 0: a quarter of all.
	Retain int
}

// Finish says why a sequence ended.
type Finish string

// The ways to end, as OpenAI names them.
const (
	FinishStop   Finish = "stop"   // an end token, or the caller's emit said so
	FinishLength Finish = "length" // MaxTokens or the context was reached
)

// ErrStop is what emit returns to end its sequence with FinishStop.
var ErrStop = errors.New("stop")

// Request is one sequence to generate.
type Request struct {
	Prompt []int32
	Slot   int32 // adapter slot, or nn.NoAdapter
	// Client is who asks: clients that wait are served in turn, so that they get as many
	// tokens as one another.
	Client    string
	MaxTokens int // 0: up to the context
	// Share names whose cached beginnings the sequence may use, and who may use its
	// own: sequences with the same Share and Slot. Empty shares nothing. It must differ
	// where what the slot stands for does. Sharing changes no token.
	Share    string
	End      []int32 // tokens that end the sequence; they are not emitted without EmitEnd
	EmitEnd  bool    // emit the token of End that was drawn as well
	Sampling Sampling
	// Constraint, if not nil, leaves only the tokens that it allows to be drawn, and the
	// tokens of End only where the answer may end. Where nothing else can follow, the
	// sequence ends with FinishStop. It comes after bias and penalties, and is used
	// between steps of all sequences until Generate returns.
	Constraint Constraint
	// Logprobs asks for the logarithm of each token's probability, and those of the
	// TopLogprobs likeliest at its place, under the model's own distribution: before
	// bias, penalties, constraint and temperature.
	Logprobs    bool
	TopLogprobs int
	// Echo emits the prompt's tokens before the answer's.
	Echo bool
	// Observe, if not nil, is called with the logits that follow the token at a position
	// of the sequence: those that a token is drawn from, and with Echo those of the
	// prompt. It runs between steps of all sequences, and must not keep or change logits.
	Observe func(at int, logits []float32)
}

// Result is what a request used. It is exact also when the request failed or was
// cancelled: Generated counts every token drawn.
type Result struct {
	Prompt    int
	Cached    int // tokens of the prompt that were in the cache
	Generated int // the end token included
	Finish    Finish
	// Drafted counts tokens that were guessed, Accepted those that were right.
	Drafted, Accepted int
}

// ContextError reports a prompt that does not fit.
type ContextError struct{ Prompt, Context int }

func (e *ContextError) Error() string {
	return fmt.Sprintf("the prompt has %d tokens, the context holds %d and needs room for an answer", e.Prompt, e.Context)
}

// Engine generates for one base model. Its methods are safe for concurrent use.
type Engine struct {
	dev  compute.Device
	m    model.Model
	opts Options
	kv   compute.KV

	mu     sync.Mutex
	wake   chan struct{} // has room for one signal
	queue  queue
	closed bool
	done   chan struct{}

	pages   *pages      // owned by the loop
	running []*sequence // owned by the loop
	logits  []float32   // of a row; owned by the loop
}

type sequence struct {
	Request
	ctx    context.Context
	client *client
	tokens chan Token // drawn tokens, closed at the end
	stop   chan struct{}
	once   sync.Once
	err    error // read after tokens is closed
	finish Finish

	all    []int32 // prompt and drawn tokens
	at     int     // tokens in the cache
	cached int     // of them, those that another sequence computed
	drawn  int
	pages  []int32
	chain  []uint64 // ids of the full pages
	past   *History // nil where nobody asks
	draft  *drafter // nil where nothing is guessed
	ended  bool
}

// halt asks the loop to drop the sequence.
func (s *sequence) halt() { s.once.Do(func() { close(s.stop) }) }

// New starts an engine. Close it to free the cache; the model stays the caller's.
func New(dev compute.Device, m model.Model, opts Options) (*Engine, error) {
	e, err := newEngine(dev, m, opts)
	if err != nil {
		return nil, err
	}
	go e.loop()
	return e, nil
}

// newEngine makes an engine whose loop does not run.
func newEngine(dev compute.Device, m model.Model, opts Options) (*Engine, error) {
	if opts.Context < 2 {
		return nil, fmt.Errorf("start engine: context is %d, want at least 2", opts.Context)
	}
	if m.OutputHead() == nil {
		return nil, errors.New("start engine: an encoder generates nothing")
	}
	if opts.Sequences == 0 {
		opts.Sequences = 8
	}
	if opts.Chunk == 0 {
		opts.Chunk = 128
	}
	whole := pagesFor(opts.Context)
	if opts.Pages == 0 {
		opts.Pages = whole * opts.Sequences
	}
	if opts.Pages < whole {
		return nil, fmt.Errorf("start engine: %d cache pages hold less than one sequence of %d tokens", opts.Pages, opts.Context)
	}
	spec := m.KVSpec(opts.Pages)
	spec.DType = opts.KV
	kv, err := dev.NewKV(spec)
	if err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	if opts.Retain == 0 {
		opts.Retain = opts.Pages / 4
	}
	e := &Engine{
		dev: dev, m: m, opts: opts, kv: kv, wake: make(chan struct{}, 1), done: make(chan struct{}),
		pages: newPages(opts.Pages, opts.Retain), queue: queue{limit: opts.Queue},
	}
	return e, nil
}

func pagesFor(tokens int) int { return (tokens + compute.PageTokens - 1) / compute.PageTokens }

// Context returns the longest sequence.
func (e *Engine) Context() int { return e.opts.Context }

// Generate runs one request, calling emit with each token from the calling
// goroutine. It returns when the sequence ended, ctx ended, or emit failed; the
// Result counts what was used in each case. A slow emit holds back its own
// sequence only.
func (e *Engine) Generate(ctx context.Context, req Request, emit func(Token) error) (Result, error) {
	res := Result{Prompt: len(req.Prompt)}
	s, err := e.enqueue(ctx, req)
	if err != nil {
		return res, err
	}
	var failed error
	emitted := 0
	for t := range s.tokens {
		if failed != nil {
			continue
		}
		if !t.Echoed {
			emitted++
		}
		if failed = emit(t); failed != nil {
			s.halt()
		}
	}
	res.Cached, res.Generated, res.Finish = s.cached, s.drawn, s.finish
	if s.draft != nil {
		res.Drafted, res.Accepted = s.draft.drafted, s.draft.accepted
	}
	switch {
	case errors.Is(failed, ErrStop):
		// What the loop drew before it noticed is not the request's.
		res.Generated, res.Finish = emitted, FinishStop
		return res, nil
	case failed != nil:
		return res, failed
	}
	return res, s.err
}

func (e *Engine) checkRequest(req *Request) error {
	if len(req.Prompt) == 0 {
		return errors.New("the prompt is empty")
	}
	if len(req.Prompt) >= e.opts.Context {
		return &ContextError{Prompt: len(req.Prompt), Context: e.opts.Context}
	}
	room := e.opts.Context - len(req.Prompt)
	switch {
	case req.MaxTokens < 0 && !req.Echo:
		return fmt.Errorf("max_tokens is %d, want at least 0", req.MaxTokens)
	case req.MaxTokens < 0:
		req.MaxTokens = -1
	case req.MaxTokens == 0 || req.MaxTokens > room:
		req.MaxTokens = room
	}
	if req.TopLogprobs < 0 {
		return fmt.Errorf("top_logprobs is %d, want at least 0", req.TopLogprobs)
	}
	return req.Sampling.Check()
}

// enqueue makes a sequence that waits for its turn.
func (e *Engine) enqueue(ctx context.Context, req Request) (*sequence, error) {
	if err := e.checkRequest(&req); err != nil {
		return nil, err
	}
	s := &sequence{
		Request: req, ctx: ctx, stop: make(chan struct{}), all: slices.Clone(req.Prompt),
	}
	// Room for every token, so that the loop never waits for a reader.
	room := max(req.MaxTokens, 0)
	if req.Echo {
		room += len(req.Prompt)
	}
	s.tokens = make(chan Token, room)
	if req.Sampling.remembers() {
		s.past = NewHistory(req.Prompt)
	}
	if e.opts.Speculate > 0 {
		s.draft = newDrafter()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	if err := e.queue.push(s); err != nil {
		return nil, err
	}
	e.signal()
	return s, nil
}

func (e *Engine) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Close ends every request with ErrClosed, stops the loop and frees the cache.
func (e *Engine) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		<-e.done
		return
	}
	e.closed = true
	e.signal()
	e.mu.Unlock()
	<-e.done
	e.kv.Free()
}
