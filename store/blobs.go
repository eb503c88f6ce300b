package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/troikaml/troika"
)

// ErrNotFound says that no blob or row has the name.
var ErrNotFound = errors.New("not found")

// ErrCorrupt says that the bytes of a blob are not those that its name stands
// for.
var ErrCorrupt = errors.New("content does not match its digest")

// Blobs is a store of immutable bytes named by their digests. It is safe for
// concurrent use, by several processes where the driver says so.
type Blobs interface {
	// Put stores everything that r yields and returns its name and length. The
	// blob is durable when Put returns nil; after an error nothing is stored.
	// An error of r is returned wrapped.
	Put(ctx context.Context, r io.Reader) (troika.Digest, int64, error)
	// Open returns the bytes of a blob, or an error that wraps ErrNotFound. The
	// caller closes the reader. A read to the end fails with ErrCorrupt where
	// the bytes are not what they were.
	Open(ctx context.Context, d troika.Digest) (io.ReadCloser, error)
	// Has reports whether the blob is there.
	Has(ctx context.Context, d troika.Digest) (bool, error)
	// Delete removes a blob; one that is not there is no error. Readers that
	// are open keep their bytes.
	Delete(ctx context.Context, d troika.Digest) error
	// List yields the names of all blobs in ascending order, and an error as
	// the last item if it cannot go on.
	List(ctx context.Context) iter.Seq2[troika.Digest, error]
}

// ReadBlob returns the verified bytes of a blob of at most limit bytes.
func ReadBlob(ctx context.Context, b Blobs, d troika.Digest, limit int64) ([]byte, error) {
	r, err := b.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // the blob is only read
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read blob %s: over %d bytes", d, limit)
	}
	return data, nil
}

// Verify returns r with a check at its end: where the bytes read are not those
// of d, the read that would return io.EOF returns ErrCorrupt. Drivers wrap
// what they open in it. Closing it closes r.
func Verify(r io.ReadCloser, d troika.Digest) io.ReadCloser {
	return &verified{in: r, want: d, sum: sha256.New()}
}

type verified struct {
	in   io.ReadCloser
	want troika.Digest
	sum  hash.Hash
	err  error
}

func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.in.Read(p)
	v.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && troika.DigestOf(v.sum) != v.want {
		err = fmt.Errorf("blob %s: %w", v.want, ErrCorrupt)
	}
	v.err = err
	return n, err
}

func (v *verified) Close() error { return v.in.Close() }

// Memory is a Blobs that lives in the process, for tests and previews. The
// zero value is ready for use.
type Memory struct {
	mu    sync.RWMutex
	blobs map[troika.Digest][]byte
}

// Put implements [Blobs].
func (m *Memory) Put(ctx context.Context, r io.Reader) (troika.Digest, int64, error) {
	b, err := io.ReadAll(r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return troika.Digest{}, 0, fmt.Errorf("put blob: %w", err)
	}
	d := troika.Sum(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blobs == nil {
		m.blobs = map[troika.Digest][]byte{}
	}
	m.blobs[d] = b
	return d, int64(len(b)), nil
}

// Open implements [Blobs].
func (m *Memory) Open(ctx context.Context, d troika.Digest) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.blobs[d]
	if !ok {
		return nil, fmt.Errorf("open blob %s: %w", d, ErrNotFound)
	}
	return Verify(io.NopCloser(bytes.NewReader(b)), d), nil
}

// Has implements [Blobs].
func (m *Memory) Has(ctx context.Context, d troika.Digest) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.blobs[d]
	return ok, ctx.Err()
}

// Delete implements [Blobs].
func (m *Memory) Delete(ctx context.Context, d troika.Digest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, d)
	return ctx.Err()
}

// List implements [Blobs].
func (m *Memory) List(ctx context.Context) iter.Seq2[troika.Digest, error] {
	m.mu.RLock()
	names := slices.SortedFunc(maps.Keys(m.blobs), func(a, b troika.Digest) int { return bytes.Compare(a[:], b[:]) })
	m.mu.RUnlock()
	return func(yield func(troika.Digest, error) bool) {
		for _, d := range names {
			if err := ctx.Err(); err != nil {
				yield(troika.Digest{}, err)
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}
