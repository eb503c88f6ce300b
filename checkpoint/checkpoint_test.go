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

// A tensor may come in pieces, which must be all of its bytes and no more.
func TestFill(t *testing.T) {
	plan := []checkpoint.Entry{{Name: "a", DType: tensor.F32, Shape: []int{2}}, {Name: "b", DType: tensor.F16, Shape: []int{1}}}
	fill := func(pieces ...string) func(func([]byte) error) error {
		return func(put func([]byte) error) error {
			for _, p := range pieces {
				if err := put([]byte(p)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	stream := func() (*checkpoint.Stream, *[]string) {
		var got []string
		full := errors.New("full")
		put := func(b []byte) error {
			if len(got) > 9 {
				return full
			}
			got = append(got, string(b))
			return nil
		}
		pad := func(n int) error { return put([]byte{byte('0' + n)}) }
		return checkpoint.NewStream(plan, put, pad, checkpoint.End{}), &got
	}
	s, got := stream()
	if err := s.Fill("a", fill("1234", "56", "78")); err != nil {
		t.Fatal(err)
	}
	if err := s.Write("b", tensor.Tensor{DType: tensor.F16, Shape: []int{1}, Data: []byte("xy")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil || fmt.Sprint(*got) != "[1234 56 78 8 xy 2]" {
		t.Errorf("wrote %q, %v", *got, err)
	}
	for what, write := range map[string]func(s *checkpoint.Stream) error{
		"too much":   func(s *checkpoint.Stream) error { return s.Fill("a", fill("1234", "56789")) },
		"too little": func(s *checkpoint.Stream) error { return s.Fill("a", fill("1234")) },
		"order":      func(s *checkpoint.Stream) error { return s.Fill("b", fill("12")) },
	} {
		s, _ := stream()
		if err := write(s); !errors.Is(err, checkpoint.ErrPlan) {
			t.Errorf("%s: %v, want ErrPlan", what, err)
		}
		if err := s.Fill("a", fill("12345678")); err == nil {
			t.Errorf("%s: the stream goes on after a failure", what)
		}
		if err := s.Close(); err == nil {
			t.Errorf("%s: the stream closes after a failure", what)
		}
	}
}
