package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/store"
)

// Blobs runs the contract of [store.Blobs] against stores that open makes; each
// must be empty.
func Blobs(t *testing.T, open func(t *testing.T) store.Blobs) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, store.Blobs){
		"round trip":     blobsRoundTrip,
		"absent":         blobsAbsent,
		"list":           blobsList,
		"delete":         blobsDelete,
		"failing reader": blobsFailingReader,
		"cancelled":      blobsCancelled,
		"concurrent":     blobsConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, b store.Blobs, content string) troika.Digest {
	t.Helper()
	d, n, err := b.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if want := troika.Sum([]byte(content)); d != want || n != int64(len(content)) {
		t.Fatalf("Put(%.20q) = %s, %d; want %s, %d", content, d, n, want, len(content))
	}
	return d
}

func names(t *testing.T, b store.Blobs) []troika.Digest {
	t.Helper()
	var all []troika.Digest
	for d, err := range b.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func blobsRoundTrip(t *testing.T, b store.Blobs) {
	for _, content := range []string{"", "a", "中文", strings.Repeat("0123456789", 100_000)} {
		d := put(t, b, content)
		put(t, b, content) // twice is once
		got, err := store.ReadBlob(t.Context(), b, d, int64(len(content)))
		if err != nil || string(got) != content {
			t.Fatalf("ReadBlob = %.20q, %v", got, err)
		}
		if ok, err := b.Has(t.Context(), d); !ok || err != nil {
			t.Fatalf("Has = %v, %v", ok, err)
		}
	}
	if n := len(names(t, b)); n != 4 {
		t.Fatalf("%d blobs, want 4", n)
	}
	if _, err := store.ReadBlob(t.Context(), b, troika.Sum([]byte("中文")), 5); err == nil {
		t.Fatal("ReadBlob went over its limit")
	}
}

func blobsAbsent(t *testing.T, b store.Blobs) {
	d := troika.Sum([]byte("nobody put this"))
	if _, err := b.Open(t.Context(), d); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Open: %v, want ErrNotFound", err)
	}
	if ok, err := b.Has(t.Context(), d); ok || err != nil {
		t.Fatalf("Has = %v, %v", ok, err)
	}
	if err := b.Delete(t.Context(), d); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func blobsList(t *testing.T, b store.Blobs) {
	if got := names(t, b); len(got) != 0 {
		t.Fatalf("a new store lists %v", got)
	}
	var want []troika.Digest
	for i := range 300 {
		want = append(want, put(t, b, fmt.Sprint("blob ", i)))
	}
	slices.SortFunc(want, func(a, b troika.Digest) int { return bytes.Compare(a[:], b[:]) })
	if got := names(t, b); !slices.Equal(got, want) {
		t.Fatalf("List yields %d names, not the %d put, or not ascending", len(got), len(want))
	}
	for range b.List(t.Context()) {
		break // a list may be left early
	}
}

func blobsDelete(t *testing.T, b store.Blobs) {
	keep, drop := put(t, b, "keep"), put(t, b, "drop")
	r, err := b.Open(t.Context(), drop)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := b.Delete(t.Context(), drop); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "drop" || err != nil {
		t.Fatalf("an open reader lost its bytes: %q, %v", got, err)
	}
	if _, err := b.Open(t.Context(), drop); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Open after Delete: %v", err)
	}
	if got := names(t, b); !slices.Equal(got, []troika.Digest{keep}) {
		t.Fatalf("List after Delete: %v", got)
	}
}

func blobsFailingReader(t *testing.T, b store.Blobs) {
	broken := errors.New("broken pipe")
	r := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))
	if _, _, err := b.Put(t.Context(), r); !errors.Is(err, broken) {
		t.Fatalf("Put: %v, want the reader's error", err)
	}
	if got := names(t, b); len(got) != 0 {
		t.Fatalf("a failed Put left %v", got)
	}
}

func blobsCancelled(t *testing.T, b store.Blobs) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Put(ctx, strings.NewReader("late")); !errors.Is(err, context.Canceled) {
		t.Fatalf("Put: %v, want context.Canceled", err)
	}
	if got := names(t, b); len(got) != 0 {
		t.Fatalf("a cancelled Put left %v", got)
	}
}

func blobsConcurrent(t *testing.T, b store.Blobs) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				content := fmt.Sprint("shared ", (i+w)%20)
				d, _, err := b.Put(t.Context(), strings.NewReader(content))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := store.ReadBlob(t.Context(), b, d, 100); err != nil || string(got) != content {
					t.Errorf("ReadBlob = %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(names(t, b)); n != 20 {
		t.Fatalf("%d blobs, want 20", n)
	}
}
