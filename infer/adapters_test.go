package infer_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
)

// counted is a device that counts the products of its runs by what they multiply with:
// the base's weights or an adapter's.
type counted struct {
	compute.Device
	base map[compute.Weight]bool
	runs map[string]int
}

func (d *counted) Run(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	switch op := op.(type) {
	case compute.Linear:
		if d.base[op.W] {
			d.runs["base"]++
		} else {
			d.runs["adapter"]++
		}
	case compute.LowRank:
		d.runs[fmt.Sprintf("%d adapters at once", len(op.Groups))]++
	case compute.MatMul, compute.GatherRows, compute.ScatterRows:
		d.runs[op.Name()]++
	}
	return d.Device.Run(op, in)
}

// A step over eight sequences, each with an adapter of its own, makes one product a layer
// with the base, and one operator for all of the adapters: nothing is merged, gathered or
// multiplied once for each. Every sequence gets the tokens it gets alone.
func TestEightAdaptersInOneStep(t *testing.T) {
	m := load(t, 2)
	set := adapter.NewSet(m.Model)
	dev := &counted{Device: m.Device, base: map[compute.Weight]bool{m.Model.OutputHead().Weight: true}}
	for _, l := range m.Layers() {
		dev.base[l.Weight] = true
	}
	const n = 8
	var requests []infer.Request
	for i := range n {
		x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8}, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Pairs() { // B of a fresh adapter is zero
			v := make([]float32, p.B.Len())
			for j := range v {
				v[j] = float32((j*7+i*13)%11-5) / 8
			}
			m.Device.WriteFloats(p.B, v)
		}
		f, err := x.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		x.Free()
		t.Cleanup(f.Free)
		requests = append(requests, infer.Request{Prompt: []int32{5, 6, 7}, Slot: set.Add(f), MaxTokens: 6})
	}
	requests = append(requests, infer.Request{Prompt: []int32{5, 6, 7}, Slot: nn.NoAdapter, MaxTokens: 6})

	s, err := infer.NewSteps(dev, m.Model, infer.Options{Context: 64, Sequences: n + 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for i, r := range requests {
		start(t, s, fmt.Sprint(i), r)
	}
	layers := len(m.Layers())
	for step := range 6 {
		want := map[string]int{"base": layers + 1, "8 adapters at once": layers}
		if step == 0 {
			want["GatherRows"] = 2 // the last block takes each prompt's last row from attention and beside it
		}
		dev.runs = map[string]int{}
		s.Turn()
		if !maps.Equal(dev.runs, want) {
			t.Errorf("a step ran %v, want %v", dev.runs, want)
		}
	}
	alone := engine(t, m, infer.Options{Context: 64, Sequences: 1})
	var answers [][]int32
	for i, r := range requests {
		answer, _, err := collect(t.Context(), alone, r)
		if err != nil || !slices.Equal(answer, s.Answer(i)) {
			t.Errorf("request %d: %v in the batch, %v alone; %v", i, s.Answer(i), answer, err)
		}
		answers = append(answers, answer)
	}
	slices.SortFunc(answers, slices.Compare)
	if distinct := len(slices.CompactFunc(answers, slices.Equal)); distinct < 5 {
		t.Errorf("the adapters give %d different answers: they hardly act", distinct)
	}
}
