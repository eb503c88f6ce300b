package main

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// preference is a line to learn preferences from, in OpenAI's format.
type preference struct {
	Input struct {
		Messages []message `json:"messages"`
	} `json:"input"`
	Preferred    []message `json:"preferred_output"`
	NonPreferred []message `json:"non_preferred_output"`
}

// passageWords is how much of a page a question shows.
const passageWords = 60

// preferences asks for the title of a page by the beginning of its text, and prefers its
// own to that of another page in the same language and folder. A page, its translation
// and its near-duplicates are in one split, as the dataset draws them.
func preferences(pages fs.FS) (splits, error) {
	docs, failures, err := refine.Folder(pages)
	if err != nil {
		return nil, err
	}
	if err := failures.Err(); err != nil {
		return nil, err
	}
	titles := map[string]string{}
	for i, d := range docs {
		// Folders of languages stand where a label would.
		lang, path, _ := strings.Cut(d.ID, "/")
		docs[i].Lang, docs[i].Label, docs[i].Group = lang, "", path
		titles[d.ID] = strings.TrimSpace(d.Title)
	}
	v, err := dataset.Build(docs, dataset.Options{})
	if err != nil {
		return nil, err
	}
	s := splits{}
	for _, split := range dataset.Splits() {
		byFolder := map[string][]dataset.Record{}
		var order []string
		for _, r := range v.Split(split) {
			folder := r.ID[:strings.LastIndexByte(r.ID, '/')]
			if byFolder[folder] == nil {
				order = append(order, folder)
			}
			byFolder[folder] = append(byFolder[folder], r)
		}
		for _, folder := range order {
			s.addTitles(split, byFolder[folder], titles)
		}
	}
	s.keep(1000, 200)
	return s, nil
}

// addTitles pairs each page of a folder with another one of it.
func (s splits) addTitles(split string, pages []dataset.Record, titles map[string]string) {
	for i, r := range pages {
		title := titles[r.ID]
		passage := excerpt(strings.TrimSpace(strings.TrimPrefix(r.Text, title)))
		if title == "" || passage == "" {
			continue
		}
		// Another page by a lot, or the first after it with another title.
		from := int(text.Hash(r.ID, 4) % uint64(len(pages)))
		for j := range pages {
			other := titles[pages[(from+j)%len(pages)].ID]
			if (from+j)%len(pages) == i || other == "" || text.Fold(other) == text.Fold(title) {
				continue
			}
			var p preference
			p.Input.Messages = []message{{Role: "user", Content: fmt.Sprintf("What is the title of this help page?\n\n%s", passage)}}
			p.Preferred = []message{{Role: "assistant", Content: title}}
			p.NonPreferred = []message{{Role: "assistant", Content: other}}
			s.add(split, p)
			break
		}
	}
}

// excerpt returns the first words of a text.
func excerpt(s string) string {
	n, end := 0, 0
	for w := range text.Words(s) {
		if n++; n > passageWords {
			break
		}
		if at := strings.Index(s[end:], w); at >= 0 {
			end += at + len(w)
		}
	}
	return s[:end]
}
