package infer_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
)

// Guessing ahead changes no token, no log-probability and no ending: greedy, sampled and
// penalised answers, also under a constraint, in mixed batches are those of an engine that does not guess, and
// guesses are right often enough to be worth it where text repeats itself.
func TestGuessesChangeNothing(t *testing.T) {
	m := load(t, 2)
	plain := engine(t, m, infer.Options{Context: 256, Sequences: 3, Chunk: 32})
	for _, c := range []struct{ speculate, sequences int }{{8, 1}, {8, 3}, {1, 1}, {200, 2}} {
		ahead := engine(t, m, infer.Options{Context: 256, Sequences: c.sequences, Chunk: 32, Speculate: c.speculate})
		var mu sync.Mutex
		drafted, accepted := 0, 0
		var wg sync.WaitGroup
		for i, p := range prompts(10) {
			p = slices.Concat(p, p) // something to quote
			req := infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 60, Share: "s", Logprobs: true, TopLogprobs: 2, Echo: i == 3}
			switch i % 4 {
			case 1:
				req.Sampling = infer.Sampling{Temperature: 0.8, TopK: 20, TopP: 0.9, Seed: uint64(i)}
			case 2:
				req.Sampling = infer.Sampling{Temperature: 0.2, Repetition: 1.05, Frequency: 0.1, Seed: uint64(i)}
			case 3:
				req.End = []int32{int32(i), 40, 50, 60}
			}
			wg.Go(func() {
				if i > 6 {
					req.Constraint = new(parity)
				}
				got, seen, res := everything(t, ahead, req)
				if i > 6 {
					req.Constraint = new(parity)
				}
				want, wantSeen, wantRes := everything(t, plain, req)
				if !slices.EqualFunc(got, want, sameToken) {
					t.Errorf("guessing %d, request %d: tokens %v, want %v", c.speculate, i, got, want)
				}
				if !slices.Equal(seen, wantSeen) {
					t.Errorf("guessing %d, request %d: logits were observed at %v, want %v", c.speculate, i, seen, wantSeen)
				}
				mu.Lock()
				defer mu.Unlock()
				drafted, accepted = drafted+res.Drafted, accepted+res.Accepted
				res.Drafted, res.Accepted = 0, 0
				res.Cached, wantRes.Cached = 0, 0 // depends on who came first
				if res != wantRes {
					t.Errorf("guessing %d, request %d: %+v, want %+v", c.speculate, i, res, wantRes)
				}
			})
		}
		wg.Wait()
		if drafted == 0 || accepted < drafted/4 {
			t.Errorf("guessing %d: %d of %d guesses were right", c.speculate, accepted, drafted)
		}
	}
}

// parity lets even and odd tokens come in turn.
type parity struct{ n int }

func (p *parity) Mask() []uint64 {
	if p.n%2 == 0 {
		return []uint64{0x5555555555555555, 0x5555555555555555}
	}
	return []uint64{0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa}
}

func (*parity) Done() bool { return false }

func (p *parity) Accept(id int32) error {
	if int(id)%2 != p.n%2 {
		return fmt.Errorf("token %d as the number %d of an answer", id, p.n)
	}
	p.n++
	return nil
}

func sameToken(a, b infer.Token) bool {
	return a.TokenLogprob == b.TokenLogprob && a.Echoed == b.Echoed && slices.Equal(a.Top, b.Top)
}

// everything collects tokens, and where logits were observed.
func everything(t *testing.T, e *infer.Engine, r infer.Request) (tokens []infer.Token, seen []int, res infer.Result) {
	t.Helper()
	r.Observe = func(at int, _ []float32) { seen = append(seen, at) }
	res, err := e.Generate(context.Background(), r, func(token infer.Token) error {
		tokens = append(tokens, token)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return tokens, seen, res
}

// An answer that goes on as guessed takes fewer steps than it has tokens, and pages that
// wrong guesses wrote to are not shared.
func TestGuessesSaveSteps(t *testing.T) {
	m := load(t, 1)
	s := steps(t, m, infer.Options{Context: 512, Sequences: 1, Speculate: 8})
	p := prompts(1)[0]
	again := infer.Sampling{Bias: map[int32]float32{7: 100}}
	start(t, s, "a", infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 200, Sampling: again})
	turns := 0
	for s.Turn() != "" {
		turns++
	}
	// The prompt, three tokens to see what repeats, guesses of 4, then of 8.
	if turns > 1+3+1+(200-8)/9+1 {
		t.Errorf("200 tokens of an answer that repeats itself took %d steps", turns)
	}
	e := engine(t, m, infer.Options{Context: 512, Sequences: 1, Speculate: 8, Retain: 8})
	plain := engine(t, m, infer.Options{Context: 512, Sequences: 1})
	answer, _, err := collect(t.Context(), e, infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 200, Share: "s"})
	if err != nil {
		t.Fatal(err)
	}
	next := slices.Concat(p, answer, []int32{5, 6})
	got, res, err := collect(t.Context(), e, infer.Request{Prompt: next, Slot: nn.NoAdapter, MaxTokens: 20, Share: "s"})
	if err != nil || res.Cached != (len(p)+199)/64*64 {
		t.Errorf("%+v, %v", res, err)
	}
	if want, _, err := collect(t.Context(), plain, infer.Request{Prompt: next, Slot: nn.NoAdapter, MaxTokens: 20}); err != nil || !slices.Equal(got, want) {
		t.Errorf("tokens %v, want %v; %v", got, want, err)
	}
}

// BenchmarkGuess writes on a text that repeats itself, one sequence at a time, with and
// without guesses.
func BenchmarkGuess(b *testing.B) {
	dev := cpu.New(cpu.Options{})
	b.Cleanup(dev.Close)
	files, m := openStarter(b, dev)
	text, err := os.ReadFile("pages_test.go")
	if err != nil {
		b.Fatal(err)
	}
	prompt := files.Tokenizer.Encode(string(text), false)[:600]
	for _, n := range []int{0, 4, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e, err := infer.New(dev, m, infer.Options{Context: 1024, Sequences: 1, Speculate: n})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			var res infer.Result
			for b.Loop() {
				res, err = e.Generate(b.Context(), infer.Request{Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: 200, Share: "b"},
					func(infer.Token) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*res.Generated)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(float64(res.Accepted)/max(1, float64(res.Drafted)), "right")
		})
	}
}
