package grammar_test

import (
	"testing"

	"github.com/troikaml/troika/grammar"
)

const benchSchema = `{"$defs":{"line":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"},"name":{"type":"string","minLength":1,"maxLength":80},
	"quantity":{"type":"integer","minimum":1,"maximum":999},"price":{"type":"number","minimum":0,"multipleOf":0.01}},"required":["sku","name","quantity","price"]}},
	"type":"object","properties":{"id":{"type":"string","format":"uuid"},"date":{"type":"string","format":"date"},"email":{"type":"string","format":"email"},
	"lines":{"type":"array","items":{"$ref":"#/$defs/line"},"minItems":1},"note":{"type":"string","maxLength":1000}},"required":["id","date","lines"]}`

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := grammar.JSONSchema([]byte(benchSchema), grammar.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMask is a step within a string whose mask is kept.
func BenchmarkMask(b *testing.B) {
	g, err := grammar.JSONSchema([]byte(benchSchema), grammar.Options{})
	if err != nil {
		b.Fatal(err)
	}
	v := vocabulary()
	m, err := g.Matcher(v)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []byte(`{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","date":"2024-02-29","lines":[{"sku":"AB-1234","name":"a`) {
		if err := m.Accept(int32(c) + 2); err != nil { // ids of the vocabulary's bytes
			b.Fatal(err)
		}
	}
	for b.Loop() {
		n := m.Clone()
		if err := n.Accept('b' + 2); err != nil {
			b.Fatal(err)
		}
		n.Mask()
	}
}
