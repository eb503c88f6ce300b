package gguf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/tokenizer"
	"github.com/troikaml/troika/tokenizer/gguf"
)

// fields is metadata as JSON has it: testdata/vocabs.json holds that of files that
// llama.cpp's own tools wrote.
type fields map[string]any

var errType = errors.New("another type")

func value[T any](f fields, key string) (T, error) {
	v, ok := f[key].(T)
	if !ok {
		return v, fmt.Errorf("%s: %w", key, errType)
	}
	return v, nil
}

func list[T, F any](f fields, key string, convert func(F) T) ([]T, error) {
	items, err := value[[]any](f, key)
	out := make([]T, len(items))
	for i, x := range items {
		n, ok := x.(F)
		if !ok {
			return nil, fmt.Errorf("%s[%d]: %w", key, i, errType)
		}
		out[i] = convert(n)
	}
	return out, err
}

func (f fields) Has(key string) bool             { return f[key] != nil }
func (f fields) Text(key string) (string, error) { return value[string](f, key) }
func (f fields) Bool(key string) (bool, error)   { return value[bool](f, key) }

func (f fields) Int(key string) (int, error) {
	x, err := value[float64](f, key)
	return int(x), err
}

func (f fields) Ints(key string) ([]int, error) {
	return list(f, key, func(x float64) int { return int(x) })
}

func (f fields) Floats(key string) ([]float32, error) {
	return list(f, key, func(x float64) float32 { return float32(x) })
}

func (f fields) Strings(key string) ([]string, error) {
	return list(f, key, func(s string) string { return s })
}

func readJSON[T any](t testing.TB, name string) (v T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func Example() {
	v := &gguf.Vocab{
		Kind: gguf.KindSentencePiece, Tokens: []string{"<unk>", "▁", "a", "▁a"}, Types: []int{2, 1, 1, 1},
		Scores: []float32{0, -3, -2, -1}, BOS: gguf.None, EOS: gguf.None, Unknown: 0, Padding: gguf.None,
	}
	t, err := v.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Encode("a a", true))
	// Output: [3 3]
}

type golden struct {
	Texts []string
	IDs   map[string][][]int32
}

// The ids are llama.cpp's, for every pre kind that is compared.
func TestIDs(t *testing.T) {
	vocabs, g := readJSON[map[string]fields](t, "vocabs.json"), readJSON[golden](t, "golden.json")
	if len(g.IDs) < 15 {
		t.Fatalf("goldens of %d kinds", len(g.IDs))
	}
	for name, all := range g.IDs {
		m := vocabs["bpe"]
		if name == "spm" {
			m = vocabs[name]
		}
		v, err := gguf.Read(m)
		if err != nil {
			t.Fatal(err)
		}
		if name != "spm" {
			v.Pre = name
		}
		tok, err := v.Load()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, text := range g.Texts {
			if got := tok.Encode(text, true); !slices.Equal(got, all[i]) {
				t.Errorf("%s: %q is %v, llama.cpp says %v", name, text, got, all[i])
			}
		}
	}
}

