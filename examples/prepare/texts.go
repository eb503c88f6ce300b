package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/troikaml/troika/text"
)

// texts makes a text of each song. Those of one play, and those that begin alike, are in
// one split.
func texts(name string) (splits, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var songs []struct {
		Title      string   `json:"title"`
		Author     string   `json:"author"`
		Paragraphs []string `json:"paragraphs"`
	}
	if err := json.Unmarshal(data, &songs); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := splits{}
	seen := map[string]bool{}
	for _, song := range songs {
		play, tune, found := strings.Cut(song.Title, "・")
		if !found {
			tune = song.Title
		}
		body := text.Normalize(strings.Join(song.Paragraphs, "\n"))
		folded := text.Fold(body)
		if seen[folded] || len(body) < 120 {
			continue
		}
		seen[folded] = true
		s.add(of(song.Author+"/"+play), map[string]string{"text": tune + "\n" + body, "lang": "zh"})
	}
	s.keep(1200, 200)
	return s, nil
}
