package qwen3moe_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/qwen3moe"
)

var known = []model.Architecture{qwen3moe.Architecture}

func Example() {
	cfg, err := model.Parse(known, []byte(`{"model_type":"qwen3_moe","vocab_size":100,"hidden_size":64,
		"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,
		"num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":32}`))
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

func TestRefuses(t *testing.T) {
	const good = `"vocab_size":100,"hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4`
	for extra, want := range map[string]string{
		`"num_experts_per_tok":2,"moe_intermediate_size":32`:                                             "num_experts is 0",
		`"num_experts":4,"num_experts_per_tok":5,"moe_intermediate_size":32`:                             "num_experts_per_tok is 5",
		`"num_experts":4,"num_experts_per_tok":2`:                                                        "moe_intermediate_size is 0",
		`"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":32,"decoder_sparse_step":0`:     "decoder_sparse_step is 0",
		`"num_experts":1000000,"num_experts_per_tok":2,"moe_intermediate_size":32`:                       "num_experts is 1000000",
		`"num_local_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":32,"hidden_act":"square"`: "square",
	} {
		text := `{"model_type":"qwen3_moe",` + good + "," + extra + "}"
		if _, err := model.Parse(known, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", extra, err, want)
		}
	}
}

// Mixtures are tuned by adapters: their experts do not change.
func TestNotTrainable(t *testing.T) {
	config, err := os.ReadFile("testdata/mixed/config.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := model.Parse(known, config)
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open("testdata/mixed")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dev := ref.New()
	if _, err := cfg.New(nn.NewLoader(dev, nn.FromCheckpoint(file), true)); err == nil || !strings.Contains(err.Error(), "adapter") {
		t.Errorf("error %v, want one that names adapters", err)
	}
	if s := dev.Stats(); s.Live != 0 || s.Weights != 0 {
		t.Errorf("%+v is left after a failed load", s)
	}
}
