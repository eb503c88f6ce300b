package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/tokenizer"
)

func main() {
	path := flag.String("tokenizer", ".cache/grammar/tokenizer.json", "the tokenizer")
	step := flag.Duration("step", 18*time.Millisecond, "a decode step, to give shares of")
	rounds := flag.Int("rounds", 5, "times that each case is run, of which the median counts")
	flag.Parse()
	if err := run(*path, *step, *rounds); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/grammar:", err)
		os.Exit(1)
	}
}

func run(path string, step time.Duration, rounds int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	t, err := tokenizer.Load(f)
	if err != nil {
		return err
	}
	tokens := make([][]byte, t.VocabSize())
	for id := range tokens {
		if !t.IsSpecial(int32(id)) {
			tokens[id] = t.Bytes(int32(id))
		}
	}
	build := func() *grammar.Vocabulary { return grammar.NewVocabulary(tokens) }
	if first := t.EncodeOrdinary("yes"); string(t.Bytes(first[0])) != t.Decode(first[:1], true) {
		build = func() *grammar.Vocabulary { return grammar.NewVocabulary(tokens).WithoutFirstSpace() }
	}
	begun := time.Now()
	v := build()
	fmt.Printf("%d tokens, tree built in %.0f ms; a decode step is %v; medians of %d\n", v.Size(), ms(time.Since(begun)), step, rounds)
	fmt.Println("case       steps   compile ms   first: mean us   p99   max   share   again: mean us   p99   max   share")
	for _, c := range tasks() {
		var compile, first, again []stats
		steps := 0
		for range rounds {
			v := build() // without the masks of the round before
			r, err := measure(t, v, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			steps = r.steps
			compile, first, again = append(compile, stats{mean: r.compile}), append(first, r.first), append(again, r.again)
		}
		m, a, b := median(compile), median(first), median(again)
		fmt.Printf("%-9s %6d %12.2f %16.0f %5.0f %5.0f %6.2f%% %16.0f %5.0f %5.0f %6.2f%%\n", c.name, steps, m.mean/1000,
			a.mean, a.p99, a.max, 100*a.mean/us(step), b.mean, b.p99, b.max, 100*b.mean/us(step))
	}
	return nil
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func ms(d time.Duration) float64 { return us(d) / 1e3 }

// stats are of microseconds.
type stats struct{ mean, p99, max float64 }

type result struct {
	compile      float64
	first, again stats
	steps        int
}

// measure goes through the answers of a case: all but the last as they first come, the
// last against what is kept by then.
func measure(t *tokenizer.Tokenizer, v *grammar.Vocabulary, c task) (result, error) {
	var r result
	begun := time.Now()
	g, err := c.compile()
	if err == nil {
		err = g.Compile()
	}
	if err != nil {
		return r, err
	}
	r.compile = us(time.Since(begun))
	logits := make([]float32, v.Size())
	var first, again []float64
	for i, text := range c.answers {
		all := &first
		if i == len(c.answers)-1 {
			all = &again
		}
		m, err := g.Matcher(v)
		if err != nil {
			return r, err
		}
		for _, id := range t.EncodeOrdinary(text) {
			begun := clock.CPU()
			infer.Allow(logits, m.Mask(), nil)
			err := m.Accept(id)
			*all = append(*all, us(clock.CPU()-begun))
			if err != nil {
				return r, err
			}
			r.steps++
		}
		if !m.Done() {
			return r, fmt.Errorf("the grammar is not done after %q", text)
		}
	}
	r.first, r.again = statsOf(first), statsOf(again)
	return r, nil
}

func statsOf(all []float64) stats {
	slices.Sort(all)
	var sum float64
	for _, x := range all {
		sum += x
	}
	return stats{sum / float64(len(all)), all[min(len(all)*99/100, len(all)-1)], all[len(all)-1]}
}

func median(all []stats) stats {
	slices.SortFunc(all, func(a, b stats) int { return int(math.Copysign(1, a.mean-b.mean)) })
	return all[len(all)/2]
}
