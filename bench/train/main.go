package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/train"
)

const length = 512

func main() {
	steps := flag.Int("steps", 5, "steps to measure after one to warm up")
	threads := flag.Int("threads", 2, "threads")
	flag.Parse()
	if err := run(*steps, *threads); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/train:", err)
		os.Exit(1)
	}
}

func run(steps, threads int) error {
	cfg, err := model.Parse(all.Architectures(), []byte(shape.Config))
	if err != nil {
		return err
	}
	dev := cpu.New(cpu.Options{Threads: threads})
	defer dev.Close()
	m, err := cfg.New(nn.NewLoader(dev, shape.NewSource(), false))
	if err != nil {
		return err
	}
	x, err := adapter.New(dev, m, adapter.Config{Rank: 16, Alpha: 32}, 1)
	if err != nil {
		return err
	}
	adapter.NewSet(m).Add(x)
	// One token more than is labelled: the first has no prediction.
	s := train.Sequence{Tokens: make([]int32, length+1), Weights: make([]float32, length+1)}
	for i := range s.Tokens {
		s.Tokens[i], s.Weights[i] = int32(i*7919%shape.Vocab), 1
	}
	c := train.DefaultConfig()
	c.Steps, c.MicroTokens, c.Accumulate, c.SaveEvery = steps+1, length+1, 1, 0
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	var seconds []float64
	_, err = train.Run(context.Background(), train.Job{
		Device: dev, Model: m, Params: x.Params(), Train: []train.Sequence{s}, Context: shape.Context, Vocab: shape.Vocab,
		Config: c, Dir: dir, OnStep: func(p train.Progress) { seconds = append(seconds, p.Seconds) },
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": seconds[1:], "tokens": length, "peak_rss_bytes": shape.PeakRSS("self"), "threads": threads,
	})
}
