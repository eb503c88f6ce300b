package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/troikaml/troika"
)

const tinyModel = `{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}`

// tiny returns a small tokenizer.json with some parts replaced; "" removes one.
func tiny(parts map[string]string) string {
	all := map[string]string{"version": `"1.0"`, "model": tinyModel}
	maps.Copy(all, parts)
	var out []string
	for name, value := range all {
		if value != "" {
			out = append(out, fmt.Sprintf("%q: %s", name, value))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func TestLoadTiny(t *testing.T) {
	text := tiny(nil)
	tok, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	// A character without a token vanishes, and its neighbours meet.
	if ids := tok.Encode("abaxb", false); fmt.Sprint(ids) != "[2 2]" {
		t.Errorf("ids %v", ids)
	}
	// Hugging Face's decoding without a decoder puts spaces between tokens.
	if s := tok.Decode([]int32{2, 7, 0}, false); s != "ab a" {
		t.Errorf("decoded %q", s)
	}
	if tok.Hash() != troika.Sum([]byte(text)) {
		t.Errorf("hash %s", tok.Hash())
	}
	if s, ok := tok.Token(2); !ok || s != "ab" {
		t.Errorf("token 2 is %q", s)
	}
	for _, id := range []int32{-1, 3, 1 << 30} {
		if s, ok := tok.Token(id); ok || tok.IsSpecial(id) || tok.Bytes(id) != nil {
			t.Errorf("id %d is %q", id, s)
		}
	}
	if _, ok := tok.ID("c"); ok {
		t.Error("c has an id")
	}
}

func TestLoadFaults(t *testing.T) {
	model := func(s string) string { return tiny(map[string]string{"model": s}) }
	part := func(name, s string) string { return tiny(map[string]string{name: s}) }
	pre := func(s string) string { return part("pre_tokenizer", s) }
	regex := func(s string) string {
		b, _ := json.Marshal(s)
		return pre(`{"type": "Split", "pattern": {"Regex": ` + string(b) + `}, "behavior": "Isolated", "invert": false}`)
	}
	deep := func(n int) string {
		return strings.Repeat(`{"type": "Sequence", "normalizers": [`, n) + strings.Repeat("]}", n)
	}
	for _, c := range []struct{ want, text string }{
		{"unexpected end", ""},
		{"unexpected end", "{"},
		{"unexpected end", tiny(nil)[:60]},
		{"want '{'", "[]"},
		{"after the end", tiny(nil) + "x"},
		{"UTF-8", "{\"\xff\": 1}"},
		{"no model", tiny(map[string]string{"model": ""})},
		{"model is there twice", `{"model": ` + tinyModel + `, "model": ` + tinyModel + `}`},
		{"version \"2.0\"", part("version", `"2.0"`)},
		{"version", part("version", `2`)},
		{`type "WordLevel" is not supported`, model(`{"type": "WordLevel", "vocab": {}, "unk_token": "a"}`)},
		{`unk_id is missing`, model(`{"type": "Unigram", "vocab": [["a", -1.5]]}`)},
		{`unk_id 1 is not in the vocabulary of 1 tokens`, model(`{"type": "Unigram", "unk_id": 1, "vocab": [["a", -1.5]]}`)},
		{`vocab[0]: `, model(`{"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}`)},
		{`vocab[1]: `, model(`{"type": "Unigram", "unk_id": 0, "vocab": [["a", 1], ["b", "x"]]}`)},
		{`vocab is not that of a Unigram model`, model(`{"type": "Unigram", "unk_id": 0, "vocab": {"a": 0}}`)},
		{`vocab is not that of a BPE model`, model(`{"type": "BPE", "merges": [], "vocab": [["a", -1.5]]}`)},
		{`unk_token "[UNK]" is not in the vocabulary`, model(`{"type": "WordPiece", "vocab": {"a": 0}}`)},
		{`max_input_chars_per_word -1 is negative`, model(`{"type": "WordPiece", "max_input_chars_per_word": -1, "vocab": {"[UNK]": 0}}`)},
		{"vocab is missing", model(`{"type": "BPE", "merges": []}`)},
		{"merges is missing", model(`{"type": "BPE", "vocab": {}}`)},
		{"vocab is there twice", model(`{"vocab": {}, "vocab": {}, "merges": []}`)},
		{"merges is there twice", model(`{"vocab": {}, "merges": [], "merges": []}`)},
		{"dropout 0.1", model(`{"dropout": 0.1, "vocab": {}, "merges": []}`)},
		{`unk_token "u"`, model(`{"unk_token": "u", "vocab": {}, "merges": []}`)},
		{`"ab" is not in the vocabulary`, model(`{"vocab": {"a": 0, "b": 1}, "merges": ["a b"]}`)},
		{`merges[0]: "a" + "c"`, model(`{"vocab": {"a": 0, "b": 1}, "merges": [["a", "c"]]}`)},
		{`none makes the token "ab" (id 2), such as "a" + "b"`, model(`{"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": []}`)},
		{"merges[0]", model(`{"vocab": {"a": 0}, "merges": ["aa"]}`)},
		{"merges[0]", model(`{"vocab": {"a": 0}, "merges": ["a a a"]}`)},
		{"a merge of 3 tokens", model(`{"vocab": {"a": 0}, "merges": [["a", "a", "a"]]}`)},
		{"want '\"'", model(`{"vocab": {"a": 0}, "merges": [7]}`)},
		{`does not start with "##"`, model(`{"continuing_subword_prefix": "##", "vocab": {"a": 0}, "merges": ["a a"]}`)},
		{`tokens "a" and "b" share the id 0`, model(`{"vocab": {"a": 0, "b": 0}, "merges": []}`)},
		{`token "a" has the ids 0 and 1`, model(`{"vocab": {"a": 0, "a": 1}, "merges": []}`)},
		{"non-negative", model(`{"vocab": {"a": -1}, "merges": []}`)},
		{"non-negative", model(`{"vocab": {"a": "0"}, "merges": []}`)},
		{"9 digits", model(`{"vocab": {"a": 99999999999999999999}, "merges": []}`)},
		{"is over", model(`{"vocab": {"a": 999999999}, "merges": []}`)},
		{"surrogate", model(`{"vocab": {"\ud800": 0}, "merges": []}`)},
		{"surrogate", model(`{"vocab": {"\ud800\u0041": 0}, "merges": []}`)},
		{"escape", model(`{"vocab": {"\x": 0}, "merges": []}`)},
		{"hexadecimal", model(`{"vocab": {"\u00g0": 0}, "merges": []}`)},
		{"control character", model("{\"vocab\": {\"\n\": 0}, \"merges\": []}")},
		{"control character", model("{\"vocab\": {\"\\n\n\": 0}, \"merges\": []}")},
		{"deeper", part("normalizer", deep(100))},
		{"deeper", part("unknown", strings.Repeat("[", 1000)+strings.Repeat("]", 1000))},
		{`precompiled_charsmap is missing`, part("normalizer", `{"type": "Precompiled"}`)},
		{`normalizers[1]: type ""`, part("normalizer", `{"type": "Sequence", "normalizers": [{"type": "NFC"}, {}]}`)},
		{"normalizer: pattern", part("normalizer", `{"type": "Replace", "content": "x"}`)},
		{"empty string", part("normalizer", `{"type": "Replace", "pattern": {"String": ""}, "content": "x"}`)},
		{`pre_tokenizer: type "UnicodeScripts"`, pre(`{"type": "UnicodeScripts"}`)},
		{"pretokenizers[0]", pre(`{"type": "Sequence", "pretokenizers": [{"type": "x"}]}`)},
		{"add_prefix_space is missing", pre(`{"type": "ByteLevel"}`)},
		{"behavior", pre(`{"type": "Split", "pattern": {"String": "x"}, "behavior": "x", "invert": false}`)},
		{"prepend_scheme", pre(`{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "x"}`)},
		{"does not match", pre(`{"type": "Metaspace", "replacement": "▁", "add_prefix_space": false}`)},
		{"one character", pre(`{"type": "Metaspace", "replacement": "ab"}`)},
		{"one character", pre(`{"type": "CharDelimiterSplit", "delimiter": ""}`)},
		{"not positive", pre(`{"type": "FixedLength", "length": 0}`)},
		{`"(?=" is not supported`, regex(`a(?=b)`)},
		{`"(?<!" is not supported`, regex(`(?<!x)a`)},
		{`regular expression "a(?!b)c"`, regex(`a(?!b)c`)},
		{"back-reference", regex(`(a)\1`)},
		{"possessive", regex(`a++b`)},
		{"anchor", regex(`^a`)},
		{"within classes", regex(`[a[b]]`)},
		{"intersection", regex(`[a&&b]`)},
		{"empty string", regex(`a*`)},
		{`escape "\\b"`, regex(`\ba`)},
		{"Go cannot run it", regex(`(a`)},
		{"Go cannot run it", regex(`\p{Nonsense}`)},
		{"longer than", regex(strings.Repeat("a", 20000))},
		{`post_processor: type "x"`, part("post_processor", `{"type": "x"}`)},
		{"cls or sep", part("post_processor", `{"type": "BertProcessing", "sep": ["a", 0]}`)},
		{"post_processor", part("post_processor", `{"type": "BertProcessing", "sep": ["a"], "cls": ["a", 0]}`)},
		{"id 9, which has no token", part("post_processor", `{"type": "BertProcessing", "sep": ["a", 0], "cls": ["a", 9]}`)},
		{"not among special_tokens", part("post_processor",
			`{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}], "special_tokens": {}}`)},
		{`sequence "B"`, part("post_processor",
			`{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {}}`)},
		{"single[0]", part("post_processor", `{"type": "TemplateProcessing", "single": [{}], "special_tokens": {}}`)},
		{"a second processor", part("post_processor", `{"type": "Sequence", "processors": [
			{"type": "BertProcessing", "sep": ["a", 0], "cls": ["a", 0]},
			{"type": "BertProcessing", "sep": ["a", 0], "cls": ["a", 0]}]}`)},
		{`decoder: type "CTC"`, part("decoder", `{"type": "CTC"}`)},
		{"decoders[0]", part("decoder", `{"type": "Sequence", "decoders": [{"type": "x"}]}`)},
		{"strip", part("decoder", `{"type": "Strip", "content": "", "start": 1, "stop": 0}`)},
		{"added_tokens", part("added_tokens", `{"a": 1}`)},
		{"added_tokens[0]", part("added_tokens", `[{"content": "`+strings.Repeat("x", maxAddedToken+1)+`"}]`)},
		{"empty after normalization", tiny(map[string]string{
			"normalizer":   `{"type": "Strip", "strip_left": true, "strip_right": true}`,
			"added_tokens": `[{"content": " ", "normalized": true}]`,
		})},
		{"the same text", tiny(map[string]string{
			"normalizer":   `{"type": "Lowercase"}`,
			"added_tokens": `[{"content": "X", "normalized": true}, {"content": "x", "normalized": true}]`,
		})},
	} {
		_, err := Load(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "load tokenizer: ") {
			t.Errorf("%.200s:\nhave %v\nwant %s", c.text, err, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := Load(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

// TestLoadCut cuts a real file at many places: each is an error, none a panic.
func TestLoadCut(t *testing.T) {
	for _, name := range []string{"qwen2", "llama2"} {
		file := bytes.TrimSpace(fixtureJSON(t, name))
		for n := 0; n < len(file); n += 37 {
			if _, err := load(file[:n]); err == nil {
				t.Fatalf("%s: %d of %d bytes load", name, n, len(file))
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	// Small files mutate better than real ones: the components of every
	// fixture, around a model of three tokens.
	f.Add([]byte(tiny(nil)))
	for _, name := range []string{
		"qwen2", "llama2", "gemma", "llama3", "lower", "behaviors", "roberta", "deepseek", "falcon",
		"accents", "first", "metaspace", "whitespace", "suffix",
	} {
		var parts map[string]json.RawMessage
		if err := json.Unmarshal(fixtureJSON(f, name), &parts); err != nil {
			f.Fatal(err)
		}
		text := map[string]string{}
		for key, value := range parts {
			if key != "post_processor" {
				text[key] = string(value)
			}
		}
		text["model"] = `{"type": "BPE", "unk_token": "a", "fuse_unk": true, "byte_fallback": true,
			"vocab": {"a": 0, "b": 1, "ab": 2, "▁": 3, "<0xFF>": 4}, "merges": [["a", "b"]]}`
		f.Add([]byte(tiny(text)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		tok, err := Load(bytes.NewReader(data))
		if err != nil {
			return
		}
		ids := tok.Encode(" ab\xffé<s> 12\n", true)
		_ = tok.Decode(ids, false)
		for _, id := range ids {
			if _, ok := tok.Token(id); !ok || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d of %d has no token", id, tok.VocabSize())
			}
			_ = tok.Bytes(id)
		}
	})
}
