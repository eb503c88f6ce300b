package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/pii"
)

func main() {
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	if len(files) == 0 {
		return errors.New("want the file of generated lines")
	}
	runtime.GOMAXPROCS(1)
	text, err := quality(files[0])
	if err != nil {
		return err
	}
	speed("generated lines", text)
	for _, file := range files[1:] {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		speed(file, string(b))
	}
	return nil
}

// count is what became of the spans of a kind.
type count struct{ there, found, right int }

// quality prints precision and recall and returns the text of all lines.
func quality(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	counts := map[string]*count{"all": {}}
	var all strings.Builder
	for line, err := range refine.Lines(f, refine.MaxLine) {
		if err != nil {
			return "", err
		}
		var in struct {
			Text  string
			Spans [][3]any
		}
		if err := refine.DecodeLine(line.Bytes, &in); err != nil {
			return "", fmt.Errorf("%s:%d: %w", name, line.Number, err)
		}
		all.WriteString(in.Text + "\n")
		if err := compare(counts, in.Text, in.Spans); err != nil {
			return "", fmt.Errorf("%s:%d: %w", name, line.Number, err)
		}
	}
	table := term.NewTable(term.Column{Title: "kind"}, term.Column{Title: "spans"}, term.Column{Title: "precision"}, term.Column{Title: "recall"})
	for _, k := range pii.Kinds() {
		counts[k.String()] = orEmpty(counts[k.String()])
		row(table, k.String(), counts[k.String()])
	}
	row(table, "all", counts["all"])
	_, err = fmt.Print(table)
	return all.String(), err
}

func row(t *term.Table, name string, c *count) {
	if c.there > 0 {
		t.Row(name, fmt.Sprint(c.there), fmt.Sprintf("%.4f", float64(c.right)/float64(max(c.found, 1))), fmt.Sprintf("%.4f", float64(c.right)/float64(c.there)))
	}
}

func orEmpty(c *count) *count {
	if c == nil {
		return &count{}
	}
	return c
}

type span struct {
	start, end int
	kind       string
}

func compare(counts map[string]*count, text string, spans [][3]any) error {
	runes := []rune(text)
	want := map[span]bool{}
	for _, s := range spans {
		start, ok1 := s[0].(float64)
		end, ok2 := s[1].(float64)
		kind, ok3 := s[2].(string)
		if !ok1 || !ok2 || !ok3 || start < 0 || end < start || int(end) > len(runes) {
			return fmt.Errorf("span %v", s)
		}
		at := len(string(runes[:int(start)]))
		want[span{at, at + len(string(runes[int(start):int(end)])), kind}] = true
		counts[kind] = orEmpty(counts[kind])
		counts[kind].there++
		counts["all"].there++
	}
	for _, m := range pii.Scan(nil, text) {
		kind := m.Kind.String()
		counts[kind] = orEmpty(counts[kind])
		counts[kind].found++
		counts["all"].found++
		if want[span{m.Start, m.End, kind}] {
			counts[kind].right++
			counts["all"].right++
		}
	}
	return nil
}

// patterns are what people write for the same kinds, without any check.
var patterns = []*regexp.Regexp{
	regexp.MustCompile(`\b\d{17}[\dXx]\b`),
	regexp.MustCompile(`\b(?:\d[ -]?){13,19}\b`),
	regexp.MustCompile(`\b(?:86)?1[3-9]\d{9}\b`),
	regexp.MustCompile(`\p{Han}[A-Z]·?[A-Z0-9]{5,6}`),
	regexp.MustCompile(`\b[0-9A-Z]{18}\b`),
	regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`),
	regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`),
	regexp.MustCompile(`\b(?:AKIA[0-9A-Z]{16}|gh[opusr]_\w{36}|sk-[\w-]{32,}|AIza[\w-]{35})\b`),
}

// speed prints how fast a text is scanned. It is repeated up to a size that
// takes a while.
func speed(name, text string) {
	const enough = 64 << 20
	rounds := max(enough/max(len(text), 1), 1)
	var m []pii.Match
	start := clock.CPU()
	for range rounds {
		m = pii.Scan(m[:0], text)
	}
	ours := float64(rounds*len(text)) / 1e6 / (clock.CPU() - start).Seconds()
	sample := text[:min(len(text), 2<<20)]
	start = clock.CPU()
	for _, p := range patterns {
		p.FindAllStringIndex(sample, -1)
	}
	theirs := float64(len(sample)) / 1e6 / (clock.CPU() - start).Seconds()
	fmt.Printf("%s: %.1f MB, %d matches, %.0f MB/s, regexp %.1f MB/s, ratio %.0f\n", name, float64(len(text))/1e6, len(m), ours, theirs, ours/theirs)
}
