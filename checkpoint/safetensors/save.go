package safetensors

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/internal/fsx"
)

// DefaultShard is the shard size in bytes that transformers uses: 50 GB.
const DefaultShard = 50_000_000_000

// Save writes every tensor and the metadata of r to one file, atomically.
func Save(path string, r checkpoint.Reader) error {
	plan, err := checkpoint.Plan(r)
	if err != nil {
		return fmt.Errorf("save checkpoint %s: %w", path, err)
	}
	if err := save(path, r, plan); err != nil {
		return fmt.Errorf("save checkpoint %s: %w", path, err)
	}
	return nil
}

func save(path string, r checkpoint.Reader, plan []checkpoint.Entry) error {
	w, err := Create(path, plan, r.Metadata())
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := checkpoint.Copy(w, r); err != nil {
		return err
	}
	return w.Close()
}

// SaveDir writes r to the directory dir as transformers lays it out: one
// [SingleName] if all tensors fit maxShard bytes (0 means [DefaultShard]), else
// shards, filled in the order of names, and the index last. A tensor larger
// than maxShard gets a shard of its own.
//
// A single file replaces an earlier single file atomically. Where shards are
// involved, old or new, there is no atomic step: then SaveDir refuses, with an
// error that wraps [fs.ErrExist], a directory that already holds a checkpoint.
func SaveDir(dir string, r checkpoint.Reader, maxShard int64) error {
	if err := saveDir(dir, r, cmp.Or(maxShard, DefaultShard)); err != nil {
		return fmt.Errorf("save checkpoint in %s: %w", dir, err)
	}
	return nil
}

func saveDir(dir string, r checkpoint.Reader, maxShard int64) error {
	plan, err := checkpoint.Plan(r)
	if err != nil {
		return err
	}
	shards, total, err := split(plan, maxShard)
	if err != nil {
		return err
	}
	taken := []string{IndexName}
	if len(shards) > 1 {
		taken = append(taken, SingleName)
	}
	for _, name := range taken {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return cmp.Or(err, fmt.Errorf("%s: %w", name, fs.ErrExist))
		}
	}
	if len(shards) == 1 {
		return save(filepath.Join(dir, SingleName), r, shards[0])
	}
	weights := map[string]string{}
	for i, shard := range shards {
		file := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		for _, e := range shard {
			weights[e.Name] = file
		}
		if err := save(filepath.Join(dir, file), r, shard); err != nil {
			return err
		}
	}
	return fsx.Write(filepath.Join(dir, IndexName), 0o644, func(w io.Writer) error {
		return writeIndex(w, weights, total)
	})
}

func writeIndex(w io.Writer, weights map[string]string, total int64) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"metadata":   map[string]int64{"total_size": total},
		"weight_map": weights,
	})
}

// split deals the plan into shards of at most maxShard bytes, in order. There
// is always at least one.
func split(plan []checkpoint.Entry, maxShard int64) (shards [][]checkpoint.Entry, total int64, err error) {
	var room int64
	for _, e := range plan {
		n, err := e.Bytes()
		if err != nil {
			return nil, 0, err
		}
		total += int64(n)
		if len(shards) == 0 || int64(n) > room {
			shards = append(shards, nil)
			room = maxShard
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], e)
		room -= int64(n)
	}
	if len(shards) == 0 {
		shards = append(shards, nil)
	}
	return shards, total, nil
}
