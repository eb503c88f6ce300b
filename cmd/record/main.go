package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"unicode"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
)

func main() {
	out := flag.String("out", "", "SVG file to write")
	title := flag.String("title", "", "command line to show")
	width := flag.Int("width", 96, "columns; longer lines are wrapped")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := record(ctx, *out, *title, *width, flag.Args())
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, out, title string, width int, args []string) error {
	if len(args) == 0 || out == "" {
		return fmt.Errorf("usage: record -out FILE.svg -- PROGRAM ARGUMENTS")
	}
	var text bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", args[0], err, text.String())
	}
	lines := append([]string{"$ " + title}, thin(wrap(text.String(), width))...)
	return fsx.WriteFile(out, draw(lines, width), 0o644)
}

// wrap cuts text into lines of at most width cells.
func wrap(text string, width int) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.Map(printable, strings.TrimRight(line, "\r\n"))
		for term.Width(line) > width {
			n, cells := 0, 0
			for i, r := range line {
				if cells += term.Width(string(r)); cells > width {
					n = i
					break
				}
			}
			lines = append(lines, line[:n])
			line = line[n:]
		}
		lines = append(lines, line)
	}
	return lines
}

// progress is a line that tells how far something is.
var progress = regexp.MustCompile(`^[^:]+: \d+/\d+ `)

// mostProgress is how many of the progress lines that follow each other are drawn.
const mostProgress = 8

// thin leaves out progress lines, evenly, where there are many: on a terminal each is
// written over the one before.
func thin(lines []string) []string {
	var out []string
	for len(lines) > 0 {
		n := 0
		for n < len(lines) && progress.MatchString(lines[n]) {
			n++
		}
		if n <= mostProgress {
			n = max(n, 1)
			out = append(out, lines[:n]...)
		} else {
			for i := range mostProgress {
				out = append(out, lines[i*(n-1)/(mostProgress-1)])
			}
		}
		lines = lines[n:]
	}
	return out
}

// printable drops control characters, which XML cannot hold.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

const (
	cell   = 8.4 // of the 14 px font, in pixels
	height = 20
	margin = 18
)

// draw returns an SVG of a terminal window with the lines.
func draw(lines []string, width int) []byte {
	w, h := cell*float64(width)+2*margin, len(lines)*height+2*margin+24
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="10" fill="#16181d"/>`+"\n", w, h)
	for i, colour := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="20" r="6" fill="%s"/>`+"\n", margin+6+i*20, colour)
	}
	fmt.Fprintln(&b, `<g style="white-space: pre" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#d7dae0" xml:space="preserve">`)
	for i, line := range lines {
		fill := ""
		if i == 0 {
			fill = ` fill="#7ee787"`
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d"%s>%s</text>`+"\n", margin, 24+margin+(i+1)*height-6, fill, html.EscapeString(line))
	}
	fmt.Fprint(&b, "</g>\n</svg>\n")
	return b.Bytes()
}
