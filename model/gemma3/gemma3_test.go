package gemma3_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/gemma3"
	"github.com/troikaml/troika/model/modeltest"
)

var known = []model.Architecture{gemma3.Architecture}

func Example() {
	cfg, err := model.Parse(known, []byte(`{"model_type":"gemma3_text","vocab_size":100,"hidden_size":64,
		"intermediate_size":128,"num_hidden_layers":6,"num_attention_heads":4,"sliding_window":512}`))
	fmt.Println(cfg.Facts().Layers, cfg.Facts().TiedHead, err)
	// Output: 6 true <nil>
}

func TestReference(t *testing.T) {
	modeltest.Run(t, known, "testdata", func() compute.Device { return ref.New() })
}

func onCPU(t *testing.T) func() compute.Device {
	return func() compute.Device {
		dev := cpu.New(cpu.Options{Threads: 2})
		t.Cleanup(dev.Close)
		return dev
	}
}

func TestCPU(t *testing.T) { modeltest.Run(t, known, "testdata", onCPU(t)) }

// A configuration as the published models have it, from before rope_parameters and
// layer_types, says the same.
func TestOlderConfig(t *testing.T) {
	for name, edits := range map[string][]string{
		"scaled": {`"rope_parameters": {
    "full_attention": {
      "factor": 8.0,
      "rope_theta": 1000000.0,
      "rope_type": "linear"
    },
    "sliding_attention": {
      "rope_theta": 10000.0,
      "rope_type": "default"
    }
  }`, `"rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "rope_theta": 1000000.0, "rope_local_base_freq": 10000`},
		"bf16": {`"layer_types"`, `"sliding_window_pattern": 6, "unread"`, `"rope_parameters"`, `"unread_too"`},
	} {
		from, to := filepath.Join("testdata", name), filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(to, "config.json")
		config, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(edits); i += 2 {
			if !strings.Contains(string(config), edits[i]) {
				t.Fatalf("%s: the configuration has no %s", name, edits[i])
			}
		}
		text := strings.NewReplacer(edits...).Replace(string(config))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		modeltest.Run(t, known, filepath.Dir(to), onCPU(t))
	}
}

func TestRefuses(t *testing.T) {
	const good = `"vocab_size":100,"hidden_size":64,"intermediate_size":128,"num_hidden_layers":6,"num_attention_heads":4`
	for extra, want := range map[string]string{
		`"final_logit_softcapping":30`:       "final_logit_softcapping is set",
		`"attn_logit_softcapping":50`:        "attn_logit_softcapping is set",
		`"use_bidirectional_attention":true`: "use_bidirectional_attention is set",
		`"query_pre_attn_scalar":0`:          "query_pre_attn_scalar is 0",
		`"sliding_window_pattern":0`:         "sliding_window_pattern is 0",
		`"hidden_activation":"gelu"`:         `"gelu"`,
		`"sliding_window":null`:              "sliding_window",
	} {
		text := `{"model_type":"gemma3_text","sliding_window":512,` + good + "," + extra + "}"
		if _, err := model.Parse(known, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", extra, err, want)
		}
	}
}
