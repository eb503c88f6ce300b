package adapter_test

import (
	"math"
	"slices"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/autograd"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
)

// The gradients of an adapter's matrices, which pass through routers and experts of
// every layer above, are the differences of the loss.
func TestMixtureGradients(t *testing.T) {
	for _, name := range []string{"normalized", "mixed"} {
		for title, open := range map[string]func() compute.Device{
			"ref": func() compute.Device { return ref.New() },
			"cpu": func() compute.Device {
				dev := cpu.New(cpu.Options{Threads: 2})
				t.Cleanup(dev.Close)
				return dev
			},
		} {
			t.Run(name+"/"+title, func(t *testing.T) { mixtureGradients(t, name, open()) })
		}
	}
}

func mixtureGradients(t *testing.T, name string, dev compute.Device) {
	m, free := modeltest.Load(t, all.Architectures(), "../model/qwen3moe/testdata/"+name, dev, false)
	defer free()
	x, err := adapter.New(dev, m.Model, adapter.Config{Rank: 2, Alpha: 4, Targets: []string{"q_proj", "o_proj"}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	set := adapter.NewSet(m.Model)
	slot := set.Add(x)
	params := x.Params()
	var values [][]float32
	for i, p := range params { // B starts at zero, where A has no gradient
		v := compute.Floats(dev, p.Tensor)
		for j := range v {
			v[j] += float32((i+j)%7-3) / 16
		}
		dev.WriteFloats(p.Tensor, v)
		values = append(values, v)
	}
	b := &model.Batch{}
	b.Sequence([]int32{3, 50, 88, 7, 7, 12, 1}, 0, nil)
	b.AdapterSlots = slices.Repeat([]int32{slot}, len(b.Tokens))
	done, err := b.Upload(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	labels := compute.FromInts(dev, []int32{50, 88, 7, 7, 12, 1, 4}, len(b.Tokens))
	weights := compute.FromFloats(dev, []float32{1, 1, 0.5, 1, 1, 2, 1}, len(b.Tokens))
	defer dev.Free(labels)
	defer dev.Free(weights)
	run := func(o compute.Ops) *compute.Tensor {
		return compute.Do(o, compute.CrossEntropy{}, m.Logits(o, b, m.Forward(o, b, nil)), labels, weights)
	}
	loss := func() (sum float64) {
		o := compute.NewEager(dev)
		defer o.Close()
		for _, v := range compute.Floats(dev, run(o)) {
			sum += float64(v)
		}
		return sum
	}
	tape := autograd.New(dev)
	defer tape.Close()
	for _, p := range params {
		tape.Watch(p.Tensor)
	}
	if err := tape.Backward(run(tape)); err != nil {
		t.Fatal(err)
	}
	const step = 1.0 / 512
	bound := 1e-2
	if dev.Name() == "cpu go" { // float32 losses, rounded twice as often as by the others
		bound = 2e-2
	}
	var biggest float64
	for i, p := range params {
		grad, v := compute.Floats(dev, tape.Grad(p.Tensor)), slices.Clone(values[i])
		for j := 0; j < len(v); j += 1 + len(v)/9 {
			at := func(by float32) float64 {
				v[j] = values[i][j] + by
				dev.WriteFloats(p.Tensor, v)
				return loss()
			}
			want := (at(step) - at(-step)) / (2 * step)
			at(0)
			biggest = max(biggest, math.Abs(want))
			if math.Abs(want-float64(grad[j])) > bound*(0.1+math.Abs(want)) {
				t.Errorf("%s element %d: gradient %g, want %g", p.Name, j, grad[j], want)
			}
		}
	}
	if biggest < 0.1 {
		t.Errorf("no gradient is larger than %g", biggest)
	}
}
