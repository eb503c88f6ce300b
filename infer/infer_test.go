package infer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/qwen3"
)

func ExampleSampling_Draw() {
	logits := []float32{0, 3, 1}
	fmt.Println(infer.Sampling{}.Draw(logits, 0), infer.Sampling{Temperature: 1, TopK: 1, Seed: 9}.Draw(logits, 0))
	// Output: 1 1
}

func load(t *testing.T, threads int) modeltest.Loaded {
	t.Helper()
	return loadOf(t, []model.Architecture{qwen3.Architecture}, "../model/qwen3/testdata/tied", threads)
}

func loadOf(t *testing.T, known []model.Architecture, dir string, threads int) modeltest.Loaded {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: threads})
	t.Cleanup(dev.Close)
	m, free := modeltest.Load(t, known, dir, dev, false)
	t.Cleanup(free)
	return m
}

func engine(t *testing.T, m modeltest.Loaded, o infer.Options) *infer.Engine {
	t.Helper()
	e, err := infer.New(m.Device, m.Model, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func collect(ctx context.Context, e *infer.Engine, r infer.Request) ([]int32, infer.Result, error) {
	var got []int32
	res, err := e.Generate(ctx, r, func(t infer.Token) error {
		got = append(got, t.ID)
		return nil
	})
	return got, res, err
}

// naive generates by running the whole sequence again for each token.
func naive(t *testing.T, m modeltest.Loaded, prompt []int32, n int, s infer.Sampling) []int32 {
	t.Helper()
	all := slices.Clone(prompt)
	for range n {
		all = append(all, s.Draw(lastLogits(t, m.Model, m.Device, all), len(all)))
	}
	return all[len(prompt):]
}

func prompts(n int) [][]int32 {
	r := rand.New(rand.NewPCG(3, 4))
	var out [][]int32
	for range n {
		p := make([]int32, 1+r.IntN(70))
		for i := range p {
			p[i] = r.Int32N(89)
		}
		out = append(out, p)
	}
	return out
}

// Requests that share batches, with prompts cut in chunks, give the tokens that each
// gives when the model simply runs again over the whole sequence.
func TestConcurrentRequestsEqualNaive(t *testing.T) {
	for name, m := range map[string]modeltest.Loaded{
		"qwen3": load(t, 2), "gemma3": loadOf(t, all.Architectures(), "../model/gemma3/testdata/bf16", 2),
	} {
		t.Run(name, func(t *testing.T) { concurrentEqualNaive(t, m) })
	}
}

func concurrentEqualNaive(t *testing.T, m modeltest.Loaded) {
	t.Helper()
	e := engine(t, m, infer.Options{Context: 128, Sequences: 4, Chunk: 16})
	n := 12
	if testing.Short() {
		n = 5
	}
	ps := prompts(n)
	var wg sync.WaitGroup
	for i, p := range ps {
		s := infer.Sampling{}
		if i%2 == 1 {
			s = infer.Sampling{Temperature: 0.8, TopK: 20, TopP: 0.9, Seed: uint64(i)}
		}
		wg.Go(func() {
			got, res, err := collect(t.Context(), e, infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 20, Sampling: s})
			if err != nil {
				t.Error(err)
				return
			}
			if want := naive(t, m, p, 20, s); !slices.Equal(got, want) {
				t.Errorf("request %d: tokens %v, want %v", i, got, want)
			}
			if res.Prompt != len(p) || res.Generated != 20 || res.Finish != infer.FinishLength {
				t.Errorf("request %d: result %+v", i, res)
			}
		})
	}
	wg.Wait()
}

func TestEndings(t *testing.T) {
	m := load(t, 1)
	e := engine(t, m, infer.Options{Context: 64, Sequences: 2})
	p := []int32{1, 2, 3}
	all, res, err := collect(t.Context(), e, infer.Request{Prompt: p, Slot: nn.NoAdapter})
	if err != nil || len(all) != 61 || res.Finish != infer.FinishLength {
		t.Fatalf("to the context: %d tokens, %+v, %v", len(all), res, err)
	}
	end := all[4]
	first := slices.Index(all, end)
	got, res, err := collect(t.Context(), e, infer.Request{Prompt: p, Slot: nn.NoAdapter, End: []int32{end}})
	if err != nil || !slices.Equal(got, all[:first]) || res.Finish != infer.FinishStop || res.Generated != first+1 {
		t.Errorf("end token: %v, %+v, %v", got, res, err)
	}
	count := 0
	res, err = e.Generate(t.Context(), infer.Request{Prompt: p, Slot: nn.NoAdapter}, func(infer.Token) error {
		if count++; count == 3 {
			return infer.ErrStop
		}
		return nil
	})
	if err != nil || res.Generated != 3 || res.Finish != infer.FinishStop {
		t.Errorf("stopped by emit: %+v, %v", res, err)
	}
	broken := errors.New("broken pipe")
	if _, err = e.Generate(t.Context(), infer.Request{Prompt: p, Slot: nn.NoAdapter}, func(infer.Token) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	var long *infer.ContextError
	if _, _, err = collect(t.Context(), e, infer.Request{Prompt: make([]int32, 64)}); !errors.As(err, &long) || long.Prompt != 64 || long.Context != 64 {
		t.Errorf("error %v, want a ContextError with both numbers", err)
	}
	if _, _, err = collect(t.Context(), e, infer.Request{}); err == nil {
		t.Error("an empty prompt was accepted")
	}
}

// Cancelled requests leave their place and pages to the others. The context is so long
// that none ends before its cancellation is noticed.
func TestCancel(t *testing.T) {
	m := load(t, 1)
	e := engine(t, m, infer.Options{Context: 1 << 14, Sequences: 1})
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		res, err := e.Generate(ctx, infer.Request{Prompt: []int32{5}, Slot: nn.NoAdapter}, func(infer.Token) error {
			if seen++; seen == 2 {
				cancel()
			}
			return nil
		})
		cancel()
		if !errors.Is(err, context.Canceled) || res.Generated < 2 {
			t.Fatalf("%+v, %v, want a cancelled request of at least 2 tokens", res, err)
		}
	}
	if got, _, err := collect(t.Context(), e, infer.Request{Prompt: []int32{5}, Slot: nn.NoAdapter, MaxTokens: 4}); err != nil || len(got) != 4 {
		t.Errorf("after cancelled requests: %v, %v", got, err)
	}
}

func TestClose(t *testing.T) {
	m := load(t, 1)
	e := engine(t, m, infer.Options{Context: 8192, Sequences: 1})
	errs := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := e.Generate(context.Background(), infer.Request{Prompt: []int32{5}, Slot: nn.NoAdapter}, func(infer.Token) error {
				e.Close()
				return nil
			})
			errs <- err
		}()
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, infer.ErrClosed) {
			t.Errorf("error %v, want %v", err, infer.ErrClosed)
		}
	}
}

