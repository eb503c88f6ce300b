package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// minSong is the length under which a song says too little, in bytes.
const minSong = 120

// texts makes a text of each song. Those of one play, and those that are nearly the same,
// are in one split, as the dataset draws them.
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
	docs := make([]refine.Document, 0, len(songs))
	for i, song := range songs {
		play, tune, found := strings.Cut(song.Title, "・")
		if !found {
			tune = song.Title
		}
		body := text.Normalize(strings.Join(song.Paragraphs, "\n"))
		if len(body) < minSong {
			continue
		}
		docs = append(docs, refine.Document{
			ID: fmt.Sprintf("%06d", i), Text: tune + "\n" + body, Lang: "zh", Group: song.Author + "/" + play,
		})
	}
	v, err := dataset.Build(docs, dataset.Options{})
	if err != nil {
		return nil, err
	}
	s := splits{}
	for _, split := range dataset.Splits() {
		for _, r := range v.Split(split) {
			s.add(split, map[string]string{"text": r.Text, "lang": r.Lang})
		}
	}
	s.keep(1200, 200)
	return s, nil
}
