package grammar_test

import (
	"errors"
	"testing"

	"github.com/troikaml/troika/grammar"
)

// What cannot be compiled is named with its place.
func TestSchemaErrors(t *testing.T) {
	for _, c := range []struct{ schema, keyword, at string }{
		{`{"items":{"unevaluatedItems":{}}}`, "unevaluatedItems", "/items/unevaluatedItems"},
		{`{"not":{"type":"array","items":{"type":"null"}}}`, "items", "/not/items"},
		{`{"if":{"oneOf":[{"const":1}]},"then":true}`, "oneOf", "/if/oneOf"},
		{`{"type":"number","not":{"type":"integer"}}`, "type", "/not/type"},
		{`{"pattern":"^a(?!b)"}`, "pattern", "/pattern"},
		{`{"pattern":"^(?!a)b|c"}`, "pattern", "/pattern"},
		{`{"pattern":"^(?!a)*b"}`, "pattern", "/pattern"},
		{`{"not":{"enum":"a"}}`, "enum", "/not/enum"},
		{`{"not":{"const":[1]}}`, "const", "/not/const"},
		{`{"enum":["a"],"not":{"$ref":"#"}}`, "$ref", "/not"},
		{`{"not":{"not":{"$ref":"#/not"}}}`, "$ref", "/not"},
		{`{"dependentRequired":{"a":true}}`, "dependentRequired", "/dependentRequired/a"},
		{`{"uniqueItems":true,"items":{"type":"string"}}`, "uniqueItems", "/uniqueItems"},
		{`{"uniqueItems":true,"items":{"enum":[1,2,3,4,5,6,7,8,9,10,11,12,13]}}`, "uniqueItems", "/uniqueItems"},
		{`{"contains":{},"allOf":[{"contains":{"type":"null"}}]}`, "contains", "/allOf/0/contains"},
		{`{"contains":{"multipleOf":2},"maxContains":2}`, "multipleOf", "/contains/multipleOf"},
		{`{"not":{"contains":{}}}`, "contains", "/not/contains"},
		{`{"propertyNames":3}`, "propertyNames", "/propertyNames"},
	} {
		_, err := grammar.JSONSchema([]byte(c.schema), grammar.Options{})
		bad, ok := errors.AsType[*grammar.SchemaError](err)
		if !ok || bad.Keyword != c.keyword || bad.Pointer != c.at {
			t.Errorf("%s: %v, want one about %s at %s", c.schema, err, c.keyword, c.at)
		}
	}
}
