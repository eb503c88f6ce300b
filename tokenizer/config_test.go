package tokenizer

import (
	"reflect"
	"strings"
	"testing"
)

func TestLoadConfig(t *testing.T) {
	yes, no := true, false
	for text, want := range map[string]Config{
		`{}`: {},
		`{"bos_token": null, "eos_token": "<|im_end|>", "add_bos_token": false, "model_max_length": 131072}`: {
			EOSToken: "<|im_end|>", AddBOSToken: &no, ModelMaxLength: 131072,
		},
		`{"bos_token": {"content": "<s>", "lstrip": false}, "add_bos_token": true, "pad_token": "p",
		  "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer", "add_eos_token": false,
		  "model_max_length": 1000000000000000019884624838656}`: {
			BOSToken: "<s>", PadToken: "p", UnkToken: "<unk>", AddBOSToken: &yes, AddEOSToken: &no,
			TokenizerClass: "LlamaTokenizer",
		},
	} {
		if have, err := LoadConfig(strings.NewReader(text)); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: %+v, %v", text, have, err)
		}
	}
	for _, text := range []string{"", "[]", `{"bos_token": 3}`, `{"add_bos_token": "yes"}`, `{"eos_token": {"content": 1}}`} {
		if c, err := LoadConfig(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v, want an error", text, c)
		}
	}
}
