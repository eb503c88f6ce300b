package finetune

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/train"
)

// Kind is the kind of the jobs in the record.
const Kind = "finetune"

// defaultOrg stands in the names of models, and for the organisation of jobs.
const defaultOrg = "troika"

// Options say what a service works with. All but Rehearse, Time, Price, Offer, Log, Org and
// Version are needed.
type Options struct {
	DB       *store.DB
	Jobs     *job.Store
	Files    *file.Store
	Datasets *dataset.Store
	Lineage  *lineage.Log
	// Base returns the folder of a model that may be tuned, or an error for names that
	// are none.
	Base  func(name string) (dir string, err error)
	Known []model.Architecture
	// Device returns what a run computes on, and what gives it back.
	Device func() (compute.Device, func())
	// Rehearse returns a device that computes nothing and tells of each operator, for
	// what a job will take to be known when it is accepted; nil leaves that unknown, and
	// an admitter by memory gives such jobs the machine for themselves.
	Rehearse func(see func(compute.Op, []compute.Spec)) (compute.Device, func())
	// Time tells how long a job that was rehearsed will take on this machine, and zeros
	// where that cannot be told; nil never tells. It gives up when its context ends.
	Time func(context.Context, *train.Tuning, *train.Rehearsal) (train.Times, error)
	// Price is what the time of jobs costs.
	Price train.Price
	// Tuned is the folder that adapters go to, Runs that of the runs' states.
	Tuned, Runs string
	// Offer makes a model servable; nil serves none.
	Offer   func(Model) error
	Org     string
	Version string // of the program
	Log     *slog.Logger
}

// Model is a tuned model or a checkpoint.
type Model struct {
	Name    string
	Dir     string // of the adapter
	Parent  string // the base's name
	Base    troika.Digest
	Org     string
	Created time.Time
}

// Service is the jobs of one home. It is safe for concurrent use.
type Service struct {
	o Options

	checking sync.Mutex // files are checked one after another, for the memory

	mu      sync.Mutex
	bases   map[string]*base
	offered map[string]bool // names of models
}

// base is a model that may be tuned, without its weights.
type base struct {
	stamp  string // tells whether the folder has changed
	bundle *bundle.Bundle
	digest troika.Digest
}

// New returns a service. Offers of what former jobs made are the matter of
// [Service.OfferAll].
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Org == "" {
		o.Org = defaultOrg
	}
	return &Service{o: o, bases: map[string]*base{}, offered: map[string]bool{}}
}

// base opens a model that may be tuned. Its weights are hashed anew where a file of
// its folder has another size or time.
func (s *Service) base(name string) (*base, string, error) {
	dir, err := s.o.Base(name)
	if err != nil {
		return nil, "", err
	}
	stamp, err := stampOf(dir)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	b := s.bases[dir]
	s.mu.Unlock()
	if b != nil && b.stamp == stamp {
		return b, dir, nil
	}
	b = &base{stamp: stamp}
	if b.bundle, err = bundle.Open(dir, s.o.Known); err != nil {
		return nil, "", err
	}
	if b.digest, err = b.bundle.Digest(); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	s.bases[dir] = b
	s.mu.Unlock()
	return b, dir, nil
}

// stampOf tells a folder's files by their sizes and times.
func stampOf(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name())) // pulled models may be links
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%q %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return troika.DigestOf(h).Hex(), nil
}

// Handlers returns what does the jobs, for a runner.
func (s *Service) Handlers() map[string]job.Handler { return map[string]job.Handler{Kind: s.run} }

// OfferAll makes servable what jobs have made so far. A model that cannot be is told
// to the log.
func (s *Service) OfferAll(ctx context.Context) error {
	q := job.Query{Kinds: []string{Kind}, Limit: 1000}
	for {
		jobs, more, err := s.o.Jobs.List(ctx, q)
		if err != nil {
			return fmt.Errorf("offer tuned models: %w", err)
		}
		for _, j := range jobs {
			if err := s.offerJob(ctx, j); err != nil {
				return fmt.Errorf("offer tuned models: %w", err)
			}
			q.After = j.ID
		}
		if !more {
			return nil
		}
	}
}

