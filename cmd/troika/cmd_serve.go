package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/store/sqlite"
)

type serveOptions struct {
	listen    string
	models    []string
	keys      string
	open      bool
	sequences int
	context   int
	extra     *serve.Key // taken as well, for as long as there are keys
}

func newServeCmd(a *app) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [--model MODEL]...",
		Short: "Serve models over OpenAI's API",
		Long: `Serve models over OpenAI's API: /v1/chat/completions, /v1/models, a page at /,
/metrics and /healthz. Without --model every model and adapter of --home is served,
and the starter. Adapters of one base share its memory and its batches.

The server asks for API keys once there are any (troika keys create). It listens on
this machine only, unless told otherwise; then it needs keys, or --open to do without.`,
		Example: `  troika serve
  troika serve --listen 127.0.0.1:8080 --model starter --model helpdesk
  troika keys create shop && troika serve --listen :8080
  curl http://127.0.0.1:8080/v1/chat/completions \
    -H 'Content-Type: application/json' \
    -d '{"model":"starter","messages":[{"role":"user","content":"Hi"}]}'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o, nil) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on")
	f.StringArrayVar(&o.models, "model", nil, "model to serve, name or folder; may be repeated")
	f.StringVar(&o.keys, "keys", "", "file with the hashes of API keys (default keys.json of --home)")
	f.BoolVar(&o.open, "open", false, "listen beyond this machine without API keys")
	f.IntVar(&o.sequences, "sequences", 0, "requests running at once on each base (default 8)")
	f.IntVar(&o.context, "context", 0, "longest sequence in tokens (default the model's own, at most 8192)")
	return cmd
}

// serve loads the models and answers until ctx ends. ready, if not nil, is called
// with the address once requests are accepted.
func (a *app) serve(ctx context.Context, o serveOptions, ready func(url string) error) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	file := newKeyFile(home, o.keys)
	file.extra = o.extra
	keys, seen, err := file.read()
	if err != nil {
		return err
	}
	ln, err := serve.Listen(ctx, o.listen, keys, o.open)
	if err != nil {
		return err
	}
	defer ln.Close() //nolint:errcheck // closed by Run where it was reached
	dev := a.device()
	defer dev.Close()
	engine, err := a.engine(local.New(dev, local.Options{
		Known: all.Architectures(), Sequences: o.sequences, Context: o.context,
	}), o.models)
	if err != nil {
		return err
	}
	defer engine.Close()
	db, err := sqlite.Open(ctx, filepath.Join(home, databaseFile))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // every event was committed
	usage, err := meter.Open(ctx, db)
	if err != nil {
		return err
	}
	server, err := serve.New(engine, serve.Options{
		Keys: keys, Emit: usage.Emit, AnyHost: o.open, Log: a.Log,
		Run:        func(context.Context) ([]byte, error) { return latestMetrics(filepath.Join(home, runsFolder)) },
		Quickstart: func(context.Context) ([]byte, error) { return os.ReadFile(filepath.Join(home, quickstartFile)) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go file.follow(ctx, a, server, seen)
	run := func() error { return serve.Run(ctx, ln, server, 10*time.Second, a.Log) }
	url := "http://" + ln.Addr().String()
	if ready == nil {
		_, _ = fmt.Fprintf(a.Err, "serving %d models on %s\n", len(engine.Models()), url)
		return run()
	}
	failed := make(chan error, 1)
	go func() {
		err := ready(url)
		failed <- err
		cancel(err)
	}()
	err = run()
	if e := <-failed; e != nil {
		return e
	}
	return err
}

// engine loads models by name, or every local one.
func (a *app) engine(e *local.Engine, names []string) (*local.Engine, error) {
	refs, err := a.served(names)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if ref.Adapter != "" {
			err = e.AddAdapter(ref.Name, ref.Adapter, ref.Base, ref.Dir)
		} else {
			err = e.AddBase(ref.Name, ref.Dir)
		}
		if err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

func (a *app) served(names []string) ([]modelRef, error) {
	if len(names) == 0 {
		return a.localModels()
	}
	var refs []modelRef
	for _, n := range names {
		ref, err := a.resolveModel(n)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// latestMetrics returns the metrics of the run that was written to last.
func latestMetrics(dir string) ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*", "metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	var latest string
	var when time.Time
	for _, n := range names {
		if info, err := os.Stat(n); err == nil && info.ModTime().After(when) {
			latest, when = n, info.ModTime()
		}
	}
	if latest == "" {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(latest)
}
