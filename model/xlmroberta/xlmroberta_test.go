package xlmroberta_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/xlmroberta"
)

var known = []model.Architecture{xlmroberta.Architecture}

const config = `{"model_type":"xlm-roberta","architectures":["XLMRobertaModel"],"vocab_size":100,"hidden_size":64,
	"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"max_position_embeddings":64`

func Example() {
	cfg, err := model.Parse(known, []byte(config+`}`))
	fmt.Println(cfg.Facts().Encoder, cfg.Facts().MaxPositions, err)
	// Output: true 62 <nil>
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

func TestNoPositions(t *testing.T) {
	_, err := model.Parse(known, []byte(config+`,"pad_token_id":90}`))
	if err == nil || !strings.Contains(err.Error(), "leaves no position") {
		t.Error(err)
	}
}
