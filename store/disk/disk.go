package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/store"
)

const (
	// tmpDir holds what is being written.
	tmpDir = "tmp"
	// stale is the age at which a file in tmpDir is what a crash left behind.
	stale = 24 * time.Hour
)

// Blobs is a folder of blobs. It implements [store.Blobs] and is safe for
// concurrent use by several processes.
type Blobs struct {
	dir string
}

// Open returns the blobs in the folder dir, which it makes if need be. Files
// that a crash left half-written more than a day ago are removed.
func Open(dir string) (*Blobs, error) {
	tmp := filepath.Join(dir, tmpDir)
	if err := fsx.MkdirAll(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs %s: %w", dir, err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil {
		return nil, fmt.Errorf("open blobs %s: %w", dir, err)
	}
	for _, e := range left {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.Remove(filepath.Join(tmp, e.Name())) // the next Open tries again
		}
	}
	return &Blobs{dir: dir}, nil
}

// Put implements [store.Blobs].
func (b *Blobs) Put(ctx context.Context, r io.Reader) (troika.Digest, int64, error) {
	d, n, err := b.put(ctx, r)
	if err != nil {
		return troika.Digest{}, 0, fmt.Errorf("put blob: %w", err)
	}
	return d, n, nil
}

func (b *Blobs) put(ctx context.Context, r io.Reader) (d troika.Digest, n int64, err error) {
	f, err := os.CreateTemp(filepath.Join(b.dir, tmpDir), "put-*")
	if err != nil {
		return d, 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	sum := sha256.New()
	n, err = io.Copy(io.MultiWriter(f, sum), &contextReader{ctx, r})
	if err != nil {
		return d, 0, err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return d, 0, err
	}
	d = troika.DigestOf(sum)
	if err = fsx.MkdirAll(filepath.Dir(b.path(d)), 0o700); err != nil {
		return d, 0, err
	}
	// Renaming over a blob that is there replaces it by the same bytes, and
	// mends it where they have gone bad.
	return d, n, fsx.Rename(f.Name(), b.path(d))
}

// Open implements [store.Blobs].
func (b *Blobs) Open(ctx context.Context, d troika.Digest) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	f, err := os.Open(b.path(d))
	if errors.Is(err, fs.ErrNotExist) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	return store.Verify(f, d), nil
}

// Has implements [store.Blobs].
func (b *Blobs) Has(ctx context.Context, d troika.Digest) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	_, err := os.Stat(b.path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for blob %s: %w", d, err)
	}
	return true, nil
}

// Delete implements [store.Blobs].
func (b *Blobs) Delete(ctx context.Context, d troika.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(b.path(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %s: %w", d, err)
	}
	return nil
}

// List implements [store.Blobs]. Files whose names are no digests are passed
// over.
func (b *Blobs) List(ctx context.Context) iter.Seq2[troika.Digest, error] {
	return func(yield func(troika.Digest, error) bool) {
		folders, err := os.ReadDir(b.dir)
		if err != nil {
			yield(troika.Digest{}, fmt.Errorf("list blobs: %w", err))
			return
		}
		for _, folder := range folders {
			if raw, err := hex.DecodeString(folder.Name()); err != nil || len(raw) != 1 || !folder.IsDir() {
				continue
			}
			if !b.listFolder(ctx, folder.Name(), yield) {
				return
			}
		}
	}
}

func (b *Blobs) listFolder(ctx context.Context, folder string, yield func(troika.Digest, error) bool) bool {
	files, err := os.ReadDir(filepath.Join(b.dir, folder))
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		yield(troika.Digest{}, fmt.Errorf("list blobs: %w", err))
		return false
	}
	for _, f := range files {
		d, err := troika.ParseDigest(f.Name())
		if err != nil || !strings.HasPrefix(d.Hex(), folder) {
			continue
		}
		if !yield(d, nil) {
			return false
		}
	}
	return true
}

func (b *Blobs) path(d troika.Digest) string {
	name := d.Hex()
	return filepath.Join(b.dir, name[:2], name)
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
