package checkpointtest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// Format is what the suite needs from a format.
type Format struct {
	// Create starts a checkpoint. Nil for a source without a Writer.
	Create func(t *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error)
	// Open reads back what the last writer closed.
	Open func(t *testing.T) checkpoint.Reader
	// DTypes are those the format can hold.
	DTypes []tensor.DType
}

// AllDTypes lists every dtype of package tensor.
func AllDTypes() []tensor.DType {
	return []tensor.DType{
		tensor.F32, tensor.F16, tensor.BF16, tensor.F64, tensor.I8, tensor.I16, tensor.I32, tensor.I64,
		tensor.U8, tensor.U16, tensor.U32, tensor.U64, tensor.Bool, tensor.F8E4M3, tensor.F8E5M2,
	}
}

// Tensors returns tensors of the given dtypes in awkward shapes, with bytes
// that differ between any two of them, and metadata to go with them.
func Tensors(dtypes []tensor.DType) (map[string]tensor.Tensor, map[string]string) {
	shapes := map[string][]int{".odd": {3, 5, 1}, ".scalar": {}, ".empty": {2, 0, 3}, ".層": {7}}
	tensors := map[string]tensor.Tensor{}
	seed := byte(1)
	for _, d := range dtypes {
		for _, suffix := range slices.Sorted(maps.Keys(shapes)) {
			shape := shapes[suffix]
			data := make([]byte, tensor.Elems(shape)*d.Size())
			for i := range data {
				data[i] = seed + byte(31*i)
			}
			seed++
			tensors["model."+d.String()+suffix] = tensor.Tensor{DType: d, Shape: shape, Data: data}
		}
	}
	return tensors, map[string]string{"format": "pt", "keys \"quoted\"\n": "值"}
}

// TestReader checks that r delivers exactly the tensors and metadata given. It
// does not close r.
func TestReader(t *testing.T, r checkpoint.Reader, tensors map[string]tensor.Tensor, metadata map[string]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(tensors))
	got := r.Names()
	if !slices.Equal(got, names) {
		t.Fatalf("names %v, want %v", got, names)
	}
	if len(got) > 0 {
		got[0] = "changed by the caller"
	}
	r.Metadata()["changed"] = "by the caller"
	if got := r.Metadata(); !maps.Equal(got, metadata) {
		t.Errorf("metadata %v, want %v", got, metadata)
	}
	if _, err := r.Tensor("no such name"); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("a missing tensor: %v, want ErrNotFound", err)
	}
	var wg sync.WaitGroup
	for _, name := range r.Names() {
		wg.Go(func() { checkTensor(t, r, name, tensors[name]) })
	}
	wg.Wait()
	plan, err := checkpoint.Plan(r)
	if err != nil || len(plan) != len(names) {
		t.Fatalf("plan of %d entries, %v", len(plan), err)
	}
	for _, e := range plan {
		if err := e.Check(tensors[e.Name]); err != nil {
			t.Error(err)
		}
	}
}

func checkTensor(t *testing.T, r checkpoint.Reader, name string, want tensor.Tensor) {
	t.Helper()
	got, err := r.Tensor(name)
	if err != nil {
		t.Error(err)
		return
	}
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%s: got %s %v % x, want %s %v % x", name, got.DType, got.Shape, got.Data, want.DType, want.Shape, want.Data)
	}
}

// Test runs the suite.
func Test(t *testing.T, f Format) {
	t.Helper()
	t.Run("RoundTrip", func(t *testing.T) {
		tensors, metadata := Tensors(f.DTypes)
		write(t, f, tensors, metadata)
		readBack(t, f, tensors, metadata)
	})
	t.Run("Nothing", func(t *testing.T) {
		write(t, f, nil, nil)
		readBack(t, f, nil, map[string]string{})
	})
	t.Run("Plan", func(t *testing.T) { testPlan(t, f) })
	t.Run("Closed", func(t *testing.T) { testClosed(t, f) })
}

func write(t *testing.T, f Format, tensors map[string]tensor.Tensor, metadata map[string]string) {
	t.Helper()
	src, err := checkpoint.NewMemory(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := checkpoint.Plan(src)
	if err != nil {
		t.Fatal(err)
	}
	w, err := f.Create(t, plan, metadata)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Copy(w, src); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func readBack(t *testing.T, f Format, tensors map[string]tensor.Tensor, metadata map[string]string) {
	t.Helper()
	r := f.Open(t)
	TestReader(t, r, tensors, metadata)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// testPlan checks that a writer takes nothing but what was announced.
func testPlan(t *testing.T, f Format) {
	t.Helper()
	d := f.DTypes[0]
	good := tensor.Tensor{DType: d, Shape: []int{2}, Data: make([]byte, 2*d.Size())}
	plan := []checkpoint.Entry{checkpoint.EntryOf("a", good), checkpoint.EntryOf("b", good)}
	tests := map[string]func(w checkpoint.Writer) error{
		"another name": func(w checkpoint.Writer) error { return w.Write("c", good) },
		"repeated": func(w checkpoint.Writer) error {
			name := w.Order()[0]
			return errors.Join(w.Write(name, good), w.Write(name, good))
		},
		"shape": func(w checkpoint.Writer) error {
			return w.Write(w.Order()[0], tensor.Tensor{DType: d, Shape: []int{1, 2}, Data: good.Data})
		},
		"bytes": func(w checkpoint.Writer) error {
			return w.Write(w.Order()[0], tensor.Tensor{DType: d, Shape: []int{2}, Data: good.Data[1:]})
		},
		"missing": func(w checkpoint.Writer) error {
			return errors.Join(w.Write(w.Order()[0], good), w.Close())
		},
	}
	for name, act := range tests {
		w, err := f.Create(t, plan, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := act(w); !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("%s: %v, want ErrPlan", name, err)
		}
		if err := w.Close(); name != "missing" && !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("close after %s: %v, want ErrPlan", name, err)
		}
	}
	for name, e := range map[string]checkpoint.Entry{
		"empty name":      {DType: d, Shape: []int{2}},
		"invalid dtype":   {Name: "x", Shape: []int{2}},
		"negative extent": {Name: "x", DType: d, Shape: []int{-2}},
		"overflow":        {Name: "x", DType: d, Shape: []int{1 << 31, 1 << 31, 1 << 31}},
		"repeated name":   plan[0],
		"name not UTF-8":  {Name: "\xff", DType: d, Shape: []int{2}},
	} {
		if _, err := f.Create(t, append(slices.Clone(plan), e), nil); !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("plan with %s: %v, want ErrPlan", name, err)
		}
	}
}

func testClosed(t *testing.T, f Format) {
	t.Helper()
	d := f.DTypes[0]
	one := map[string]tensor.Tensor{"a": {DType: d, Shape: []int{1}, Data: make([]byte, d.Size())}}
	write(t, f, one, nil)
	r := f.Open(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tensor("a"); !errors.Is(err, checkpoint.ErrClosed) {
		t.Errorf("tensor after close: %v, want ErrClosed", err)
	}
	w, err := f.Create(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write("a", one["a"]); !errors.Is(err, checkpoint.ErrClosed) {
		t.Errorf("write after close: %v, want ErrClosed", err)
	}
}
