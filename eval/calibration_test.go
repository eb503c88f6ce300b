package eval_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/train"
)

// Calibration equals scikit-learn's.
func TestCalibrateGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Name          string
			Probabilities [][]float64
			Right         []int
			eval.Calibration
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden.Cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		got, err := eval.Calibrate(c.Probabilities, c.Right, eval.Resampling{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string][2]float64{
			"accuracy": {got.Accuracy, c.Accuracy}, "ECE": {got.ECE, c.ECE}, "Brier": {got.Brier, c.Brier}, "log loss": {got.LogLoss, c.LogLoss},
		} {
			if math.Abs(v[0]-v[1]) > 1e-12 {
				t.Errorf("%s: %s is %v, want %v", c.Name, name, v[0], v[1])
			}
		}
		if !(got.BrierCI[0] <= got.Brier && got.Brier <= got.BrierCI[1] && got.ECECI[0] <= got.ECECI[1]) {
			t.Errorf("%s: intervals %v of %v, %v", c.Name, got.BrierCI, got.Brier, got.ECECI)
		}
		if len(got.Bins) != len(c.Bins) {
			t.Errorf("%s: %d bins, want %d", c.Name, len(got.Bins), len(c.Bins))
			continue
		}
		for i, b := range got.Bins {
			w := c.Bins[i]
			if b.Examples != w.Examples || math.Abs(b.Confidence-w.Confidence) > 1e-12 || math.Abs(b.Accuracy-w.Accuracy) > 1e-12 {
				t.Errorf("%s: bin %d is %+v, want %+v", c.Name, i, b, w)
			}
			if b.Confidence <= b.Low || b.Confidence > b.High+1e-12 {
				t.Errorf("%s: bin %+v does not hold its mean", c.Name, b)
			}
		}
	}
	for want, p := range map[string][][]float64{"0 examples": nil, "is no probability": {{math.NaN(), 1}}, "label 0 of 0": {{}}} {
		if _, err := eval.Calibrate(p, []int{0}, eval.Resampling{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", p, err, want)
		}
	}
}

// The probabilities of labels, which the serving engine gives, are those of the trainer's
// losses for the same answers.
func TestLabelProbabilities(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	b, err := bundle.Open("../starter", all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	engine, err := infer.New(dev, m, infer.Options{Context: 128})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	labels := []string{"net", "encoding", "a label of several words"}
	questions := []bundle.Conversation{
		{Messages: []chat.Message{{Role: "user", Content: "func Dial(network, address string)"}}},
		{Messages: []chat.Message{{Role: "user", Content: "func Marshal(v any)"}}},
	}
	got, err := eval.LabelProbabilities(t.Context(), &infer.Chat{Bundle: b, Engine: engine, Slot: nn.NoAdapter}, questions, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range questions {
		logs := make([]float64, len(labels))
		var total float64
		for l, label := range labels {
			e := dataset.Example{Messages: append(q.Messages[:1:1], chat.Message{Role: "assistant", Content: label}), Weights: []int{0, 1}}
			seqs, err := train.FromChat(b, e)
			if err != nil || len(seqs) != 1 {
				t.Fatal(len(seqs), err)
			}
			mean, err := train.Loss(dev, m, seqs, 1024)
			if err != nil {
				t.Fatal(err)
			}
			for k, w := range seqs[0].Weights {
				if w != 0 && k > 0 {
					logs[l] -= mean
				}
			}
			total += math.Exp(logs[l])
		}
		for l := range labels {
			if want := math.Exp(logs[l]) / total; math.Abs(got[i][l]-want) > 1e-5 {
				t.Errorf("question %d, label %q: probability %g, by the trainer's losses %g", i, labels[l], got[i][l], want)
			}
		}
	}
}
