package dataset

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// maxManifest bounds the bytes of a manifest.
const maxManifest = 64 << 20

// Store keeps named versions: their shards and manifests as blobs, their names
// as rows. It is safe for concurrent use.
type Store struct {
	db      *store.DB
	blobs   store.Blobs
	lineage *lineage.Log
}

// Entry is a version under a name.
type Entry struct {
	Name string `json:"name"`
	// Number counts the versions of a name from 1.
	Number  int           `json:"number"`
	Digest  troika.Digest `json:"digest"`
	Records int           `json:"records"`
	AddedAt time.Time     `json:"added_at"`
}

// Ref is how the entry is asked for: name@number.
func (e Entry) Ref() string { return fmt.Sprintf("%s@%d", e.Name, e.Number) }

// OpenStore returns the datasets in db and blobs and makes the tables if need
// be.
func OpenStore(ctx context.Context, db *store.DB, blobs store.Blobs) (*Store, error) {
	log, err := lineage.Open(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("open datasets: %w", err)
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open datasets: %w", err)
	}
	if err := db.Migrate(ctx, "dataset", sub); err != nil {
		return nil, fmt.Errorf("open datasets: %w", err)
	}
	return &Store{db: db, blobs: blobs, lineage: log}, nil
}

type versionRow struct {
	bun.BaseModel `bun:"table:dataset_versions"`

	Name    string `bun:"name,pk"`
	Number  int    `bun:"number,pk"`
	Digest  string `bun:"digest"`
	Records int    `bun:"records"`
	AddedAt int64  `bun:"added_at"`
	// RemovedAt is 0 of a version that is there.
	RemovedAt int64 `bun:"removed_at"`
}

func (r versionRow) entry() (Entry, error) {
	d, err := troika.ParseDigest(r.Digest)
	return Entry{Name: r.Name, Number: r.Number, Digest: d, Records: r.Records, AddedAt: time.UnixMicro(r.AddedAt).UTC()}, err
}

// nameRule is what a dataset may be called: a name is part of a reference and
// of a file name.
var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// CheckName refuses what a dataset cannot be called.
func CheckName(name string) error {
	if !nameRule.MatchString(name) {
		return fmt.Errorf("dataset %q: a name has lower-case letters, digits, dots, dashes and underscores, at most 63", name)
	}
	return nil
}

