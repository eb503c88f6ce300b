package gguf_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/checkpointtest"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/tensor"
)

var dtypes = []tensor.DType{
	tensor.F32, tensor.F16, tensor.BF16, tensor.F64, tensor.I8, tensor.I16, tensor.I32, tensor.I64,
}

func textMetadata(m map[string]string) *gguf.Metadata {
	kv := &gguf.Metadata{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		kv.Set(key, m[key])
	}
	return kv
}

func Example() {
	kv := &gguf.Metadata{}
	kv.Set("general.architecture", "llama")
	kv.Set("llama.block_count", uint32(2))
	x := tensor.FromFloat32s([]float32{1, 2, 3}, 1, 3)
	var file bytes.Buffer
	w, err := gguf.NewWriter(&file, []checkpoint.Entry{checkpoint.EntryOf("output.weight", x)}, kv)
	if err == nil {
		err = errors.Join(w.Write("output.weight", x), w.Close())
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := gguf.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	layers, err := f.KV().Int("llama.block_count")
	fmt.Println(layers, f.Names(), f.TypeName("output.weight"), err)
	// Output: 2 [output.weight] F32 <nil>
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.gguf")
	checkpointtest.Test(t, checkpointtest.Format{
		DTypes: dtypes,
		Create: func(_ *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error) {
			return gguf.Create(path, plan, textMetadata(metadata))
		},
		Open: func(t *testing.T) checkpoint.Reader {
			t.Helper()
			f, err := gguf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return f
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
		DTypes: dtypes,
		Create: func(_ *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error) {
			last = new(bytes.Buffer)
			return gguf.NewWriter(last, plan, textMetadata(metadata))
		},
		Open: func(t *testing.T) checkpoint.Reader {
			t.Helper()
			f, err := gguf.NewReader(bytes.NewReader(last.Bytes()), int64(last.Len()))
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
	})
}

func open(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// What the reference writer wrote is read with every type of value, and written
// again byte for byte.
func TestReference(t *testing.T) {
	f := open(t, "testdata/reference.gguf")
	kv := f.KV()
	for key, want := range map[string]any{
		"general.architecture": "test",
		"v.u8":                 uint8(200), "v.i8": int8(-100), "v.u16": uint16(65535), "v.i16": int16(-2),
		"v.u32": uint32(1 << 31), "v.i32": int32(-5), "v.u64": uint64(math.MaxUint64), "v.i64": int64(math.MinInt64),
		"v.f32": float32(1e-6), "v.f64": math.Pi, "v.bool": true, "v.text": "héllo 世界\n", "v.empty": "",
		"a.text": []string{"a", "", "第三"}, "a.i32": []int32{1, -2, 3}, "a.f32": []float32{0.5, -1.25},
		"a.bool": []bool{true, false, true}, "a.bytes": []uint8{0, 255}, "a.nested": []any{[]int32{1, 2}, []int32{3}},
	} {
		if got, ok := kv.Get(key); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", key, got, want)
		}
	}
	var plan []checkpoint.Entry
	for _, name := range f.Order() {
		e, err := f.Entry(name)
		if err != nil {
			t.Fatal(err)
		}
		plan = append(plan, e)
	}
	if len(plan) != 7 || !slices.Equal(plan[1].Shape, []int{2, 3, 4}) || plan[1].DType != tensor.F16 {
		t.Errorf("plan %v", plan)
	}
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, plan, kv)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkpoint.Copy(w, f), w.Close()); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/reference.gguf")
	if err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("written again, %d bytes differ from %d, %v", out.Len(), len(want), err)
	}
}

