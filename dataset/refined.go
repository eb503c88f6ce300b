package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/troikaml/troika"
)

const (
	// refinedFormat is the format of the manifests that troika refine writes.
	refinedFormat = 1
	// refinedStep begins the names of the refinery's steps in a version's recipe.
	refinedStep = "refine/"
	// piiStep is the refinery's step that hides personal data.
	piiStep = "pii"
)

// refinedManifest is what counts of the manifest.json of a refined folder.
type refinedManifest struct {
	Format int `json:"format"`
	Recipe struct {
		Name    string          `json:"name"`
		Version string          `json:"version"`
		Input   json.RawMessage `json:"input"`
		Output  json.RawMessage `json:"output"`
		Steps   []struct {
			Step     string          `json:"step"`
			Settings json.RawMessage `json:"settings"`
		} `json:"steps"`
	} `json:"recipe"`
	RecipeDigest troika.Digest          `json:"recipe_digest"`
	Shards       []refinedFile          `json:"shards"`
	Files        []refinedFile          `json:"files"`
	Counts       map[string]json.Number `json:"counts"`
}

type refinedFile struct {
	Name    string        `json:"name"`
	Split   string        `json:"split"` // of a shard, where the recipe splits
	Records int           `json:"records"`
	Bytes   int64         `json:"bytes"`
	Digest  troika.Digest `json:"digest"`
}

// errChanged says that a file is not what its manifest says.
var errChanged = errors.New("it is not the file that manifest.json names: it was changed or cut")

// errNoParquet says that a reader was not given what reads tables.
var errNoParquet = errors.New("Parquet files are not read here") //nolint:staticcheck // a name

