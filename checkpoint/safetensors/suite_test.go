package safetensors_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/checkpointtest"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/tensor"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	checkpointtest.Test(t, checkpointtest.Format{
		DTypes: checkpointtest.AllDTypes(),
		Create: func(_ *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error) {
			return safetensors.Create(path, plan, metadata)
		},
		Open: func(t *testing.T) checkpoint.Reader {
			t.Helper()
			r, err := safetensors.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
	})
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("broken writes left %v behind, %v", entries, err)
	}
}

func TestStream(t *testing.T) {
	var last *bytes.Buffer
	checkpointtest.Test(t, checkpointtest.Format{
		DTypes: checkpointtest.AllDTypes(),
		Create: func(_ *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error) {
			last = new(bytes.Buffer)
			return safetensors.NewWriter(last, plan, metadata)
		},
		Open: func(t *testing.T) checkpoint.Reader {
			t.Helper()
			r, err := safetensors.NewReader(bytes.NewReader(last.Bytes()), int64(last.Len()))
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
	})
}

// TestSaveGolden writes what was read from a file of the reference library and
// expects its very bytes.
func TestSaveGolden(t *testing.T) {
	for _, name := range []string{"all.safetensors", "none.safetensors", "sharded/model-00002-of-00003.safetensors"} {
		golden := filepath.Join("testdata", filepath.FromSlash(name))
		r, err := safetensors.OpenFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "out.safetensors")
		if err := errors.Join(safetensors.Save(out, r), r.Close()); err != nil {
			t.Fatal(err)
		}
		sameFile(t, out, golden)
	}
}

func sameFile(t *testing.T, got, want string) {
	t.Helper()
	g, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("%s differs from %s:\n%q\n%q", got, want, g, w)
	}
}

// TestSaveDirGolden splits a checkpoint into the very files of the golden one.
func TestSaveDirGolden(t *testing.T) {
	r, err := safetensors.Open("testdata/sharded")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	if err := safetensors.SaveDir(dir, r, 100); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("testdata/sharded")
	if err != nil || len(entries) != 4 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		sameFile(t, filepath.Join(dir, e.Name()), filepath.Join("testdata/sharded", e.Name()))
	}
	for _, shard := range []int64{100, 1000} {
		if err := safetensors.SaveDir(dir, r, shard); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over a sharded checkpoint: %v, want ErrExist", err)
		}
	}
}

func TestSaveDirSingle(t *testing.T) {
	tensors, metadata := checkpointtest.Tensors([]tensor.DType{tensor.F32, tensor.U8})
	src, err := checkpoint.NewMemory(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 {
		if err := safetensors.SaveDir(dir, src, 0); err != nil {
			t.Fatal(err)
		}
	}
	r, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	checkpointtest.TestReader(t, r, tensors, metadata)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := safetensors.SaveDir(dir, src, 8); !errors.Is(err, fs.ErrExist) {
		t.Errorf("shards over a single file: %v, want ErrExist", err)
	}
}

func TestSharded(t *testing.T) {
	tensors, metadata := checkpointtest.Tensors(checkpointtest.AllDTypes())
	src, err := checkpoint.NewMemory(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := safetensors.SaveDir(dir, src, 120); err != nil {
		t.Fatal(err)
	}
	r, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Files() < 3 {
		t.Errorf("%d shards", r.Files())
	}
	checkpointtest.TestReader(t, r, tensors, metadata)
	if err := errors.Join(r.Release(r.Names()[0]), r.Close()); err != nil {
		t.Error(err)
	}
}

func TestIndexErrors(t *testing.T) {
	golden, err := os.ReadFile("testdata/sharded/model.safetensors.index.json")
	if err != nil {
		t.Fatal(err)
	}
	index := string(golden)
	const one, two = `"model-00001-of-00003.safetensors"`, `"model-00002-of-00003.safetensors"`
	tests := map[string]struct {
		index string
		want  error
	}{
		"cut":              {index[:len(index)/2], safetensors.ErrHeader},
		"not an object":    {"[]", safetensors.ErrHeader},
		"rest":             {index + "{}", safetensors.ErrHeader},
		"no map":           {`{"metadata": {}}`, safetensors.ErrIndex},
		"empty map":        {`{"weight_map": {}}`, safetensors.ErrIndex},
		"map of numbers":   {`{"weight_map": {"a": 1}}`, safetensors.ErrHeader},
		"duplicate":        {strings.Replace(index, "layer.1", "layer.0", 1), safetensors.ErrDuplicate},
		"missing tensor":   {strings.Replace(index, "layer.1", "layer.9", 1), safetensors.ErrIndex},
		"wrong shard":      {strings.Replace(index, one, two, 1), safetensors.ErrIndex},
		"missing file":     {strings.Replace(index, one, `"none.safetensors"`, 1), fs.ErrNotExist},
		"parent":           {strings.Replace(index, one, `"../model.safetensors"`, 1), safetensors.ErrIndex},
		"absolute":         {strings.Replace(index, one, `"/etc/model.safetensors"`, 1), safetensors.ErrIndex},
		"backslash":        {strings.Replace(index, one, `"..\\model.safetensors"`, 1), safetensors.ErrIndex},
		"other kind":       {strings.Replace(index, one, `"pytorch_model.bin"`, 1), safetensors.ErrIndex},
		"two of three":     {`{"weight_map": {"layer.0.weight": ` + one + `, "layer.1.weight": ` + two + `}}`, nil},
		"extra in a shard": {`{"weight_map": {"scalar": "all.safetensors"}}`, safetensors.ErrIndex},
		"deep":             {`{"x": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `, "weight_map": {}}`, safetensors.ErrHeader},
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/sharded")); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.safetensors"), all, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, safetensors.IndexName)
	for name, tt := range tests {
		if err := os.WriteFile(path, []byte(tt.index), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := safetensors.Open(dir)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err == nil {
			_ = r.Close()
		} else if !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error does not say where: %v", name, err)
		}
	}
}

func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := safetensors.Open(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := safetensors.OpenFile(dir); err == nil {
		t.Error("a directory was opened as a file")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	src, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"weight": tensor.FromFloat32s([]float32{1, 2, 3, 4}, 2, 2),
	}, map[string]string{"format": "pt"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := safetensors.SaveDir(dir, src, 0); err != nil {
		fmt.Println(err)
		return
	}
	r, err := safetensors.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	w, err := r.Tensor("weight")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := w.Float32s()
	fmt.Println(w.DType, w.Shape, v, err)
	// Output: F32 [2 2] [1 2 3 4] <nil>
}
