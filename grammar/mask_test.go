package grammar_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	`{"type":"array","items":{"enum":["a","abc",12,true,null]},"uniqueItems":true,"minItems":2}`,
	`{"type":"array","items":{"type":["integer","null"]},"contains":{"minimum":12},"maxContains":2,"minItems":2}`,
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
		allowed := allowedAt(t, m, v, text)
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

// allowedAt returns the tokens of the mask after a text, which are those that are taken.
func allowedAt(t *testing.T, m *grammar.Matcher, v *grammar.Vocabulary, text []byte) []int32 {
	t.Helper()
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
	return allowed
}

// Masks are shared between the counts of a repeat: near its ends and far from them, with
// tokens shorter and longer than what is left, they are those of each place alone.
func TestMaskCounts(t *testing.T) {
	schemas := []string{
		`{"type":"string","minLength":18,"maxLength":40}`, `{"type":"string","maxLength":19,"pattern":"^(ab|[c日]){0,}$"}`,
		`{"type":"array","items":{"enum":["a","ab"]},"minItems":2,"maxItems":9}`, `{"type":"array","items":{"type":"string","maxLength":3},"maxItems":20}`,
		`{"type":"object","additionalProperties":{"enum":[1,2]},"propertyNames":{"maxLength":3},"maxProperties":6}`,
		// Numbers that go on in the same way, and end in others.
		`{"type":"array","items":{"enum":[1,11,111,2,211]},"minItems":3,"maxItems":6}`,
		// Without a token for z, one way on is closed that begins as those that are open.
		fmt.Sprintf(`{"type":"array","items":{"enum":["a1%[1]sx","a2%[1]sx","b1%[1]sx","b2%[1]sz"]},"minItems":3}`, strings.Repeat("c", 20)),
	}
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	exprs := []string{`[^\n]{1,200}`, `.{0,36}x`, `(a|b){20}c`}
	for range 12 {
		var expr strings.Builder
		for range 1 + r.IntN(2) {
			least := r.IntN(20)
			_, _ = fmt.Fprintf(&expr, "%s{%d,%d}%s", pick(`[^\n]`, `.`, `[a-c]`, `(ab|c)`, `[日本é]`, `(a[^"]b?)`), least, least+r.IntN(30), pick("", "", "b", `"`, "日?"))
		}
		exprs = append(exprs, expr.String())
	}
	var grammars []*grammar.Grammar
	for _, schema := range schemas {
		g, err := grammar.JSONSchema([]byte(schema), grammar.Options{})
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		grammars = append(grammars, g)
	}
	for _, expr := range exprs {
		g, err := grammar.Regex(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		grammars = append(grammars, g)
	}
	places := 0
	for _, v := range []*grammar.Vocabulary{longVocabulary(r, false), longVocabulary(r, true).WithoutFirstSpace()} {
		for _, g := range grammars {
			for seed := range uint64(6) {
				places += follow(t, g, v, rand.New(rand.NewPCG(seed, 5)))
			}
		}
	}
	t.Logf("%d places", places)
}

// follow compares the masks along a text that goes on for as long as it can, within some
// tokens. It returns how many there were.
func follow(t *testing.T, g *grammar.Grammar, v *grammar.Vocabulary, r *rand.Rand) int {
	t.Helper()
	m, err := g.Matcher(v)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for i := range 50 {
		allowed := allowedAt(t, m, v, text)
		if len(allowed) == 0 {
			return i
		}
		id := allowed[r.IntN(len(allowed))]
		if err := m.Accept(id); err != nil {
			t.Fatal(err)
		}
		text = append(text, v.Bytes(id)...)
	}
	return 50
}

// longVocabulary has tokens of up to 90 bytes over a few characters, and of the single
// bytes either all or those that the characters need.
func longVocabulary(r *rand.Rand, lacks bool) *grammar.Vocabulary {
	letters := []string{"a", "b", "c", "ab", "a", "日", "本", "é", `"`, `","`, " ", "x", "\n", "[", "]", "{", "}", ":", ",", "1", "2"}
	var tokens [][]byte
	for b := range 256 {
		if !lacks || strings.IndexByte(strings.Join(letters, ""), byte(b)) >= 0 {
			tokens = append(tokens, []byte{byte(b)})
		}
	}
	for i := range 150 {
		from := letters[:[]int{3, 5, 8, 10, len(letters)}[i%5]]
		var text string
		for most := 1 + r.IntN([]int{6, 20, 40, 90}[i%4]); len(text) < most; {
			text += from[r.IntN(len(from))]
		}
		tokens = append(tokens, []byte(text[r.IntN(2):])) // perhaps from within a character
		if i%7 == 0 {
			tokens = append(tokens, []byte(" "+text))
		}
	}
	for _, text := range []string{"1,", "1]", "1,1", ",1,1,1", ",11,1", `,"a","ab"`, `"a","a","a","a"`} {
		tokens = append(tokens, []byte(text))
	}
	return grammar.NewVocabulary(tokens)
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
