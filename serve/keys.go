package serve

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troikaml/troika"
)

// keyPrefix makes a leaked key easy to find by scanners.
const keyPrefix = "troika-"

// Key is an API key as it is kept: the secret itself is not in it.
type Key struct {
	Name    string    `json:"name"` // shown in usage; unique in its set
	Created time.Time `json:"created"`
	// Digest is the SHA-256 of the secret. A plain hash suffices because the
	// secret is 256 random bits: there is nothing to guess, so nothing that a
	// slow, salted hash would make slower.
	Digest troika.Digest `json:"digest"`
}

// NewKey makes a key and returns it with the secret to hand to its user, which
// cannot be had again.
func NewKey(name string, now time.Time) (Key, string, error) {
	if name == "" {
		return Key{}, "", errors.New("make API key: it needs a name")
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return Key{}, "", fmt.Errorf("make API key: %w", err)
	}
	text := keyPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return Key{Name: name, Created: now.UTC(), Digest: troika.Sum([]byte(text))}, text, nil
}

// KeySet is the keys that a server takes. It does not change and may be used
// by several goroutines.
type KeySet struct {
	keys     []Key
	byDigest map[troika.Digest]string
}

// NewKeySet returns a set of keys whose names and digests must be distinct.
func NewKeySet(keys []Key) (*KeySet, error) {
	s := &KeySet{keys: keys, byDigest: make(map[troika.Digest]string, len(keys))}
	names := make(map[string]bool, len(keys))
	for i, k := range keys {
		switch {
		case k.Name == "":
			return nil, fmt.Errorf("API key %d has no name", i)
		case k.Digest.IsZero():
			return nil, fmt.Errorf("API key %q has no digest", k.Name)
		case names[k.Name]:
			return nil, fmt.Errorf("API key %q is listed twice", k.Name)
		case s.byDigest[k.Digest] != "":
			return nil, fmt.Errorf("API keys %q and %q are the same", s.byDigest[k.Digest], k.Name)
		}
		names[k.Name] = true
		s.byDigest[k.Digest] = k.Name
	}
	return s, nil
}

// maxKeyFile bounds what [ReadKeys] reads: about 50,000 keys.
const maxKeyFile = 8 << 20

// ReadKeys reads what [KeySet.Write] wrote.
func ReadKeys(r io.Reader) (*KeySet, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("read API keys: more than %d bytes", maxKeyFile)
	}
	var file struct {
		Keys []Key `json:"keys"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	s, err := NewKeySet(file.Keys)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	return s, nil
}

// Write writes the set as JSON.
func (s *KeySet) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string][]Key{"keys": s.Keys()}); err != nil {
		return fmt.Errorf("write API keys: %w", err)
	}
	return nil
}

// Keys returns the keys in their order. The caller must not change the slice.
func (s *KeySet) Keys() []Key {
	if s == nil || s.keys == nil {
		return []Key{}
	}
	return s.keys
}

// Len returns the number of keys; a nil set has none.
func (s *KeySet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// find returns the name of the key with this secret. It compares hashes of
// what the client sent, so the time it takes says nothing about a secret.
func (s *KeySet) find(secret string) (name string, ok bool) {
	if s == nil {
		return "", false
	}
	name, ok = s.byDigest[troika.Digest(sha256.Sum256([]byte(secret)))]
	return name, ok
}
