package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/bench/internal/shard"
	"github.com/troikaml/troika/text/segment"
)

func main() {
	peer := flag.String("peer", "", "the words that the peer found")
	rounds := flag.Int("rounds", 5, "how often to measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*peer, *rounds, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(peer string, rounds int, path string) error {
	docs, size, err := shard.Read(path)
	if err != nil {
		return err
	}
	split, err := segment.For("zh")
	if err != nil {
		return err
	}
	var words []segment.Word
	took, err := shard.Time(rounds, func() error {
		for _, d := range docs {
			words = split(words[:0], d.Text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("text/segment: %d documents, %.1f MB at %.1f MB/s\n", len(docs), float64(size)/1e6, shard.Rate(size, took))
	if peer == "" {
		return nil
	}
	f, err := os.Open(peer)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return compare(split, docs, f)
}

// compare prints how many of the places between two characters both sides take
// for a boundary, or do not.
func compare(split segment.Splitter, docs []shard.Document, peer io.Reader) error {
	theirs := json.NewDecoder(peer)
	boundaries, both, onlyOurs, shown := 0, 0, 0, 0
	for _, d := range docs {
		var lengths []int
		if err := theirs.Decode(&lengths); err != nil {
			return fmt.Errorf("words of %s: %w", d.ID, err)
		}
		cut, err := cuts(d.Text, lengths)
		if err != nil {
			return fmt.Errorf("words of %s: %w", d.ID, err)
		}
		end := 0
		for _, w := range split(nil, d.Text) {
			// What lies between two of our words is white space, which the peer
			// returns as words of its own.
			start := end + strings.Index(d.Text[end:], w.Text)
			for at := start; at < start+len(w.Text); at++ {
				ours := at == start
				switch {
				case cut[at] && ours:
					both++
				case ours:
					onlyOurs++
				}
				if cut[at] {
					boundaries++
				}
				if cut[at] != ours && shown < 10 {
					shown++
					fmt.Printf("%s, byte %d: ours %t, theirs %t: %.40q\n", d.ID, at, ours, cut[at], d.Text[at:])
				}
			}
			end = start + len(w.Text)
		}
	}
	if boundaries == 0 {
		return errors.New("the peer found no words")
	}
	fmt.Printf("boundaries: %d of the peer's, %d found (%.4f %%), %d others\n", boundaries, both, 100*float64(both)/float64(boundaries), onlyOurs)
	return nil
}

// cuts tells for each byte of s whether a word begins there.
func cuts(s string, lengths []int) ([]bool, error) {
	cut, at := make([]bool, len(s)+1), 0
	for _, n := range lengths {
		cut[at] = true
		for range n {
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
		}
	}
	if at != len(s) {
		return nil, fmt.Errorf("they end at byte %d of %d", at, len(s))
	}
	return cut, nil
}
