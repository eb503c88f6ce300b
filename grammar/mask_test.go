package grammar_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/troikaml/troika/grammar"
)

// vocabulary has all bytes, and words with pieces of JSON and of characters.
func vocabulary() *grammar.Vocabulary {
	tokens := [][]byte{nil, {}}
	for b := range 256 {
		tokens = append(tokens, []byte{byte(b)})
	}
	for _, s := range []string{
		`{"`, `":`, `": `, `","`, `", "`, `"}`, `"]`, `"},`, `}}`, `]}`, `]]`, `[[`, `[]`, `{}`, `null`, `true`, ` true`, `false`, `12`, `-1`, `0.`, `.5`,
		`1,`, `1]`, `e+`, `\"`, `\u00`, `\\`, `abc`, `a"`, `b",`, `name`, ` name`, `"name`, `"name":`, "\n", "\n  ", "  ", " \"", "日", "\xe6\x97", "\xa5本", "a日\xe6",
		`2024`, `-01-`, `:00`, `T12:`, `abc`, `{"name":"a","b":[1,2]}`, `,"`, `,`, `<call>`, `</call>`,
	} {
		tokens = append(tokens, []byte(s))
	}
	return grammar.NewVocabulary(tokens)
}

var walked = []string{
	`{}`,
	`{"type":"object","properties":{"name":{"type":"string"},"b":{"type":"array","items":{"type":"integer"},"maxItems":4},"c":{"type":"boolean"}},"required":["b"]}`,
	`{"type":"object","properties":{"name":{"type":"string","maxLength":4},"date":{"format":"date","type":"string"}},"required":["name","date"]}`,
	`{"$defs":{"node":{"type":"object","properties":{"name":{"enum":["a","abc","日本"]},"next":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/node"}]}},"required":["name","next"]}},"$ref":"#/$defs/node"}`,
	`{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]},{"type":"object","properties":{"a":{"$ref":"#"},"b":{"const":1}},"required":["a","b"]},{"type":"null"}]}`,
	`{"type":"number","minimum":-12.5,"exclusiveMaximum":2024}`,
	`{"type":"object","patternProperties":{"^a":{"type":"integer"},"c$":{"minimum":3}},"additionalProperties":{"type":"null"},"maxProperties":3}`,
	`{"type":["integer","null","array"],"items":{"pattern":"^[^a]*$"}}`,
}

// TestMask compares masks with what the matcher takes token by token, along texts drawn
// from the masks, and holds what comes out to the schema.
func TestMask(t *testing.T) {
	v := vocabulary()
	draws := uint64(20)
	if testing.Short() {
		draws = 4
	}
	for _, schema := range walked {
		g, err := grammar.JSONSchema([]byte(schema), grammar.Options{})
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		valid, err := s.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range draws {
			text, done := draw(t, g, v, seed, 60)
			if !done {
				continue
			}
			var value any
			if err := json.Unmarshal(text, &value); err != nil {
				t.Errorf("%s: %s: %v", schema, text, err)
			} else if err := valid.Validate(value); err != nil {
				t.Errorf("%s: %s: %v", schema, text, err)
			}
		}
	}
}

// draw draws a text and reports whether it came to an end within some tokens.
func draw(t *testing.T, g *grammar.Grammar, v *grammar.Vocabulary, seed uint64, tokens int) ([]byte, bool) {
	t.Helper()
	m, err := g.Matcher(v)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	var text []byte
	for range tokens {
		mask := m.Mask()
		var allowed []int32
		for id := range int32(v.Size()) {
			in := mask[id/64]>>(id%64)&1 != 0
			if in {
				allowed = append(allowed, id)
			}
			if err := m.Clone().Accept(id); (err == nil) != in {
				t.Fatalf("after %q: token %q is in the mask: %v, but: %v", text, v.Bytes(id), in, err)
			}
		}
		if m.Done() && (len(allowed) == 0 || r.IntN(4) == 0) {
			return text, true
		}
		if len(allowed) == 0 {
			t.Fatalf("after %q: nothing is allowed, and the text may not end", text)
		}
		id := allowed[r.IntN(len(allowed))]
		if err := m.Accept(id); err != nil {
			t.Fatal(err)
		}
		text = append(text, v.Bytes(id)...)
	}
	return text, false
}

// The first token says what it says without its space.
func TestFirstSpace(t *testing.T) {
	v := vocabulary().WithoutFirstSpace()
	for _, c := range []struct {
		g    *grammar.Grammar
		want string
	}{{grammar.Enum("true", "name"), ` true`}, {grammar.Literal(` "a`), ` "`}, {grammar.Literal(`  name`), "  "}} {
		m, err := c.g.Matcher(v)
		if err != nil {
			t.Fatal(err)
		}
		for id := range int32(v.Size()) {
			in := m.Mask()[id/64]>>(id%64)&1 != 0
			if err := m.Clone().Accept(id); (err == nil) != in {
				t.Errorf("%s: %q is in the mask: %v, but: %v", c.want, v.Bytes(id), in, err)
			}
			if string(v.Bytes(id)) == c.want && in == (c.want == ` "`) {
				t.Errorf("%q as the first token: %v", c.want, in)
			}
			if string(v.Bytes(id)) == " " && in {
				t.Error("a space that says nothing is allowed")
			}
		}
	}
}

// Tokenizers that lack bytes are led along those that they have.
func TestStuck(t *testing.T) {
	var tokens [][]byte
	for _, s := range []string{"{", "}", `"`, ":", "a", "b", "1", "日", `"日`, "日本", " "} {
		tokens = append(tokens, []byte(s))
	}
	v := grammar.NewVocabulary(tokens)
	g, err := grammar.JSONSchema([]byte(`{"type":"object","properties":{"ab":{"enum":["日本","日","c1","1b"]}},"required":["ab"]}`), grammar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(10) {
		if text, done := draw(t, g, v, seed, 100); !done {
			t.Errorf("%s does not end", text)
		}
	}
	if _, err := grammar.Literal("abc").Matcher(v); !errors.Is(err, grammar.ErrStuck) {
		t.Errorf("a text that cannot be spelled: %v", err)
	}
}
