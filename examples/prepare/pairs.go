package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
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

// pair is a text with its translation.
type pair struct {
	Text, Translation string
	Score             float64
}

// near says when a text that was learned repeats one that is held out: it has half of
// its runs of three words. (Runs in many texts count as well.)
var near = decontaminate.Settings{Words: 3, MinHits: 1, MinShare: 0.5, MaxItems: math.MaxInt32}

// pairs makes questions for translations of the records that troika refine aligned and
// split by pages. A text that any split has had is left out of the others, in either
// language, and so is one that is held out and nearly the same as one that is learned:
// what pages repeat is not tested.
func pairs(refined fs.FS) (splits, error) {
	all := map[string][]pair{}
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
			more, err := readPairs(refined, name, seen)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all[split] = append(all[split], more...)
		}
	}
	s := splits{}
	for split, some := range all {
		if split != dataset.Train {
			var err error
			if some, err = apartFrom(all[dataset.Train], some); err != nil {
				return nil, err
			}
		}
		for _, p := range some {
			s.add(split, ask("Translate into Chinese: "+p.Text, p.Translation))
		}
	}
	s.keep(2400, 200)
	return s, nil
}

// apartFrom leaves out the held-out pairs that learned ones nearly repeat, in either
// language.
func apartFrom(learned, held []pair) ([]pair, error) {
	var items []decontaminate.Item
	for i, p := range held {
		items = append(items,
			decontaminate.Item{Benchmark: "text", ID: strconv.Itoa(i), Texts: []string{p.Text}},
			decontaminate.Item{Benchmark: "translation", ID: strconv.Itoa(i), Texts: []string{p.Translation}})
	}
	set, err := decontaminate.NewSet(near, items)
	if err != nil {
		return nil, err
	}
	repeated := map[string]bool{}
	for _, p := range learned {
		for _, hit := range append(set.Match(p.Text), set.Match(p.Translation)...) {
			repeated[hit.ID] = true
		}
	}
	var out []pair
	for i, p := range held {
		if !repeated[strconv.Itoa(i)] {
			out = append(out, p)
		}
	}
	return out, nil
}

// readPairs returns the pairs of a shard whose texts are not seen yet.
func readPairs(refined fs.FS, name string, seen map[string]bool) ([]pair, error) {
	f, err := refined.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var out []pair
	for line, err := range refine.Lines(f, refine.MaxLine) {
		if err != nil {
			return nil, err
		}
		var p pair
		if err := refine.DecodeLine(line.Bytes, &p); err != nil {
			return nil, fmt.Errorf("line %d: %w", line.Number, err)
		}
		if p.Translation == "" {
			return nil, errors.New("not a shard of translations: see the recipe parallel-pages")
		}
		from, to := text.Fold(p.Text), text.Fold(p.Translation)
		n := utf8.RuneCountInString(p.Text)
		if n < minChars || n > maxChars || p.Score < minScore || from == to || seen[from] || seen[to] {
			continue
		}
		seen[from], seen[to] = true, true
		out = append(out, p)
	}
	return out, nil
}
