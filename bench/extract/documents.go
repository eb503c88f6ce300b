package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/troikaml/troika/refine/extract"
)

// documents measures how much of the text of Chinese manuals is found: of
// LibreOffice's help the text of the element that holds the page's content, of
// the Debian reference the lines of its plain-text edition.
func documents(dir string) error {
	runtime.GOMAXPROCS(1)
	for _, lang := range []string{"zh-CN", "zh-TW"} {
		folder := filepath.Join(dir, "libreoffice-help-"+strings.ToLower(lang), "usr/share/libreoffice/help", lang, "text")
		if err := help(folder, lang); err != nil {
			return err
		}
	}
	return reference(filepath.Join(dir, "debian-reference-zh-cn/usr/share/debian-reference"))
}

// tallyText counts the bytes of gold lines and of those that were found.
type tallyText struct {
	all, found int
	missing    []string
}

func (t *tallyText) add(line, squeezed string) {
	key := squeeze(line)
	t.all += len(key)
	if strings.Contains(squeezed, key) {
		t.found += len(key)
	} else if len(t.missing) < 400 && len(t.missing) < cap(t.missing) {
		t.missing = append(t.missing, line)
	}
}

func (t *tallyText) print(name string, bytes int, seconds float64) {
	fmt.Printf("%-24s recall %.4f of %.1f MB of text; %.1f MB/s\n", name, float64(t.found)/float64(t.all), float64(t.all)/1e6, float64(bytes)/1e6/seconds)
	for _, m := range t.missing {
		fmt.Printf("    %.100q\n", m)
	}
}

// squeeze leaves letters and digits alone.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func help(folder, name string) error {
	var t tallyText
	bytes, seconds := 0, 0.0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".html" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		start := cpuTime()
		p, err := extract.Parse(b, extract.Options{})
		seconds += (cpuTime() - start).Seconds()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		bytes += len(b)
		root, err := html.Parse(strings.NewReader(string(b)))
		if err != nil {
			return err
		}
		got := squeeze(p.Title + p.Text)
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && attribute(n, "id") == "DisplayArea" {
				lines(n, func(line string) { t.add(line, got) })
			}
		}
		return nil
	})
	t.print("help "+name, bytes, seconds)
	return err
}

// lines yields the text of each innermost paragraph, heading and cell.
func lines(n *html.Node, yield func(string)) {
	for c := range n.Descendants() {
		switch c.Data {
		case "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre":
			var b strings.Builder
			for d := range c.Descendants() {
				if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
					b.WriteString(d.Data)
				}
			}
			if s := strings.TrimSpace(b.String()); s != "" {
				yield(s)
			}
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// reference compares the chapters with the plain-text edition. Its lines are
// wrapped, so that a line is a piece of a paragraph.
func reference(folder string) error {
	chapters, err := filepath.Glob(filepath.Join(folder, "*.zh-cn.html"))
	if err != nil || len(chapters) == 0 {
		return fmt.Errorf("no chapters in %s: %w", folder, err)
	}
	var got strings.Builder
	bytes, seconds := 0, 0.0
	for _, path := range chapters {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		start := cpuTime()
		p, err := extract.Parse(b, extract.Options{})
		seconds += (cpuTime() - start).Seconds()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		bytes += len(b)
		got.WriteString(squeeze(p.Title + p.Text))
	}
	b, err := readFile(filepath.Join(folder, "debian-reference.zh-cn.txt.gz"))
	if err != nil {
		return err
	}
	t := tallyText{missing: make([]string, 0, 400)}
	all := got.String()
	for line := range strings.SplitSeq(string(b), "\n") {
		for piece := range strings.SplitSeq(line, "|") { // a table's cell
			t.add(piece, all)
		}
	}
	t.print("debian-reference zh-CN", bytes, seconds)
	return nil
}
