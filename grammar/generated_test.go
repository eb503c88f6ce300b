package grammar_test

import (
	"testing"

	"github.com/troikaml/troika/grammar"
)

// Schemas in the ways in which Pydantic 2 and zod 4 write models: optional fields as a
// type or null, unions told apart by a constant, records with schemas for their keys,
// decimals as a number or a pattern, whole numbers that a double holds, tuples, sets.
func TestGeneratedSchemas(t *testing.T) {
	for _, c := range []struct {
		name, schema string
		yes, no      []string
	}{
		{
			"pydantic model", `{"$defs":{
			"Cat":{"properties":{"kind":{"const":"cat","title":"Kind","type":"string"},"lives":{"default":9,"title":"Lives","type":"integer"}},"required":["kind"],"title":"Cat","type":"object"},
			"Dog":{"additionalProperties":false,"properties":{"kind":{"const":"dog","title":"Kind","type":"string"},"good":{"title":"Good","type":"boolean"}},"required":["kind","good"],"title":"Dog","type":"object"},
			"Size":{"enum":["s","m"],"title":"Size","type":"string"}},
			"properties":{
			"pet":{"discriminator":{"mapping":{"cat":"#/$defs/Cat","dog":"#/$defs/Dog"},"propertyName":"kind"},"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],"title":"Pet"},
			"note":{"anyOf":[{"maxLength":5,"type":"string"},{"type":"null"}],"default":null,"title":"Note"},
			"price":{"anyOf":[{"minimum":0.0,"type":"number"},{"pattern":"^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$","type":"string"}],"title":"Price"},
			"stock":{"additionalProperties":{"minimum":0,"type":"integer"},"propertyNames":{"$ref":"#/$defs/Size"},"title":"Stock","type":"object"},
			"at":{"maxItems":2,"minItems":2,"prefixItems":[{"type":"number"},{"type":"number"}],"title":"At","type":"array"},
			"day":{"format":"date","title":"Day","type":"string"},
			"sizes":{"items":{"$ref":"#/$defs/Size"},"title":"Sizes","type":"array","uniqueItems":true}},
			"required":["pet","price","stock"],"title":"Order","type":"object"}`,
			[]string{
				`{"pet":{"kind":"cat"},"price":1.5,"stock":{}}`,
				`{"pet":{"kind":"dog","good":true},"note":null,"price":"12.50","stock":{"s":1,"m":0},"at":[1,2.5],"day":"2024-02-29","sizes":["m","s"]}`,
			},
			[]string{
				`{"pet":{"kind":"cow"},"price":1,"stock":{}}`, `{"pet":{"kind":"dog"},"price":1,"stock":{}}`,
				`{"pet":{"kind":"cat"},"price":".","stock":{}}`, `{"pet":{"kind":"cat"},"price":1,"stock":{"l":1}}`,
				`{"pet":{"kind":"cat"},"note":"longer","price":1,"stock":{}}`, `{"pet":{"kind":"cat"},"price":1,"stock":{},"sizes":["s","s"]}`, `{"pet":{"kind":"cat"},"price":1,"stock":{},"at":[1]}`,
			},
		},
		{
			"zod object", `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{
			"id":{"type":"string","format":"uuid"},
			"count":{"type":"integer","exclusiveMinimum":0,"maximum":9007199254740991},
			"tags":{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"string"}},
			"levels":{"type":"object","propertyNames":{"type":"string","enum":["low","high"]},"additionalProperties":{"type":"number"},"required":["low","high"]},
			"mail":{"type":"string","format":"email","pattern":"^(?!\\.)(?!.*\\.\\.)([a-z.]*)[a-z]@([a-z]+\\.)+[a-z]{2,}$"},
			"shape":{"anyOf":[{"type":"object","properties":{"t":{"type":"string","const":"a"}},"required":["t"],"additionalProperties":false},{"type":"null"}]},
			"pair":{"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}]},
			"never":{"not":{}}},
			"required":["count","tags","levels"],"additionalProperties":false}`,
			[]string{
				`{"count":9007199254740991,"tags":{"any":"x"},"levels":{"low":1,"high":2}}`,
				`{"count":1,"tags":{},"levels":{"low":1,"high":2},"mail":"a.b@x.org","shape":null,"pair":["a",true]}`,
			},
			[]string{
				`{"count":0,"tags":{},"levels":{"low":1,"high":2}}`, `{"count":9007199254740992,"tags":{},"levels":{"low":1,"high":2}}`,
				`{"count":1,"tags":{"a":1},"levels":{"low":1,"high":2}}`, `{"count":1,"tags":{},"levels":{"low":1}}`,
				`{"count":1,"tags":{},"levels":{"low":1,"high":2,"mid":3}}`, `{"count":1,"tags":{},"levels":{"low":1,"high":2},"mail":"a..b@x.org"}`,
				`{"count":1,"tags":{},"levels":{"low":1,"high":2},"never":1}`,
			},
		},
	} {
		g, err := grammar.JSONSchema([]byte(c.schema), grammar.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, text := range c.yes {
			if !g.Matches([]byte(text)) {
				t.Errorf("%s refuses %s", c.name, text)
			}
		}
		for _, text := range c.no {
			if g.Matches([]byte(text)) {
				t.Errorf("%s takes %s", c.name, text)
			}
		}
	}
}
