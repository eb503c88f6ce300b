package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/troikaml/troika/bench/internal/shard"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/text/segment"
)

// decision is a line of the output, the same that the peer writes.
type decision struct {
	ID   string `json:"id"`
	Keep bool   `json:"keep"`
	Why  string `json:"why"`
}

func main() {
	lang := flag.String("lang", "en", "en or zh")
	out := flag.String("decisions", "", "write what is decided here")
	peer := flag.String("peer", "", "compare with what the peer decided")
	rounds := flag.Int("rounds", 5, "how often to measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*lang, *out, *peer, *rounds, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pipeline returns the filters of FineWeb or of FineWeb2 for Mandarin.
func pipeline(lang string) []refine.Step {
	if lang == "zh" {
		return []refine.Step{filter.FineWeb2MandarinRepetition(), filter.FineWeb2MandarinFineWeb(), filter.FineWeb2MandarinQuality()}
	}
	return []refine.Step{filter.GopherRepetitionEnglish(), filter.GopherQualityEnglish(), filter.C4English(), filter.FineWebEnglish()}
}

func run(lang, out, peer string, rounds int, path string) error {
	docs, size, err := shard.Read(path)
	if err != nil {
		return err
	}
	splitter, err := segment.For(lang)
	if err != nil {
		return err
	}
	var words []segment.Word
	split, err := shard.Time(rounds, func() error {
		for _, d := range docs {
			words = splitter(words[:0], d.Text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	step := filter.Fuse(pipeline(lang))[0]
	var decisions []decision
	all, err := shard.Time(rounds, func() error {
		decisions = decisions[:0]
		for _, d := range docs {
			v, err := step.Apply(context.Background(), &refine.Document{Text: d.Text})
			if err != nil {
				return err
			}
			one := decision{ID: d.ID, Keep: v.Drop == nil}
			if v.Drop != nil {
				one.Why = v.Drop.Rule
			}
			decisions = append(decisions, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	kept := 0
	for _, d := range decisions {
		if d.Keep {
			kept++
		}
	}
	fmt.Printf("%s: %d documents, %.1f MB, kept %d; words %.1f MB/s, filters %.1f MB/s\n", lang, len(docs), float64(size)/1e6, kept, shard.Rate(size, split), shard.Rate(size, all))
	if err := compare(decisions, peer); err != nil {
		return err
	}
	return write(out, decisions)
}

// compare prints the documents of which the peer decided otherwise, and how often
// which of our rules stands where the peer has which of its own.
func compare(ours []decision, peer string) error {
	if peer == "" {
		return nil
	}
	f, err := os.Open(peer)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	theirs := json.NewDecoder(f)
	differ, rules := 0, map[string]int{}
	for _, o := range ours {
		var t decision
		if err := theirs.Decode(&t); err != nil {
			return fmt.Errorf("read %s: %w", peer, err)
		}
		if t.ID != o.ID {
			return fmt.Errorf("read %s: document %s, want %s", peer, t.ID, o.ID)
		}
		if t.Keep != o.Keep {
			differ++
			fmt.Printf("%s: ours %q, theirs %q\n", o.ID, o.Why, t.Why)
		}
		if !o.Keep || !t.Keep {
			rules[o.Why+" / "+t.Why]++
		}
	}
	fmt.Printf("%d documents of %d are decided otherwise by the peer; rules, ours / theirs:\n", differ, len(ours))
	for _, pair := range slices.Sorted(maps.Keys(rules)) {
		fmt.Printf("  %5d  %s\n", rules[pair], pair)
	}
	return nil
}

func write(path string, decisions []decision) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for _, d := range decisions {
		if err := enc.Encode(d); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
