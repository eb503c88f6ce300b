package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/job"
	joblocal "github.com/troikaml/troika/job/local"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/serve/finetune"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/disk"
	"github.com/troikaml/troika/train"
)

// Folders and files of --home that belong to the server.
const (
	filesFolder = "files" // contents of files that clients sent, by digest
	tunedFolder = "tuned" // adapters that jobs made
	serveLock   = ".serve.lock"
)

// lockHome makes sure that one server works in a home folder: it runs the jobs, and
// has the files to itself.
func lockHome(home string) (*fsx.Lock, error) {
	lock, err := fsx.TryLock(filepath.Join(home, serveLock))
	if errors.Is(err, fsx.ErrLocked) {
		return nil, fmt.Errorf("another troika serve works in %s: stop it first, or give this one a --home of its own: %w", home, err)
	}
	return lock, err
}

// hosting is what a server has beside its models: files, and jobs with their runner.
type hosting struct {
	files  *file.Store
	tuning *finetune.Service
	runner *joblocal.Runner
}

// host opens files and jobs for the models of an engine. bases are the folders of what
// may be tuned, by name. Close the runner when it has run.
func (a *app) host(ctx context.Context, home string, db *store.DB, engine *local.Engine, bases map[string]string, o serveOptions) (*hosting, error) {
	jobs, err := job.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	contents, err := disk.Open(filepath.Join(home, filesFolder))
	if err != nil {
		return nil, err
	}
	h := &hosting{}
	if h.files, err = file.Open(ctx, db, contents, file.Options{}); err != nil {
		return nil, err
	}
	blobs, err := disk.Open(filepath.Join(home, blobsFolder))
	if err != nil {
		return nil, err
	}
	versions, err := dataset.OpenStore(ctx, db, blobs)
	if err != nil {
		return nil, err
	}
	made, err := lineage.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	var admitter job.Admitter
	if o.memory > 0 {
		admitter = job.NewMemory(int64(o.memory))
	}
	h.tuning = finetune.New(finetune.Options{
		DB: db, Jobs: jobs, Files: h.files, Datasets: versions, Lineage: made, Known: all.Architectures(),
		Base: func(name string) (string, error) { return tunable(bases, name) },
		// Runs have a device of their own, so that what they took goes with them. Its
		// threads share the processors with those that answer.
		Device: func() (compute.Device, func()) {
			dev := a.device()
			return dev, dev.Close
		},
		Rehearse: rehearsing, Time: a.timeWithin(admitter), Price: o.price,
		Tuned: filepath.Join(home, tunedFolder), Runs: filepath.Join(home, runsFolder),
		Offer: func(m finetune.Model) error {
			return engine.Offer(local.Tuned{
				Name: m.Name, Dir: m.Dir, Parent: m.Parent, BaseDir: bases[m.Parent], Base: m.Base, OwnedBy: m.Org, Created: m.Created,
			})
		},
		Org: o.org, Version: buildVersion(), Log: a.Log,
	})
	if err := h.tuning.OfferAll(ctx); err != nil {
		return nil, err
	}
	// Leases are short for their heartbeats to tell clients how far a job is.
	const lease = 6 * time.Second
	run := joblocal.Options{Dir: home, Store: jobs, Handlers: h.tuning.Handlers(), Lease: lease, Log: a.Log}
	if admitter != nil {
		const most = 64 // more than any memory admits
		run.Admitter, run.Parallel = admitter, most
	}
	h.runner, err = joblocal.Open(ctx, run)
	return h, err
}

// timeWithin tells how long jobs take where there is the memory to try them: of the machine,
// and of the admitter if there is one.
func (a *app) timeWithin(admitter job.Admitter) func(context.Context, *train.Tuning, *train.Rehearsal) (train.Times, error) {
	return func(ctx context.Context, t *train.Tuning, r *train.Rehearsal) (train.Times, error) {
		if admitter != nil {
			grant, err := admitter.Admit(ctx, job.Spec{Kind: finetune.Kind, Needs: job.Needs{Memory: r.Memory()}})
			if err != nil {
				return train.Times{}, nil // jobs have the memory, or it is too little
			}
			defer grant.Release()
		}
		times, err := a.timeRun(ctx, t, r)
		if errors.Is(err, errNoRoom) {
			return train.Times{}, nil
		}
		return times, err
	}
}

// tunable returns the folder of a base.
func tunable(bases map[string]string, name string) (string, error) {
	if dir, ok := bases[name]; ok {
		return dir, nil
	}
	names := slices.Sorted(maps.Keys(bases))
	return "", fmt.Errorf("it is no base that is served; there are %s: %w", strings.Join(names, ", "), fs.ErrNotExist)
}

// routes returns the endpoints. Streams end when stopping is closed.
func (h *hosting) routes(stopping <-chan struct{}) []serve.Route {
	return append(h.files.Routes(), h.tuning.Routes(stopping)...)
}

// run runs jobs until ctx ends and those that are under way have saved themselves.
func (h *hosting) run(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.runner.Run(ctx)
	}()
	return done
}

// size is a number of bytes as people write it, such as 8GB or 512MiB.
type size int64

// units are what sizes are given in, longest names first.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

// Set implements [pflag.Value].
func (s *size) Set(text string) error {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		var n float64
		var rest string
		if got, _ := fmt.Sscanf(digits, "%g%s", &n, &rest); got != 1 || !(n > 0) || n*float64(u.bytes) > 1<<60 {
			break
		}
		*s = size(n * float64(u.bytes))
		return nil
	}
	return fmt.Errorf("%q is no size such as 8GB", text)
}

// String implements [pflag.Value].
func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return fmt.Sprint(int64(*s))
}

// Type implements [pflag.Value].
func (*size) Type() string { return "size" }
