package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/compute/cpu/kernel"
	"github.com/troikaml/troika/starter"
)

func main() {
	var b bench
	var formats string
	flag.StringVar(&b.troika, "troika", "bin/troika", "the program")
	flag.StringVar(&b.peer, "peer", "llama-bench", "llama.cpp's program")
	flag.StringVar(&b.model, "model", "", "folder of the model, written when it is not there (default one in .cache)")
	wide := flag.Bool("wide", false, "the shape of Qwen2.5-1.5B in place of 0.5B: there Q4_K_M really is Q4_K")
	flag.StringVar(&formats, "formats", "Q8_0,Q4_0,Q4_K_M,F16", "formats to measure")
	flag.IntVar(&b.rounds, "rounds", 5, "turns of each side, of which the median counts")
	flag.IntVar(&b.threads, "threads", runtime.NumCPU(), "threads of both sides")
	flag.IntVar(&b.prompt, "prompt-tokens", 512, "tokens of the prompt")
	flag.IntVar(&b.gen, "gen-tokens", 128, "tokens to generate")
	flag.IntVar(&b.depth, "depth", 0, "tokens in the cache before")
	flag.StringVar(&b.kv, "kv", "f32", "what our cache keeps; llama.cpp's keeps F16")
	disturb := flag.Bool("disturb", false, "compare generation on a quiet machine with generation beside a loop on one processor")
	flag.StringVar(&b.peerServer, "server", "", "llama-server: compare the servers, with -clients at once")
	flag.IntVar(&b.clients, "clients", 0, "measure a server with so many clients at once")
	burning := flag.Bool("burn", false, "be the loop that disturbs")
	flag.Parse()
	config, folder := shape.Config, "qwen2.5-0.5b-shape"
	if *wide {
		config, folder = shape.Wide, "qwen2.5-1.5b-shape"
	}
	if b.model == "" {
		b.model = filepath.Join(".cache", folder)
	}
	run := b.run
	switch {
	case *burning:
		run = func(context.Context, []string) error { return loop() }
	case *disturb:
		run = b.disturb
	case b.clients > 0:
		run = b.servers
	}
	var err error
	if !*burning {
		err = b.write(config)
	}
	if err == nil {
		err = run(context.Background(), strings.Split(formats, ","))
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/infer:", err)
		os.Exit(1)
	}
}

type bench struct {
	troika, peer, model string
	peerServer, kv      string
	clients             int
	rounds, threads     int
	prompt, gen, depth  int
	readers             []byte
	ours, theirs        []speed
	readRate            []float64
}

// speed is what one run of a side measured.
type speed struct {
	prefill, decode float64 // tokens a second
	rss             float64 // peak, bytes
	load            float64 // seconds; of ours alone
}

func (b *bench) run(ctx context.Context, formats []string) error {
	fmt.Printf("%d prompt tokens, %d generated, at depth %d, %d threads, medians of %d\n", b.prompt, b.gen, b.depth, b.threads, b.rounds)
	fmt.Println("format   generation tok/s (llama.cpp, ratio)   of the read loop   prompt tok/s (llama.cpp, ratio)   RSS MB (llama.cpp)   load s")
	for _, format := range formats {
		path, err := b.convert(ctx, format)
		if err != nil {
			return err
		}
		if err := b.measure(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
		b.report(format)
	}
	return nil
}

// write makes the model's folder.
func (b *bench) write(config string) error {
	files := map[string][]byte{}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} {
		data, err := fs.ReadFile(starter.Files(), name)
		if err != nil {
			return err
		}
		files[name] = data
	}
	_, err := shape.Write(b.model, config, files)
	return err
}