// The frequencies of many draws follow the softmax.
func TestDrawDistribution(t *testing.T) {
	logits := []float32{1, 0, 2, -1}
	var sum float64
	for _, l := range logits {
		sum += math.Exp(float64(l) / 0.7)
	}
	count := make([]int, 4)
	const n = 40000
	for i := range n {
		count[infer.Sampling{Temperature: 0.7, Seed: 1}.Draw(logits, i)]++
	}
	for i, l := range logits {
		p := math.Exp(float64(l)/0.7) / sum
		if sigma := math.Sqrt(n * p * (1 - p)); math.Abs(float64(count[i])-n*p) > 5*sigma {
			t.Errorf("token %d was drawn %d times, want %.0f ± %.0f", i, count[i], n*p, 5*sigma)
		}
	}
	for i := range 1000 {
		if id := (infer.Sampling{Temperature: 5, TopP: 0.5, Seed: 2}).Draw([]float32{0, 9, 0}, i); id != 1 {
			t.Fatalf("top_p 0.5 drew token %d, outside the nucleus", id)
		}
	}
}

// sameAnswers puts requests to one engine at once and to another in turn.
func sameAnswers(t *testing.T, together, alone *infer.Engine, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for i, p := range prompts(n) {
		req := infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 20}
		if i%2 == 1 {
			req.Sampling = infer.Sampling{Temperature: 0.8, TopK: 20, TopP: 0.9, Seed: uint64(i)}
		}
		wg.Go(func() {
			got, _, err := collect(t.Context(), together, req)
			if err != nil {
				t.Error(err)
				return
			}
			if want, _, err := collect(t.Context(), alone, req); err != nil || !slices.Equal(got, want) {
				t.Errorf("request %d: tokens %v, want %v; %v", i, got, want, err)
			}
		})
	}
	wg.Wait()
}