// Add stores a version under a name, as its next number, together with its
// lineage. Where it is the newest of that name already, that entry is
// returned. A crash on the way leaves blobs that nothing names.
func (s *Store) Add(ctx context.Context, name string, v *Version) (Entry, error) {
	if err := CheckName(name); err != nil {
		return Entry{}, fmt.Errorf("add: %w", err)
	}
	if err := s.putBlobs(ctx, v); err != nil {
		return Entry{}, fmt.Errorf("add dataset %s: %w", name, err)
	}
	record, err := lineageOf(v)
	if err != nil {
		return Entry{}, fmt.Errorf("add dataset %s: %w", name, err)
	}
	row := versionRow{Name: name, Digest: v.digest.String(), AddedAt: time.Now().UnixMicro()}
	for _, split := range v.manifest.Splits {
		row.Records += split.Records
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		// Collect may have run since: within the transaction it does not.
		if err := s.putBlobs(ctx, v); err != nil {
			return err
		}
		newest, err := s.newest(ctx, name)
		switch {
		case err == nil && newest.Digest == row.Digest:
			row = newest
			return nil
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		// Also the numbers of versions that were forgotten are given once.
		last, err := s.db.Query(ctx).NewSelect().Model((*versionRow)(nil)).Where("name = ?", name).Count(ctx)
		if err != nil {
			return err
		}
		row.Number = int(last) + 1
		if _, err := s.db.Query(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return s.lineage.Append(ctx, record)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("add dataset %s: %w", name, err)
	}
	return row.entry()
}

// putBlobs stores the shards, then the manifest that names them.
func (s *Store) putBlobs(ctx context.Context, v *Version) error {
	put := func(want troika.Digest, b []byte) error {
		if has, err := s.blobs.Has(ctx, want); err != nil || has {
			return err
		}
		got, _, err := s.blobs.Put(ctx, bytes.NewReader(b))
		if err == nil && got != want {
			err = fmt.Errorf("blob %s: %w", want, store.ErrCorrupt)
		}
		return err
	}
	emit := func(shard Shard, b []byte) error { return put(shard.Digest, b) }
	for _, split := range v.manifest.Splits {
		if err := encodeShards(v.records[split.Name], split.Shards, emit); err != nil {
			return err
		}
	}
	for i, source := range v.manifest.Sources {
		if err := encodeShards(v.inputs[i], source.Inputs, emit); err != nil {
			return err
		}
	}
	if err := encodeShards(v.outcomes, v.manifest.Lineage, emit); err != nil {
		return err
	}
	return put(v.digest, v.encoded)
}

// lineageOf tells what a version was made from: the shards that list every
// document with the digest of its raw bytes.
func lineageOf(v *Version) (lineage.Record, error) {
	details, err := json.Marshal(map[string]any{"recipe": v.manifest.Recipe})
	r := lineage.Record{Output: v.digest, Kind: "dataset", Details: details}
	for _, shard := range v.manifest.Lineage {
		r.Inputs = append(r.Inputs, lineage.Input{Role: "documents", Digest: shard.Digest})
	}
	return r, err
}

func (s *Store) newest(ctx context.Context, name string) (versionRow, error) {
	var row versionRow
	err := s.db.Query(ctx).NewSelect().Model(&row).Where("name = ? AND removed_at = 0", name).Order("number DESC").Limit(1).Scan(ctx)
	return row, store.NoRows(err)
}

// Find returns the entry that a reference means: name (its newest version),
// name@number, or a digest, whole or at least its first 8 hexadecimal digits.
// One that means nothing is an error that wraps store.ErrNotFound.
func (s *Store) Find(ctx context.Context, ref string) (Entry, error) {
	row, err := s.find(ctx, ref)
	if err != nil {
		return Entry{}, fmt.Errorf("find dataset %s: %w", ref, err)
	}
	return row.entry()
}

func (s *Store) find(ctx context.Context, ref string) (versionRow, error) {
	name, number, numbered := strings.Cut(ref, "@")
	if numbered {
		n, err := strconv.Atoi(number)
		if err != nil {
			return versionRow{}, fmt.Errorf("%q is no version number", number)
		}
		var row versionRow
		err = s.db.Query(ctx).NewSelect().Model(&row).Where("name = ? AND number = ? AND removed_at = 0", name, n).Scan(ctx)
		return row, store.NoRows(err)
	}
	row, err := s.newest(ctx, name)
	if !errors.Is(err, store.ErrNotFound) || !isDigestPrefix(ref) {
		return row, err
	}
	var rows []versionRow
	prefix := "sha256:" + strings.TrimPrefix(ref, "sha256:")
	err = s.db.Query(ctx).NewSelect().Model(&rows).Where("digest LIKE ? AND removed_at = 0", prefix+"%").Order("added_at", "name", "number").Scan(ctx)
	switch {
	case err != nil:
		return versionRow{}, err
	case len(rows) == 0:
		return versionRow{}, store.ErrNotFound
	}
	for _, r := range rows {
		if r.Digest != rows[0].Digest {
			return versionRow{}, errors.New("several versions have digests that start so: give more digits")
		}
	}
	return rows[0], nil
}

func isDigestPrefix(ref string) bool {
	digits := strings.TrimPrefix(ref, "sha256:")
	return len(digits) >= 8 && len(digits) <= 64 && strings.Trim(digits, "0123456789abcdef") == ""
}

// List returns all entries by name and number.
func (s *Store) List(ctx context.Context) ([]Entry, error) {
	var rows []versionRow
	if err := s.db.Query(ctx).NewSelect().Model(&rows).Where("removed_at = 0").Order("name", "number").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list datasets: %w", err)
	}
	entries := make([]Entry, len(rows))
	for i, row := range rows {
		var err error
		if entries[i], err = row.entry(); err != nil {
			return nil, fmt.Errorf("list datasets: %w", err)
		}
	}
	return entries, nil
}

// Open returns the version that a reference means; see Find. Every blob is
// checked against its digest.
func (s *Store) Open(ctx context.Context, ref string) (*Version, error) {
	e, err := s.Find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return Load(ctx, s.blobs, e.Digest)
}

// Load reads the version with this digest from blobs.
func Load(ctx context.Context, blobs store.Blobs, digest troika.Digest) (*Version, error) {
	v, err := load(ctx, blobs, digest)
	if err != nil {
		return nil, fmt.Errorf("load dataset %s: %w", digest, err)
	}
	return v, nil
}

func load(ctx context.Context, blobs store.Blobs, digest troika.Digest) (*Version, error) {
	b, err := store.ReadBlob(ctx, blobs, digest, maxManifest)
	if err != nil {
		return nil, err
	}
	v, err := decodeManifest(b)
	if err != nil {
		return nil, err
	}
	return v, v.fill(ctx, func(ctx context.Context, _ string, shard Shard) ([]byte, error) {
		return store.ReadBlob(ctx, blobs, shard.Digest, shard.Bytes)
	})
}
