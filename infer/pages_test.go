package infer_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
)

// Conversations that grow and share beginnings use what was computed for them, and
// get the tokens that a fresh engine gives.
func TestPrefixesAreShared(t *testing.T) {
	m := load(t, 2)
	e := engine(t, m, infer.Options{Context: 512, Sequences: 2, Chunk: 100})
	fresh := func(prompt []int32) []int32 {
		one, _, err := collect(t.Context(), e, infer.Request{Prompt: prompt, Slot: nn.NoAdapter, MaxTokens: 10})
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	r := rand.New(rand.NewPCG(9, 9))
	random := func(n int) []int32 {
		p := make([]int32, n)
		for i := range p {
			p[i] = r.Int32N(89)
		}
		return p
	}
	system := random(150)
	other := append(slices.Clone(system[:64]), random(90)...)
	for _, c := range []struct {
		name, share string
		prompt      []int32
		cached      int
	}{
		{"first", "a", system, 0},
		{"the same", "a", system, 128},
		{"another share", "b", system, 0},
		{"no share", "", system, 0},
		{"longer", "a", append(slices.Clone(system), random(80)...), 128},
		{"half alike", "a", other, 64},
		{"its own end", "a", append(slices.Clone(other), 1, 2, 3), 128},
		{"the last token is computed", "a", system[:128], 64},
	} {
		got, res, err := collect(t.Context(), e, infer.Request{Prompt: c.prompt, Slot: nn.NoAdapter, MaxTokens: 10, Share: c.share})
		if err != nil {
			t.Fatal(err)
		}
		if res.Cached != c.cached {
			t.Errorf("%s: %d tokens were cached, want %d", c.name, res.Cached, c.cached)
		}
		if want := fresh(c.prompt); !slices.Equal(got, want) {
			t.Errorf("%s: tokens %v, want %v", c.name, got, want)
		}
	}
	// An answer is part of the next turn's beginning.
	turn := random(60)
	answer, _, err := collect(t.Context(), e, infer.Request{Prompt: turn, Slot: nn.NoAdapter, MaxTokens: 80, Share: "a"})
	if err != nil {
		t.Fatal(err)
	}
	turn = append(append(turn, answer...), 5, 6, 7)
	got, res, err := collect(t.Context(), e, infer.Request{Prompt: turn, Slot: nn.NoAdapter, MaxTokens: 10, Share: "a"})
	if err != nil || res.Cached != 128 {
		t.Errorf("the next turn: %d tokens were cached, want 128; %v", res.Cached, err)
	}
	if want := fresh(turn); !slices.Equal(got, want) {
		t.Errorf("the next turn: tokens %v, want %v", got, want)
	}
}

// With hardly any memory, many requests at once still get the tokens that each gets
// alone, and every page comes back.
func TestPrefixesUnderPressure(t *testing.T) {
	m := load(t, 2)
	const most = 256
	e := engine(t, m, infer.Options{Context: most, Sequences: 4, Pages: 9, Retain: 5, Chunk: 50})
	alone := engine(t, m, infer.Options{Context: most, Sequences: 1})
	r := rand.New(rand.NewPCG(5, 6))
	roots := [][]int32{prompts(1)[0], {1}, {2, 3}}
	for i := range roots {
		for len(roots[i]) < 140 {
			roots[i] = append(roots[i], r.Int32N(89))
		}
	}
	n := 60
	if testing.Short() {
		n = 15
	}
	var wg sync.WaitGroup
	for i := range n {
		root := roots[r.IntN(len(roots))]
		p := append(slices.Clone(root[:1+r.IntN(len(root))]), r.Int32N(89), r.Int32N(89))
		share := []string{"x", "y", ""}[r.IntN(3)]
		wg.Go(func() {
			req := infer.Request{Prompt: p, Slot: nn.NoAdapter, MaxTokens: 4, Share: share}
			got, res, err := collect(t.Context(), e, req)
			if err != nil {
				t.Error(err)
				return
			}
			if res.Cached%compute.PageTokens != 0 || res.Cached >= len(p) {
				t.Errorf("request %d: %d of %d tokens were cached", i, res.Cached, len(p))
			}
			req.Share = ""
			if want, _, _ := collect(t.Context(), alone, req); !slices.Equal(got, want) {
				t.Errorf("request %d: tokens %v, want %v", i, got, want)
			}
		})
	}
	wg.Wait()
	// One sequence that needs nearly all pages: it only fits if none was lost.
	long := make([]int32, most-4)
	if _, _, err := collect(t.Context(), e, infer.Request{Prompt: long, Slot: nn.NoAdapter, MaxTokens: 4}); err != nil {
		t.Error(err)
	}
	if held := e.HeldPages(); held != 0 {
		t.Errorf("%d pages are held by nobody", held)
	}
}
