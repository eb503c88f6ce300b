package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

func main() {
	var b bench
	flag.StringVar(&b.model, "model", filepath.Join(".cache", "qwen2.5-0.5b-shape-q8_0.gguf"), "model file or folder")
	flag.IntVar(&b.adapters, "adapters", 64, "adapters in memory")
	flag.IntVar(&b.rank, "rank", 16, "their rank")
	flag.IntVar(&b.rows, "sequences", 8, "sequences of a step, each with an adapter of its own")
	flag.IntVar(&b.depth, "depth", 128, "tokens that each sequence has before")
	flag.IntVar(&b.rounds, "rounds", 32, "steps of each kind, of which the median counts")
	flag.IntVar(&b.threads, "threads", runtime.NumCPU(), "threads")
	flag.Parse()
	if err := b.run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/adapters:", err)
		os.Exit(1)
	}
}

type bench struct {
	model                  string
	adapters, rank, rows   int
	depth, rounds, threads int
}

func (b *bench) run() error {
	dev := cpu.New(cpu.Options{Threads: b.threads})
	defer dev.Close()
	files, err := bundle.Open(b.model, all.Architectures())
	if err != nil {
		return err
	}
	m, err := files.Load(dev, false)
	if err != nil {
		return err
	}
	defer m.Free()
	set := adapter.NewSet(m)
	var bytes int64
	for i := range b.adapters {
		f, err := b.random(dev, m, uint64(i))
		if err != nil {
			return err
		}
		defer f.Free()
		set.Add(f)
		bytes += f.Bytes()
	}
	pages := (b.depth + compute.PageTokens) / compute.PageTokens
	kv, err := dev.NewKV(m.KVSpec(b.rows * pages))
	if err != nil {
		return err
	}
	defer kv.Free()
	s := stepper{bench: b, dev: dev, m: m, kv: kv, pages: pages, vocab: files.Facts.VocabSize}
	var plain, tuned []float64
	for i := range b.rounds + 2 {
		without, err := s.step(func(int) int32 { return nn.NoAdapter })
		if err != nil {
			return err
		}
		with, err := s.step(func(row int) int32 { return int32((i*b.rows + row) % b.adapters) })
		if err != nil {
			return err
		}
		if i >= 2 { // the first fault pages in
			plain, tuned = append(plain, without), append(tuned, with)
		}
	}
	p, t := median(plain), median(tuned)
	fmt.Printf("%s, %d threads, %d adapters of rank %d, %.0f MB each\n", filepath.Base(b.model), b.threads, b.adapters, b.rank,
		float64(bytes)/float64(b.adapters)/1e6)
	fmt.Printf("a step of %d sequences at depth %d: %.2f ms with the base, %.2f ms with as many adapters: %.3fx\n", b.rows, b.depth, p, t, t/p)
	return nil
}

// random makes a frozen adapter on every linear layer whose values are those of F16.
func (b *bench) random(dev compute.Device, m model.Model, seed uint64) (*adapter.Frozen, error) {
	x, err := adapter.New(dev, m, adapter.Config{Rank: b.rank, Alpha: float64(2 * b.rank)}, seed)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	r := rand.New(rand.NewPCG(seed, 1))
	for _, p := range x.Pairs() {
		for _, w := range []*compute.Tensor{p.A, p.B} {
			v := make([]float32, w.Len())
			for i := range v {
				v[i] = tensor.F16ToF32(tensor.F32ToF16((r.Float32() - 0.5) / 32))
			}
			dev.WriteFloats(w, v)
		}
	}
	return x.Freeze()
}

// stepper runs one pass over a token of each sequence.
type stepper struct {
	*bench
	dev   compute.Device
	m     model.Model
	kv    compute.KV
	pages int
	vocab int
	next  int32
}

// step returns the milliseconds of a pass and the draw of a token for each row.
func (s *stepper) step(slot func(row int) int32) (float64, error) {
	start := time.Now()
	var batch model.Batch
	for row := range s.rows {
		var pages []int32
		for p := range s.pages {
			pages = append(pages, int32(row*s.pages+p))
		}
		s.next++
		batch.Sequence([]int32{s.next * 7919 % int32(s.vocab)}, s.depth, pages)
		batch.AdapterSlots = append(batch.AdapterSlots, slot(row))
	}
	free, err := batch.Upload(s.dev)
	if err != nil {
		return 0, err
	}
	defer free()
	o := compute.NewEager(s.dev)
	defer o.Close()
	y := s.m.Logits(o, &batch, s.m.Forward(o, &batch, s.kv))
	logits := compute.Floats(s.dev, y)
	for row := range s.rows {
		infer.Greedy(logits[row*s.vocab:][:s.vocab])
	}
	return 1e3 * time.Since(start).Seconds(), nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
