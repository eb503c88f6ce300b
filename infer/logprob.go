package infer

import (
	"math"
	"slices"
)

// TokenLogprob is a token and the logarithm of its probability.
type TokenLogprob struct {
	ID      int32
	Logprob float64
}

// Token is a token of an answer, or of the prompt before it.
type Token struct {
	// The logarithm is 0 unless it was asked for, and for the first token of all.
	TokenLogprob
	// Echoed says that the token is the prompt's.
	Echoed bool
	// Ends says that the token is one of [Request.End]: it has no text.
	Ends bool
	// Top are the likeliest tokens at this place, in order.
	Top []TokenLogprob
}

// logprobs describes token id under the model's own distribution: before bias,
// penalties and temperature.
func logprobs(logits []float32, id int32, top int) Token {
	peak := float64(logits[Greedy(logits)])
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - peak)
	}
	total := peak + math.Log(sum)
	t := Token{TokenLogprob: TokenLogprob{ID: id, Logprob: float64(logits[id]) - total}}
	if top == 0 {
		return t
	}
	order := func(a, b TokenLogprob) int {
		switch {
		case a.Logprob > b.Logprob || a.Logprob == b.Logprob && a.ID < b.ID:
			return -1
		case a == b:
			return 0
		}
		return 1
	}
	for i, v := range logits {
		c := TokenLogprob{ID: int32(i), Logprob: float64(v) - total}
		if len(t.Top) == top && order(c, t.Top[top-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(t.Top, c, order)
		t.Top = slices.Insert(t.Top, at, c)
		t.Top = t.Top[:min(len(t.Top), top)]
	}
	return t
}
