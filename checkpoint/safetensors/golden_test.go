package safetensors

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// TestGolden reads a file of the reference library that has every dtype, a
// scalar, an empty tensor and a name that needs escapes.
func TestGolden(t *testing.T) {
	set, err := Open("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	raw, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []checkpoint.Reader{set, f} {
		checkGolden(t, r)
	}
}

func checkGolden(t *testing.T, r checkpoint.Reader) {
	t.Helper()
	if got := r.Metadata(); len(got) != 1 || got["format"] != "pt" {
		t.Errorf("metadata %v", got)
	}
	if n := len(r.Names()); n != 18 {
		t.Errorf("%d tensors, want 18", n)
	}
	for _, name := range []string{"t.f16", "t.bf16", "t.f32", "t.f64", "t.f8_e4m3", "t.f8_e5m2"} {
		x, err := r.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		want := []float32{0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0}
		if !slices.Equal(got, want) || !slices.Equal(x.Shape, []int{3, 5}) {
			t.Errorf("%s %v: %v", name, x.Shape, got)
		}
	}
	for name, want := range map[string]struct {
		dtype tensor.DType
		shape []int
		bytes int
	}{
		"t.bool": {tensor.Bool, []int{3, 5}, 15}, "t.u64": {tensor.U64, []int{3, 5}, 120},
		"scalar": {tensor.F32, []int{}, 4}, "empty": {tensor.F32, []int{0, 4}, 0},
		"名前 \"quoted\" \\ \a": {tensor.F32, []int{3}, 12},
	} {
		x, err := r.Tensor(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if x.DType != want.dtype || !slices.Equal(x.Shape, want.shape) || len(x.Data) != want.bytes {
			t.Errorf("%s: %s %v, %d bytes", name, x.DType, x.Shape, len(x.Data))
		}
	}
}

func TestSharded(t *testing.T) {
	set, err := Open("testdata/sharded")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if set.Files() != 3 || len(set.Names()) != 3 {
		t.Fatalf("%d files, names %v", set.Files(), set.Names())
	}
	for i, name := range set.Names() {
		x, err := set.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := x.Float32s()
		if err != nil || v[0] != float32(i) || v[15] != float32(i+1) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

// TestAlignment reads files whose data begins at every offset modulo 8, as old
// writers left it: tensors are aligned to their elements all the same.
func TestAlignment(t *testing.T) {
	for pad := range 8 {
		raw := file(`{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}`+strings.Repeat(" ", pad), 16)
		raw[len(raw)-1] = 7
		path := filepath.Join(t.TempDir(), "old.safetensors")
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		x, err := f.Tensor("a")
		if err != nil {
			t.Fatal(err)
		}
		if !aligned(x.Data, 8) || x.Data[15] != 7 || len(x.Data) != 16 {
			t.Errorf("padding %d: data % x at %p", pad, x.Data, x.Data)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
