package train

import (
	"fmt"
	"slices"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
)

// FromChat renders an example as the model will see it. Each learned answer is
// preceded by exactly the tokens that serving would send before it. Turns that
// continue one another share a sequence; a template that rewrites earlier turns
// gives one sequence a turn.
//
// A preference is an error: it is two sequences, see [FromPreference].
func FromChat(b *bundle.Bundle, e dataset.Example) ([]Sequence, error) {
	if e.Rejected != nil {
		return nil, fmt.Errorf("%s: two answers, of which one is preferred: learn them by the method dpo", e.Name)
	}
	turns, err := b.Turns(bundle.Conversation{Messages: e.Messages, Tools: e.Tools})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	var out []Sequence
	for _, t := range turns {
		weight := float32(e.Weights[t.Message])
		var s *Sequence
		if n := len(out); n > 0 && len(t.Prompt) >= len(out[n-1].Tokens) && slices.Equal(t.Prompt[:len(out[n-1].Tokens)], out[n-1].Tokens) {
			s = &out[n-1]
		} else {
			out = append(out, Sequence{Name: e.Name})
			s = &out[n]
		}
		s.extend(t.Prompt[len(s.Tokens):], 0)
		s.extend(t.Completion, weight)
	}
	// A sequence without a label is the beginning of one that was rewritten.
	out = slices.DeleteFunc(out, func(s Sequence) bool { return s.labels() == 0 })
	return out, nil
}

// FromPreference renders a preference: the better answer, then the worse one.
func FromPreference(b *bundle.Bundle, e dataset.Example) ([]Sequence, error) {
	if e.Rejected == nil {
		return nil, fmt.Errorf(`%s: one answer: the method dpo learns from "preferred_output" and "non_preferred_output"`, e.Name)
	}
	var out []Sequence
	for i, one := range e.Pair() {
		seqs, err := FromChat(b, one)
		if err != nil {
			return nil, err
		}
		if len(seqs) != 1 {
			return nil, fmt.Errorf("%s: the model's chat template drops output %d", e.Name, i+1)
		}
		out = append(out, seqs[0])
	}
	return out, nil
}

func (s *Sequence) extend(tokens []int32, weight float32) {
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, t)
		s.Weights = append(s.Weights, weight)
	}
}
