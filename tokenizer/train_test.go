package tokenizer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type modelJSON struct {
	Model struct {
		Vocab  map[string]int
		Merges [][2]string
	}
}

func TestTrainEqualsHuggingFace(t *testing.T) {
	var lines []string
	readJSON(t, "lines.json", &lines)
	file, err := Train(t.Context(), slices.Values(lines), TrainConfig{VocabSize: 700})
	if err != nil {
		t.Fatal(err)
	}
	var have, want modelJSON
	if err := json.Unmarshal(file, &have); err != nil {
		t.Fatal(err)
	}
	readJSON(t, "qwen2.tokenizer.json", &want)
	for i, m := range want.Model.Merges {
		if i >= len(have.Model.Merges) || have.Model.Merges[i] != m {
			t.Fatalf("merge %d: have %q, want %q", i, have.Model.Merges[i], m)
		}
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("%d merges and %d tokens, want %d and %d", len(have.Model.Merges), len(have.Model.Vocab),
			len(want.Model.Merges), len(want.Model.Vocab))
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	var lines []string
	readJSON(t, "lines.json", &lines)
	specials := []string{"<|endoftext|>", "<|im_start|>"}
	var first []byte
	for _, threads := range []int{1, 2, 7} {
		for range 2 {
			file, err := Train(t.Context(), slices.Values(lines),
				TrainConfig{VocabSize: 500, SpecialTokens: specials, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = file
			}
			if !bytes.Equal(file, first) {
				t.Fatalf("%d threads: another file", threads)
			}
		}
		slices.Reverse(lines)
	}
	tok, err := Load(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != 500 {
		t.Errorf("vocabulary of %d tokens, want 500", tok.VocabSize())
	}
	for i, s := range specials {
		if id, ok := tok.ID(s); !ok || int(id) != 498+i || !tok.IsSpecial(id) {
			t.Errorf("%s has the id %d", s, id)
		}
	}
	for _, line := range lines {
		ids := tok.Encode(line, true)
		if text := tok.Decode(ids, false); text != (normalForm{compose: true}).normalize(piece{s: line}).s {
			t.Errorf("round trip of %q: %q", line, text)
		}
	}
}

func TestTrainStops(t *testing.T) {
	docs := slices.Values([]string{"abab abab", strings.Repeat("x", 5000)})
	file, err := Train(t.Context(), docs, TrainConfig{VocabSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Load(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	// ab and abab occur twice or more; x x is in a piece that is too long.
	if tok.VocabSize() != 258 {
		t.Errorf("%d tokens, want 258", tok.VocabSize())
	}
	for _, c := range []struct {
		want string
		docs []string
		c    TrainConfig
	}{
		{"no text", nil, TrainConfig{VocabSize: 300}},
		{"256", []string{"a"}, TrainConfig{VocabSize: 100}},
		{"over", []string{"a"}, TrainConfig{VocabSize: 1 << 30}},
		{"negative", []string{"a"}, TrainConfig{VocabSize: 300, Threads: -1}},
		{"twice", []string{"a"}, TrainConfig{VocabSize: 300, SpecialTokens: []string{"<a>", "<a>"}}},
		{"0 bytes", []string{"a"}, TrainConfig{VocabSize: 300, SpecialTokens: []string{""}}},
		{"UTF-8", []string{"a"}, TrainConfig{VocabSize: 300, SpecialTokens: []string{"\xff"}}},
		{"learned", []string{"ab ab ab"}, TrainConfig{VocabSize: 300, SpecialTokens: []string{"ab"}}},
	} {
		if _, err := Train(t.Context(), slices.Values(c.docs), c.c); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.c, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, docs, TrainConfig{VocabSize: 300}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func ExampleTrain() {
	docs := slices.Values([]string{"a horse, a horse", "my kingdom for a horse"})
	file, err := Train(context.Background(), docs, TrainConfig{VocabSize: 262, SpecialTokens: []string{"<|endoftext|>"}})
	if err != nil {
		panic(err)
	}
	t, err := Load(bytes.NewReader(file))
	if err != nil {
		panic(err)
	}
	for _, id := range t.Encode("horse", true) {
		fmt.Printf("%s ", t.Bytes(id))
	}
	fmt.Println(t.VocabSize())
	// Output: hor se 262
}
