package dataset

import (
	"context"
	"fmt"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/store"
)

// Remove takes a version's name away, and returns the entry that it was. What it named
// stays until [Store.Collect]; other names of the same version stay as they are, and no
// other version gets its number.
func (s *Store) Remove(ctx context.Context, ref string) (Entry, error) {
	var row versionRow
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		if row, err = s.find(ctx, ref); err != nil {
			return err
		}
		row.RemovedAt = time.Now().UnixMicro()
		_, err = s.db.Query(ctx).NewUpdate().Model(&row).Column("removed_at").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return Entry{}, fmt.Errorf("remove dataset %s: %w", ref, err)
	}
	return row.entry()
}

// Collect removes the blobs that no version names any more, and returns how many they
// are; with dry it only counts. The blobs must be the datasets' alone. Nothing is lost
// beside writers: a version that is being added puts back what it needs.
func (s *Store) Collect(ctx context.Context, dry bool) (blobs int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		named, err := s.named(ctx)
		if err != nil {
			return err
		}
		for d, err := range s.blobs.List(ctx) {
			if err != nil {
				return err
			}
			if named[d] {
				continue
			}
			blobs++
			if dry {
				continue
			}
			if err := s.blobs.Delete(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("collect datasets: %w", err)
	}
	return blobs, nil
}

// named returns the blobs of all versions.
func (s *Store) named(ctx context.Context) (map[troika.Digest]bool, error) {
	entries, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	named := map[troika.Digest]bool{}
	for _, e := range entries {
		if named[e.Digest] {
			continue
		}
		named[e.Digest] = true
		b, err := store.ReadBlob(ctx, s.blobs, e.Digest, maxManifest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Ref(), err)
		}
		v, err := decodeManifest(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Ref(), err)
		}
		lists := [][]Shard{v.manifest.Lineage}
		for _, split := range v.manifest.Splits {
			lists = append(lists, split.Shards)
		}
		for _, source := range v.manifest.Sources {
			lists = append(lists, source.Inputs)
		}
		for _, list := range lists {
			for _, shard := range list {
				named[shard.Digest] = true
			}
		}
	}
	return named, nil
}