// refined reads a folder that troika refine wrote.
func (r *reader) refined(manifest []byte) error {
	var m refinedManifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return fmt.Errorf("%s: neither that of troika refine nor that of an exported dataset: %w", manifestName, err)
	}
	if m.Format != refinedFormat || m.Shards == nil {
		return fmt.Errorf("%s: neither that of troika refine (format %d) nor that of an exported dataset", manifestName, refinedFormat)
	}
	s := &r.m.Source
	s.Kind, s.Digest = SourceRefined, troika.Sum(manifest)
	s.Recipe, s.RecipeVersion, s.RecipeDigest = m.Recipe.Name, m.Recipe.Version, m.RecipeDigest
	s.Counts = map[string]int64{}
	for name, n := range m.Counts {
		count, err := n.Int64()
		if err != nil {
			return fmt.Errorf("%s: count %q: %w", manifestName, name, err)
		}
		s.Counts[name] = count
	}
	if err := r.refinedSteps(&m); err != nil {
		return err
	}
	for _, f := range m.Shards {
		r.total += f.Bytes
	}
	rows := newRowReader(r.o.Labels)
	for _, f := range m.Shards {
		if err := r.refinedShard(rows, f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	for _, f := range m.Files {
		if f.Name == "inputs.jsonl" {
			if err := r.refinedInputs(f); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	r.take(rows)
	r.m.asIs = true
	r.findRaw()
	r.refinedCard(&m)
	return nil
}

// refinedSteps makes the refinery's steps those of the version.
func (r *reader) refinedSteps(m *refinedManifest) error {
	add := func(name string, settings json.RawMessage) error {
		step := Step{Name: refinedStep + name}
		if !absent(settings) {
			dec := json.NewDecoder(bytes.NewReader(settings))
			dec.UseNumber() // seeds are over what a float holds
			if err := dec.Decode(&step.Params); err != nil {
				return fmt.Errorf("%s: settings of %s: %w", manifestName, name, err)
			}
		}
		r.m.steps = append(r.m.steps, step)
		return nil
	}
	if err := add("input", m.Recipe.Input); err != nil {
		return err
	}
	for _, s := range m.Recipe.Steps {
		if err := add(s.Step, s.Settings); err != nil {
			return err
		}
	}
	return add("output", m.Recipe.Output)
}

// checked returns the bytes of a file of the manifest.
func (r *reader) checked(f refinedFile) ([]byte, error) {
	if path.Base(f.Name) != f.Name {
		return nil, errors.New("not a file of the folder")
	}
	in, size, err := r.open(f.Name)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	if size != f.Bytes {
		return nil, errChanged
	}
	b, err := io.ReadAll(in)
	if err == nil && troika.Sum(b) != f.Digest {
		err = errChanged
	}
	return b, err
}

// refinedShard reads the rows of a shard.
func (r *reader) refinedShard(rows *rowReader, f refinedFile) error {
	if path.Base(f.Name) != f.Name {
		return errors.New("not a file of the folder")
	}
	in, size, err := r.open(f.Name)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if size != f.Bytes {
		return errChanged
	}
	from, sum := len(rows.records), sha256.New()
	var bad error // of a row; a changed file says more
	if path.Ext(f.Name) == ".parquet" {
		bad, err = r.parquet(rows, in, size, sum, r.m.Source.Name)
	} else {
		bad = rows.read(io.TeeReader(in, sum), f.Name, f.Name, "")
	}
	switch {
	case err != nil:
		return err
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case troika.DigestOf(sum) != f.Digest:
		return errChanged
	case bad != nil:
		return bad
	}
	if n := len(rows.records) - from; n != f.Records {
		return fmt.Errorf("%d records, %s says %d", n, manifestName, f.Records)
	}
	if f.Split == "" || r.o.Resplit {
		return nil
	}
	if r.m.places == nil {
		r.m.places = map[string]string{}
	}
	for _, record := range rows.records[from:] {
		r.m.places[record.ID] = f.Split
	}
	return nil
}

// parquet reads the rows of a Parquet file, whose bytes go through sum first. source is
// that of rows that do not say themselves.
func (r *reader) parquet(rows *rowReader, in *counted, size int64, sum io.Writer, source string) (bad, err error) {
	at, ok := in.File.(io.ReaderAt)
	if r.o.Parquet == nil || !ok {
		return nil, errNoParquet
	}
	if _, err := io.Copy(sum, in); err != nil {
		return nil, err
	}
	number := 0
	for line, err := range r.o.Parquet(at, size) {
		number++
		if err == nil {
			err = rows.add(line, fmt.Sprintf("row %d", number), source, "")
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", number, err), nil
		}
	}
	return nil, nil
}

// refinedInputs reads the list of raw files.
func (r *reader) refinedInputs(f refinedFile) error {
	b, err := r.checked(f)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		var in struct {
			Input

			Size int64 `json:"size"`
		}
		if err := json.Unmarshal(line, &in); err != nil {
			return fmt.Errorf("line %d: %w", len(r.m.inputs)+1, err)
		}
		in.Bytes = in.Size
		r.m.inputs = append(r.m.inputs, in.Input)
	}
	return nil
}

// findRaw gives each record the digest of the raw file that it came from: the
// input whose name its source begins with.
func (r *reader) findRaw() {
	byName := make(map[string]troika.Digest, len(r.m.inputs))
	for _, in := range r.m.inputs {
		byName[in.Name] = in.Digest
	}
	for i := range r.m.records {
		record := &r.m.records[i]
		record.Raw = troika.Digest{}
		// Members of archives and parts of files come after a slash or a number
		// sign.
		for name := record.Source; name != ""; name = name[:max(strings.LastIndexAny(name, "/#"), 0)] {
			if d, has := byName[name]; has {
				record.Raw = d
				break
			}
		}
	}
}

// refinedCard says what the folder's report tells of personal data.
func (r *reader) refinedCard(m *refinedManifest) {
	hides := slices.ContainsFunc(m.Recipe.Steps, func(s struct {
		Step     string          `json:"step"`
		Settings json.RawMessage `json:"settings"`
	},
	) bool {
		return s.Step == piiStep
	})
	if !hides {
		return
	}
	r.m.Card.PII = "redacted"
	// The report is for people, and not held to the manifest: without it, nothing
	// is counted.
	b, err := fs.ReadFile(r.fsys, "report.json")
	if err != nil {
		return
	}
	var report struct {
		Steps []struct {
			Step   string         `json:"step"`
			Counts map[string]int `json:"counts"`
		} `json:"steps"`
	}
	if json.Unmarshal(b, &report) != nil {
		return
	}
	for _, s := range report.Steps {
		if s.Step == piiStep && len(s.Counts) > 0 {
			r.m.Card.PIICounts = s.Counts
		}
	}
}
