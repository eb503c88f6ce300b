package qwen2_test

import (
	"fmt"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/qwen2"
)

var known = []model.Architecture{qwen2.Architecture}

func Example() {
	cfg, err := model.Parse(known, []byte(`{"model_type":"qwen2","vocab_size":100,"hidden_size":64,
		"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4}`))
	fmt.Println(cfg.Facts().Layers, err)
	// Output: 2 <nil>
}

func TestReference(t *testing.T) {
	modeltest.Run(t, known, "testdata", func() compute.Device { return ref.New() })
}

func TestCPU(t *testing.T) {
	modeltest.Run(t, known, "testdata", func() compute.Device {
		dev := cpu.New(cpu.Options{Threads: 2})
		t.Cleanup(dev.Close)
		return dev
	})
}
