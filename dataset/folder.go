package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
)

// The files of an exported version beside those of its splits and manifest.json.
const (
	lineageFile = "lineage.jsonl"
	inputsFile  = "inputs.jsonl"
)

// Export writes a version into the folder dir, which must exist: a JSONL file
// a split, lineage.jsonl, inputs.jsonl where the raw files are known and, last,
// manifest.json, which is taken away first. Each file is there whole or not at
// all. [Read] makes the same version of the folder.
func (v *Version) Export(dir string) error {
	if err := v.export(dir); err != nil {
		return fmt.Errorf("export dataset: %w", err)
	}
	return nil
}

func (v *Version) export(dir string) error {
	manifest := filepath.Join(dir, manifestName)
	if err := os.Remove(manifest); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, split := range v.manifest.Splits {
		if err := exportLines(filepath.Join(dir, split.Name+".jsonl"), v.records[split.Name], split.Shards); err != nil {
			return err
		}
	}
	if err := exportLines(filepath.Join(dir, lineageFile), v.outcomes, v.manifest.Lineage); err != nil {
		return err
	}
	var inputs []Input
	var list []Shard
	for i, s := range v.manifest.Sources {
		inputs, list = append(inputs, v.inputs[i]...), append(list, s.Inputs...)
	}
	if len(list) > 0 {
		if err := exportLines(filepath.Join(dir, inputsFile), inputs, list); err != nil {
			return err
		}
	}
	return fsx.WriteFile(manifest, v.encoded, 0o644)
}

func exportLines[T any](name string, lines []T, list []Shard) error {
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		return encodeShards(lines, list, func(_ Shard, b []byte) error {
			_, err := w.Write(b)
			return err
		})
	})
}

// exported reads a folder that Export wrote.
func (r *reader) exported(manifest []byte) error {
	v, err := decodeManifest(manifest)
	if err != nil {
		return err
	}
	f := &folderShards{r: r}
	if err := v.fill(r.ctx, f.read); err != nil {
		return err
	}
	if err := f.end(); err != nil {
		return err
	}
	r.m.whole = v
	r.m.Source.Kind, r.m.Source.Digest = SourceExported, v.digest
	if v.manifest.Card != nil {
		r.m.Card = *v.manifest.Card
	}
	return nil
}

// folderShards reads shards from the files that they were strung together in.
type folderShards struct {
	r    *reader
	name string // of the file that is open
	rest []byte
}

// read returns the next shard of a file.
func (f *folderShards) read(_ context.Context, file string, shard Shard) ([]byte, error) {
	if file != f.name {
		if err := f.end(); err != nil {
			return nil, err
		}
		in, size, err := f.r.open(file)
		if err != nil {
			return nil, err
		}
		defer in.Close() //nolint:errcheck // only read
		f.r.total += size
		if f.rest, err = io.ReadAll(in); err != nil {
			return nil, err
		}
		f.name = file
	}
	if shard.Bytes < 0 || shard.Bytes > int64(len(f.rest)) {
		return nil, fmt.Errorf("%s: %w", file, errChanged)
	}
	b := f.rest[:shard.Bytes]
	if troika.Sum(b) != shard.Digest {
		return nil, fmt.Errorf("%s: %w", file, errChanged)
	}
	f.rest = f.rest[shard.Bytes:]
	return b, nil
}

// end says whether all of the file that is open was read.
func (f *folderShards) end() error {
	if len(f.rest) > 0 {
		return fmt.Errorf("%s: %w", f.name, errChanged)
	}
	return nil
}

// decodeManifest returns a version without its lines.
func decodeManifest(b []byte) (*Version, error) {
	v := &Version{digest: troika.Sum(b), encoded: b, records: map[string][]Record{}}
	var about struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &about); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if about.Format != Format && about.Format != formatOne {
		return nil, fmt.Errorf("manifest: format %q, this program reads %q", about.Format, Format)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // seeds are over what a float holds
	if err := dec.Decode(&v.manifest); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	splits := make([]string, 0, len(v.manifest.Splits))
	for _, split := range v.manifest.Splits {
		splits = append(splits, split.Name)
	}
	if !slices.Equal(splits, Splits()) {
		return nil, fmt.Errorf("manifest: splits %q, want %q", splits, Splits())
	}
	return v, nil
}

// fill reads the lines of a version, whose shards read gets by the file of an
// exported folder that they are in. They come file by file, in their order.
func (v *Version) fill(ctx context.Context, read func(context.Context, string, Shard) ([]byte, error)) error {
	var err error
	for _, split := range v.manifest.Splits {
		if v.records[split.Name], err = readShards[Record](ctx, read, split.Name+".jsonl", split.Shards); err != nil {
			return fmt.Errorf("split %s: %w", split.Name, err)
		}
		if n := len(v.records[split.Name]); n != split.Records {
			return fmt.Errorf("split %s: %d records, the manifest says %d", split.Name, n, split.Records)
		}
	}
	if v.outcomes, err = readShards[Outcome](ctx, read, lineageFile, v.manifest.Lineage); err != nil {
		return fmt.Errorf("lineage: %w", err)
	}
	v.inputs = make([][]Input, len(v.manifest.Sources))
	for i, s := range v.manifest.Sources {
		if v.inputs[i], err = readShards[Input](ctx, read, inputsFile, s.Inputs); err != nil {
			return fmt.Errorf("inputs of %s: %w", s.Name, err)
		}
	}
	return nil
}
