package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/troikaml/troika/bench/internal/shard"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/refine/pii"
	"github.com/troikaml/troika/refine/spam"
	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/lang"
	"github.com/troikaml/troika/text/script"
)

func main() {
	language := flag.String("lang", "en", "en or zh")
	rounds := flag.Int("rounds", 5, "how often to measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*language, *rounds, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// step is one text step; it reports whether the document goes on.
type step struct {
	name string
	do   func(*refine.Document) (bool, error)
}

func run(language string, rounds int, path string) error {
	docs, size, err := shard.Read(path)
	if err != nil {
		return err
	}
	steps, err := stepsOf(language)
	if err != nil {
		return err
	}
	table := term.NewTable(term.Column{Title: "step, " + language}, term.Column{Title: "kept", Align: term.Right}, term.Column{Title: "MB/s", Align: term.Right})
	measure := func(name string, steps []step) error {
		kept := 0
		took, err := shard.Time(rounds, func() (err error) {
			kept, err = all(steps, docs)
			return err
		})
		table.Row(name, fmt.Sprint(kept), fmt.Sprintf("%.1f", shard.Rate(size, took)))
		return err
	}
	for _, s := range steps {
		if err := measure(s.name, []step{s}); err != nil {
			return err
		}
	}
	if err := measure("all, every document to the end", throughout(steps)); err != nil {
		return err
	}
	if err := measure("all, as the recipe has it", steps); err != nil {
		return err
	}
	fmt.Printf("%d documents, %.1f MB\n", len(docs), float64(size)/1e6)
	_, err = fmt.Print(table)
	return err
}

// all runs the steps over copies of the documents and returns how many were kept.
func all(steps []step, docs []shard.Document) (kept int, err error) {
	for _, in := range docs {
		d, on := refine.Document{ID: in.ID, Text: in.Text}, true
		for _, s := range steps {
			if on, err = s.do(&d); err != nil {
				return 0, err
			}
			if !on {
				break
			}
		}
		if on {
			kept++
		}
	}
	return kept, nil
}

// throughout returns the steps with their drops left out.
func throughout(steps []step) []step {
	var out []step
	for _, s := range steps {
		out = append(out, step{s.name, func(d *refine.Document) (bool, error) {
			_, err := s.do(d)
			return true, err
		}})
	}
	return out
}

func stepsOf(language string) ([]step, error) {
	hide, err := pii.New()
	if err != nil {
		return nil, err
	}
	signer, err := dedup.NewSigner(dedup.Documents())
	if err != nil {
		return nil, err
	}
	cutter, err := spam.New(spam.Defaults())
	if err != nil {
		return nil, err
	}
	steps := []step{{"normalisation", func(d *refine.Document) (bool, error) {
		d.Text = text.Normalize(d.Text)
		return true, nil
	}}}
	least, rules := 0.65, []refine.Step{filter.GopherRepetitionEnglish(), filter.GopherQualityEnglish(), filter.C4English(), filter.FineWebEnglish()}
	if language == "zh" {
		least, rules = 0.692, []refine.Step{filter.FineWeb2MandarinRepetition(), filter.FineWeb2MandarinFineWeb(), filter.FineWeb2MandarinQuality()}
		steps = append(steps, applied("spam lines", cutter), step{"script", func(d *refine.Document) (bool, error) {
			script.Count(d.Text)
			return true, nil
		}})
	}
	steps = append(steps, step{"language", func(d *refine.Document) (bool, error) {
		g := lang.Identify(d.Text)
		d.Lang = g.Lang
		return strings.HasPrefix(g.Lang, language) && g.Score >= least, nil
	}})
	var keys []uint64
	return append(
		steps, applied("filters", filter.Fuse(rules)...), applied("personal data", hide),
		step{"exact duplicates", func(d *refine.Document) (bool, error) {
			keys = append(keys[:0], dedup.Exact("", d.Text))
			return true, nil
		}},
		step{"MinHash", func(d *refine.Document) (bool, error) {
			keys = signer.Keys(keys[:0], "", d.Text)
			return true, nil
		}},
	), nil
}

// applied runs steps of package refine.
func applied(name string, steps ...refine.Step) step {
	return step{name, func(d *refine.Document) (bool, error) {
		for _, s := range steps {
			if v, err := s.Apply(context.Background(), d); err != nil || v.Drop != nil {
				return false, err
			}
		}
		return true, nil
	}}
}
