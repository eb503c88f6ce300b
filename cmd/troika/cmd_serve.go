package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/store/sqlite"
	"github.com/troikaml/troika/train"
)

type serveOptions struct {
	listen    string
	models    []string
	keys      string
	open      bool
	sequences int
	context   int
	org       string
	queue     int
	speculate int
	deadline  time.Duration
	memory    size
	price     train.Price
	adapters  size
	kv        kvType
	extra     *serve.Key // taken as well, for as long as there are keys
}

func newServeCmd(a *app) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [--model MODEL]...",
		Short: "Serve models over OpenAI's API",
		Long: `Serve models over OpenAI's API: /v1/chat/completions, /v1/models, /v1/files,
/v1/uploads and /v1/fine_tuning/jobs, a page at /, /metrics and /healthz. Without
--model every model and adapter of --home is served, and the starter. Adapters of one
base share its memory and its batches. Names that troika publish made answer as well,
and change under a running server within seconds.

Fine-tuning jobs run beside the answers, one at a time unless --memory admits more, and
go on where they were when the server starts again: see troika jobs. When a job is made,
its tokens, memory, time and, with the --price flags, cost are told as an event of it. One server works in
a home at a time.

The server asks for API keys once there are any (troika keys create). It listens on
this machine only, unless told otherwise; then it needs keys, or --open to do without.`,
		Example: `  troika serve
  troika serve --listen 127.0.0.1:8080 --model starter --model helpdesk
  troika keys create shop && troika serve --listen :8080
  curl http://127.0.0.1:8080/v1/chat/completions \
    -H 'Content-Type: application/json' \
    -d '{"model":"starter","messages":[{"role":"user","content":"Hi"}]}'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.sequences < 0 || o.context < 0 || o.queue < 0 || o.speculate < 0 || o.deadline < 0 {
				return usagef("--sequences, --context, --queue, --speculate and --deadline are at least 0")
			}
			return a.serve(cmd.Context(), o, nil)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on")
	f.StringArrayVar(&o.models, "model", nil, "model to serve, name or folder; may be repeated")
	f.StringVar(&o.keys, "keys", "", "file with the hashes of API keys (default keys.json of --home)")
	f.BoolVar(&o.open, "open", false, "listen beyond this machine without API keys")
	f.IntVar(&o.sequences, "sequences", 0, "requests running at once on each base (default 8)")
	f.IntVar(&o.context, "context", 0, "longest sequence in tokens (default the model's own, at most 8192)")
	f.IntVar(&o.queue, "queue", 128, "requests that may wait on each base, before others are told to come back; one key fills half of it at most")
	f.DurationVar(&o.deadline, "deadline", 0, "longest time for an answer, the wait included, such as 2m (default no bound)")
	speculateFlag(f, &o.speculate)
	kvFlag(f, &o.kv)
	f.StringVar(&o.org, "org", "", "organisation in the names of tuned models (default troika)")
	f.Var(&o.memory, "memory", "run as many fine-tuning jobs at once as fit this, such as 8GB (default one at a time)")
	priceFlags(f, &o.price)
	f.Var(&o.adapters, "adapter-memory", "memory for adapters, such as 2GB: those asked longest ago leave it, and are loaded again when they are asked (default 1GB)")
	return cmd
}

// serve loads the models and answers until ctx ends. ready, if not nil, is called
// with the address once requests are accepted.
func (a *app) serve(ctx context.Context, o serveOptions, ready func(url string) error) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	lock, err := lockHome(home)
	if err != nil {
		return err
	}
	defer lock.Release() //nolint:errcheck // the process's end releases it as well
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
	engine, bases, err := a.engine(local.New(dev, local.Options{
		Known: all.Architectures(), Sequences: o.sequences, Context: o.context, KV: o.kv.dtype,
		Queue: o.queue, AdapterMemory: int64(o.adapters), Speculate: o.speculate,
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
	hosted, err := a.host(ctx, home, db, engine, bases, o)
	if err != nil {
		return err
	}
	defer hosted.runner.Close() //nolint:errcheck // the process's end unlocks it as well
	aliases, err := a.newPublished(ctx, db, engine, bases)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	server, err := serve.New(engine, serve.Options{
		Keys: keys, Emit: usage.Emit, AnyHost: o.open, Deadline: o.deadline, Log: a.Log, Routes: hosted.routes(ctx.Done()), //nolint:contextcheck // each call brings its own
		Run:        func(context.Context) ([]byte, error) { return latestMetrics(filepath.Join(home, runsFolder)) },
		Quickstart: func(context.Context) ([]byte, error) { return os.ReadFile(filepath.Join(home, quickstartFile)) },
	})
	if err == nil {
		err = aliases.refresh(ctx, server)
	}
	if err != nil {
		cancel(nil)
		return err
	}
	var following sync.WaitGroup
	following.Go(func() { aliases.follow(ctx, server) })
	jobs := hosted.run(ctx)
	defer func() { // before the runner is closed, and the database
		cancel(nil)
		<-jobs
		following.Wait()
	}()
	go file.follow(ctx, a, server, seen)
	run := func() error { return serve.Run(ctx, ln, server, 10*time.Second, a.Log) }
	return a.serveUntil(run, cancel, "http://"+ln.Addr().String(), len(engine.Models()), ready)
}

// serveUntil runs a server, and ready beside it, whose end is the server's.
func (a *app) serveUntil(run func() error, cancel context.CancelCauseFunc, url string, models int, ready func(url string) error) error {
	if ready == nil {
		_, _ = fmt.Fprintf(a.Err, "serving %d models on %s\n", models, url)
		return run()
	}
	failed := make(chan error, 1)
	go func() {
		err := ready(url)
		failed <- err
		cancel(err)
	}()
	err := run()
	if e := <-failed; e != nil {
		return e
	}
	return err
}

// engine loads models by name, or every local one. It returns the folders of their
// bases by name as well.
func (a *app) engine(e *local.Engine, names []string) (*local.Engine, map[string]string, error) {
	refs, err := a.served(names)
	if err != nil {
		return nil, nil, err
	}
	bases := map[string]string{}
	for _, ref := range refs {
		bases[ref.Base] = ref.Dir
		if ref.Adapter != "" {
			err = e.AddAdapter(ref.Name, ref.Adapter, ref.Base, ref.Dir)
		} else {
			err = e.AddBase(ref.Name, ref.Dir)
		}
		if err != nil {
			e.Close()
			return nil, nil, err
		}
	}
	return e, bases, nil
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
