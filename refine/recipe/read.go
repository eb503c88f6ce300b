package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/source"
)

// samples is how many documents of a class keep their extracted text for the
// report, in every chunk: enough that some are left after the later steps.
const samples = 16

// batch is the items of one chunk on their way to a worker.
type batch struct {
	task, index int
	items       []item
	done        func(error)
}

// taskEnd is what is kept of a task that was read.
type taskEnd struct {
	Chunks int
	// Changed are the inputs that changed while they were read, by their place
	// in the plan: nothing of them is used.
	Changed []int
	// OwnIDs says that documents brought their IDs with them: they may repeat.
	OwnIDs bool
}

// read is the first phase: items become documents, the first steps run, and
// every chunk is written to a file of its own.
func (r *runner) read(ctx context.Context, steps []Spec) (*layer, error) {
	dir := filepath.Join(r.state, "read")
	tasks := r.plan.tasks()
	work := make(chan batch)
	c := newChain(steps, r.Recipe.Steps)
	var wg sync.WaitGroup
	for range r.Workers {
		wg.Go(func() {
			for b := range work {
				b.done(r.readChunk(ctx, c, dir, b))
			}
		})
	}
	rd := &reading{runner: r, dir: dir, work: work}
	err := each(ctx, r.Workers, len(tasks), func(ctx context.Context, t int) error {
		return rd.task(ctx, t, tasks[t])
	})
	close(work)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return r.openLayer(dir, len(tasks))
}

// reading is the part of the first phase that looks at files.
type reading struct {
	*runner
	dir  string
	work chan<- batch
	read atomic.Int64
}

func endName(dir string, t int) string {
	return filepath.Join(dir, fmt.Sprintf("%06d", t/1000), fmt.Sprintf("%06d.end", t))
}

// task reads the inputs [span[0], span[1]) and hands out their chunks.
func (r *reading) task(ctx context.Context, t int, span [2]int) error {
	name := endName(r.dir, t)
	if exists(name) {
		for _, in := range r.plan.Inputs[span[0]:span[1]] {
			r.advance(in.Size)
		}
		return nil
	}
	if err := fsx.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	k := &cutter{limit: r.plan.ChunkBytes}
	var wg sync.WaitGroup
	send := func() error {
		b := batch{task: t}
		b.index, b.items = k.take()
		if exists(chunkName(r.dir, t, b.index)) {
			return nil // an earlier run had come this far
		}
		wg.Add(1)
		b.done = func(err error) {
			if err != nil {
				cancel(err)
			}
			wg.Done()
		}
		select {
		case r.work <- b:
			return nil
		case <-ctx.Done():
			wg.Done()
			return context.Cause(ctx)
		}
	}
	var end taskEnd
	err := func() error {
		for i := span[0]; i < span[1]; i++ {
			changed, err := r.file(ctx, i, k, send)
			if err != nil {
				return err
			}
			if changed {
				end.Changed = append(end.Changed, i)
			}
		}
		return send()
	}()
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	end.Chunks, end.OwnIDs = k.chunks, k.ownIDs
	b, err := json.Marshal(end)
	if err != nil {
		return err
	}
	return fsx.WriteFile(name, b, 0o644)
}

func (r *reading) advance(n int64) {
	r.Progress(Phase{Name: "read", Bytes: true}, r.read.Add(n), r.plan.bytes())
}

