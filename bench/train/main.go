package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/train"
)

const config = `{"model_type":"qwen2","architectures":["Qwen2ForCausalLM"],"vocab_size":151936,"hidden_size":896,
	"intermediate_size":4864,"num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,
	"max_position_embeddings":32768,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true}`

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

// bf16 rounds an initialiser's values, as a checkpoint would hold them.
type bf16 struct{ train.Init }

func (s bf16) Tensor(name string, shape []int) (tensor.Tensor, error) {
	t, err := s.Init.Tensor(name, shape)
	if err != nil {
		return t, err
	}
	return t.Encode(tensor.BF16)
}

func run(steps, threads int) error {
	cfg, err := model.Parse(all.Architectures(), []byte(config))
	if err != nil {
		return err
	}
	dev := cpu.New(cpu.Options{Threads: threads})
	defer dev.Close()
	m, err := cfg.New(nn.NewLoader(dev, bf16{train.Init{Std: 0.02, Layers: 24}}, false))
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
		s.Tokens[i], s.Weights[i] = int32(i*7919%151936), 1
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
		Device: dev, Model: m, Params: x.Params(), Train: []train.Sequence{s}, Context: 32768, Vocab: 151936,
		Config: c, Dir: dir, OnStep: func(p train.Progress) { seconds = append(seconds, p.Seconds) },
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": seconds[1:], "tokens": length, "peak_rss_bytes": peakRSS(), "threads": threads,
	})
}

// peakRSS reads the high-water mark of the process from /proc; 0 where there is none.
func peakRSS() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
