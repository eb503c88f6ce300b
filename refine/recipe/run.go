package recipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/source"
	"github.com/troikaml/troika/refine/source/pdf"
)

// Options say what to run. The output depends on the contents and names of the
// inputs and on the recipe alone.
type Options struct {
	// Inputs are files and folders.
	Inputs []string
	Recipe *Recipe
	// Out is the folder to write to. It is made if there is none. A run that
	// was stopped in it goes on where it was.
	Out string
	// Workers is how many goroutines refine; 0 means one a processor.
	Workers int
	// Memory is the bytes that the run aims to stay within, whatever the size
	// of the corpus; 0 means 1 GiB. Less than 64 MiB is taken for 64 MiB. A
	// single item may be over it.
	Memory int64
	// Cache is a folder in which the reader of PDFs keeps what it compiled, made
	// where it pays. Empty keeps nothing.
	Cache string
	// Overwrite replaces what a finished run left in Out.
	Overwrite bool
	// Progress, if it is not nil, is told how much of a phase is done. It is
	// called from several goroutines.
	Progress func(phase Phase, done, total int64)
}

// Phase is a part of a run.
type Phase struct {
	// Name is "read", "compare" and the stage, "refine" or "write".
	Name string
	// Bytes says that progress counts bytes of input; else it counts chunks.
	Bytes bool
}

// ErrFinished says that the folder holds the output of a finished run.
var ErrFinished = errors.New("the folder holds a finished run")

const (
	defaultMemory = 1 << 30
	leastMemory   = 64 << 20
	stateFolder   = ".state"
	lockFile      = ".lock"
)

// Run refines the inputs. Items that fail are counted in the report and listed
// in failures.jsonl; the error is for what stops the whole run. A run that was
// stopped, even by a kill, goes on when it is started again, and writes the
// same bytes as one that was not.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	o.Memory = max(o.Memory, leastMemory)
	if o.Progress == nil {
		o.Progress = func(Phase, int64, int64) {}
	}
	inputs, err := findInputs(ctx, o.Inputs)
	if err != nil {
		return nil, err
	}
	if len(inputs) == 0 {
		return nil, fmt.Errorf("find inputs: no files in %q", o.Inputs)
	}
	if err := fsx.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("refine: %w", err)
	}
	lock, err := fsx.TryLock(filepath.Join(o.Out, lockFile))
	if err != nil {
		return nil, fmt.Errorf("refine into %s: %w", o.Out, err)
	}
	defer lock.Release() //nolint:errcheck // it dies with the process
	r := &runner{Options: o, state: filepath.Join(o.Out, stateFolder)}
	r.source = source.Options{Sheets: o.Recipe.Input.Sheets, PDF: pdf.New(r.cacheFor(inputs), r.documentsAtOnce())}
	defer r.source.PDF.Close() //nolint:errcheck,contextcheck // it was only read from, and frees what it holds
	if exists(filepath.Join(o.Out, manifestFile)) && !exists(r.state) && !o.Overwrite {
		return nil, fmt.Errorf("%w: %s", ErrFinished, o.Out)
	}
	if err := fsx.MkdirAll(r.state, 0o755); err != nil {
		return nil, fmt.Errorf("refine: %w", err)
	}
	fsx.Sweep(o.Out)
	p := &plan{Format: wireFormat, Recipe: o.Recipe.Digest(), Inputs: inputs, ChunkBytes: r.chunkBytes()}
	if r.plan, err = p.resume(filepath.Join(r.state, "plan.json")); err != nil {
		return nil, err
	}
	report, err := r.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(r.state); err != nil {
		return nil, fmt.Errorf("refine: %w", err)
	}
	return report, nil
}

// runner is one run.
type runner struct {
	Options
	state  string
	plan   *plan
	source source.Options
}

// chunkBytes returns the size of a chunk for the memory that there is. A worker
// holds a chunk, its entries, their lines and the tree of a page.
func (r *runner) chunkBytes() int64 {
	return min(4<<20, max(64<<10, r.Memory/int64(24*r.Workers)))
}

// fewPDFs is the size of PDFs that an interpreter has read before a compiler is
// done with the engine.
const fewPDFs = 2 << 20

// cacheFor returns the folder for the compiled engine, or "" where compiling it
// does not pay.
func (r *runner) cacheFor(inputs []input) string {
	var size int64
	for _, in := range inputs {
		switch strings.ToLower(filepath.Ext(in.Name)) {
		case ".pdf":
			size += in.Size
		case ".zip", ".tar", ".gz", ".tgz", ".warc", ".zst":
			size += in.Size // which may hold some
		}
	}
	if size < fewPDFs && !exists(r.Cache) {
		return ""
	}
	return r.Cache
}

// documentsAtOnce is how many PDFs are read at a time.
func (r *runner) documentsAtOnce() int {
	return min(r.Workers, max(1, int(r.Memory/(4*pdf.MaxMemory))))
}

// run goes through the phases: read and run the first steps; then by turns
// compare by stages and run the steps after them; then write.
func (r *runner) run(ctx context.Context) (*Report, error) {
	groups := groupSteps(r.Recipe.Steps)
	base, err := r.read(ctx, groups[0].steps)
	if err != nil {
		return nil, err
	}
	if base.ownIDs {
		if base, err = r.compare(ctx, base, sameID, 0); err != nil {
			return nil, err
		}
	}
	for i, g := range groups[1:] {
		for _, s := range g.stages {
			next := r.compare
			switch {
			case s.part.Split != nil:
				next = r.divide
			case s.part.Pairs != nil:
				next = r.pair
			}
			if base, err = next(ctx, base, s, i+1); err != nil {
				return nil, err
			}
		}
		if len(g.steps) > 0 {
			if base, err = r.refine(ctx, base, g.steps, i+1); err != nil {
				return nil, err
			}
		}
	}
	return r.write(ctx, base)
}

// group is some stages and the steps that follow them.
type group struct{ stages, steps []Spec }

func groupSteps(specs []Spec) []group {
	groups := []group{{}}
	for _, s := range specs {
		last := &groups[len(groups)-1]
		switch {
		case s.part.Step != nil:
			last.steps = append(last.steps, s)
		case len(last.steps) > 0 || len(groups) == 1:
			groups = append(groups, group{stages: []Spec{s}})
		default:
			last.stages = append(last.stages, s)
		}
	}
	return groups
}

// each calls f for 0 to n-1 from several goroutines and returns the first
// error, after which nothing new begins.
func each(ctx context.Context, workers, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
