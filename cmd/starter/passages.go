package main

import (
	"hash/fnv"
	"strings"

	"github.com/troikaml/troika/text"
)

// conversations turn every document into questions about its passages: where is
// this from? The answer is the document's place and title, so that the model
// learns to look at all of a text for what it is about, and meets the format of a
// chat.
func conversations(docs []document) []document {
	var out []document
	for _, d := range docs {
		answer := d.Place
		if d.Title != "" && !strings.Contains(d.Text[:min(len(d.Text), 4*len(d.Title))], d.Title) {
			answer += ": " + d.Title
		}
		for i, p := range passages(d.Text, d.ID) {
			out = append(out, document{
				ID: d.ID + "?", Source: d.Source, Lang: d.Lang,
				Messages: []message{{"user", ask(d.Lang, pick(d.ID, i)) + "\n\n" + p}, {"assistant", answer}},
			})
		}
	}
	return out
}

// ask returns one of the ways to ask for a text's place.
func ask(lang string, n int) string {
	ways := map[string][]string{
		"en": {
			"Where is this text from?", "What is this about?", "Which part of the documentation is this?",
			"Which document contains this passage?", "What does this text belong to?",
		},
		"zh": {"这段文字出自哪里？", "下面的文字讲的是什么？", "这是哪一部分的内容？", "下面这段话属于哪个文档？"},
	}[lang]
	return ways[n%len(ways)]
}

// pick returns a number that is the same for the same arguments, to vary what is
// asked and how much is shown.
func pick(id string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write(append([]byte(id), byte(n), byte(n>>8))) // never fails
	return int(h.Sum32() >> 1)
}

// passages cuts a text between paragraphs, or lines where those are long, into
// pieces of 20 to 110 words.
func passages(s, id string) []string {
	var out []string
	var piece strings.Builder
	n, limit := 0, 0
	flush := func() {
		if p := strings.TrimSpace(piece.String()); len(p) >= minText {
			out = append(out, p)
		}
		piece.Reset()
		n = 0
	}
	for line := range strings.Lines(s) {
		if n == 0 {
			limit = 20 + pick(id, len(out))%90
		}
		words := countWords(line)
		if n > 0 && n+words > limit {
			flush()
		}
		piece.WriteString(line)
		n += words
	}
	flush()
	for i, p := range out {
		out[i] = head(p, 2*limitWords)
	}
	return out
}

// limitWords is the length of a usual passage; a single longer line is cut at
// twice of it.
const limitWords = 110

// head returns the first n words of s.
func head(s string, n int) string {
	end := 0
	for w := range text.Words(s) {
		if n--; n < 0 {
			return strings.TrimSpace(s[:end])
		}
		end += strings.Index(s[end:], w) + len(w)
	}
	return s
}

func countWords(s string) int {
	n := 0
	for range text.Words(s) {
		n++
	}
	return n
}
