package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/train"
)

type quickstartOptions struct {
	data, model, goroot, listen, name, instruction string
	once                                           bool
	adapter                                        adapter.Config
	train                                          train.Config
}

// quickstartTrain is the recipe of the quickstart: a number of steps, never a time,
// so that every machine makes the same adapter.
func quickstartTrain() train.Config {
	c := train.DefaultConfig()
	c.Epochs, c.MicroTokens, c.Accumulate = 3, 1024, 1
	c.LR, c.MinLR, c.Warmup, c.ValidEvery = 2e-3, 1e-4, 10, 0
	return c
}

func newQuickstartCmd(a *app) *cobra.Command {
	o := quickstartOptions{adapter: adapter.Config{Rank: 16, Alpha: 32, Dropout: 0.1}, train: quickstartTrain()}
	cmd := &cobra.Command{
		Use:   "quickstart",
		Short: "Watch raw documents become a tuned, proven, served model",
		Long: `Watch raw documents become a tuned, proven, served model.

The documents are the doc comments in the sources of Go's standard library, which
every machine with Go has; the question is which area an API is about. With --data it
is your own: a folder per label with HTML, Markdown or text in it, or a JSONL file of
{"text","label"}; with --model, your own base model.

The steps: extract and clean the documents; build a dataset version with train,
validation and test splits; tune an adapter; compare it with the base and with simple
baselines; serve it, and put every test document through HTTP: each answer must equal
the evaluation's.`,
		Example: `  troika quickstart
  troika quickstart --data ./tickets --model hf://Qwen/Qwen3-0.6B
  troika quickstart --home /tmp/demo --once --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := &quickstart{app: a, o: o, seconds: map[string]float64{}}
			return q.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "folder per label, or labelled JSONL (default Go's standard library)")
	f.StringVar(&o.model, "model", starterName, "base model, name or folder")
	f.StringVar(&o.goroot, "goroot", "", "Go installation (default: the one on this machine)")
	f.StringVar(&o.name, "name", "quickstart", "name of the tuned model")
	f.StringVar(&o.instruction, "instruction", "", "question put before each document")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to serve on")
	f.BoolVar(&o.once, "once", false, "answer one request and exit, rather than serve on")
	adapterFlags(f, &o.adapter)
	trainFlags(f, &o.train)
	return cmd
}

// run walks through the stages.
func (q *quickstart) run(ctx context.Context) error {
	var err error
	if q.home, err = q.Home(); err != nil {
		return err
	}
	fsx.Sweep(q.home)
	// Found out now rather than after minutes of training.
	if err := q.portFree(ctx); err != nil {
		return err
	}
	base, err := q.open(q.o.model)
	if err != nil {
		return err
	}
	defer base.Close()
	if base.ref.Adapter != "" {
		return usagef("--model %s is an adapter; give its base %s", q.o.model, base.ref.Base)
	}
	if !base.bundle.HasTemplate() {
		return fmt.Errorf("--model %s has no chat template; use a chat model", q.o.model)
	}
	for _, stage := range []struct {
		name string
		do   func(context.Context, *session) error
	}{
		{"data", q.build},
		{"baselines", q.baselines},
		{"base", q.evaluateBase},
		{"tune", q.tune},
		{"evaluate", q.evaluateTuned},
	} {
		if err := q.stage(stage.name, func() error { return stage.do(ctx, base) }); err != nil {
			return err
		}
	}
	base.Close()
	return q.serveAndProve(ctx)
}

func (q *quickstart) stage(name string, do func() error) error {
	start := time.Now()
	err := do()
	q.seconds[name] = time.Since(start).Seconds()
	return err
}

// portFree fails early when the address is taken.
func (q *quickstart) portFree(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", q.o.listen)
	if err != nil {
		return fmt.Errorf("cannot serve on %s (choose another with --listen): %w", q.o.listen, err)
	}
	return ln.Close()
}

// serveAndProve serves the base and the tuned model, proves that they answer as
// evaluated, shows the results, and serves on until ctx ends, or with --once until
// one request was answered.
func (q *quickstart) serveAndProve(ctx context.Context) error {
	start := time.Now()
	o := serveOptions{listen: q.o.listen, models: []string{q.o.model, q.o.name}}
	keys, err := q.homeKeys()
	if err != nil {
		return err
	}
	if keys.Len() > 0 {
		// Brackets keep the name apart from those that people give.
		key, secret, err := serve.NewKey("(quickstart)", start)
		if err != nil {
			return err
		}
		o.extra, q.secret = &key, secret
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return q.serve(ctx, o, func(url string) error {
		if err := q.prove(ctx, url); err != nil {
			return err
		}
		q.seconds["prove"] = time.Since(start).Seconds()
		if err := q.write(); err != nil {
			return err
		}
		if err := q.show(url); err != nil {
			return err
		}
		if !q.o.once {
			<-ctx.Done()
			return nil
		}
		defer cancel()
		return q.demonstrate(ctx, url)
	})
}

// goRoot finds the Go installation.
func (q *quickstart) goRoot(ctx context.Context) (string, error) {
	root := q.o.goroot
	if root == "" {
		root = q.Getenv("GOROOT")
	}
	if root == "" {
		out, err := goEnv(ctx, "GOROOT")
		if err != nil {
			return "", fmt.Errorf("find Go's sources (name the installation with --goroot, or your own documents with --data): %w", err)
		}
		root = out
	}
	if _, err := os.Stat(filepath.Join(root, "src", "fmt", "doc.go")); err != nil {
		return "", fmt.Errorf("%s has no sources of Go's standard library: %w", root, err)
	}
	return root, nil
}

// errWrongAnswer says that the served model is not the evaluated one.
var errWrongAnswer = errors.New("serving proof failed")

// sentence joins the first words of a text on one line.
func sentence(text string, words int) string {
	fields := strings.Fields(text)
	if len(fields) > words {
		fields = append(fields[:words], "...")
	}
	return strings.Join(fields, " ")
}

// newClient returns an HTTP client for the server on this machine.
func newClient() *http.Client { return &http.Client{Timeout: 2 * time.Minute} }
