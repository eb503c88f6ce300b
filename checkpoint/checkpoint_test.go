package checkpoint_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/checkpointtest"
	"github.com/troikaml/troika/tensor"
)

func TestMemory(t *testing.T) {
	tensors, metadata := checkpointtest.Tensors(checkpointtest.AllDTypes())
	m, err := checkpoint.NewMemory(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	checkpointtest.TestReader(t, m, tensors, metadata)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestMemoryRefuses(t *testing.T) {
	for name, x := range map[string]tensor.Tensor{
		"":      tensor.FromFloat32s([]float32{1}, 1),
		"short": {DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 7)},
		"dtype": {Shape: []int{2}, Data: make([]byte, 8)},
		"large": {DType: tensor.F64, Shape: []int{1 << 62}},
	} {
		_, err := checkpoint.NewMemory(map[string]tensor.Tensor{name: x}, nil)
		if !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("%q: %v, want ErrPlan", name, err)
		}
	}
}

func Example() {
	m, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"b": tensor.FromFloat32s([]float32{1, 2}, 2),
		"a": tensor.FromFloat32s([]float32{3}, 1, 1),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := checkpoint.Plan(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range plan {
		fmt.Println(e.Name, e.DType, e.Shape)
	}
	_, err = m.Tensor("c")
	fmt.Println(err)
	// Output:
	// a F32 [1 1]
	// b F32 [2]
	// tensor "c": no such tensor
}
