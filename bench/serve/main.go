package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/starter"
)

func main() {
	b := bench{}
	flag.StringVar(&b.troika, "troika", "bin/troika", "the program")
	flag.StringVar(&b.model, "model", filepath.Join(".cache", "qwen2.5-0.5b-shape"), "folder for the large model, written when it is not there")
	flag.IntVar(&b.rounds, "rounds", 7, "repetitions, of which the median counts")
	flag.Parse()
	if err := b.run(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/serve:", err)
		os.Exit(1)
	}
}

type bench struct {
	troika, model string
	rounds        int
}

func (b *bench) run(ctx context.Context) error {
	home, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home) //nolint:errcheck // scratch
	var versions, fresh, used []float64
	for i := range b.rounds {
		start := time.Now()
		if err := exec.CommandContext(ctx, b.troika, "version").Run(); err != nil {
			return fmt.Errorf("run %s: %w", b.troika, err)
		}
		versions = append(versions, milliseconds(start))
		dir := filepath.Join(home, strconv.Itoa(i))
		for _, times := range []*[]float64{&fresh, &used} {
			run, err := b.serve(ctx, dir, "starter", "Name three primes.", 8)
			if err != nil {
				return err
			}
			*times = append(*times, run.first)
		}
	}
	report("version", "ms", versions)
	report("first answer, starter, fresh home", "ms", fresh)
	report("first answer, starter", "ms", used)
	return b.large(ctx, home)
}

// large serves the large model and compares its memory with its file.
func (b *bench) large(ctx context.Context, home string) error {
	files := map[string][]byte{}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} {
		data, err := fs.ReadFile(starter.Files(), name)
		if err != nil {
			return err
		}
		files[name] = data
	}
	size, err := shape.Write(b.model, shape.Config, files)
	if err != nil {
		return err
	}
	var ratios, times, megabytes []float64
	for range b.rounds {
		run, err := b.serve(ctx, home, b.model, strings.Repeat("All happy families are alike. ", 40), 64)
		if err != nil {
			return err
		}
		if run.prompt < 200 {
			return fmt.Errorf("the prompt has %d tokens, want some hundred", run.prompt)
		}
		times = append(times, run.first)
		megabytes = append(megabytes, float64(run.peak)/1e6)
		ratios = append(ratios, float64(run.peak)/float64(size))
	}
	fmt.Printf("0.5B shape in BF16: file %.0f MB\n", float64(size)/1e6)
	report("first answer, 0.5B shape", "ms", times)
	report("peak RSS", "MB", megabytes)
	report("peak RSS / file", "", ratios)
	return nil
}

// served is one life of a server.
type served struct {
	first  float64 // milliseconds from the start to the whole first answer
	peak   int64   // most resident memory, in bytes
	prompt int     // tokens of the request
}

// serve starts the program, puts one question to it and stops it.
func (b *bench) serve(ctx context.Context, home, model, question string, maxTokens int) (served, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.troika, "serve", "--home", home, "--model", model, "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return served{}, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return served{}, err
	}
	defer cmd.Wait()         //nolint:errcheck // it is killed
	defer cmd.Process.Kill() //nolint:errcheck // it may be gone
	url, err := address(stderr)
	if err != nil {
		return served{}, err
	}
	run, err := ask(ctx, url, model, question, maxTokens)
	run.first = milliseconds(start)
	run.peak = shape.PeakRSS(strconv.Itoa(cmd.Process.Pid))
	return run, err
}

// address waits for the line that says where the server listens.
func address(stderr io.Reader) (string, error) {
	var seen strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), " on http://"); ok {
			return "http://" + url, nil
		}
		seen.WriteString(lines.Text() + "\n")
	}
	return "", fmt.Errorf("the server ended before it listened: %s", seen.String())
}

func ask(ctx context.Context, url, model, question string, maxTokens int) (served, error) {
	body, err := json.Marshal(map[string]any{
		"model": model, "max_tokens": maxTokens, "temperature": 0,
		"messages": []map[string]string{{"role": "user", "content": question}},
	})
	if err != nil {
		return served{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return served{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return served{}, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var answer struct {
		Choices []json.RawMessage
		Usage   struct {
			Prompt int `json:"prompt_tokens"`
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return served{}, err
	}
	if res.StatusCode != http.StatusOK || len(answer.Choices) == 0 {
		return served{}, errors.New("the server answered " + res.Status)
	}
	return served{prompt: answer.Usage.Prompt}, nil
}

func milliseconds(start time.Time) float64 { return 1e3 * time.Since(start).Seconds() }

// report prints the median of x, and its ends.
func report(what, unit string, x []float64) {
	slices.Sort(x)
	fmt.Printf("%-36s %8.4g %-2s (%.4g to %.4g, %d runs)\n", what, x[len(x)/2], unit, x[0], x[len(x)-1], len(x))
}
