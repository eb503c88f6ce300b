package dataset

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
)

// manifestName is the file that a folder of ours, refined or exported, ends with.
const manifestName = "manifest.json"

// ReadOptions say how [Read] reads.
type ReadOptions struct {
	// Name is what the source is called; empty means by its file's name.
	Name string
	// Language is the tag of rows that have none and are of no language that
	// shows by its script.
	Language string
	// Labels are all that texts may have; empty allows any. Where a folder has a file for
	// each split, they are those of its training file unless they are given here.
	Labels []string
	// Resplit draws splits anew where a folder has a file for each.
	Resplit bool
	// Parquet yields the rows of a Parquet file as JSON objects. Without it such
	// files are refused.
	Parquet func(r io.ReaderAt, size int64) iter.Seq2[json.RawMessage, error]
	// Progress is told how many bytes were read, of how many; it may be nil.
	Progress func(done, total int64)
}

// Material is what a version can be made of.
type Material struct {
	// Source tells what was read.
	Source Source
	// Card is what the source says of itself.
	Card Card
	// Failures are the documents of a folder that could not be read.
	Failures refine.Failures

	records []Record
	places  map[string]string // splits by IDs; nil where none are given
	inputs  []Input
	steps   []Step
	asIs    bool // nothing is to be normalised or dropped
	sorted  bool // the records have no order of their own
	whole   *Version
}

// Records returns how many there are before any is dropped.
func (m *Material) Records() int { return len(m.records) }

// Whole returns the version that an exported folder holds, or nil.
func (m *Material) Whole() *Version { return m.whole }

// Build makes a version. The material is used up. What the options say of
// AsIs, Repeats and InOrder follows from the source where they are not set.
func (m *Material) Build(card Card, o Options) (*Version, error) {
	if m.whole != nil {
		return nil, errors.New("build dataset: the folder is a version already")
	}
	card, err := card.complete()
	if err != nil {
		return nil, fmt.Errorf("build dataset: card: %w", err)
	}
	o.AsIs = o.AsIs || m.asIs
	o.Repeats = o.Repeats || m.asIs
	o.InOrder = o.InOrder || !m.sorted
	p := parts{steps: m.steps, sources: []Source{m.Source}, inputs: [][]Input{m.inputs}}
	if !card.isEmpty() {
		p.card = &card
	}
	v, err := build(m.records, m.places, o, p)
	if err != nil {
		return nil, fmt.Errorf("build dataset: %w", err)
	}
	return v, nil
}

// Read reads what is to become a version: a file of JSON lines or Parquet, or with "." as
// its name a folder. A line is a text, with a label or without,
//
//	{"text": "...", "label": "...", "id": "...", "lang": "zh", "group": "..."}
//
// a text with its translation, which becomes a question for it,
//
//	{"text": "...", "translation": "...", "translation_lang": "zh", "group": "..."}
//
// or a conversation as [ReadChat] takes it; all lines of a source are of one
// kind. A folder is one that troika refine wrote, an exported version, has the
// files train.jsonl, validation.jsonl and test.jsonl, or has a folder for each
// label (refine.Folder). Which of them it is, its files say, in this order.
//
// Everything that is wrong with lines is told at once, as [refine.Failures]. A
// refined or exported folder is held to its manifest: a file that was changed is
// an error.
func Read(ctx context.Context, fsys fs.FS, name string, o ReadOptions) (*Material, error) {
	r := &reader{ctx: ctx, fsys: fsys, o: o, m: &Material{}}
	r.m.Source.Name = o.Name
	if o.Name == "" {
		r.m.Source.Name = name
	}
	if err := r.read(name); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.m.Source.Name, err)
	}
	for i := range r.m.records {
		if r.m.records[i].Lang == "" {
			r.m.records[i].Lang = o.Language
		}
	}
	if r.m.whole == nil && len(r.m.records) == 0 {
		return nil, fmt.Errorf("read %s: there is no record in it", r.m.Source.Name)
	}
	return r.m, nil
}

// reader reads one source.
type reader struct {
	ctx         context.Context
	fsys        fs.FS
	o           ReadOptions
	m           *Material
	done, total int64
}

