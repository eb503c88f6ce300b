package hub_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/troikaml/troika/hub"
	"github.com/troikaml/troika/hub/hubtest"
)

// Example pulls from a hub of its own; a real client leaves Endpoint and HTTP
// empty.
func Example() {
	h := hubtest.New()
	_, err := h.Commit("acme/tiny", "main", fstest.MapFS{
		"config.json":       {Data: []byte("{}")},
		"model.safetensors": {Data: []byte("weights")},
		"model.bin":         {Data: []byte("a pickle")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "models")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	client := &hub.Client{Endpoint: hubtest.Endpoint, HTTP: h.Client()}
	store := hub.Store{Dir: dir}
	ref, err := hub.ParseRef("hf://acme/tiny")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Pull(context.Background(), ref, hub.Options{Store: store}); err != nil {
		fmt.Println(err)
		return
	}
	m, err := store.Manifest(ref)
	for _, f := range m.Files {
		fmt.Println(f.Path, f.Size)
	}
	fmt.Println(err)
	// Output:
	// config.json 2
	// model.safetensors 7
	// <nil>
}
