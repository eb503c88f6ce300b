package bundle_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

// wholeEncoder writes a tiny encoder of a family with everything that belongs to one.
func wholeEncoder(t *testing.T, family string, d tensor.DType) string {
	t.Helper()
	const vocab, hidden, inner, positions = 600, 32, 48, 40
	tokenizer, class := "bert", "BertModel"
	if family == "xlm-roberta" {
		tokenizer, class = "xlmr", "XLMRobertaModel"
	}
	data, err := os.ReadFile("../tokenizer/testdata/" + tokenizer + ".tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := encoderDir(t, map[string]string{
		"tokenizer.json": string(data),
		"config.json": fmt.Sprintf(`{"model_type":%q,"architectures":[%q],"vocab_size":%d,"hidden_size":%d,"intermediate_size":%d,
			"num_hidden_layers":1,"num_attention_heads":4,"max_position_embeddings":%d,"pad_token_id":1}`, family, class, vocab, hidden, inner, positions),
		"modules.json":              `[{"path":"","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"}]`,
		"1_Pooling/config.json":     `{"pooling_mode_cls_token":true}`,
		"sentence_bert_config.json": `{"max_seq_length":20}`,
	})
	tensors := map[string]tensor.Tensor{}
	for name, shape := range map[string][]int{
		"embeddings.word_embeddings.weight": {vocab, hidden}, "embeddings.position_embeddings.weight": {positions, hidden},
		"embeddings.token_type_embeddings.weight": {2, hidden}, "embeddings.LayerNorm.weight": {hidden}, "embeddings.LayerNorm.bias": {hidden},
		"pooler.dense.weight": {hidden, hidden}, "pooler.dense.bias": {hidden},
		"0.attention.self.query.weight": {hidden, hidden}, "0.attention.self.query.bias": {hidden},
		"0.attention.self.key.weight": {hidden, hidden}, "0.attention.self.key.bias": {hidden},
		"0.attention.self.value.weight": {hidden, hidden}, "0.attention.self.value.bias": {hidden},
		"0.attention.output.dense.weight": {hidden, hidden}, "0.attention.output.dense.bias": {hidden},
		"0.attention.output.LayerNorm.weight": {hidden}, "0.attention.output.LayerNorm.bias": {hidden},
		"0.intermediate.dense.weight": {inner, hidden}, "0.intermediate.dense.bias": {inner},
		"0.output.dense.weight": {hidden, inner}, "0.output.dense.bias": {hidden},
		"0.output.LayerNorm.weight": {hidden}, "0.output.LayerNorm.bias": {hidden},
	} {
		v := make([]float32, tensor.Elems(shape))
		for i := range v {
			v[i] = float32((i*11+len(name)*3)%29-14) / 32
		}
		x, err := tensor.FromFloat32s(v, shape...).Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(name, "0."); ok {
			name = "encoder.layer.0." + rest
		}
		tensors[name] = x
	}
	var ids []byte
	for i := range positions {
		ids = binary.LittleEndian.AppendUint64(ids, uint64(i))
	}
	tensors["embeddings.position_ids"] = tensor.Tensor{DType: tensor.I64, Shape: []int{1, positions}, Data: ids}
	src, err := checkpoint.NewMemory(tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.SaveDir(dir, src, 0); err != nil {
		t.Fatal(err)
	}
	return dir
}

// states returns the hidden states of a text.
func states(t *testing.T, b *bundle.Bundle) []float32 {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	batch := &model.Batch{}
	batch.Sequence(b.Tokenizer.Encode("Three horses pull the cart.", true), 0, nil)
	free, err := batch.Upload(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	ops := compute.NewEager(dev)
	defer ops.Close()
	return compute.Floats(dev, m.Forward(ops, batch, nil))
}

// An encoder goes to GGUF and back with its pooler, its unused positions and its small
// files, to the bit; its hidden states from there are the same bits.
func TestEncoderAndBack(t *testing.T) {
	for _, family := range []string{"bert", "xlm-roberta"} {
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			t.Run(family+"/"+d.String(), func(t *testing.T) {
				from := wholeEncoder(t, family, d)
				want := states(t, open(t, from))
				file := filepath.Join(t.TempDir(), "m.gguf")
				losses, err := open(t, from).WriteGGUF(file, bundle.Conversion{})
				if err != nil || len(losses) != 3 {
					t.Fatalf("losses %q, %v", losses, err)
				}
				b := open(t, file)
				if *b.Embedding != (bundle.Embedding{Pooling: bundle.PoolCLS, MaxTokens: 20}) {
					t.Errorf("%+v", b.Embedding)
				}
				if !slices.Equal(states(t, b), want) {
					t.Error("the GGUF file gives other hidden states")
				}
				back := filepath.Join(t.TempDir(), "back")
				if err := b.WriteDir(back, bundle.Conversion{}); err != nil {
					t.Fatal(err)
				}
				sameTensors(t, back, from)
				sameSmallFiles(t, back, from)
			})
		}
	}
}

