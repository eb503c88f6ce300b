package safetensors_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/checkpointtest"
	"github.com/troikaml/troika/checkpoint/safetensors"
)

var interop = flag.String("interop", "", "directory to write a checkpoint for testdata/interop.py to")

// TestInterop writes a checkpoint of every dtype, whole and sharded, for
// testdata/interop.py to read with the reference library.
func TestInterop(t *testing.T) {
	dir := *interop
	if dir == "" {
		t.Skip("-interop is not set: see testdata/interop.py")
	}
	tensors, metadata := checkpointtest.Tensors(checkpointtest.AllDTypes())
	src, err := checkpoint.NewMemory(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	sharded := filepath.Join(dir, "sharded")
	if err := os.MkdirAll(sharded, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.SaveDir(dir, src, 0); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.SaveDir(sharded, src, 200); err != nil {
		t.Fatal(err)
	}
	type want struct {
		Shape []int  `json:"shape"`
		Hex   string `json:"hex"`
	}
	expect := map[string]want{}
	for name, x := range tensors {
		expect[name] = want{append([]int{}, x.Shape...), hex.EncodeToString(x.Data)}
	}
	text, err := json.Marshal(map[string]any{"metadata": metadata, "tensors": expect})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "expect.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}
