package troika

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Digest is the SHA-256 of some content. Its text form is "sha256:" followed
// by 64 lower-case hexadecimal digits. The zero Digest means "not known".
type Digest [sha256.Size]byte

const digestPrefix = "sha256:"

// Sum returns the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// DigestOf returns the digest of everything written to h so far. h must come
// from sha256.New; a hash of another size is a programmer's mistake and panics.
func DigestOf(h hash.Hash) Digest {
	return Digest(h.Sum(nil))
}

// ParseDigest reads the text form that [Digest.String] writes. The prefix may
// be left out. Upper-case digits are refused, so that a digest has one form.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	text := strings.TrimPrefix(s, digestPrefix)
	if len(text) != 2*len(d) || text != strings.ToLower(text) {
		return Digest{}, fmt.Errorf("parse digest %q: want %d lower-case hexadecimal digits", s, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return Digest{}, fmt.Errorf("parse digest %q: %w", s, err)
	}
	return d, nil
}

// String returns "sha256:" and the hexadecimal digits.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex returns the 64 hexadecimal digits alone.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d is the unknown digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements [encoding.TextMarshaler].
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Digest) UnmarshalText(b []byte) error {
	v, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
