package grammar_test

import (
	"fmt"

	"github.com/troikaml/troika/grammar"
)

func Example() {
	schema := `{"type": "object", "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"]}`
	args, err := grammar.JSONSchema([]byte(schema), grammar.Options{Compact: true})
	if err != nil {
		panic(err)
	}
	call := grammar.Concat(grammar.Literal("<call>"), args, grammar.Literal("</call>"))

	// One for each tokenizer; here every token is a letter or a whole word.
	tokens := [][]byte{[]byte(`<call>`), []byte(`{"`), []byte(`city`), []byte(`":"`), []byte(`Rome`), []byte(`"}</call>`)}
	for b := range 256 {
		tokens = append(tokens, []byte{byte(b)})
	}
	v := grammar.NewVocabulary(tokens)
	m, err := call.Matcher(v)
	if err != nil {
		panic(err)
	}
	var text []byte
	for !m.Done() {
		mask := m.Mask()
		for id := range int32(v.Size()) { // the first that is allowed
			if mask[id/64]>>(id%64)&1 != 0 {
				if err := m.Accept(id); err != nil {
					panic(err)
				}
				text = append(text, v.Bytes(id)...)
				break
			}
		}
	}
	fmt.Printf("%s\n", text)
	// Output: <call>{"city":"Rome"}</call>
}
