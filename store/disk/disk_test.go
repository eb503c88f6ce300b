package disk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/disk"
	"github.com/troikaml/troika/store/storetest"
)

func TestBlobs(t *testing.T) {
	storetest.Blobs(t, func(t *testing.T) store.Blobs {
		t.Helper()
		b, err := disk.Open(filepath.Join(t.TempDir(), "deep", "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

func TestCorruptAndMended(t *testing.T) {
	dir := t.TempDir()
	b, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := b.Put(t.Context(), strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, d.Hex()[:2], d.Hex())
	if err := os.WriteFile(path, []byte("cOntent"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.ReadBlob(t.Context(), b, d, 100); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("ReadBlob: %v, want ErrCorrupt", err)
	}
	if _, _, err := b.Put(t.Context(), strings.NewReader("content")); err != nil {
		t.Fatal(err)
	}
	if got, err := store.ReadBlob(t.Context(), b, d, 100); string(got) != "content" || err != nil {
		t.Fatalf("ReadBlob after putting it again: %q, %v", got, err)
	}
}

func TestOpenClearsOldRemains(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "tmp", "put-1"), filepath.Join(dir, "tmp", "put-2")
	if err := os.Mkdir(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	b, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left two days ago is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("what another process may be writing is gone: %v", err)
	}
	for d, err := range b.List(t.Context()) {
		t.Errorf("List yields %v, %v", d, err)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	blobs, err := disk.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	digest, _, err := blobs.Put(context.Background(), strings.NewReader("hello"))
	fmt.Println(digest, err)
	// Output: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 <nil>
}