func (s *Service) offerJob(ctx context.Context, j job.Job) error {
	r, err := recipeOf(j)
	if err != nil {
		return err
	}
	checkpoints, err := s.checkpoints(ctx, j.ID)
	if err != nil {
		return err
	}
	for _, c := range checkpoints {
		if err := s.offer(j, r, c); err != nil {
			s.o.Log.WarnContext(ctx, "a tuned model is not served", "model", c.Name, "error", err)
		}
	}
	return nil
}

// offer makes a checkpoint servable, once.
func (s *Service) offer(j job.Job, r recipe, c Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Offer == nil || s.offered[c.Name] {
		return nil
	}
	err := s.o.Offer(Model{
		Name: c.Name, Dir: s.adapterDir(j.ID, c.Step), Parent: r.Base, Base: r.base(j), Org: r.Org, Created: c.Created,
	})
	s.offered[c.Name] = err == nil
	return err
}

// The folders of a job.
func (s *Service) runDir(id string) string { return filepath.Join(s.o.Runs, IDPrefix+id) }

func (s *Service) adapterDir(id string, step int) string {
	return filepath.Join(s.o.Tuned, IDPrefix+id, fmt.Sprintf("step-%d", step))
}

// provenanceFile stands beside an adapter and says what it was made from.
const provenanceFile = "troika.json"

// provenance is the content of troika.json.
type provenance struct {
	Model   string         `json:"model"`
	Job     string         `json:"job"`
	Step    int            `json:"step"`
	Base    string         `json:"base"`
	BaseSHA troika.Digest  `json:"base_digest"`
	Dataset troika.Digest  `json:"dataset"`
	Adapter adapter.Config `json:"adapter"`
	Train   train.Config   `json:"train"`
	Beta    float64        `json:"beta,omitempty"`
	Version string         `json:"troika_version"`
}

// Find returns the folder of a tuned model's adapter by the model's name, from the
// folder that adapters go to. A name that means nothing is an error that wraps
// [fs.ErrNotExist].
func Find(tuned, name string) (dir string, err error) {
	plain, _, _ := strings.Cut(name, checkpointMark)
	short := plain[strings.LastIndexByte(plain, ':')+1:]
	if !strings.HasPrefix(name, namePrefix) || short == "" || strings.Trim(short, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", fmt.Errorf("tuned model %q: %w", name, fs.ErrNotExist)
	}
	files, err := filepath.Glob(filepath.Join(tuned, IDPrefix+short+"*", "step-*", provenanceFile))
	if err != nil {
		return "", fmt.Errorf("tuned model %q: %w", name, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		var made provenance
		if err == nil {
			err = json.Unmarshal(b, &made)
		}
		if err != nil {
			return "", fmt.Errorf("tuned model %q: %w", name, err)
		}
		if made.Model == name {
			return filepath.Dir(f), nil
		}
	}
	return "", fmt.Errorf("tuned model %q: %w", name, fs.ErrNotExist)
}

// tidy removes the states of runs whose jobs are over: nothing goes on from them.
func (s *Service) tidy(ctx context.Context) {
	states, err := filepath.Glob(filepath.Join(s.o.Runs, IDPrefix+"*", stateFile))
	if err != nil {
		return
	}
	for _, f := range states {
		id := strings.TrimPrefix(filepath.Base(filepath.Dir(f)), IDPrefix)
		j, err := s.o.Jobs.Get(ctx, id)
		if err == nil && j.State.Final() {
			// What is left is looked for again with the next job.
			_ = os.Remove(f)
		}
	}
}

// notFound reports whether err says that an ID means nothing.
func notFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
