package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model/nn"
)

type benchOptions struct {
	model                      string
	prompt, gen, depth, rounds int
	kv                         kvType
}

// benchResult holds medians over the rounds.
type benchResult struct {
	Model       string  `json:"model"`
	Threads     int     `json:"threads"`
	Prompt      int     `json:"prompt_tokens"`
	Gen         int     `json:"gen_tokens"`
	Depth       int     `json:"depth"`
	Prefill     float64 `json:"prefill_tok_s"`
	Decode      float64 `json:"decode_tok_s"`
	RSS         int64   `json:"rss_bytes"`
	LoadSeconds float64 `json:"load_seconds"`
	KV          string  `json:"kv"`
}

func newBenchCmd(a *app) *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench --model MODEL",
		Short: "Measure how fast a model reads and writes on this machine",
		Long: `Measure how fast a model reads and writes on this machine.

Prompt tokens a second, generated tokens a second for one sequence, the peak memory of
the process, and the seconds it takes to load the model; medians over the rounds, by the
engine that serves. With --depth, both are measured with so many tokens in the cache.`,
		Example: `  troika bench --model starter
  troika bench --model ./Qwen3-0.6B --depth 2048 --gen-tokens 128 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.prompt < 1 || o.gen < 2 || o.depth < 0 || o.rounds < 1 {
				return usagef("want at least 1 prompt token, 2 generated tokens, a depth of 0 and 1 round")
			}
			res, err := a.bench(cmd.Context(), &o)
			if err != nil {
				return err
			}
			if a.JSON {
				return a.WriteJSON(res)
			}
			return a.showBench(&res)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", starterName, "model name or folder")
	f.IntVar(&o.prompt, "prompt-tokens", 512, "tokens of the prompt")
	f.IntVar(&o.gen, "gen-tokens", 128, "tokens to generate")
	f.IntVar(&o.depth, "depth", 0, "tokens in the cache before either is measured")
	f.IntVar(&o.rounds, "rounds", 5, "how often to measure; medians are shown")
	kvFlag(f, &o.kv)
	return cmd
}

func (a *app) bench(ctx context.Context, o *benchOptions) (benchResult, error) {
	start := time.Now()
	s, err := a.open(o.model)
	if err != nil {
		return benchResult{}, err
	}
	defer s.Close()
	need := o.depth + max(o.prompt, o.gen) + 1
	if longest := s.bundle.Facts.MaxPositions; need > longest {
		return benchResult{}, usagef("%d tokens are over the model's context of %d", need, longest)
	}
	engine, err := infer.New(s.dev, s.model, infer.Options{Context: need, Sequences: 1, KV: o.kv.dtype})
	if err != nil {
		return benchResult{}, err
	}
	defer engine.Close()
	m := stopwatch{engine: engine, vocab: s.bundle.Facts.VocabSize, slot: nn.NoAdapter}
	if ref := s.ref; ref.Adapter != "" {
		m.slot = 0
	}
	res := benchResult{
		Model: o.model, Threads: a.Threads, Prompt: o.prompt, Gen: o.gen, Depth: o.depth, KV: o.kv.String(),
		LoadSeconds: time.Since(start).Seconds(),
	}
	var prefill, decode []float64
	// The first round warms up: pages of the weights that nobody read yet are faulted in.
	for round := range o.rounds + 1 {
		read, wrote, err := m.round(ctx, o)
		if err != nil {
			return benchResult{}, err
		}
		if round > 0 {
			prefill, decode = append(prefill, read), append(decode, wrote)
		}
	}
	res.Prefill, res.Decode, res.RSS = median(prefill), median(decode), peakRSS()
	return res, nil
}

// stopwatch times requests to an engine.
type stopwatch struct {
	engine *infer.Engine
	vocab  int
	slot   int32
}

// round returns prompt tokens and generated tokens a second.
func (m *stopwatch) round(ctx context.Context, o *benchOptions) (prefill, decode float64, err error) {
	whole, _, err := m.time(ctx, o.depth+o.prompt, 1)
	if err != nil {
		return 0, 0, err
	}
	if o.depth > 0 {
		before, _, err := m.time(ctx, o.depth, 1)
		if err != nil {
			return 0, 0, err
		}
		whole -= before
	}
	_, writing, err := m.time(ctx, max(o.depth, 1), o.gen)
	if err != nil {
		return 0, 0, err
	}
	return float64(o.prompt) / whole.Seconds(), float64(o.gen-1) / writing.Seconds(), nil
}

// time returns how long a prompt took up to the first token, and the tokens after
// it. The prompt's tokens do not matter to the time; they differ from one another.
func (m *stopwatch) time(ctx context.Context, prompt, gen int) (first, rest time.Duration, err error) {
	req := infer.Request{Prompt: make([]int32, prompt), MaxTokens: gen, Slot: m.slot}
	for i := range req.Prompt {
		req.Prompt[i] = int32((i*7919 + 17) % m.vocab)
	}
	start := time.Now()
	var at time.Time
	_, err = m.engine.Generate(ctx, req, func(infer.Token) error {
		if at.IsZero() {
			at = time.Now()
			first = at.Sub(start)
		}
		return nil
	})
	return first, time.Since(at), err
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func (a *app) showBench(r *benchResult) error {
	t := term.NewTable(term.Column{Title: "measured"}, term.Column{Title: "median", Align: term.Right}, term.Column{Title: "unit"})
	t.Row(fmt.Sprintf("prompt of %d at %d", r.Prompt, r.Depth), fmt.Sprintf("%.1f", r.Prefill), "tokens/s")
	t.Row(fmt.Sprintf("answer of %d at %d", r.Gen, r.Depth), fmt.Sprintf("%.1f", r.Decode), "tokens/s")
	t.Row("peak memory", fmt.Sprintf("%.0f", float64(r.RSS)/1e6), "MB")
	t.Row("load", fmt.Sprintf("%.2f", r.LoadSeconds), "s")
	_, err := t.WriteTo(a.Out)
	return err
}
