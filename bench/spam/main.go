package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine/html"
	"github.com/troikaml/troika/refine/spam"
	"github.com/troikaml/troika/text"
)

func main() {
	lexicon := flag.String("lexicon", "", "words of spam, one a line, instead of the generator's")
	write := flag.String("write", "", "write fixtures to this file and stop")
	every := flag.Int("every", 1, "write each nth fixture")
	seed := flag.Uint64("seed", 1, "seed of the fixtures")
	misses := flag.Int("misses", 0, "show so many wrong lines")
	flag.Parse()
	if err := run(*lexicon, *write, *every, *seed, *misses, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(lexicon, write string, every int, seed uint64, misses int, clean []string) error {
	words, err := readWords(lexicon)
	if err != nil {
		return err
	}
	fixtures := generate(seed, words)
	if write != "" {
		return writeFixtures(write, fixtures, every)
	}
	if err := recall(fixtures, misses); err != nil {
		return err
	}
	for _, path := range clean {
		if err := falseAlarms(path, misses); err != nil {
			return err
		}
	}
	return nil
}

func readWords(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(b))
	words = slices.DeleteFunc(words, func(w string) bool { return !usable(w) })
	if len(words) == 0 {
		return nil, fmt.Errorf("lexicon %s: no usable word", name)
	}
	return words, nil
}

func writeFixtures(name string, fixtures []Fixture, every int) error {
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for i := 0; i < len(fixtures); i += max(every, 1) {
			if err := enc.Encode(fixtures[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// tally counts lines by what they are and what became of them.
type tally struct {
	spam, found        int
	sentences, lost    int
	others, othersLost int
}

func (t *tally) add(f Fixture, cut []bool, show func(what, line string)) {
	for i, kind := range f.Kinds {
		switch {
		case kind == kindSpam:
			t.spam++
			if cut[i] {
				t.found++
			} else {
				show("missed", f.Lines[i])
			}
		case kind == kindSentence:
			t.sentences++
			if cut[i] {
				t.lost++
				show("lost sentence", f.Lines[i])
			}
		case f.Lines[i] != "":
			t.others++
			if cut[i] {
				t.othersLost++
				show("lost", f.Lines[i])
			}
		}
	}
}

func (t tally) recall() float64 { return float64(t.found) / float64(max(t.spam, 1)) }

// cutLines returns which lines of a text are cut.
func cutLines(c *spam.Cutter, text string, n int) []bool {
	cut := make([]bool, n)
	for _, b := range c.Find(text) {
		for i := b.First; i <= b.Last; i++ {
			cut[i] = true
		}
	}
	return cut
}

func measure(s spam.Settings, fixtures []Fixture, show func(Fixture, string, string)) (tally, error) {
	c, err := spam.New(s)
	if err != nil {
		return tally{}, err
	}
	var t tally
	for _, f := range fixtures {
		t.add(f, cutLines(c, f.Text(), len(f.Lines)), func(what, line string) {
			if show != nil {
				show(f, what, line)
			}
		})
	}
	return t, nil
}

// recall prints the result by template and theme, and for each template the
// recall with the settings that are best on all the others.
func recall(fixtures []Fixture, misses int) error {
	show := func(f Fixture, what, line string) {
		if misses--; misses >= 0 {
			fmt.Printf("%s: %s: %.100s\n", f.Name, what, line)
		}
	}
	all, err := measure(spam.Defaults(), fixtures, show)
	if err != nil {
		return err
	}
	table := term.NewTable(
		term.Column{Title: "fixtures"}, term.Column{Title: "spam lines"}, term.Column{Title: "recall"},
		term.Column{Title: "sentences lost"}, term.Column{Title: "other lines lost"}, term.Column{Title: "left out of the fit"},
	)
	row := func(name string, t tally, more string) {
		table.Row(name, strconv.Itoa(t.spam), fmt.Sprintf("%.4f", t.recall()),
			fmt.Sprintf("%d of %d", t.lost, t.sentences), fmt.Sprintf("%d of %d", t.othersLost, t.others), more)
	}
	row(fmt.Sprint("all ", len(fixtures)), all, "")
	for _, t := range templates {
		one, rest := split(fixtures, func(f Fixture) bool { return f.Template == t.name })
		in, err := measure(spam.Defaults(), one, nil)
		if err != nil {
			return err
		}
		best, err := fit(rest)
		if err != nil {
			return err
		}
		out, err := measure(best, one, nil)
		if err != nil {
			return err
		}
		row(t.name, in, fmt.Sprintf("%.4f at cost %g, miss %g", out.recall(), best.Cost, best.Miss))
	}
	for _, th := range themes {
		one, _ := split(fixtures, func(f Fixture) bool { return f.Theme == th.name })
		t, err := measure(spam.Defaults(), one, nil)
		if err != nil {
			return err
		}
		row(th.name, t, "")
	}
	_, err = fmt.Print(table)
	return err
}

func split(fixtures []Fixture, in func(Fixture) bool) (one, rest []Fixture) {
	for _, f := range fixtures {
		if in(f) {
			one = append(one, f)
		} else {
			rest = append(rest, f)
		}
	}
	return one, rest
}

// fit returns the settings of a grid with the most spam found less ten times the
// lines lost.
func fit(fixtures []Fixture) (spam.Settings, error) {
	best, most := spam.Defaults(), -1<<30
	for _, cost := range []float64{2, 3, 4} {
		for _, miss := range []float64{0.5, 0.7, 0.9} {
			s := spam.Defaults()
			s.Cost, s.Miss = cost, miss
			t, err := measure(s, fixtures, nil)
			if err != nil {
				return s, err
			}
			if score := t.found - 10*(t.lost+t.othersLost); score > most {
				best, most = s, score
			}
		}
	}
	return best, nil
}

// falseAlarms prints how many lines of clean text are cut, and how fast.
func falseAlarms(root string, misses int) error {
	texts, err := readClean(root)
	if err != nil {
		return err
	}
	c, err := spam.New(spam.Defaults())
	if err != nil {
		return err
	}
	lines, cut, bytes := 0, 0, 0
	start := clock.CPU()
	for _, s := range texts {
		bytes += len(s)
		split := strings.Split(s, "\n")
		for _, l := range split {
			if strings.TrimSpace(l) != "" {
				lines++
			}
		}
		for _, b := range c.Find(s) {
			for i := b.First; i <= b.Last; i++ {
				if strings.TrimSpace(split[i]) == "" {
					continue
				}
				cut++
				if misses--; misses >= 0 {
					fmt.Printf("false alarm %.1f: %.120s\n", b.Evidence, split[i])
				}
			}
		}
	}
	seconds := (clock.CPU() - start).Seconds()
	fmt.Printf("%s: %d texts, %d lines, %d cut (%.4f %%), %.1f MB at %.1f MB/s\n",
		root, len(texts), lines, cut, 100*float64(cut)/float64(max(lines, 1)), float64(bytes)/1e6, float64(bytes)/1e6/seconds)
	return nil
}

// readClean returns the texts below a folder or in a file.
func readClean(root string) ([]string, error) {
	var texts []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		ext := filepath.Ext(path)
		if ext != ".html" && ext != ".txt" && ext != ".json" && ext != ".gz" {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch ext {
		case ".html":
			page, err := html.Parse(raw)
			if err != nil {
				return nil //nolint:nilerr // one page less to measure on
			}
			texts = append(texts, page.Text)
		case ".txt":
			texts = append(texts, text.Normalize(string(raw)))
		case ".json":
			texts = append(texts, poems(raw)...)
		}
		return nil
	})
	if err == nil && len(texts) == 0 {
		err = errors.New("no text found in " + root)
	}
	return texts, err
}

// poems returns the verses of a JSON list of poems, one text a poem.
func poems(raw []byte) []string {
	var list []struct {
		Title      string   `json:"title"`
		Paragraphs []string `json:"paragraphs"`
	}
	if err := json.NewDecoder(bufio.NewReader(bytes.NewReader(raw))).Decode(&list); err != nil {
		return nil // another layout
	}
	var out []string
	for _, p := range list {
		if len(p.Paragraphs) > 0 {
			out = append(out, p.Title+"\n"+strings.Join(p.Paragraphs, "\n"))
		}
	}
	return out
}
