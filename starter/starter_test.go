package starter_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/troikaml/troika/starter"
)

func ExampleFiles() {
	config, err := fs.Stat(starter.Files(), "config.json")
	fmt.Println(config.Name(), err)
	// Output: config.json <nil>
}

// The issue of a small download: weights of at most 20 MB.
func TestSize(t *testing.T) {
	info, err := fs.Stat(starter.Files(), "model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 20<<20 {
		t.Errorf("the starter's weights take %d bytes, want at most %d", info.Size(), 20<<20)
	}
}
