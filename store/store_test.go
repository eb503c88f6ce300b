package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Blobs(t, func(*testing.T) store.Blobs { return &store.Memory{} })
}

func TestVerify(t *testing.T) {
	r := store.Verify(io.NopCloser(strings.NewReader("changed")), troika.Sum([]byte("content")))
	if _, err := io.ReadAll(r); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("ReadAll: %v, want ErrCorrupt", err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("a read after the failure: %v", err)
	}
}

func Example() {
	ctx := context.Background()
	blobs := &store.Memory{}
	digest, size, err := blobs.Put(ctx, strings.NewReader("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := store.ReadBlob(ctx, blobs, digest, 1<<20)
	fmt.Println(digest.Hex()[:8], size, string(content), err)
	// Output: 2cf24dba 5 hello <nil>
}
