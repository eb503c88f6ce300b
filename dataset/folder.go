package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/troikaml/troika"
)

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
		var err error
		if f.rest, err = f.r.lines(file); err != nil {
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

// lines returns the bytes of an exported file, or those that stand as tables in its
// place.
func (r *reader) lines(file string) ([]byte, error) {
	in, size, err := r.open(file)
	if errors.Is(err, fs.ErrNotExist) && r.o.Parquet != nil {
		if b, bad := r.tables(file); bad != nil || b != nil {
			return b, bad
		}
	}
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	r.total += size
	return io.ReadAll(in)
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
