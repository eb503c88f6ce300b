package grammar_test

import (
	"testing"

	"github.com/troikaml/troika/grammar"
)

func TestSchemaTexts(t *testing.T) {
	for _, c := range []struct {
		schema  string
		yes, no []string
	}{
		{`{}`, []string{`null`, `{"a":[1,2.5e3,{"b":"c\u00e9"}]}`, `[]`, `{}`, `[ 1, 2]`, "{\n  \"a\": 1\n}"}, []string{``, `{`, `[1,]`, `"\ud800"`, `01`}},
		{
			`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}`,
			[]string{`{"a":1}`, `{"a":-12,"b":"x"}`, `{ "a": 1, "b": "" }`},
			[]string{`{}`, `{"b":"x"}`, `{"b":"x","a":1}`, `{"a":1,"c":2}`, `{"a":1.5}`, `{"a":1,}`},
		},
		{`{"type":"integer","minimum":-5,"exclusiveMaximum":120}`, []string{"-5", "0", "119", "9"}, []string{"-6", "120", "-0", "1.0", "1000"}},
		{`{"type":"number","minimum":-1.25,"maximum":3.5}`, []string{"-1.25", "-1.2", "0", "3.5", "3.50", "0.001", "-0.5"}, []string{"-1.26", "3.51", "4", "-2", "-0"}},
		{`{"type":"number","multipleOf":0.25}`, []string{"1", "1.5", "-0.75", "1.25"}, []string{"1.3", "1.255"}},
		{`{"type":"string","minLength":2,"maxLength":3}`, []string{`"ab"`, `"日本語"`, `"\n\\\""`}, []string{`"a"`, `"abcd"`}},
		{`{"type":"string","pattern":"^[a-c]+$"}`, []string{`"abc"`}, []string{`""`, `"abd"`}},
		{`{"pattern":"b|^c"}`, []string{`"abd"`, `"cd"`, `1`}, []string{`"dc"`}},
		{`{"type":"array","items":{"$ref":"#"},"maxItems":2}`, []string{`[]`, `[[],[[]]]`}, []string{`[[],[],[]]`, `[1]`}},
		{`{"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"string"},"minItems":1}`, []string{`[1]`, `[1,"a","b"]`}, []string{`[]`, `["a"]`, `[1,2]`}},
		{
			`{"type":"array","items":{"enum":["a","b",1,1.0]},"uniqueItems":true,"minItems":1}`,
			[]string{`["a"]`, `["b","a"]`, `[1, "a", "b"]`},
			[]string{`[]`, `["a","a"]`, `[1,1]`, `["a","b",1,"a"]`, `["c"]`},
		},
		{
			`{"type":"array","prefixItems":[{"type":"boolean"}],"items":{"anyOf":[{"type":"null"},{"const":true}]},"uniqueItems":true,"maxItems":2}`,
			[]string{`[]`, `[true,null]`, `[false,true]`},
			[]string{`[true,true]`, `[null]`, `[false,false]`, `[false,true,null]`},
		},
		{
			`{"type":"array","items":{"enum":[1,2,3,4]},"uniqueItems":true,"contains":{"minimum":3},"maxContains":1}`,
			[]string{`[3]`, `[1,4,2]`},
			[]string{`[]`, `[1,2]`, `[3,4]`, `[4,4]`},
		},
		{`{"type":"array","uniqueItems":true,"maxItems":1}`, []string{`[]`, `[{}]`}, []string{`[1,2]`}},
		{
			`{"type":"array","items":{"type":"integer"},"contains":{"minimum":5},"minContains":2,"maxItems":4}`,
			[]string{`[5,6]`, `[1,5,2,7]`, `[5,5,5,5]`},
			[]string{`[]`, `[5]`, `[1,2,5]`, `[5,6,"a"]`, `[1,2,3,5,6]`},
		},
		{
			`{"type":"array","contains":{"type":"object","properties":{"a":{"const":1}},"required":["a"]}}`,
			[]string{`[{"a":1}]`, `[1, [], {"a":1}, {"a":2}]`},
			[]string{`[]`, `[{"a":2}]`, `[1,"a"]`},
		},
		{`{"type":"array","contains":{"type":"null"},"minContains":0,"maxContains":1}`, []string{`[]`, `[1]`, `[1,null,"a"]`}, []string{`[null,null]`, `[null,1,null]`}},
		{`{"enum":[[1],[1,2],[2,2]],"contains":{"const":2},"maxContains":1}`, []string{`[1,2]`}, []string{`[1]`, `[2,2]`}},
		{`{"type":"string","format":"date"}`, []string{`"2024-02-29"`}, []string{`"2023-02-29"`, `"2024-13-01"`}},
		{`{"enum":["a",1,null,{"x":[1.0]}]}`, []string{`"a"`, `1`, `null`, `{"x":[1]}`}, []string{`"b"`, `2`}},
		{
			`{"type":"object","propertyNames":{"$ref":"#/$defs/color"},"additionalProperties":{"type":"integer"},"$defs":{"color":{"type":"string","enum":["red","blue"]}}}`,
			[]string{`{}`, `{"blue":1}`, `{"red":1,"blue":2}`},
			[]string{`{"green":1}`, `{"red":"x"}`, `{"red":1,"red":2}`},
		},
		{`{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"integer"}}`, []string{`{}`, `{"any":1,"more":2}`}, []string{`{"any":"x"}`}},
		{
			`{"type":"object","propertyNames":{"pattern":"^[a-z]+$","maxLength":3},"minProperties":0}`,
			[]string{`{}`, `{"abc":[],"a":1}`},
			[]string{`{"abcd":1}`, `{"A":1}`, `{"":1}`},
		},
		{
			`{"type":"object","properties":{"card":{"type":"integer"},"address":{"type":"string"}},"dependentRequired":{"card":["address"]}}`,
			[]string{`{}`, `{"address":"x"}`, `{"card":1,"address":"x"}`},
			[]string{`{"card":1}`, `{"other":1}`},
		},
		{
			`{"properties":{"a":{},"b":{}},"dependentSchemas":{"a":{"properties":{"b":{"type":"null"}}}},"additionalProperties":false}`,
			[]string{`{"b":1}`, `{"a":1}`, `{"a":1,"b":null}`, `3`},
			[]string{`{"a":1,"b":1}`, `{"c":1}`},
		},
		{`{"dependentRequired":{"a":["b"]},"properties":{"a":{},"b":false},"type":"object"}`, []string{`{}`}, []string{`{"a":1}`, `{"a":1,"b":1}`}},
		{`{"enum":[{"a":1},{"a":1,"b":2},{"bb":1}],"propertyNames":{"maxLength":1},"dependencies":{"a":["b"]}}`, []string{`{"a":1,"b":2}`}, []string{`{"a":1}`, `{"bb":1}`}},
		{
			`{"type":"object","properties":{"country":{"enum":["US","DE","FR"]},"zip":{"type":"string"}},"required":["country"],
			"if":{"properties":{"country":{"const":"US"}}},"then":{"required":["zip"]},"else":{"properties":{"zip":{"pattern":"^x"}}}}`,
			[]string{`{"country":"US","zip":"1"}`, `{"country":"DE"}`, `{"country":"FR","zip":"x1"}`},
			[]string{`{"country":"US"}`, `{"country":"DE","zip":"1"}`, `{}`},
		},
		{
			`{"type":"object","properties":{"kind":{"type":"string"},"n":{"type":"integer"}},"required":["kind"],
			"if":{"properties":{"kind":{"enum":["a","b"]}},"required":["kind"]},"then":{"required":["n"]}}`,
			[]string{`{"kind":"a","n":1}`, `{"kind":"c"}`, `{"kind":"ab"}`},
			[]string{`{"kind":"a"}`, `{"kind":"b"}`},
		},
		{`{"type":["integer","string","null"],"not":{"enum":[3,"x",null]}}`, []string{`2`, `4`, `-3`, `30`, `"y"`, `"xx"`, `""`}, []string{`3`, `"x"`, `null`, `3.5`}},
		{`{"type":"number","not":{"minimum":1,"maximum":2}}`, []string{`0.5`, `2.5`}, []string{`1`, `1.5`, `2`}},
		{`{"not":{"anyOf":[{"type":"object"},{"const":true},{"not":{"not":{"pattern":"^a"}}}]}}`, []string{`"b"`, `""`}, []string{`{}`, `true`, `"ab"`, `1`}},
		{`{"type":["string","array"],"not":{"maxLength":2,"maxItems":1}}`, []string{`"abc"`, `[1,2]`}, []string{`"ab"`, `[1]`, `1`}},
		{`{"anyOf":[{"type":"null"},{"type":"string","not":{"pattern":""}}]}`, []string{`null`}, []string{`"a"`, `""`}},
		{`{"enum":[[1],[2],{"a":3}],"not":{"items":{"const":1}}}`, []string{`[2]`}, []string{`[1]`, `{"a":3}`}},
		{`{"type":"string","pattern":"^(?!\\.)(?!.*\\.\\.)([a-z.]*)[a-z]@([a-z]+\\.)+[a-z]{2,}$"}`, []string{`"a.b@x.org"`}, []string{`".a@x.org"`, `"a..b@x.org"`, `"a@x"`}},
		{`{"type":"string","pattern":"^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"}`, []string{`"12.50"`, `"-3"`, `".5"`}, []string{`"."`, `"+"`, `""`, `"1.2.3"`}},
		{`{"type":"string","pattern":"^(?=[^)]*[\\)a])(?!x|y)[a-z)]+$"}`, []string{`"ba"`, `"z)"`}, []string{`"b"`, `"xa"`, `"y)"`}},
		{`{"type":"object","minProperties":2,"maxProperties":2,"properties":{"a":{},"b":{},"c":{}}}`, []string{`{"a":1,"c":1}`}, []string{`{"a":1}`, `{"a":1,"b":1,"c":1}`, `{}`}},
	} {
		g, err := grammar.JSONSchema([]byte(c.schema), grammar.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
			continue
		}
		for _, text := range c.yes {
			if !g.Matches([]byte(text)) {
				t.Errorf("%s refuses %s", c.schema, text)
			}
		}
		for _, text := range c.no {
			if g.Matches([]byte(text)) {
				t.Errorf("%s takes %s", c.schema, text)
			}
		}
	}
}
