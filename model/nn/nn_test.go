package nn_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
)

func ExampleLoader() {
	weights, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"proj.weight": tensor.FromFloat32s([]float32{1, 2, 3, 4}, 2, 2),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	l := nn.NewLoader(ref.New(), nn.FromCheckpoint(weights), false)
	proj := l.Linear("proj", 2, 2, false)
	loaded, err := l.Finish()
	fmt.Println(proj.Path, len(loaded.Linears), err)
	// Output: proj 1 <nil>
}

// held is a source whose memory can be watched.
type held struct{ nn.Source }

// What was built does not hold on to what it was built from.
func TestLoaderLetsGo(t *testing.T) {
	weights, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"a.weight": tensor.FromFloat32s(make([]float32, 6), 2, 3), "a.bias": tensor.FromFloat32s(make([]float32, 2), 2),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	load := func(trainable bool) (weak.Pointer[held], *nn.Loaded) {
		src := &held{nn.FromCheckpoint(weights)}
		l := nn.NewLoader(ref.New(), src, trainable)
		l.Linear("a", 2, 3, true)
		m, err := l.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return weak.Make(src), m
	}
	for _, trainable := range []bool{false, true} {
		src, m := load(trainable)
		runtime.GC()
		if src.Value() != nil {
			t.Errorf("trainable %v: the source is still held", trainable)
		}
		m.Free()
	}
}

// What the configuration and the checkpoint disagree on is named.
func TestLoaderErrors(t *testing.T) {
	weights, err := checkpoint.NewMemory(map[string]tensor.Tensor{
		"a.weight": tensor.FromFloat32s(make([]float32, 6), 2, 3),
		"b.weight": {DType: tensor.I32, Shape: []int{1, 1}, Data: make([]byte, 4)},
		"stray":    tensor.FromFloat32s([]float32{1}, 1),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, build := range map[string]func(l *nn.Loader){
		"a.weight has shape [2 3], the configuration asks for [3 2]": func(l *nn.Loader) { l.Linear("a", 3, 2, false) },
		"a.bias":                     func(l *nn.Loader) { l.Linear("a", 2, 3, true) },
		"not a floating-point dtype": func(l *nn.Loader) { l.Embedding("b", 1, 1) },
		"1 tensors belong to no part of the architecture: stray": func(l *nn.Loader) {
			l.Linear("a", 2, 3, false)
			l.Ignore("b.weight")
		},
	} {
		dev := ref.New()
		l := nn.NewLoader(dev, nn.FromCheckpoint(weights), false)
		build(l)
		if _, err := l.Finish(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if s := dev.Stats(); s.Live != 0 || s.Weights != 0 {
			t.Errorf("%s: %+v is left after a failed load", want, s)
		}
	}
}

func TestFrequencies(t *testing.T) {
	f, factor, err := nn.RopeScaling{RopeTheta: 10000}.Frequencies(4, 128)
	if err != nil || factor != 0 || len(f) != 2 || f[0] != 1 || math.Abs(float64(f[1])-0.01) > 1e-9 {
		t.Errorf("frequencies %v, factor %g, error %v", f, factor, err)
	}
}

func TestUploadRefuses(t *testing.T) {
	b := &nn.Batch{}
	if _, err := b.Upload(ref.New()); err == nil {
		t.Error("an empty batch was accepted")
	}
	b.Sequence([]int32{1, 2}, 0, nil)
	b.AdapterSlots = []int32{0}
	if _, err := b.Upload(ref.New()); err == nil {
		t.Error("too few adapter slots were accepted")
	}
}