// sameSmallFiles compares all files of two directories but the weights.
func sameSmallFiles(t *testing.T, got, want string) {
	t.Helper()
	list := func(dir string) map[string]string {
		files := map[string]string{}
		names, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		more, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(names, more...) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			short, err := filepath.Rel(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			files[short] = string(data)
		}
		return files
	}
	a, b := list(got), list(want)
	for name, text := range b {
		if a[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d files, want %d", len(a), len(b))
	}
}

// A file of llama.cpp's says in numbers how the model pools.
func TestPoolingOfGGUF(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "m.gguf")
	if _, err := open(t, wholeEncoder(t, "bert", tensor.F32)).WriteGGUF(whole, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	for pooling, want := range map[uint32]string{1: "mean", 2: "cls", 3: "lasttoken", 0: "mean", 4: "not supported"} {
		file := filepath.Join(t.TempDir(), "m.gguf")
		rewrite(t, whole, file, func(m *gguf.Metadata) {
			for _, key := range m.Keys() {
				if strings.HasPrefix(key, "troika.") {
					m.Delete(key)
				}
			}
			m.Set("bert.pooling_type", pooling)
		})
		b, err := bundle.Open(file, all.Architectures())
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("pooling %d: %v", pooling, err)
			}
			continue
		}
		if string(b.Embedding.Pooling) != want {
			t.Errorf("pooling %d is %s, want %s", pooling, b.Embedding.Pooling, want)
		}
		if pooling != 1 {
			continue
		}
		back := filepath.Join(t.TempDir(), "back")
		if err := b.WriteDir(back, bundle.Conversion{}); err != nil {
			t.Fatal(err)
		}
		again := open(t, back)
		if !slices.Equal(states(t, again), states(t, b)) || *again.Embedding != *b.Embedding {
			t.Error("a foreign file gives other hidden states as a directory")
		}
	}
}

// A decoder that embeds says so in GGUF, by files that were kept and by the number that
// llama.cpp's converter writes.
func TestDecoderEmbedsFromGGUF(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(starterDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "1_Pooling"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"modules.json":          `[{"path":"","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"}]`,
		"1_Pooling/config.json": `{"pooling_mode_lasttoken":true}`, "sentence_bert_config.json": `{"max_seq_length":77}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, foreign := filepath.Join(t.TempDir(), "m.gguf"), filepath.Join(t.TempDir(), "f.gguf")
	if _, err := open(t, dir).WriteGGUF(file, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	b := open(t, file)
	if b.Embedding == nil || *b.Embedding != (bundle.Embedding{Pooling: bundle.PoolLast, MaxTokens: 77}) {
		t.Errorf("%+v", b.Embedding)
	}
	rewrite(t, file, foreign, func(m *gguf.Metadata) {
		for _, key := range m.Keys() {
			if strings.HasPrefix(key, "troika.") {
				m.Delete(key)
			}
		}
	})
	if b := open(t, foreign); b.Embedding == nil || b.Embedding.Pooling != bundle.PoolLast {
		t.Errorf("foreign: %+v", b.Embedding)
	}
}

// What a file keeps beside its tensors goes nowhere but into the model's own folder.
func TestKeptFilesStay(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "m.gguf")
	if _, err := open(t, wholeEncoder(t, "bert", tensor.F32)).WriteGGUF(whole, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m.gguf")
	rewrite(t, whole, file, func(m *gguf.Metadata) {
		for _, name := range []string{"../config.json", "a/b/config.json", "/x/config.json", `c:\\config.json`, "1_Pooling/run.sh"} {
			m.Set("troika.file."+name, "{}")
		}
		m.Set("troika.file.modules.json", `[{"path":"..","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"}]`)
	})
	parent := t.TempDir()
	if err := open(t, file).WriteDir(filepath.Join(parent, "back"), bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	var names bytes.Buffer
	if err := filepath.WalkDir(parent, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			fmt.Fprintln(&names, strings.TrimPrefix(path, parent))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(names.String()); len(got) != 6 || slices.Contains(got, "/config.json") {
		t.Errorf("wrote %q", got)
	}
}

// Kept tensors that are not what they say are refused by name.
func TestKeptTensors(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "m.gguf")
	if _, err := open(t, wholeEncoder(t, "bert", tensor.F32)).WriteGGUF(whole, bundle.Conversion{}); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		`{"pooler.dense.bias":[33]}`:                 "pooler.dense.bias",
		`{"pooler.dense.bias":[-1]}`:                 "pooler.dense.bias",
		`{"pooler.dense.bias":"x"}`:                  "troika.shapes",
		`{"encoder.layer.0.output.dense.bias":[32]}`: "pooler.dense",
	} {
		file := filepath.Join(t.TempDir(), "m.gguf")
		rewrite(t, whole, file, func(m *gguf.Metadata) { m.Set("troika.shapes", value) })
		if _, err := bundle.Open(file, all.Architectures()); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "embeddings.position_ids") {
			t.Errorf("%s: error %v, want one with %q", value, err, want)
		}
	}
}
