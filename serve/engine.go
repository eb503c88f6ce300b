package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// Engine is what serve needs of an inference engine. Its methods are called
// from many goroutines at once.
type Engine interface {
	// Models lists what can be asked, in the order to show. The slice must
	// not change afterwards.
	Models() []ModelInfo

	// Chat answers one request. It calls emit for each piece of text, one at
	// a time and in order; a piece is valid UTF-8 on its own. It returns soon
	// after emit returned an error, with that error, and within one decoding
	// step after ctx is done, with ctx's error. Text from a stop string on is
	// never emitted.
	//
	// The usage is exact whatever the error is: the tokens of the prompt once
	// it was tokenized, and the tokens decoded so far. Errors that are the
	// request's fault are a [*ContextLengthError] or a [*RequestError];
	// [ErrOverloaded] says to come back later.
	Chat(ctx context.Context, req ChatRequest, emit func(Delta) error) (Usage, FinishReason, error)

	// Complete goes on with a text, under the same rules as Chat. Where tokens are told
	// of, the one that ended the answer is too, with an empty Text.
	Complete(ctx context.Context, req CompletionRequest, emit func(Delta) error) (Usage, FinishReason, error)

	// Embed returns a vector of length one for each input, which the caller may
	// change. Errors and usage are as in Chat.
	Embed(ctx context.Context, req EmbeddingRequest) ([][]float32, Usage, error)
}

// ModelKind tells a full model from an adapter on one, and from a name for either.
type ModelKind string

// The kinds of model.
const (
	KindBase    ModelKind = "base"
	KindAdapter ModelKind = "adapter"
	KindAlias   ModelKind = "alias" // a name for the model that is published under it
	// KindEmbedding makes vectors of texts, and answers nothing else.
	KindEmbedding ModelKind = "embedding"
)

// ModelInfo describes a model that requests may name.
type ModelInfo struct {
	ID            string
	Created       time.Time
	OwnedBy       string
	ContextLength int // tokens of prompt and answer together
	Kind          ModelKind
	Parent        string // the base's ID, for an adapter; the model's, for an alias
	// Tools says how the model writes calls of tools; with [toolcall.Unknown] it takes none.
	Tools toolcall.Format
	// Fingerprint identifies weights, tokenizer and template. It is sent as
	// system_fingerprint; empty is left out.
	Fingerprint string
}

// Message is one turn of a conversation.
type Message struct {
	Role    string // system, developer, user, assistant or tool
	Content string // text parts are joined as they are
	// NoContent says that an assistant's turn has calls alone.
	NoContent bool
	Name      string
	// ToolCalls is the JSON array that an assistant turn carried, as sent.
	ToolCalls  json.RawMessage
	ToolCallID string
}

// ChatRequest is a request that has been checked.
type ChatRequest struct {
	ID string // the completion's ID
	// Key is the name of the API key that asks, or empty. What an engine keeps of a
	// prompt must not be found by another key, not even by how long an answer takes.
	Key      string
	Model    string
	Messages []Message
	// Tools is the JSON array of tools as sent, for the chat template; nil
	// for none.
	Tools json.RawMessage
	// ToolChoice says whether tools must be called. OneCall ends the answer with its
	// first call.
	ToolChoice ToolChoice
	OneCall    bool
	Sampling
}

// ToolChoice says whether an answer has to call tools: never with no tools, as the model
// likes with the zero value, and otherwise always.
type ToolChoice struct {
	Required bool
	Name     string // of the one function to call, or empty for any
}

// CompletionRequest is a plain text to go on with, checked.
type CompletionRequest struct {
	ID, Key, Model string // as in ChatRequest
	// Prompt is the text, or Tokens are its ids where the client sent those.
	Prompt string
	Tokens []int32
	// Echo emits the prompt before the answer, with log-probabilities where those are
	// asked for. With it, MaxTokens may be negative: no answer at all.
	Echo bool
	Sampling
}

// Sampling says how an answer is drawn and when it ends. A nil pointer means that the
// client did not say: the model's own default holds.
type Sampling struct {
	MaxTokens   int // 0: up to the context length
	Temperature *float64
	TopP        *float64
	TopK        *int // 0: all
	MinP        *float64
	// Repetition, Frequency and Presence penalise tokens that were there before;
	// the first is 1 for none, the others 0.
	Repetition          *float64
	Frequency, Presence float64
	LogitBias           map[int32]float32
	Seed                *int64
	Stop                []string
	// Grammar, if not nil, is what the answer must be of. An answer that MaxTokens or a
	// stop string cuts short is a beginning of one.
	Grammar *grammar.Grammar
	// Logprobs asks for the log-probability of each token of the answer, and of the
	// TopLogprobs likeliest tokens at its place.
	Logprobs    bool
	TopLogprobs int
}

// Delta is a piece of an answer.
type Delta struct {
	Text string
	// Calls are pieces of calls of tools; they are no part of Text.
	Calls []toolcall.Delta
	// Tokens are those that ended in this piece, where they were asked for.
	Tokens []Token
}

// Token is a token of an answer with what the model gave it.
type Token struct {
	TokenLogprob
	Top   []TokenLogprob // likeliest first
	First bool           // nothing stands before it: it has no probability
}

// TokenLogprob is a token and the natural logarithm of its probability.
type TokenLogprob struct {
	Bytes   []byte // what it stands for in a text; not always whole characters
	Logprob float64
}

// Usage counts tokens.
type Usage struct {
	PromptTokens     int
	CachedTokens     int // those of the prompt that were not computed again
	CompletionTokens int
	// DraftedTokens were guessed ahead, and AcceptedTokens of them were right. They say
	// how an answer came about; nobody pays for them.
	DraftedTokens, AcceptedTokens int
}

// FinishReason says why an answer ended.
type FinishReason string

// The reasons to end.
const (
	FinishStop   FinishReason = "stop"   // end of turn, or a stop string
	FinishLength FinishReason = "length" // MaxTokens or the context is used up
	// FinishToolCalls is what clients are told for FinishStop where the answer calls tools.
	FinishToolCalls FinishReason = "tool_calls"
)

// ErrOverloaded is returned by an [Engine] that has no room for a request.
var ErrOverloaded = errors.New("no room for another request")

// ContextLengthError says that a prompt does not fit.
type ContextLengthError struct {
	PromptTokens  int
	MaxTokens     int // asked for, 0 if not
	ContextLength int
}

// Error gives all the numbers.
func (e *ContextLengthError) Error() string {
	if e.MaxTokens > 0 && e.PromptTokens < e.ContextLength {
		return fmt.Sprintf("This model's context length is %d tokens. The prompt has %d tokens and %d more were asked for, %d in all.",
			e.ContextLength, e.PromptTokens, e.MaxTokens, e.PromptTokens+e.MaxTokens)
	}
	return fmt.Sprintf("This model's context length is %d tokens. The prompt has %d tokens, which leaves no room for an answer.",
		e.ContextLength, e.PromptTokens)
}

// RequestError is a fault of the request. Its text is shown to the client.
type RequestError struct {
	Param   string // the parameter at fault, such as "messages[1].role"
	Message string
}

// Error returns the message.
func (e *RequestError) Error() string { return e.Message }
