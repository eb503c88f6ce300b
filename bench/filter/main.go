package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/text/segment"
)

// document is a line of the input.
type document struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// decision is a line of the output, the same that the peer writes.
type decision struct {
	ID   string `json:"id"`
	Keep bool   `json:"keep"`
	Why  string `json:"why"`
}

func main() {
	lang := flag.String("lang", "en", "en or zh")
	out := flag.String("decisions", "", "write what is decided here")
	rounds := flag.Int("rounds", 5, "how often to measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*lang, *out, *rounds, flag.Arg(0)); err != nil {
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

func run(lang, out string, rounds int, path string) error {
	docs, size, err := read(path)
	if err != nil {
		return err
	}
	splitter, err := segment.For(lang)
	if err != nil {
		return err
	}
	var words []segment.Word
	split := median(rounds, size, func() error {
		for _, d := range docs {
			words = splitter(words[:0], d.Text)
		}
		return nil
	})
	step := filter.Fuse(pipeline(lang))[0]
	var decisions []decision
	all := median(rounds, size, func() error {
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
	kept := 0
	for _, d := range decisions {
		if d.Keep {
			kept++
		}
	}
	fmt.Printf("%s: %d documents, %.1f MB, kept %d; words %.1f MB/s, filters %.1f MB/s\n", lang, len(docs), float64(size)/1e6, kept, split, all)
	return write(out, decisions)
}

// read returns the documents and the bytes of their texts.
func read(path string) ([]document, int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	var docs []document
	size := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<28)
	for lines.Scan() {
		var d document
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", path, err)
		}
		docs = append(docs, d)
		size += len(d.Text)
	}
	return docs, size, lines.Err()
}

// median returns the median rate of a number of rounds in MB a second of
// processor time, which other work on the machine distorts less than the clock.
func median(rounds, size int, f func() error) float64 {
	var rates []float64
	for range rounds {
		start := processorTime()
		if err := f(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		rates = append(rates, float64(size)/1e6/(processorTime()-start).Seconds())
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
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
