package recipe

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/decontaminate"
)

// The files of an output folder, beside its shards.
const (
	manifestFile  = "manifest.json"
	reportFile    = "report.json"
	pageFile      = "report.html"
	decisionsFile = "decisions.jsonl"
	failuresFile  = "failures.jsonl"
	inputsFile    = "inputs.jsonl"
	// contaminationFile names each question of a benchmark that a document
	// holds.
	contaminationFile = "contamination.jsonl"
)

// ManifestFormat is the version of manifest.json.
const ManifestFormat = 1

// Manifest names everything that a run read and wrote. The same inputs and the
// same recipe give the same manifest.
type Manifest struct {
	Format       int           `json:"format"`
	Recipe       *Recipe       `json:"recipe"`
	RecipeDigest troika.Digest `json:"recipe_digest"`
	// Shards are the files with records, in their order.
	Shards []FileSum `json:"shards"`
	// Files are the other files of the folder but the reports.
	Files  []FileSum `json:"files"`
	Counts Counts    `json:"counts"`
}

// FileSum is a file of the output with its digest.
type FileSum struct {
	Name string `json:"name"`
	// Split is the part of the corpus that a shard holds, if it was split.
	Split   string        `json:"split,omitempty"`
	Records int           `json:"records"`
	Bytes   int64         `json:"bytes"`
	Digest  troika.Digest `json:"digest"`
}

// written is one chunk, ready to be joined to the output.
type written struct {
	entries []*entry
	records []record
	// changes are the differences of the entries that may be samples.
	changes map[*entry][]DiffLine
	err     error
}

