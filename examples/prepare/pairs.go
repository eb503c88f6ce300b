package main

import (
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// chat is a line to learn answers from.
type chat struct {
	Messages []message `json:"messages"`
}

func ask(question, answer string) chat {
	return chat{[]message{{Role: "user", Content: question}, {Role: "assistant", Content: answer}}}
}

// Bounds of the pairs that a small model is asked for.
const (
	minScore = 0.9 // how sure the aligner is
	minChars = 8
	maxChars = 80
)

// pairs makes questions for translations of the records that troika refine aligned and
// split by pages. A text that any split has had is left out of the others, in either
// language: what pages repeat word for word is learned, and not tested.
func pairs(refined fs.FS) (splits, error) {
	s := splits{}
	seen := map[string]bool{}
	for _, split := range dataset.Splits() {
		names, err := fs.Glob(refined, split+"-*.jsonl")
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("no shards of the split %s", split)
		}
		for _, name := range names {
			if err := s.addPairs(refined, name, split, seen); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	s.keep(2400, 200)
	return s, nil
}

func (s splits) addPairs(refined fs.FS, name, split string, seen map[string]bool) error {
	f, err := refined.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	for line, err := range refine.Lines(f, refine.MaxLine) {
		if err != nil {
			return err
		}
		var pair struct {
			Text, Translation string
			Score             float64
		}
		if err := refine.DecodeLine(line.Bytes, &pair); err != nil {
			return fmt.Errorf("line %d: %w", line.Number, err)
		}
		if pair.Translation == "" {
			return errors.New("not a shard of translations: see the recipe parallel-pages")
		}
		from, to := text.Fold(pair.Text), text.Fold(pair.Translation)
		n := utf8.RuneCountInString(pair.Text)
		if n < minChars || n > maxChars || pair.Score < minScore || from == to || seen[from] || seen[to] {
			continue
		}
		seen[from], seen[to] = true, true
		s.add(split, ask("Translate into Chinese: "+pair.Text, pair.Translation))
	}
	return nil
}
