package bert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/bert"
	"github.com/troikaml/troika/model/modeltest"
)

var known = []model.Architecture{bert.Architecture}

const config = `{"model_type":"bert","architectures":["BertModel"],"vocab_size":100,"hidden_size":64,
	"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"max_position_embeddings":64`

func Example() {
	cfg, err := model.Parse(known, []byte(config+`}`))
	fmt.Println(cfg.Facts().Encoder, cfg.Facts().MaxPositions, err)
	// Output: true 64 <nil>
}

func TestReference(t *testing.T) {
	modeltest.RunEncoder(t, known, "testdata", func() compute.Device { return ref.New() })
}

func TestCPU(t *testing.T) {
	modeltest.RunEncoder(t, known, "testdata", func() compute.Device {
		dev := cpu.New(cpu.Options{Threads: 2})
		t.Cleanup(dev.Close)
		return dev
	})
}

func TestBadConfig(t *testing.T) {
	for field, want := range map[string]string{
		`"hidden_size":63`:                         "not a multiple",
		`"num_hidden_layers":0`:                    "num_hidden_layers is 0",
		`"hidden_act":"relu"`:                      `hidden_act "relu"`,
		`"position_embedding_type":"relative_key"`: "position_embedding_type",
		`"is_decoder":true`:                        "is_decoder",
		`"layer_norm_eps":-1`:                      "layer_norm_eps",
		`"type_vocab_size":0`:                      "type_vocab_size",
		`"quantization_config":{"bits":4}`:         "quantization_config",
		`"vocab_size":99999999999`:                 "vocab_size",
		`"max_position_embeddings":0`:              "max_position_embeddings",
	} {
		if _, err := model.Parse(known, []byte(config+","+field+"}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", field, err, want)
		}
	}
}