// convert returns the GGUF file of a format, and writes it when it is not there.
func (b *bench) convert(ctx context.Context, format string) (string, error) {
	path := b.model + "-" + strings.ToLower(format) + ".gguf"
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	args := []string{"quantize", b.model, path, "--type", format}
	if format == "F16" || format == "BF16" || format == "F32" {
		args[0] = "convert"
	}
	out, err := exec.CommandContext(ctx, b.troika, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return path, nil
}

// measure lets both sides take turns.
func (b *bench) measure(ctx context.Context, path string) error {
	b.ours, b.theirs, b.readRate = nil, nil, nil
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	for range b.rounds {
		ours, err := b.runTroika(ctx, path)
		if err != nil {
			return err
		}
		b.readRate = append(b.readRate, b.read(int(info.Size())))
		theirs, err := b.runPeer(ctx, path)
		if err != nil {
			return err
		}
		b.ours, b.theirs = append(b.ours, ours), append(b.theirs, theirs)
	}
	return nil
}

func (b *bench) flags() []string {
	return []string{
		"bench", "--prompt-tokens", strconv.Itoa(b.prompt), "--gen-tokens", strconv.Itoa(b.gen),
		"--depth", strconv.Itoa(b.depth), "--threads", strconv.Itoa(b.threads), "--rounds", "1", "--json", "--kv", b.kv,
	}
}

func (b *bench) runTroika(ctx context.Context, path string) (speed, error) {
	out, err := output(exec.CommandContext(ctx, b.troika, append(b.flags(), "--model", path)...))
	if err != nil {
		return speed{}, err
	}
	var r struct {
		Prefill float64 `json:"prefill_tok_s"`
		Decode  float64 `json:"decode_tok_s"`
		RSS     float64 `json:"rss_bytes"`
		Load    float64 `json:"load_seconds"`
	}
	err = json.Unmarshal(out, &r)
	return speed{r.Prefill, r.Decode, r.RSS, r.Load}, err
}

func (b *bench) runPeer(ctx context.Context, path string) (speed, error) {
	cmd := exec.CommandContext(ctx, b.peer, "-m", path, "-p", strconv.Itoa(b.prompt), "-n", strconv.Itoa(b.gen),
		"-d", strconv.Itoa(b.depth), "-t", strconv.Itoa(b.threads), "-r", "1", "-o", "json")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return speed{}, err
	}
	peak := watch(cmd.Process.Pid)
	err := cmd.Wait()
	s := speed{rss: peak()}
	if err != nil {
		return s, fmt.Errorf("%s: %w", cmd, err)
	}
	var tests []struct {
		Prompt int     `json:"n_prompt"`
		Gen    int     `json:"n_gen"`
		Rate   float64 `json:"avg_ts"`
	}
	if err := json.Unmarshal(out.Bytes(), &tests); err != nil {
		return s, fmt.Errorf("%s: %w", b.peer, err)
	}
	for _, t := range tests {
		if t.Gen > 0 {
			s.decode = t.Rate
		} else {
			s.prefill = t.Rate
		}
	}
	if s.decode == 0 || s.prefill == 0 {
		return s, errors.New("llama-bench did not report both tests")
	}
	return s, nil
}

// watch notes the most memory that a process has resident, in bytes, until the
// function that it returns is called.
func watch(pid int) func() float64 {
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, shape.PeakRSS(strconv.Itoa(pid)))
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return float64(<-peak)
	}
}

func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, exit.Stderr)
	}
	return out, err
}

// read returns how often a second all threads together can read n bytes.
func (b *bench) read(n int) float64 {
	n &^= 255
	if len(b.readers) < n {
		b.readers = make([]byte, n)
		for i := 0; i < n; i += 4096 {
			b.readers[i] = byte(i)
		}
	}
	const part = 1 << 20
	var rates []float64
	for range 5 {
		start := time.Now()
		var group sync.WaitGroup
		for t := range b.threads {
			group.Go(func() {
				for at := t * part; at < n; at += b.threads * part {
					kernel.ReadBytes(b.readers[at:min(at+part, n)])
				}
			})
		}
		group.Wait()
		rates = append(rates, 1/time.Since(start).Seconds())
	}
	return median(rates)
}

func (b *bench) report(format string) {
	of := func(runs []speed, part func(speed) float64) float64 {
		var all []float64
		for _, s := range runs {
			all = append(all, part(s))
		}
		return median(all)
	}
	ratio := func(part func(speed) float64) float64 { return of(b.ours, part) / of(b.theirs, part) }
	decode, prefill := func(s speed) float64 { return s.decode }, func(s speed) float64 { return s.prefill }
	rss := func(s speed) float64 { return s.rss }
	fmt.Printf("%-8s %.1f (%.1f, %.2fx)   %.0f %%   %.0f (%.0f, %.2fx)   %.0f (%.0f)   %.2f\n", format,
		of(b.ours, decode), of(b.theirs, decode), ratio(decode),
		100*of(b.ours, decode)/median(b.readRate),
		of(b.ours, prefill), of(b.theirs, prefill), ratio(prefill),
		of(b.ours, rss)/1e6, of(b.theirs, rss)/1e6, of(b.ours, func(s speed) float64 { return s.load }))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}
