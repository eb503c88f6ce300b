package infer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
)

// letters is a vocabulary for the tiny models, of 89 ids: the last ends an answer.
const letters = ` {}[],:"\-0123456789.eEabcdfghijklmnopqrstuvwxyzABCDFGHIJ`

const endToken = 88

func lettersVocabulary() *grammar.Vocabulary {
	tokens := make([][]byte, endToken)
	for i := range len(letters) {
		tokens[i] = []byte{letters[i]}
	}
	for i, s := range []string{`{"`, `":`, `",`, `"}`, "true", "null", "12", `"a`, `, "`} {
		tokens[len(letters)+i] = []byte(s)
	}
	return grammar.NewVocabulary(tokens)
}

func ExampleAllow() {
	logits := []float32{1, 2, 3, 4}
	infer.Allow(logits, []uint64{1 << 1}, []int32{3})
	fmt.Println(logits)
	// Output: [-Inf 2 -Inf 4]
}

// Whatever random weights say, the answer is of the grammar, and the same whatever
// shares the batch.
func TestConstraint(t *testing.T) {
	e := engine(t, load(t, 2), infer.Options{Context: 256, Sequences: 4})
	v := lettersVocabulary()
	g, err := grammar.JSONSchema([]byte(`{"type":"object","properties":{"a":{"enum":["abc","x",12,null]},"b":{"type":"array","items":{"type":"boolean"},"maxItems":2},
		"c":{"type":"string","maxLength":9}},"required":["a","c"]}`), grammar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(seed int) (string, infer.Result, error) {
		m, err := g.Matcher(v)
		if err != nil {
			return "", infer.Result{}, err
		}
		r := infer.Request{
			Prompt: []int32{1, 2, int32(seed)}, Slot: nn.NoAdapter, End: []int32{endToken}, Constraint: m, MaxTokens: 150,
			Sampling: infer.Sampling{Temperature: 1, Seed: uint64(seed), Frequency: 0.5, Bias: map[int32]float32{60: 50, endToken: 80}},
		}
		got, res, err := collect(t.Context(), e, r)
		var text []byte
		for _, id := range got {
			text = append(text, v.Bytes(id)...)
		}
		return string(text), res, err
	}
	texts := make([]string, 16)
	var wg sync.WaitGroup
	for i := range texts {
		wg.Go(func() {
			text, res, err := ask(i)
			if err != nil || res.Finish != infer.FinishStop {
				t.Errorf("request %d: %s: %+v, %v", i, text, res, err)
			}
			var value struct {
				A any
				B []bool
				C *string
			}
			if err := json.Unmarshal([]byte(text), &value); err != nil || value.C == nil || len(*value.C) > 9 || len(value.B) > 2 {
				t.Errorf("request %d: %s: %v", i, text, err)
			}
			texts[i] = text
		})
	}
	wg.Wait()
	for i, want := range texts {
		if alone, _, _ := ask(i); alone != want {
			t.Errorf("request %d alone has %s, in a batch %s", i, alone, want)
		}
	}
	slices.Sort(texts)
	if n := len(slices.Compact(texts)); n < 8 {
		t.Errorf("%d different answers of 16", n)
	}
}

// What may end ends by the end token only there; what is complete ends by itself.
func TestConstraintEnds(t *testing.T) {
	e := engine(t, load(t, 1), infer.Options{Context: 64})
	v := lettersVocabulary()
	for name, c := range map[string]struct {
		g    *grammar.Grammar
		bias map[int32]float32
		want string
		n    int // tokens, the end token included
	}{
		"complete":    {grammar.Literal("12"), map[int32]float32{int32(len(letters)) + 6: 90}, "12", 1},
		"end is said": {grammar.Repeat(grammar.Literal("{"), 2, -1), map[int32]float32{endToken: 100}, "{{", 3},
		"nothing":     {grammar.Literal(""), nil, "", 0},
	} {
		m, err := c.g.Matcher(v)
		if err != nil {
			t.Fatal(err)
		}
		var text []byte
		res, err := e.Generate(t.Context(), infer.Request{
			Prompt: []int32{3}, Slot: nn.NoAdapter, End: []int32{endToken}, Constraint: m, MaxTokens: 9,
			Sampling: infer.Sampling{Bias: c.bias}, Logprobs: true, TopLogprobs: 89,
		}, func(tok infer.Token) error {
			text = append(text, v.Bytes(tok.ID)...)
			var sum float64 // the model's own distribution, of all tokens
			for _, top := range tok.Top {
				sum += math.Exp(top.Logprob)
			}
			if math.Abs(sum-1) > 1e-4 {
				t.Errorf("%s: the probabilities sum to %v", name, sum)
			}
			return nil
		})
		if err != nil || string(text) != c.want || res.Generated != c.n || res.Finish != infer.FinishStop {
			t.Errorf("%s: %q, %+v, %v", name, text, res, err)
		}
	}
}