// Parts are opened through any of them, and give what the whole gives.
func TestSplit(t *testing.T) {
	whole := open(t, "testdata/reference.gguf")
	for _, path := range []string{"testdata/split-00001-of-00003.gguf", "testdata/split-00002-of-00003.gguf"} {
		f := open(t, path)
		if f.Parts() != 3 || len(f.Names()) != 8 {
			t.Fatalf("%d parts, tensors %v", f.Parts(), f.Names())
		}
		if arch, err := f.KV().Text("general.architecture"); err != nil || arch != "test" {
			t.Errorf("architecture %q, %v", arch, err)
		}
		for _, name := range whole.Names() {
			a, err := whole.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := f.Tensor(name)
			if err != nil || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) || !bytes.Equal(a.Data, b.Data) {
				t.Errorf("%s differs, %v", name, err)
			}
			if err := f.Release(name); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestUnsupportedType(t *testing.T) {
	f := open(t, "testdata/split-00001-of-00003.gguf")
	const name = "blocks.Q2_K"
	_, err := f.Tensor(name)
	if !errors.Is(err, gguf.ErrType) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "type Q2_K") {
		t.Errorf("%v, want an error that names tensor and type", err)
	}
	if f.TypeName(name) != "Q2_K" || f.TypeName("none") != "" {
		t.Errorf("type name %q", f.TypeName(name))
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSplitRefuses(t *testing.T) {
	part := func(n int) string { return fmt.Sprintf("testdata/split-%05d-of-00003.gguf", n) }
	for name, lay := range map[string]map[string]string{
		"renamed":  {"a.gguf": part(1)},
		"missing":  {"a-00001-of-00003.gguf": part(1), "a-00002-of-00003.gguf": part(2)},
		"swapped":  {"a-00001-of-00003.gguf": part(1), "a-00002-of-00003.gguf": part(3), "a-00003-of-00003.gguf": part(2)},
		"repeated": {"a-00001-of-00003.gguf": part(1), "a-00002-of-00003.gguf": part(1), "a-00003-of-00003.gguf": part(3)},
		"no split": {"a-00001-of-00002.gguf": "testdata/reference.gguf", "a-00002-of-00002.gguf": part(2)},
	} {
		dir := t.TempDir()
		for to, from := range lay {
			copyFile(t, filepath.Join(dir, to), from)
		}
		_, err := gguf.Open(filepath.Join(dir, slices.Min(slices.Collect(maps.Keys(lay)))))
		if name == "missing" && !errors.Is(err, os.ErrNotExist) || name != "missing" && !errors.Is(err, gguf.ErrSplit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetadataTypes(t *testing.T) {
	m := open(t, "testdata/reference.gguf").KV()
	for _, key := range []string{"v.u8", "v.i8", "v.u16", "v.i16", "v.u32", "v.i32", "v.i64"} {
		if _, err := m.Int(key); err != nil {
			t.Error(err)
		}
		if _, err := m.Float(key); err != nil {
			t.Error(err)
		}
	}
	if v, err := m.Float("v.f32"); err != nil || float32(v) != 1e-6 {
		t.Errorf("%g, %v", v, err)
	}
	if v, err := m.Ints("a.i32"); err != nil || !slices.Equal(v, []int{1, -2, 3}) {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := m.Ints("a.bool"); err != nil || !slices.Equal(v, []int{1, 0, 1}) {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := m.Floats("a.f32"); err != nil || !slices.Equal(v, []float32{0.5, -1.25}) {
		t.Errorf("%v, %v", v, err)
	}
	for key, err := range map[string]error{
		"v.u64":  second(m.Int("v.u64")),
		"v.text": errors.Join(second(m.Int("v.text")), second(m.Float("v.text"))),
		"v.f32":  second(m.Ints("v.f32")),
		"a.i32":  second(m.Floats("a.i32")),
		"a.f32":  second(m.Strings("a.f32")),
		"v.i8":   errors.Join(second(m.Bool("v.i8")), second(m.Text("v.i8"))),
	} {
		if !errors.Is(err, gguf.ErrMetadata) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := m.Bool("none"); !errors.Is(err, gguf.ErrNoKey) {
		t.Errorf("%v, want ErrNoKey", err)
	}
	c := m.Clone()
	c.Delete("v.u8")
	c.Set("v.i8", "changed")
	if c.Has("v.u8") || !m.Has("v.u8") || c.Len() != m.Len()-1 || slices.Contains(c.Keys(), "v.u8") {
		t.Error("a clone shares its keys")
	}
}

func second[T any](_ T, err error) error { return err }

func TestWriterRefuses(t *testing.T) {
	one := func(e checkpoint.Entry) []checkpoint.Entry { return []checkpoint.Entry{e} }
	for name, plan := range map[string][]checkpoint.Entry{
		"a long name": one(checkpoint.Entry{Name: strings.Repeat("n", 64), DType: tensor.F32}),
		"five dims":   one(checkpoint.Entry{Name: "a", DType: tensor.F32, Shape: []int{1, 1, 1, 1, 1}}),
		"a dtype":     one(checkpoint.Entry{Name: "a", DType: tensor.U8, Shape: []int{1}}),
		"part blocks": one(checkpoint.Entry{Name: "a", DType: tensor.Q8_0, Shape: []int{2, 48}}),
	} {
		if _, err := gguf.NewWriter(&bytes.Buffer{}, plan, &gguf.Metadata{}); !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("%s: %v, want ErrPlan", name, err)
		}
	}
	deep := any([]int32{1})
	for range 5 {
		deep = []any{deep}
	}
	for key, value := range map[string]any{
		"": "x", strings.Repeat("k", 65536): "x", "\xff": "x",
		"int": 3, "nil": nil, "struct": struct{}{}, "mixed": []any{"text"}, "deep": deep,
	} {
		m := &gguf.Metadata{}
		m.Set(key, value)
		if _, err := gguf.NewWriter(&bytes.Buffer{}, nil, m); !errors.Is(err, gguf.ErrMetadata) {
			t.Errorf("%.10q: %v, want ErrMetadata", key, err)
		}
	}
	m := &gguf.Metadata{}
	m.Set("general.alignment", uint32(48))
	if _, err := gguf.NewWriter(&bytes.Buffer{}, nil, m); !errors.Is(err, gguf.ErrAlignment) {
		t.Errorf("%v, want ErrAlignment", err)
	}
}

// Long lists of strings come back whole, whether the file is mapped or read in windows
// that end within strings.
func TestManyStrings(t *testing.T) {
	want := make([]string, 200_000)
	for i := range want {
		want[i] = strings.Repeat("é", i%23) + strconv.Itoa(i)
	}
	want[1000] = strings.Repeat("long", 1<<20)
	var m gguf.Metadata
	m.Set("general.architecture", "none")
	m.Set("tokens", want)
	m.Set("after", uint32(7))
	path := filepath.Join(t.TempDir(), "m.gguf")
	w, err := gguf.Create(path, nil, &m)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	read, err := gguf.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*gguf.File{mapped, read} {
		got, err := f.KV().Strings("tokens")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d strings, %v; or others", len(got), err)
		}
		if n, err := f.KV().Int("after"); n != 7 || err != nil {
			t.Errorf("what follows is %d, %v", n, err)
		}
	}
	if _, err := gguf.NewReader(bytes.NewReader(data[:len(data)-2000]), int64(len(data)-2000)); !errors.Is(err, gguf.ErrShort) {
		t.Errorf("a cut list: %v, want ErrShort", err)
	}
}
