package main

import (
	"fmt"
	"strings"

	"github.com/troikaml/troika/grammar"
)

// task is a grammar and answers of it. The last answer is what a server sees "again".
type task struct {
	name    string
	compile func() (*grammar.Grammar, error)
	answers []string
}

func schema(text string) func() (*grammar.Grammar, error) {
	return func() (*grammar.Grammar, error) { return grammar.JSONSchema([]byte(text), grammar.Options{}) }
}

func regex(expr string) func() (*grammar.Grammar, error) {
	return func() (*grammar.Grammar, error) { return grammar.Regex(expr) }
}

// note is prose of some sentences.
func note(n int) string {
	s := []string{
		"The parcel arrived with a torn corner, but what was inside was whole.",
		"Customer asks for a refund of the shipping costs; see order 4711 \\\"blue lamp\\\".",
		"已经联系仓库，明天补发，客户表示同意。",
		"Nachlieferung bis Freitag, der Kunde ist damit einverstanden.",
	}
	var out []string
	for i := range n {
		out = append(out, s[i%len(s)])
	}
	return strings.Join(out, " ")
}

func tasks() []task {
	labels := []string{}
	for _, a := range []string{"billing", "shipping", "returns", "account", "product"} {
		for _, b := range []string{"question", "complaint", "request", "praise"} {
			labels = append(labels, a+"/"+b)
		}
	}
	tree := func(depth int) string {
		out := `{"name":"leaf","children":[]}`
		for i := range depth {
			out = fmt.Sprintf(`{"name":"node %d","children":[%s,%s]}`, i, out, `{"name":"other","children":[]}`)
		}
		return out
	}
	return []task{
		{"labels", func() (*grammar.Grammar, error) { return grammar.Enum(labels...), nil }, []string{labels[3], labels[17], labels[9]}},
		{"ticket", schema(`{"type":"object","properties":{"category":{"enum":["billing","shipping","returns"]},"urgent":{"type":"boolean"},
			"order":{"type":["integer","null"],"minimum":1},"summary":{"type":"string"},"tags":{"type":"array","items":{"type":"string"},"maxItems":5}},
			"required":["category","urgent","order","summary","tags"],"additionalProperties":false}`), []string{
			`{"category": "shipping", "urgent": false, "order": 4711, "summary": "` + note(2) + `", "tags": ["damage", "refund"]}`,
			`{"category": "returns", "urgent": true, "order": null, "summary": "` + note(4) + `", "tags": []}`,
		}},
		{"invoice", schema(`{"$defs":{"line":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"},"name":{"type":"string","minLength":1,"maxLength":80},
			"quantity":{"type":"integer","minimum":1,"maximum":999},"price":{"type":"number","minimum":0,"multipleOf":0.01}},"required":["sku","name","quantity","price"]}},
			"type":"object","properties":{"id":{"type":"string","format":"uuid"},"date":{"type":"string","format":"date"},"email":{"type":"string","format":"email"},
			"lines":{"type":"array","items":{"$ref":"#/$defs/line"},"minItems":1},"note":{"type":"string","maxLength":1000}},"required":["id","date","lines"]}`), []string{
			`{"id": "0f8fad5b-d9cb-469f-a165-70867728950e", "date": "2026-03-31", "email": "anna@example.com", "lines": [{"sku": "AB-1234", "name": "Blue lamp, large", "quantity": 2, "price": 49.9}], "note": "` + note(3) + `"}`,
			`{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","date":"2024-02-29","lines":[{"sku":"XY-0001","name":"Stuhl aus Buche","quantity":4,"price":120},{"sku":"XY-0002","name":"台灯","quantity":1,"price":12.25}],"note":"` + note(2) + `"}`,
		}},
		{
			"tree", schema(`{"$defs":{"node":{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["name","children"]}},"$ref":"#/$defs/node"}`),
			[]string{tree(3), tree(6)},
		},
		{"union", schema(`{"anyOf":[{"type":"object","properties":{"tool":{"const":"search"},"query":{"type":"string"},"limit":{"type":"integer"}},"required":["tool","query"]},
			{"type":"object","properties":{"tool":{"const":"reply"},"text":{"type":"string"}},"required":["tool","text"]},
			{"type":"object","properties":{"tool":{"const":"close"},"code":{"enum":[200,404,500]}},"required":["tool","code"]}]}`), []string{
			`{"tool": "search", "query": "torn parcel refund policy", "limit": 5}`, `{"tool": "close", "code": 404}`, `{"tool": "reply", "text": "` + note(3) + `"}`,
		}},
		{"any JSON", func() (*grammar.Grammar, error) { return grammar.JSON(true, grammar.Options{}), nil }, []string{
			`{"a": [1, 2.5, {"b": null}], "text": "` + note(2) + `"}`, "{\n  \"x\": {\n    \"y\": [true, false]\n  },\n  \"z\": \"" + note(3) + "\"\n}",
		}},
		{"limits", schema(`{"type":"object","properties":{"title":{"type":"string","minLength":20,"maxLength":60},"body":{"type":"string","maxLength":500},
			"colors":{"type":"array","items":{"enum":["red","green","blue"]},"minItems":1,"maxItems":50},"scores":{"type":"array","items":{"type":"integer","minimum":0,"maximum":10},"maxItems":20}},
			"required":["title","body","colors","scores"]}`), []string{
			`{"title": "The parcel arrived with a torn corner, but it was whole", "body": "` + note(3) + `", "colors": ["red", "green", "red", "blue"], "scores": [1, 10, 3, 0, 7]}`,
			`{"title": "Nachlieferung bis Freitag, bitte", "body": "` + note(4) + `", "colors": ["blue"], "scores": [10, 9]}`,
		}},
		{"regex", regex(`([A-Z][a-z]+ )+on \d{4}-\d{2}-\d{2}: [^\n]{1,200}`), []string{
			"Blue Lamp on 2026-03-31: torn corner, refund of 4.90 EUR", "Stuhl Aus Buche on 2024-02-29: " + note(1)[:60],
		}},
	}
}
