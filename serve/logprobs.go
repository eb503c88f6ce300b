package serve

import (
	"encoding/json"
	"strings"
)

// The wire types of log-probabilities. Fields stand in OpenAI's order.
type (
	logprobsBody struct {
		Content []tokenBody `json:"content"`
		Refusal *struct{}   `json:"refusal"`
	}
	tokenBody struct {
		logprobBody
		TopLogprobs []logprobBody `json:"top_logprobs"`
	}
	logprobBody struct {
		// Token is the text; where its bytes are no whole characters, they are
		// replaced, and Bytes alone is exact.
		Token   string     `json:"token"`
		Logprob float64    `json:"logprob"`
		Bytes   byteValues `json:"bytes"`
	}
	// byteValues is written as an array of numbers.
	byteValues []byte
)

// MarshalJSON implements [json.Marshaler].
func (b byteValues) MarshalJSON() ([]byte, error) {
	numbers := make([]int, len(b))
	for i, c := range b {
		numbers[i] = int(c)
	}
	return json.Marshal(numbers)
}

// newLogprobs returns what a request asked to be told about tokens, or nil.
func newLogprobs(req *ChatRequest, tokens []Token) *logprobsBody {
	if !req.Logprobs {
		return nil
	}
	body := &logprobsBody{Content: make([]tokenBody, len(tokens))}
	for i, t := range tokens {
		top := make([]logprobBody, len(t.Top))
		for j, c := range t.Top {
			top[j] = newLogprob(c)
		}
		body.Content[i] = tokenBody{newLogprob(t.TokenLogprob), top}
	}
	return body
}

func newLogprob(t TokenLogprob) logprobBody {
	return logprobBody{Token: strings.ToValidUTF8(string(t.Bytes), "\uFFFD"), Logprob: finite(t.Logprob), Bytes: t.Bytes}
}

// finite makes a log-probability one that JSON can say. OpenAI, too, has -9999 for
// what cannot happen.
func finite(logprob float64) float64 {
	const impossible = -9999
	if !(logprob > impossible) {
		return impossible
	}
	return logprob
}
