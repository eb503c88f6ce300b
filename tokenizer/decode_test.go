package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

// randomIDs repeats the generator of generate.py.
func randomIDs(tok *Tokenizer, f func(ids []int32)) {
	state := uint64(1)
	step := func() uint64 {
		state = state*6364136223846793005 + 1442695040888963407
		return state
	}
	for range 300 {
		var ids []int32
		for range 1 + step()>>60 {
			s := step()
			n := uint64(270)
			if s>>62 != 0 {
				n = uint64(tok.VocabSize())
			}
			ids = append(ids, int32(s>>33%n))
		}
		f(ids)
	}
}

func TestDecodeRandomIDs(t *testing.T) {
	var want map[string][2]string
	readJSON(t, "decode.json", &want)
	if len(want) < 20 {
		t.Fatalf("%d tokenizers in decode.json", len(want))
	}
	for name, digests := range want {
		tok := loadFixture(t, name)
		for i, skip := range []bool{false, true} {
			h := sha256.New()
			randomIDs(tok, func(ids []int32) { h.Write([]byte(tok.Decode(ids, skip) + "\n")) })
			if have := hex.EncodeToString(h.Sum(nil)[:8]); have != digests[i] {
				t.Errorf("%s, skip %v: digest %s, want %s", name, skip, have, digests[i])
			}
		}
	}
}

// TestDecoderKeepsCharactersWhole streams: parts must be valid UTF-8 and add
// up to the whole, and a Decoder must be as new after Flush.
func TestDecoderKeepsCharactersWhole(t *testing.T) {
	var cases []fixture
	readJSON(t, "cases.json", &cases)
	for _, name := range []string{"gpt2", "qwen2", "llama2", "gemma", "metaspace", "suffix", "nfd"} {
		tok := loadFixture(t, name)
		d := tok.NewDecoder(true)
		for _, c := range cases {
			text := c.text(t)
			ids := tok.Encode(text[:min(len(text), 2000)], true)
			var out strings.Builder
			for _, id := range ids {
				part := d.Push(id)
				if !utf8.ValidString(part) {
					t.Fatalf("%s: part %q", name, part)
				}
				out.WriteString(part)
			}
			out.WriteString(d.Flush())
			if want := tok.Decode(ids, true); out.String() != want {
				t.Errorf("%s: stream %q, whole %q", name, out.String(), want)
			}
		}
	}
}

func TestDecoderHoldsBack(t *testing.T) {
	for _, c := range []struct {
		name, text string
	}{{"gpt2", "☂"}, {"llama2", "🎠"}, {"qwen2", "漢"}} {
		tok := loadFixture(t, c.name)
		d := tok.NewDecoder(false)
		ids := tok.EncodeOrdinary(c.text)
		if len(ids) < 2 {
			t.Fatalf("%s: %q is %d ids", c.name, c.text, len(ids))
		}
		for i, id := range ids[:len(ids)-1] {
			if s := d.Push(id); s != "" {
				t.Errorf("%s: %q after %d ids of %q", c.name, s, i+1, c.text)
			}
		}
		if s := d.Flush(); !strings.HasPrefix(s, "\ufffd") {
			t.Errorf("%s: cut %q gives %q", c.name, c.text, s)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, name := range []string{"gpt2", "qwen2", "llama2", "gemma"} {
		tok := loadFixture(t, name)
		for _, text := range []string{"a horse", "数据 👍🏽 \x00", "tab\there"} {
			var b []byte
			for _, id := range tok.EncodeOrdinary(text) {
				b = append(b, tok.Bytes(id)...)
			}
			if have := strings.TrimPrefix(string(b), " "); have != text {
				t.Errorf("%s: bytes of %q are %q", name, text, have)
			}
		}
		if b := tok.Bytes(int32(tok.VocabSize())); b != nil {
			t.Errorf("%s: bytes %q of an id past the end", name, b)
		}
	}
	tok := loadFixture(t, "llama2")
	if id, ok := tok.ID("<0xE4>"); !ok || string(tok.Bytes(id)) != "\xe4" {
		t.Errorf("byte token %d stands for %q", id, tok.Bytes(id))
	}
}

// A special token that is kept is spelled out where others are left out.
func TestDecoderKeep(t *testing.T) {
	tok := loadFixture(t, "llama3")
	var special []string
	var ids []int32
	for id := range int32(tok.VocabSize()) {
		if text, ok := tok.Token(id); ok && tok.IsSpecial(id) && len(special) < 2 {
			special, ids = append(special, text), append(ids, id)
		}
	}
	if len(special) != 2 {
		t.Fatalf("special tokens %q", special)
	}
	d := tok.NewDecoder(true)
	d.Keep(special[1], "no token at all")
	var out strings.Builder
	for _, id := range append(ids, tok.EncodeOrdinary("x")...) {
		out.WriteString(d.Push(id))
	}
	if got := out.String() + d.Flush(); got != special[1]+"x" {
		t.Errorf("decoded %q, want %q", got, special[1]+"x")
	}
}
