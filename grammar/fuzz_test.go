package grammar

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSONSchema holds the compiler to its promise: any bytes are an error that says
// why, or a grammar of which every draw goes on to an end that is JSON.
func FuzzJSONSchema(f *testing.F) {
	for _, s := range []string{
		`{}`, `true`, `false`, `[]`, `{"type":["string","null"],"maxLength":3}`, `{"$ref":"#"}`, `{"anyOf":[{"$ref":"#"},{"const":1}]}`,
		`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, `{"type":"object","properties":{"a":{},"b":{}},"minProperties":1}`,
		`{"patternProperties":{"^a":{},"b$":{"type":"integer"}},"additionalProperties":false}`, `{"prefixItems":[{}],"items":false}`,
		`{"propertyNames":{"maxLength":2},"dependentRequired":{"a":["b"]}}`, `{"dependencies":{"a":{"$ref":"#"}},"propertyNames":{"$ref":"#"}}`,
		`{"enum":["a"],"not":{"$ref":"#"}}`, `{"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"not":{"pattern":"x"}}}`,
		`{"minimum":1e5,"multipleOf":0.01}`, `{"oneOf":[{"type":"string"},{"type":"array","maxItems":1}]}`, `{"allOf":[{"maximum":3},{"enum":[1,5,"x"]}]}`,
		`{"items":{"enum":[1,true,"a"]},"uniqueItems":true}`, `{"contains":{"$ref":"#"},"maxContains":1}`, `{"contains":{"minimum":3},"items":{"$ref":"#"}}`,
		`{"format":"ipv6"}`, `{"pattern":"^(a|b)*$","minLength":4}`, `{"$defs":{"x":{"items":{"$ref":"#/$defs/x"}}},"$ref":"#/$defs/x"}`,
	} {
		f.Add([]byte(s), uint64(1))
	}
	tokens := make([][]byte, 256, 300)
	for b := range tokens {
		tokens[b] = []byte{byte(b)}
	}
	for _, s := range []string{`{"`, `":`, `","`, `"}`, `]]`, `[[`, `12`, `\u00`, `日`, "\n  ", `a"`, `null`} {
		tokens = append(tokens, []byte(s))
	}
	v := NewVocabulary(tokens)
	f.Fuzz(func(t *testing.T, schema []byte, seed uint64) {
		g, err := JSONSchema(schema, Options{Open: seed%2 == 0, Compact: seed%3 == 0})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		m, err := g.Matcher(v)
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		var text []byte
		for range 40 {
			var allowed []int32
			for id := range int32(v.Size()) {
				if m.Mask()[id/64]>>(id%64)&1 != 0 {
					allowed = append(allowed, id)
				}
			}
			if m.Done() && !json.Valid(text) {
				t.Fatalf("%s: done after %q", schema, text)
			}
			if len(allowed) == 0 {
				if !m.Done() {
					t.Fatalf("%s: stuck after %q", schema, text)
				}
				return
			}
			id := allowed[r.IntN(len(allowed))]
			if err := m.Accept(id); err != nil {
				t.Fatalf("%s: %q: %v", schema, text, err)
			}
			text = append(text, v.Bytes(id)...)
		}
	})
}

// FuzzRegex compares with Go's regexp.
func FuzzRegex(f *testing.F) {
	for _, c := range [][2]string{
		{`a+b?`, "aab"},
		{`^(x|yz)*$`, "xyz"},
		{`[^a-c]{2,3}`, "日本"},
		{`(?i)straße`, "STRAßE"},
		{`\d+\.\w`, "1.a"},
		{`[\u4e00-\u9fff]+`, "日"},
		{`^a|b$`, "b"},
		{`$^`, ""},
		{`\p{Lu}\s`, "A "},
		{`a(?=b)`, "a"},
		{`[]`, ""},
		{`[^]`, "\n"},
		{`(a*)*`, "aa"},
		{`x{0,1000}`, "x"},
		{`(^a)+`, "aa"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		g, err := Regex(expr)
		if err != nil {
			return
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\u2028\u2029") {
			return // no text, or one in which . differs
		}
		spelled, err := translate(expr)
		if err != nil {
			t.Fatal(err)
		}
		re, err := regexp.Compile(`\A(?:` + spelled + `)\z`)
		if err != nil {
			return // too large for Go's
		}
		if have, want := g.Matches([]byte(text)), re.MatchString(text); have != want {
			t.Fatalf("%q on %q: %v, Go says %v", expr, text, have, want)
		}
	})
}

// Hostile schemas end in errors, soon.
func TestBounds(t *testing.T) {
	deep := strings.Repeat(`{"items":`, 300) + "{}" + strings.Repeat("}", 300)
	many := `{"anyOf":[` + strings.Repeat(`{"anyOf":[{},{},{},{},{},{},{},{}]},`, 60) + `{}]}`
	product := `{"allOf":[` + strings.Repeat(`{"anyOf":[{"maxItems":1},{"minItems":2},{"minItems":3}]},`, 12) + `{}]}`
	for name, c := range map[string]struct {
		schema string
		want   error // nil: any *SchemaError, or one of the reader
	}{
		"long strings":      {`{"type":"string","minLength":100000000}`, nil},
		"many items":        {`{"type":"array","minItems":1000000000}`, ErrTooLarge},
		"patterns multiply": {`{"type":"string","allOf":[{"pattern":"(a|b)*a.{12}"},{"pattern":"(a|b)*b.{12}"}]}`, ErrTooLarge},
		"pattern explodes":  {`{"type":"string","pattern":"(a|b)*a(a|b){30}$"}`, ErrTooLarge},
		"deep":              {deep, nil},
		"alternatives":      {many, nil},
		"product":           {product, nil},
		"big number":        {`{"maximum":1e999999999}`, nil},
		"loop":              {`{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, nil},
		"twice":             {`{"type":"string","type":"null"}`, nil},
		"cut":               {`{"type":`, nil},
		"repeats":           {`{"pattern":"((a{0,999}){0,999}){0,999}"}`, nil},
	} {
		_, err := JSONSchema([]byte(c.schema), Options{})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