// file cuts the items of one input into chunks. It reports whether the input
// changed meanwhile.
func (r *reading) file(ctx context.Context, i int, k *cutter, send func() error) (changed bool, err error) {
	in := r.plan.Inputs[i]
	add := func(it item) error {
		it.file = i
		if _, ok := lookup(&it.raw, r.Recipe.Input.ID); ok {
			k.ownIDs = true
		}
		if k.add(it) {
			return send()
		}
		return nil
	}
	end := inputEnd{Name: in.Name, Size: in.Size}
	if end.Digest, err = in.sum(); err != nil {
		err = add(failed(in.Name, err))
	} else {
		changed, err = r.items(ctx, in, end.Digest, add)
	}
	if err != nil {
		return false, err
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if changed {
		end.Digest = troika.Digest{}
	}
	r.advance(in.Size)
	return changed, add(item{end: &end})
}

// items reads the items of one input.
func (r *reading) items(ctx context.Context, in input, digest troika.Digest, add func(item) error) (changed bool, err error) {
	f := source.File{Name: in.Name, Path: in.Path, Size: in.Size, ModTime: time.Unix(0, in.Modified), Digest: digest}
	for raw, err := range source.Read(ctx, f, r.source) {
		it := item{raw: raw}
		if err != nil {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			it = failed(in.Name, err)
			changed = changed || errors.Is(err, source.ErrChanged)
		}
		if err := add(it); err != nil {
			return false, err
		}
	}
	return changed, nil
}

// sum returns the digest of an input as it is now. Reading checks that it stays
// so.
func (in *input) sum() (troika.Digest, error) {
	if in.Problem != "" {
		return troika.Digest{}, errors.New(in.Problem)
	}
	f, err := os.Open(in.Path)
	if err != nil {
		return troika.Digest{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return troika.Digest{}, err
	}
	return troika.DigestOf(h), nil
}

// cutter collects items into chunks. Where it cuts depends on the items alone.
type cutter struct {
	limit  int64
	size   int64
	items  []item
	chunks int
	ownIDs bool
}

// add takes an item and reports whether the chunk is full.
func (k *cutter) add(it item) bool {
	k.items = append(k.items, it)
	k.size += it.size() + 256 // what an item costs by itself
	return k.size >= k.limit || len(k.items) == maxEntries
}

// take returns the chunk's number in its task and its items.
func (k *cutter) take() (index int, items []item) {
	index, items = k.chunks, k.items
	k.items, k.size = nil, 0
	k.chunks++
	return index, items
}

// readChunk turns the items of a chunk into entries and writes them.
func (r *runner) readChunk(ctx context.Context, c *chain, dir string, b batch) error {
	entries := make([]*entry, len(b.items))
	texts := make([]string, len(b.items))
	for i := range b.items {
		it := &b.items[i]
		e := &entry{File: it.file, Failure: it.fail, End: it.end}
		if it.end == nil && it.fail == nil {
			if err := r.document(ctx, it, e); err != nil {
				return err
			}
		}
		b.items[i] = item{} // free the raw bytes
		if e.Doc != nil {
			texts[i] = e.Doc.Text
			if err := c.apply(ctx, e); err != nil {
				return err
			}
		}
		entries[i] = e
	}
	c.sample(ctx, entries, texts)
	return writeChunk(chunkName(dir, b.task, b.index), entries)
}

// document makes the document of an item, or the failure.
func (r *runner) document(ctx context.Context, it *item, e *entry) error {
	doc, err := r.extract(it)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		e.Failure = &failure{Source: it.raw.Path, Error: err.Error()}
		return nil //nolint:nilerr // the failure is told in its entry
	}
	e.ID, e.Doc = doc.ID, doc
	e.Decision = Decision{ID: doc.ID, Source: doc.Source, Lang: doc.Lang, Kept: true}
	e.Decision.Before = utf8.RuneCountInString(doc.Text)
	e.Decision.After = e.Decision.Before
	return nil
}

// The classes of documents that came through the first steps: samples are drawn
// from each, which does not depend on how the corpus is cut.
const (
	classEdited = 1
	classPlain  = 2
)

// sample keeps the extracted texts of the documents of each class that may be
// shown, drawn by their IDs.
func (c *chain) sample(ctx context.Context, entries []*entry, texts []string) {
	of := [...]drawn[int]{classEdited: {most: samples}, classPlain: {most: samples}}
	for i, e := range entries {
		if e.Doc == nil {
			continue
		}
		e.Class = classPlain
		if len(e.Decision.Edited) > 0 {
			e.Class = classEdited
		}
		of[e.Class].add(e.ID, i)
	}
	for class := range of {
		for _, i := range of[class].all() {
			entries[i].Before = c.hide(ctx, head(texts[i], maxSample))
		}
	}
}

// maxSample bounds the characters of a sample's text.
const maxSample = 4000

// sampleSeed draws samples.
const sampleSeed = 0x7265706f7274 // "report"

func writeChunk(name string, entries []*entry) error {
	w, err := createChunk(name)
	if err != nil {
		return err
	}
	defer w.pending.Abort()
	for _, e := range entries {
		if err := w.write(e); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return w.commit()
}
