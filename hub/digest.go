package hub

import (
	"crypto/sha1" //nolint:gosec // git's object ids are SHA-1; the manifest adds SHA-256
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/troikaml/troika"
)

// ErrDigest is wrapped when content differs from what the hub or the manifest
// says it is.
var ErrDigest = errors.New("content does not match its digest")

// sums are the digests of one file.
type sums struct {
	size   int64
	sha256 troika.Digest
	git    string // SHA-1 of "blob SIZE\0" and the content
}

func sumFile(path string) (sums, error) {
	f, err := os.Open(path)
	if err != nil {
		return sums{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return sums{}, err
	}
	git, sha := sha1.New(), sha256.New()
	fmt.Fprintf(git, "blob %d\x00", info.Size()) //nolint:errcheck // a hash never fails
	n, err := io.CopyBuffer(io.MultiWriter(git, sha), struct{ io.Reader }{f}, make([]byte, 1<<20))
	if err != nil {
		return sums{}, err
	}
	return sums{size: n, sha256: troika.DigestOf(sha), git: hex.EncodeToString(git.Sum(nil))}, nil
}

// match compares with what the hub announced.
func (s sums) match(r remote) error {
	got := s.git
	if r.lfs {
		got = s.sha256.Hex()
	}
	if s.size != r.size || got != r.oid {
		return fmt.Errorf("%w: it has %d bytes with id %s, the hub announced %d with %s", ErrDigest, s.size, got, r.size, r.oid)
	}
	return nil
}

func (s sums) file(r remote) File {
	f := File{Path: r.path, Size: s.size, SHA256: s.sha256}
	if !r.lfs {
		f.GitSHA1 = s.git
	}
	return f
}
