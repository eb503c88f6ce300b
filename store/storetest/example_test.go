package storetest_test

import (
	"testing"

	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/storetest"
)

// A driver's test is a few lines.
func Example() {
	_ = func(t *testing.T) {
		storetest.Blobs(t, func(*testing.T) store.Blobs { return &store.Memory{} })
	}
	// Output:
}
