package infer_test

import (
	"math"
	"slices"
	"testing"

	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
)

// An echoed prompt comes first, each token with its log-probability under what stands
// before it, also where the prompt is cut in chunks or was computed before.
func TestEcho(t *testing.T) {
	m := load(t, 2)
	e := engine(t, m, infer.Options{Context: 256, Sequences: 2, Chunk: 40})
	prompt := slices.Concat(prompts(3)...)
	for len(prompt) < 130 {
		prompt = append(prompt, prompt...)
	}
	prompt = prompt[:130]
	for _, answer := range []int{-1, 1, 7} {
		var got []infer.Token
		res, err := e.Generate(t.Context(), infer.Request{
			Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: answer, Echo: true, Logprobs: true, TopLogprobs: 2, Share: "a",
		}, func(t infer.Token) error {
			got = append(got, t)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if res.Generated != max(answer, 0) || len(got) != len(prompt)+max(answer, 0) || res.Finish != infer.FinishLength || res.Cached != 0 {
			t.Fatalf("max tokens %d: %+v and %d tokens", answer, res, len(got))
		}
		for i, token := range got {
			if i < len(prompt) != token.Echoed || i < len(prompt) && token.ID != prompt[i] {
				t.Fatalf("token %d is %+v", i, token)
			}
			if i == 0 {
				continue
			}
			if i%16 == 0 || i > len(prompt)-3 {
				ids := slices.Clone(prompt)
				for _, later := range got[len(prompt):] {
					ids = append(ids, later.ID)
				}
				row := lastLogits(t, m.Model, m.Device, ids[:i])
				var sum float64
				for _, v := range row {
					sum += math.Exp(float64(v))
				}
				if want := float64(row[token.ID]) - math.Log(sum); math.Abs(token.Logprob-want) > 1e-9 {
					t.Errorf("token %d has log-probability %g, want %g", i, token.Logprob, want)
				}
			}
			if len(token.Top) != 2 {
				t.Errorf("token %d has %d likeliest, want 2", i, len(token.Top))
			}
		}
	}
	if _, _, err := collect(t.Context(), e, infer.Request{Prompt: prompt, MaxTokens: -1}); err == nil {
		t.Error("a request for nothing at all was accepted")
	}
}

// The token that ends an answer is told of where that is asked for.
func TestEmitEnd(t *testing.T) {
	m := load(t, 1)
	e := engine(t, m, infer.Options{Context: 128, Sequences: 1})
	prompt := prompts(1)[0]
	free, _, err := collect(t.Context(), e, infer.Request{Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: 4})
	if err != nil {
		t.Fatal(err)
	}
	end := free[2]
	at := slices.Index(free, end)
	for _, emit := range []bool{false, true} {
		var got []infer.Token
		res, err := e.Generate(t.Context(), infer.Request{
			Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: at + 1, End: []int32{end}, EmitEnd: emit, Logprobs: true,
		}, func(t infer.Token) error {
			got = append(got, t)
			return nil
		})
		want := at
		if emit {
			want++
		}
		if err != nil || len(got) != want || res.Generated != at+1 || res.Finish != infer.FinishStop {
			t.Fatalf("emit %v: %d tokens, want %d; %+v, %v", emit, len(got), want, res, err)
		}
		if emit && (!got[at].Ends || got[at].ID != end || got[at].Logprob >= 0) {
			t.Errorf("the end is %+v", got[at])
		}
	}
}
