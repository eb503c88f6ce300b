package checkpointtest_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/checkpointtest"
	"github.com/troikaml/troika/tensor"
)

// memoryWriter is the simplest Writer that keeps the contract.
type memoryWriter struct {
	plan     []checkpoint.Entry
	metadata map[string]string
	tensors  map[string]tensor.Tensor
	err      error
	closed   bool
}

func (w *memoryWriter) Order() []string {
	names := []string{}
	for _, e := range w.plan {
		names = append(names, e.Name)
	}
	return names
}

func (w *memoryWriter) Write(name string, t tensor.Tensor) error {
	switch {
	case w.closed:
		return checkpoint.ErrClosed
	case w.err != nil:
	case len(w.tensors) == len(w.plan) || w.plan[len(w.tensors)].Name != name:
		w.err = checkpoint.ErrPlan
	default:
		if w.err = w.plan[len(w.tensors)].Check(t); w.err == nil {
			w.tensors[name] = t
		}
	}
	return w.err
}

func (w *memoryWriter) Close() error {
	w.closed = true
	if w.err == nil && len(w.tensors) < len(w.plan) {
		w.err = checkpoint.ErrPlan
	}
	return w.err
}

// memoryReader adds to Memory that a closed reader refuses.
type memoryReader struct {
	*checkpoint.Memory
	closed bool
}

func (r *memoryReader) Close() error {
	r.closed = true
	return nil
}

func (r *memoryReader) Tensor(name string) (tensor.Tensor, error) {
	if r.closed {
		return tensor.Tensor{}, checkpoint.ErrClosed
	}
	return r.Memory.Tensor(name)
}

// TestSuite runs the suite on an implementation with nothing in it that could
// hide a mistake of the suite.
func TestSuite(t *testing.T) {
	var last *memoryWriter
	checkpointtest.Test(t, checkpointtest.Format{
		DTypes: checkpointtest.AllDTypes(),
		Create: func(_ *testing.T, plan []checkpoint.Entry, metadata map[string]string) (checkpoint.Writer, error) {
			seen := map[string]bool{}
			for _, e := range plan {
				if _, err := e.Bytes(); err != nil {
					return nil, err
				}
				if e.Name == "" || e.Name == "\xff" || seen[e.Name] {
					return nil, checkpoint.ErrPlan
				}
				seen[e.Name] = true
			}
			last = &memoryWriter{plan: plan, metadata: metadata, tensors: map[string]tensor.Tensor{}}
			return last, nil
		},
		Open: func(t *testing.T) checkpoint.Reader {
			t.Helper()
			m, err := checkpoint.NewMemory(last.tensors, last.metadata)
			if err != nil {
				t.Fatal(err)
			}
			return &memoryReader{Memory: m}
		},
	})
}

func ExampleTensors() {
	tensors, _ := checkpointtest.Tensors([]tensor.DType{tensor.BF16})
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		fmt.Println(name, tensors[name].Shape)
	}
	// Output:
	// model.BF16.empty [2 0 3]
	// model.BF16.odd [3 5 1]
	// model.BF16.scalar []
	// model.BF16.層 [7]
}
