package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
)

const good = `{"model_type":"qwen3","architectures":["Qwen3ForCausalLM"],"vocab_size":100,"hidden_size":64,
	"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"head_dim":16}`

func ExampleParse() {
	cfg, err := model.Parse(all.Architectures(), []byte(good))
	fmt.Println(cfg.Facts().Layers, err)
	_, err = model.Parse(all.Architectures(), []byte(`{"model_type":"mamba"}`))
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// config.json: model_type "mamba" is not supported; known: llama, mistral, qwen2, qwen3, qwen3_moe, gemma3_text, bert, xlm-roberta
}

// A field out of range is refused by name.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"vocab_size":100`, `"vocab_size":0`, "vocab_size is 0"},
		{`"hidden_size":64`, `"hidden_size":99999999`, "hidden_size is 99999999"},
		{`"num_hidden_layers":2`, `"num_hidden_layers":-1`, "num_hidden_layers is -1"},
		{`"num_hidden_layers":2`, `"num_hidden_layers":2,"layer_types":["full_attention"]`, "layer_types lists 1 layers of 2"},
		{`"num_hidden_layers":2`, `"num_hidden_layers":2,"layer_types":["full_attention","ssm"]`, `layer_types[1] "ssm"`},
		{`"num_attention_heads":4`, `"num_attention_heads":4,"num_key_value_heads":3`, "not a multiple"},
		{`"num_attention_heads":4`, `"num_attention_heads":4,"num_key_value_heads":8`, "num_key_value_heads is 8"},
		{`"head_dim":16`, `"head_dim":15`, "head_dim 15 is odd"},
		{`"head_dim":16`, `"hidden_act":"relu"`, `hidden_act "relu"`},
		{`"head_dim":16`, `"rms_norm_eps":2`, "rms_norm_eps is 2"},
		{`"head_dim":16`, `"quantization_config":{"bits":4}`, "quantization_config"},
		{`"head_dim":16`, `"rope_scaling":{"rope_type":"longrope","factor":2}`, `rope_type "longrope"`},
		{`"head_dim":16`, `"rope_scaling":{"rope_type":"linear","factor":0}`, "no finite frequency"},
		{`"Qwen3ForCausalLM"`, `"Qwen3ForSequenceClassification"`, "Qwen3ForSequenceClassification"},
		{`{"model_type"`, `["model_type"`, "parse config.json"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("the configuration has no %s", c.old)
		}
		_, err := model.Parse(all.Architectures(), []byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.new, err, c.want)
		}
	}
}