// write is the last phase: it joins the chunks into shards, whose borders
// depend on the records alone, and writes everything that explains them.
func (r *runner) write(ctx context.Context, base *layer) (*Report, error) {
	w, err := r.newWriter()
	if err != nil {
		return nil, err
	}
	defer w.abort()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := r.prepare(ctx, base)
	done := int64(0)
	for ready := range queue {
		c := <-ready
		if c.err != nil {
			return nil, c.err
		}
		if err := w.chunk(c); err != nil {
			return nil, err
		}
		done++
		r.Progress(Phase{Name: "write"}, done, int64(len(base.chunks)))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.finish()
}

// prepare decodes chunks and makes their records in several goroutines; the
// channels it yields come in the order of the chunks, a few at a time.
func (r *runner) prepare(ctx context.Context, base *layer) <-chan chan written {
	queue := make(chan chan written, r.Workers)
	c := newChain(nil, r.Recipe.Steps)
	go func() {
		defer close(queue)
		for i := range base.chunks {
			ready := make(chan written, 1)
			select {
			case queue <- ready:
			case <-ctx.Done():
				return
			}
			go func() { ready <- r.records(ctx, c, base, i) }()
		}
	}()
	return queue
}

func (r *runner) records(ctx context.Context, c *chain, base *layer, i int) written {
	out := written{changes: map[*entry][]DiffLine{}}
	splits, err := r.splits(base, i)
	if err != nil {
		return written{err: err}
	}
	sources, err := r.partners(base, c, i)
	if err != nil {
		return written{err: err}
	}
	defer sources.close()
	number := docNumber(i, 0) - 1
	for e, err := range base.entries(ctx, c, i) {
		number++
		if err != nil {
			return written{err: err}
		}
		if e == nil {
			continue
		}
		out.entries = append(out.entries, e)
		if e.Doc == nil {
			continue
		}
		if e.Before != "" {
			after := c.hide(ctx, head(e.Doc.Text, maxSample))
			out.changes[e] = diff(e.Before, after)
		}
		var recs []record
		if sources != nil {
			recs, err = sources.pairRecords(ctx, r.Recipe.Output.needs(), e, number)
		} else {
			recs, err = r.Recipe.Output.records(e.Doc)
		}
		if err == nil {
			err = splits.mark(e.ID, number, recs)
		}
		if err != nil {
			return written{err: err}
		}
		if e.Doc == nil { // it could not be aligned
			delete(out.changes, e)
		}
		out.records = append(out.records, recs...)
	}
	return out
}

// writer joins chunks into the output.
type writer struct {
	r                           *runner
	decisions, failures, inputs *outFile
	contamination               *outFile
	open                        map[string]*shard // by split
	shards                      map[string][]FileSum
	tally                       *tally
	benchmarks                  decontaminate.Report
	end                         inputEnd // of the input that is being joined
}

func (r *runner) newWriter() (*writer, error) {
	w := &writer{r: r, tally: newTally(r.Recipe), open: map[string]*shard{}, shards: map[string][]FileSum{}}
	for _, f := range []struct {
		to   **outFile
		name string
	}{{&w.decisions, decisionsFile}, {&w.failures, failuresFile}, {&w.inputs, inputsFile}, {&w.contamination, contaminationFile}} {
		var err error
		if *f.to, err = createOut(r.Out, f.name); err != nil {
			w.abort()
			return nil, err
		}
	}
	return w, nil
}

func (w *writer) abort() {
	for _, f := range []*outFile{w.decisions, w.failures, w.inputs, w.contamination} {
		if f != nil {
			f.p.Abort()
		}
	}
	for _, s := range w.open {
		s.out.p.Abort()
	}
}

func (w *writer) chunk(c written) error {
	for _, e := range c.entries {
		if err := w.entry(e, c.changes[e]); err != nil {
			return err
		}
	}
	for _, rec := range c.records {
		if err := w.record(rec); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) entry(e *entry, changes []DiffLine) error {
	switch {
	case e.Failure != nil:
		w.end.Failed++
		w.tally.failure(e.Failure)
		return w.failures.json(e.Failure)
	case e.End != nil:
		end := *e.End
		end.Documents, end.Failed = w.end.Documents, w.end.Failed
		w.end = inputEnd{}
		w.tally.report.Counts.Inputs++
		return w.inputs.json(end)
	case e.Decision.ID != "":
		w.end.Documents++
		w.tally.document(e, changes)
		w.benchmarks.Add(e.ID, e.Decision.Hits)
		return w.decisions.json(e.Decision)
	}
	return nil
}

func (w *writer) record(rec record) error {
	o := w.r.Recipe.Output
	if s := w.open[rec.split]; s != nil && s.size+int64(len(rec.line)) > o.ShardBytes {
		if err := w.closeShard(rec.split); err != nil {
			return err
		}
	}
	if w.open[rec.split] == nil {
		s, err := o.createShard(w.r.Out, rec.split, len(w.shards[rec.split]))
		if err != nil {
			return err
		}
		w.open[rec.split] = s
	}
	w.tally.record(rec.split, int64(len(rec.line)))
	return w.open[rec.split].add(rec)
}

func (w *writer) closeShard(split string) error {
	sum, err := w.open[split].commit()
	if err != nil {
		return err
	}
	delete(w.open, split)
	w.shards[split] = append(w.shards[split], sum)
	return nil
}

// finish writes the manifest last: with it the output is complete.
func (w *writer) finish() (*Report, error) {
	m := Manifest{Format: ManifestFormat, Recipe: w.r.Recipe, RecipeDigest: w.r.Recipe.Digest()}
	for _, split := range append([]string{""}, splitNames...) {
		if w.open[split] != nil {
			if err := w.closeShard(split); err != nil {
				return nil, err
			}
		}
		m.Shards = append(m.Shards, w.shards[split]...)
	}
	findings := w.benchmarks.Findings()
	w.contamination.Records = len(findings)
	if _, err := w.benchmarks.WriteTo(w.contamination); err != nil {
		return nil, err
	}
	for _, f := range []*outFile{w.decisions, w.failures, w.inputs, w.contamination} {
		sum, err := f.commit()
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, sum)
	}
	report := w.tally.finish()
	m.Counts = report.Counts
	if err := removeExtra(w.r.Out, m.Shards); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(w.r.Out, reportFile), report); err != nil {
		return nil, err
	}
	err := fsx.Write(filepath.Join(w.r.Out, pageFile), 0o644, func(w io.Writer) error { return WritePage(w, report) })
	if err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(w.r.Out, manifestFile), m); err != nil {
		return nil, err
	}
	return report, nil
}

// writeJSON writes v as indented JSON, whole or not at all.
func writeJSON(name string, v any) error {
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	})
}
