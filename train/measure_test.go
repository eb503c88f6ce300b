package train_test

import (
	"math"
	"testing"

	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/train"
)

// The parts add up to the mean that Loss gives, and do not depend on their company.
func TestLikelihoods(t *testing.T) {
	m, free := modeltest.Load(t, known, "../model/qwen3/testdata/tied", device(t, 1), false)
	defer free()
	seqs := []train.Sequence{
		{Tokens: []int32{1, 2, 3, 4}, Weights: []float32{0, 1, 0, 0.5}},
		{Tokens: []int32{5, 6}, Weights: []float32{1, 1}},
		{Tokens: []int32{7, 8, 9, 10, 11}, Weights: []float32{0, 0, 0, 1, 3}},
	}
	all, err := train.Likelihoods(m.Device, m.Model, seqs, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var loss, weight float64
	for i, want := range []float64{1.5, 1, 4} {
		alone, err := train.Likelihoods(m.Device, m.Model, seqs[i:i+1], 1000)
		if err != nil {
			t.Fatal(err)
		}
		if all[i] != alone[0] || all[i].Weight != want || !(all[i].Loss > 0) {
			t.Errorf("sequence %d: %+v in company, %+v alone, want weight %g", i, all[i], alone[0], want)
		}
		loss += all[i].Loss
		weight += all[i].Weight
	}
	mean, err := train.Loss(m.Device, m.Model, seqs, 1000)
	if err != nil || math.Abs(mean-loss/weight) > 1e-9 {
		t.Errorf("mean %g, %v, want %g", mean, err, loss/weight)
	}
}