// What is read and written comes back, and gives the same tokenizer.json.
func TestReadWrite(t *testing.T) {
	for name, m := range readJSON[map[string]fields](t, "vocabs.json") {
		v, err := gguf.Read(m)
		if err != nil {
			t.Fatal(err)
		}
		kv := map[string]any{}
		v.Write(func(key string, value any) { kv[key] = value })
		data, err := json.Marshal(kv)
		if err != nil {
			t.Fatal(err)
		}
		again := fields{}
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		w, err := gguf.Read(again)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := v.JSON()
		b, errB := w.JSON()
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s changed, %v", name, err)
		}
		if _, err := tokenizer.Load(bytes.NewReader(a)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpecials(t *testing.T) {
	vocabs := readJSON[map[string]fields](t, "vocabs.json")
	v, err := gguf.Read(vocabs["bpe"])
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Text(v.BOS); got != "<|begin_of_text|>" {
		t.Errorf("begins with %q", got)
	}
	var ends []string
	for _, id := range v.Endings() {
		ends = append(ends, v.Text(int(id)))
	}
	if !slices.Equal(ends, []string{"<|im_end|>", "<|endoftext|>"}) || v.Text(gguf.None) != "" {
		t.Errorf("answers end with %q", ends)
	}
}

const huggingFace = "../testdata/"

// Tokenizers of Hugging Face go into GGUF's keys and come back with the same ids;
// those that cannot are embedded whole.
func TestFromJSON(t *testing.T) {
	texts := readJSON[golden](t, "golden.json").Texts
	for name, c := range map[string]struct {
		pre, loss string
		embedded  bool
	}{
		"gpt2":   {"gpt-2", "", false},
		"llama3": {"llama-bpe", "", false},
		"qwen2":  {"qwen2", "", false},
		"llama2": {"default", "its merges are not those of a SentencePiece model", true},
		"gemma":  {"default", "its merges are not those of a SentencePiece model", true},
		"bert":   {"default", "", false},
		"xlmr":   {"default", "", true}, // its scores are no float32s
	} {
		data, err := os.ReadFile(huggingFace + name + ".tokenizer.json")
		if err != nil {
			t.Fatal(err)
		}
		config := tokenizer.Config{BOSToken: "<s>", EOSToken: "</s>"}
		if name == "gemma" {
			config = tokenizer.Config{BOSToken: "<bos>", EOSToken: "<eos>"}
		}
		v, loss, err := gguf.FromJSON(data, config, 1000)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v.Pre != c.pre || loss != c.loss || (v.HuggingFace != "") != c.embedded || len(v.Tokens) != 1000 {
			t.Errorf("%s: pre %s, embedded %v, loss %q, %d tokens", name, v.Pre, v.HuggingFace != "", loss, len(v.Tokens))
		}
		want, err := tokenizer.Load(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if a, b := want.Encode(text, true), got.Encode(text, true); !slices.Equal(a, b) {
				t.Errorf("%s: %q is %v, was %v", name, text, b, a)
			}
			if a, b := want.Decode(want.Encode(text, true), true), got.Decode(got.Encode(text, true), true); a != b {
				t.Errorf("%s: decoded %q, was %q", name, b, a)
			}
		}
	}
}

// A Unigram model whose scores are float32s, as SentencePiece has them, needs no more
// than GGUF's keys.
func TestUnigram(t *testing.T) {
	data, err := os.ReadFile(huggingFace + "xlmr.tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	for _, entry := range m["model"].(map[string]any)["vocab"].([]any) {
		pair := entry.([]any)
		pair[1] = float64(float32(pair[1].(float64)))
	}
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	v, loss, err := gguf.FromJSON(data, tokenizer.Config{BOSToken: "<s>", EOSToken: "</s>", PadToken: "<pad>"}, 0)
	if err != nil || loss != "" || v.HuggingFace != "" || v.Kind != gguf.KindUnigram {
		t.Fatalf("kind %s, embedded %v, loss %q, %v", v.Kind, v.HuggingFace != "", loss, err)
	}
	want, err := tokenizer.Load(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range readJSON[golden](t, "golden.json").Texts {
		if a, b := want.Encode(text, true), got.Encode(text, true); !slices.Equal(a, b) {
			t.Errorf("%q is %v, was %v", text, b, a)
		}
	}
}

// transformers 5 spells spaces as Metaspace; before the first piece alone, which
// llama.cpp does after every special token.
func TestMetaspace(t *testing.T) {
	v, err := gguf.Read(readJSON[map[string]fields](t, "vocabs.json")["spm"])
	if err != nil {
		t.Fatal(err)
	}
	data, err := v.JSON()
	if err != nil {
		t.Fatal(err)
	}
	const loss = "spaces before a text or after a special token are treated otherwise"
	for scheme, c := range map[string]struct {
		loss             string
		prefix, embedded bool
	}{
		"always": {loss, true, true},
		"never":  {"", false, false},
		"first":  {loss, true, true},
	} {
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		m["normalizer"] = nil
		m["pre_tokenizer"] = map[string]any{
			"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false,
		}
		changed, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		v, got, err := gguf.FromJSON(changed, tokenizer.Config{BOSToken: "<s>", EOSToken: "</s>"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.loss || *v.AddSpacePrefix != c.prefix || (v.HuggingFace != "") != c.embedded {
			t.Errorf("%s: loss %q, prefix %v, embedded %v", scheme, got, *v.AddSpacePrefix, v.HuggingFace != "")
		}
	}
}

func TestFromJSONRefuses(t *testing.T) {
	data, err := os.ReadFile(huggingFace + "gpt2.tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, pre := range []map[string]any{
		{"type": "ByteLevel", "add_prefix_space": true},
		{"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"},
		{"type": "Split", "pattern": map[string]any{"Regex": "x"}, "behavior": "Isolated"},
	} {
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		m["pre_tokenizer"] = pre
		changed, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := gguf.FromJSON(changed, tokenizer.Config{}, 0); err == nil || !strings.Contains(err.Error(), "pre_tokenizer") {
			t.Errorf("%v: %v", pre, err)
		}
	}
	if _, _, err := gguf.FromJSON(data, tokenizer.Config{}, 1<<30); err == nil {
		t.Error("a billion tokens were made")
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change fields
		want   string
	}{
		"no tokenizer":  {fields{"tokenizer.ggml.model": nil}, "no tokenizer"},
		"kind":          {fields{"tokenizer.ggml.model": "rwkv"}, `kind "rwkv"`},
		"pre kind":      {fields{"tokenizer.ggml.pre": "unheard-of"}, `pre kind "unheard-of"`},
		"no tokens":     {fields{"tokenizer.ggml.tokens": []any{}}, "tokens"},
		"token type":    {fields{"tokenizer.ggml.tokens": []any{1.0}}, "another type"},
		"types":         {fields{"tokenizer.ggml.token_type": []any{1.0}}, "1 token types"},
		"special":       {fields{"tokenizer.ggml.bos_token_id": 1e6}, "special token 1000000"},
		"merge":         {fields{"tokenizer.ggml.merges": []any{"ab"}}, `merge 0 "ab"`},
		"empty merge":   {fields{"tokenizer.ggml.merges": []any{""}}, "merge 0"},
		"unknown merge": {fields{"tokenizer.ggml.merges": []any{"nowhere found"}}, "nowhere"},
		"scores":        {fields{"tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": []any{1.0}}, "1 scores"},
	} {
		m := readJSON[map[string]fields](t, "vocabs.json")["bpe"]
		maps.Copy(m, c.change)
		v, err := gguf.Read(m)
		if err == nil {
			_, err = v.Load()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one with %q", name, err, c.want)
		}
	}
	long := &gguf.Vocab{
		Kind: gguf.KindSentencePiece, Tokens: []string{strings.Repeat("x", 2000)}, Scores: []float32{0},
		BOS: gguf.None, EOS: gguf.None, Unknown: gguf.None, Padding: gguf.None,
	}
	if _, err := long.Load(); err == nil {
		t.Error("a token of 2000 bytes was taken apart")
	}
}

// FuzzRead: whatever is read gives a tokenizer or an error.
func FuzzRead(f *testing.F) {
	f.Add("gpt2", "llama-bpe", "a\x00b\x00ab", "a b", int8(0))
	f.Add("bert", "", "[PAD]\x00[UNK]\x00▁a\x00b", "", int8(1))
	f.Add("t5", "", "<unk>\x00▁\x00a\x00▁a", "", int8(0))
	f.Add("llama", "", "<unk>\x00▁\x00a\x00▁a", "", int8(1))
	f.Fuzz(func(t *testing.T, kind, pre, tokens, merges string, special int8) {
		v := &gguf.Vocab{
			Kind: kind, Pre: pre, Tokens: strings.Split(tokens, "\x00"), Merges: strings.Split(merges, "\x00"),
			BOS: int(special), EOS: gguf.None, Unknown: int(special), Padding: gguf.None, Charsmap: []byte(pre),
		}
		v.Scores = make([]float32, len(v.Tokens))
		m := fields{}
		v.Write(func(key string, value any) {
			data, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			var plain any
			if err := json.Unmarshal(data, &plain); err != nil {
				t.Fatal(err)
			}
			m[key] = plain
		})
		w, err := gguf.Read(m)
		if err != nil {
			return
		}
		if tok, err := w.Load(); err == nil {
			tok.Encode("a ab\n", true)
		}
	})
}
