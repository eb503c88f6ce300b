package bundle_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

// encoderDir is a directory of an encoder with the starter's tokenizer.
func encoderDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	tokenizer, err := os.ReadFile("../starter/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tokenizer.json", string(tokenizer))
	write("config.json", `{"model_type":"bert","architectures":["BertModel"],"vocab_size":9000,"hidden_size":64,
		"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4}`)
	for name, content := range files {
		write(name, content)
	}
	return dir
}

func TestEmbedding(t *testing.T) {
	modules := `[{"path":"","type":"sentence_transformers.models.Transformer"},
		{"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
		{"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]`
	for name, c := range map[string]struct {
		files map[string]string
		want  bundle.Embedding
		err   string
	}{
		"plain encoder": {want: bundle.Embedding{Pooling: bundle.PoolMean, MaxTokens: 512}},
		"flags": {files: map[string]string{
			"modules.json":              modules,
			"1_Pooling/config.json":     `{"word_embedding_dimension":64,"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false}`,
			"sentence_bert_config.json": `{"max_seq_length":128,"do_lower_case":false}`,
		}, want: bundle.Embedding{Pooling: bundle.PoolCLS, MaxTokens: 128}},
		"last token": {files: map[string]string{
			"modules.json": modules, "1_Pooling/config.json": `{"pooling_mode_lasttoken":true}`,
		}, want: bundle.Embedding{Pooling: bundle.PoolLast, MaxTokens: 512}},
		"named": {files: map[string]string{
			"modules.json": modules, "1_Pooling/config.json": `{"pooling_mode":"mean"}`, "sentence_bert_config.json": `{"max_seq_length":null}`,
		}, want: bundle.Embedding{Pooling: bundle.PoolMean, MaxTokens: 512}},
		"two ways": {files: map[string]string{
			"modules.json": modules, "1_Pooling/config.json": `{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true}`,
		}, err: "pooling"},
		"unknown way":    {files: map[string]string{"modules.json": modules, "1_Pooling/config.json": `{"pooling_mode_max_tokens":true}`}, err: `"max"`},
		"unknown module": {files: map[string]string{"modules.json": `[{"path":"2_Dense","type":"sentence_transformers.models.Dense"}]`}, err: "Dense"},
		"escape":         {files: map[string]string{"modules.json": `[{"path":"../../x","type":"a.Pooling"}]`}, err: "invalid"},
		"broken":         {files: map[string]string{"modules.json": `[`}, err: "modules.json"},
		"missing":        {files: map[string]string{"modules.json": modules}, err: "1_Pooling"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bundle.Open(encoderDir(t, c.files), all.Architectures())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || *b.Embedding != c.want {
				t.Fatalf("%+v, %v, want %+v", b.Embedding, err, c.want)
			}
		})
	}
	if b, err := bundle.Open("../starter", all.Architectures()); err != nil || b.Embedding != nil {
		t.Errorf("the starter embeds: %v", err)
	}
}

// unrooted is a checkpoint as Sentence Transformers saves a decoder: without its head,
// and without the root of its names.
type unrooted struct{ checkpoint.Reader }

func (u unrooted) Names() []string {
	var names []string
	for _, n := range u.Reader.Names() {
		names = append(names, strings.TrimPrefix(n, "model."))
	}
	return names
}

func (u unrooted) Tensor(name string) (tensor.Tensor, error) {
	return u.Reader.Tensor("model." + name)
}

// A decoder that was saved without its head opens, and becomes a GGUF file.
func TestHeadlessDecoder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json"} {
		data, err := os.ReadFile(filepath.Join("../starter", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := safetensors.Open("../starter")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := safetensors.Save(filepath.Join(dir, "model.safetensors"), unrooted{file}); err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	b := open(t, dir)
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	m.Free()
	path := filepath.Join(dir, "whole.gguf")
	if _, err := b.WriteGGUF(path, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	back := t.TempDir()
	if err := open(t, path).WriteDir(back, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	sameTensors(t, back, "../starter")
}