func (r *reader) read(name string) error {
	if name != "." {
		return r.file(name)
	}
	if _, err := fs.Stat(r.fsys, UnfinishedFile); err == nil {
		return errors.New("the export into this folder was stopped before it was whole: export again")
	}
	switch manifest, err := fs.ReadFile(r.fsys, manifestName); {
	case err == nil:
		return r.ours(manifest)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if files := r.splitFiles(); len(files) > 0 {
		return r.files(files)
	}
	return r.folder()
}

// file reads one file of rows.
func (r *reader) file(name string) error {
	rows := newRowReader(r.o.Labels)
	sum, err := r.rows(rows, name, "")
	if err != nil {
		return err
	}
	r.m.Source.Kind, r.m.Source.Digest = SourceFile, sum.Digest
	r.take(rows)
	return nil
}

// take makes the rows the material's records.
func (r *reader) take(rows *rowReader) {
	r.m.records = rows.records
	switch rows.kind {
	case rowChat:
		r.m.asIs = true
		r.m.steps = append(r.m.steps, Step{Name: stepChat})
	case rowPair:
		r.m.asIs = true
		r.m.steps = append(r.m.steps, Step{Name: stepTranslation})
	}
}

// rows reads a file of JSON lines or a table and returns what it is.
func (r *reader) rows(rows *rowReader, name, prefix string) (Input, error) {
	f, size, err := r.open(name)
	if err != nil {
		return Input{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	if r.total == 0 {
		r.total = size
	}
	sum := sha256.New()
	from := len(rows.records)
	if path.Ext(name) == ".parquet" {
		bad, err := r.parquet(rows, f, size, sum, name)
		if err := cmp.Or(err, bad); err != nil {
			return Input{}, fmt.Errorf("%s: %w", name, err)
		}
	} else if err := rows.read(io.TeeReader(f, sum), name, name, prefix); err != nil {
		return Input{}, err
	}
	return Input{Name: name, Digest: troika.DigestOf(sum), Bytes: f.n, Documents: len(rows.records) - from}, nil
}

// open opens a regular file, with its size; what is read from it counts.
func (r *reader) open(name string) (*counted, int64, error) {
	// A pipe would block for ever: look before opening.
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	return &counted{File: f, r: r}, info.Size(), nil
}

// counted is a file that tells how much of it was read, and stops where the
// context ends.
type counted struct {
	fs.File

	r *reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.File.Read(p)
	c.n += int64(n)
	c.r.done += int64(n)
	if c.r.o.Progress != nil {
		c.r.o.Progress(c.r.done, max(c.r.total, c.r.done))
	}
	return n, err
}

// splitNames are the names that files of a split go by.
var splitNames = []struct{ file, split string }{
	{"train.jsonl", Train},
	{"validation.jsonl", Validation},
	{"valid.jsonl", Validation},
	{"val.jsonl", Validation},
	{"dev.jsonl", Validation},
	{"test.jsonl", Test},
}

// splitFiles lists the files of splits in the folder, if it has any for
// training.
func (r *reader) splitFiles() []string {
	var files []string
	for _, s := range splitNames {
		if _, err := fs.Stat(r.fsys, s.file); err == nil {
			files = append(files, s.file)
		}
	}
	if !slices.Contains(files, "train.jsonl") {
		return nil
	}
	return files
}

// files reads a file for each split.
func (r *reader) files(names []string) error {
	for _, name := range names {
		info, err := fs.Stat(r.fsys, name)
		if err != nil {
			return err
		}
		r.total += info.Size()
	}
	// IDs that count from 0 in every file are told apart by the split.
	err := r.placed(names, false)
	if repeated := (*repeatError)(nil); errors.As(err, &repeated) {
		r.m.inputs, r.done = nil, 0
		err = r.placed(names, true)
	}
	if err != nil {
		return err
	}
	r.m.Source.Kind, r.m.Source.Digest = SourceFiles, digestInputs(r.m.inputs)
	if r.o.Resplit {
		r.m.places = nil
	}
	return nil
}

// repeatError says that two files have an ID in common.
type repeatError struct{ id string }

func (e *repeatError) Error() string { return fmt.Sprintf("several files have the ID %q", e.id) }

func (r *reader) placed(names []string, prefixed bool) error {
	rows := newRowReader(r.o.Labels)
	r.m.places = map[string]string{}
	seen := map[string]bool{}
	var bad refine.Failures // of all files
	for _, name := range names {
		split := splitNames[slices.IndexFunc(splitNames, func(s struct{ file, split string }) bool { return s.file == name })].split
		prefix := ""
		if prefixed {
			prefix = split + "/"
		}
		from := len(rows.records)
		rows.places = map[string]string{}
		input, err := r.rows(rows, name, prefix)
		if failures, ok := errors.AsType[refine.Failures](err); ok {
			bad = append(bad, failures...)
			continue
		}
		if err != nil {
			return err
		}
		r.m.inputs = append(r.m.inputs, input)
		for _, record := range rows.records[from:] {
			if seen[record.ID] {
				return &repeatError{record.ID}
			}
			seen[record.ID] = true
			r.m.places[record.ID] = split
		}
		if split == Train && !r.o.Resplit {
			rows.learned()
		}
	}
	if len(bad) > 0 {
		return bad
	}
	r.take(rows)
	return nil
}

// folder reads a folder for each label.
func (r *reader) folder() error {
	docs, failures, err := refine.Folder(r.fsys)
	if err != nil {
		return err
	}
	for _, f := range failures {
		// A document that cannot be read is left out; a line of a data file that
		// is broken says that the file is not what its owner thinks.
		if f.Line > 0 {
			return failures
		}
	}
	rows := newRowReader(r.o.Labels)
	var outside refine.Failures
	for _, d := range docs {
		if err := rows.allowed(d.Label); err != nil {
			outside = append(outside, refine.Failure{Path: d.Source, Err: err})
		}
		r.m.inputs = append(r.m.inputs, Input{Name: d.Source, Digest: d.Raw, Documents: 1})
	}
	if len(outside) > 0 {
		return outside
	}
	r.m.Failures, r.m.records, r.m.sorted = failures, textRecords(docs), true
	r.m.Source.Kind, r.m.Source.Digest = SourceFolder, digestInputs(r.m.inputs)
	return nil
}

// digestInputs names a list of files: the digest of lines "DIGEST NAME".
func digestInputs(inputs []Input) troika.Digest {
	var b strings.Builder
	for _, in := range inputs {
		fmt.Fprintf(&b, "%s %s\n", in.Digest, in.Name)
	}
	return troika.Sum([]byte(b.String()))
}

// ours reads a folder with a manifest.
func (r *reader) ours(manifest []byte) error {
	var about struct {
		Format json.RawMessage `json:"format"`
	}
	if err := json.Unmarshal(manifest, &about); err != nil {
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	if bytes.HasPrefix(about.Format, []byte(`"troika.dataset/`)) {
		return r.exported(manifest)
	}
	return r.refined(manifest)
}
