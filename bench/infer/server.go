package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika/bench/internal/shape"
)

// servers compares how many tokens a second both servers write for several clients at
// once, each with a prompt of its own, in turn.
func (b *bench) servers(ctx context.Context, formats []string) error {
	fmt.Printf("%d clients at once, %d tokens in, %d out, %d threads, medians of %d\n", b.clients, b.prompt, b.gen, b.threads, b.rounds)
	fmt.Println("format   tok/s in all (llama-server, ratio)")
	for _, format := range formats {
		path, err := b.convert(ctx, format)
		if err != nil {
			return err
		}
		var rates [2][]float64
		for range b.rounds {
			for side, start := range []func(context.Context, string) (*server, error){b.startTroika, b.startPeer} {
				if side == 1 && b.peerServer == "" {
					continue
				}
				rate, err := b.ask(ctx, start, path)
				if err != nil {
					return fmt.Errorf("%s: %w", format, err)
				}
				rates[side] = append(rates[side], rate)
			}
		}
		ours, theirs := median(rates[0]), median(rates[1])
		if b.peerServer == "" {
			fmt.Printf("%-8s %.1f\n", format, ours)
			continue
		}
		fmt.Printf("%-8s %.1f (%.1f, %.2fx)\n", format, ours, theirs, ours/theirs)
	}
	return nil
}

// server is a program that answers at an address.
type server struct {
	url  string
	stop func()
}

func start(cmd *exec.Cmd) (*server, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &server{stop: func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}}, nil
}

func (b *bench) context() int { return b.prompt + b.gen + 16 }

func (b *bench) startTroika(ctx context.Context, path string) (*server, error) {
	home, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.troika, "serve", "--home", home, "--model", path, "--listen", "127.0.0.1:0",
		"--threads", strconv.Itoa(b.threads), "--context", strconv.Itoa(b.context()), "--sequences", strconv.Itoa(b.clients))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s, err := start(cmd)
	if err != nil {
		return nil, err
	}
	kill := s.stop
	s.stop = func() {
		kill()
		_ = os.RemoveAll(home)
	}
	var seen strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), " on http://"); ok {
			s.url = "http://" + url
			go io.Copy(io.Discard, stderr) //nolint:errcheck // until it is killed
			return s, nil
		}
		seen.WriteString(lines.Text() + "\n")
	}
	s.stop()
	return nil, fmt.Errorf("the server ended before it listened: %s", seen.String())
}

func (b *bench) startPeer(ctx context.Context, path string) (*server, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	s, err := start(exec.CommandContext(ctx, b.peerServer, "-m", path, "--host", "127.0.0.1", "--port", port,
		"-t", strconv.Itoa(b.threads), "-np", strconv.Itoa(b.clients), "-c", strconv.Itoa(b.clients*b.context())))
	if err != nil {
		return nil, err
	}
	s.url = "http://127.0.0.1:" + port
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 600 { // a minute
		<-tick.C
		if res, err := http.Get(s.url + "/health"); err == nil { //nolint:noctx // it ends with the process
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s, nil
			}
		}
	}
	s.stop()
	return nil, errors.New("llama-server did not get ready within a minute")
}

// ask starts a server and returns the tokens a second that all clients get together, after
// one round that warms up.
func (b *bench) ask(ctx context.Context, start func(context.Context, string) (*server, error), path string) (float64, error) {
	s, err := start(ctx, path)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	model, err := s.model(ctx)
	if err != nil {
		return 0, err
	}
	var rate float64
	for round := range 2 {
		begin := time.Now()
		errs := make([]error, b.clients)
		var group sync.WaitGroup
		for i := range b.clients {
			group.Go(func() { errs[i] = s.complete(ctx, model, uint64(round*b.clients+i), b.prompt, b.gen) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			return 0, err
		}
		rate = float64(b.clients*b.gen) / time.Since(begin).Seconds()
	}
	return rate, nil
}

// model returns the name of the model that is served.
func (s *server) model(ctx context.Context) (string, error) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := s.call(ctx, http.MethodGet, "/v1/models", nil, &list); err != nil {
		return "", err
	}
	if len(list.Data) == 0 {
		return "", errors.New("the server has no model")
	}
	return list.Data[0].ID, nil
}

// complete asks for a whole answer to random tokens.
func (s *server) complete(ctx context.Context, model string, seed uint64, prompt, gen int) error {
	r := rand.New(rand.NewPCG(seed, 7))
	tokens := make([]int, prompt)
	for i := range tokens {
		tokens[i] = 1000 + r.IntN(shape.Vocab/2) // below what is special
	}
	body, err := json.Marshal(map[string]any{
		"model": model, "prompt": tokens, "max_tokens": gen, "temperature": 0,
		"ignore_eos": true, // of llama-server; random weights hardly ever end by themselves
	})
	if err != nil {
		return err
	}
	var answer struct {
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := s.call(ctx, http.MethodPost, "/v1/completions", body, &answer); err != nil {
		return err
	}
	if answer.Usage.Completion != gen || answer.Usage.Prompt < prompt {
		return fmt.Errorf("%d tokens in and %d out, want %d and %d", answer.Usage.Prompt, answer.Usage.Completion, prompt, gen)
	}
	return nil
}

func (s *server) call(ctx context.Context, method, path string, body []byte, to any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, res.Status, data)
	}
	return json.Unmarshal(data, to)
}
