package main

import (
	"strings"

	"github.com/troikaml/troika/text"
)

// askTokens is how much of a document a question shows, in words.
const askTokens = 90

// questions makes conversations of documents, so that the starter has met the
// format of a chat and its special tokens: the title of a page, and the package of
// a symbol of Go's standard library.
func questions(docs []document) []document {
	var out []document
	for _, d := range docs {
		ask := map[string]string{"en": "Give this text a title.", "zh": "给下面的文字起一个标题。"}[d.Lang]
		answer := d.Title
		if name, ok := strings.CutPrefix(d.ID, "go/"); ok {
			ask, answer = "Which part of the Go standard library does this describe?", name
		}
		if answer == "" || len(d.Text) < 2*minText {
			continue
		}
		excerpt, _, err := text.Excerpt(d.Text, askTokens, func(s string) (int, error) {
			n := 0
			for range text.Words(s) {
				n++
			}
			return n, nil
		})
		if err != nil {
			continue // no excerpt, no question
		}
		out = append(out, document{
			ID: d.ID + "?", Source: d.Source, Lang: d.Lang,
			Messages: []message{{"user", ask + "\n\n" + excerpt}, {"assistant", answer}},
		})
	}
	return out
}
