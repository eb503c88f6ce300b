package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/troikaml/troika/refine/extract"
)

// manuals samples blocks of the Python documentation (PSF licence): gold pages
// are articles for the most part, and a chapter with hundreds of short
// definitions, tables and examples is content, too. What its div of class body
// holds is to be kept, the rest not.
func manuals(dir string) ([]sample, error) {
	const pages, inside, outside, weight = 120, 24, 8, .2
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) == ".html" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < pages {
		return nil, fmt.Errorf("%d pages of a manual in %s: %w", len(files), dir, err)
	}
	slices.Sort(files)
	var list []sample
	for i := range pages {
		positive, negative, err := manual(files[i*len(files)/pages])
		if err != nil {
			return nil, err
		}
		for _, rows := range []struct {
			rows     [][]int16
			most     int
			positive bool
		}{{positive, inside, true}, {negative, outside, false}} {
			n := min(len(rows.rows), rows.most)
			for k := range n {
				list = append(list, sample{rows.rows[k*len(rows.rows)/n], rows.positive, weight})
			}
		}
	}
	return list, nil
}

// manual returns the features of the blocks inside and outside the body.
func manual(file string) (positive, negative [][]int16, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	root, err := html.Parse(strings.NewReader(string(b)))
	if err != nil {
		return nil, nil, err
	}
	var body, rest strings.Builder
	collect(root, &body, &rest, false)
	in, out := squeeze(body.String()), squeeze(rest.String())
	blocks, err := extract.Blocks(b, extract.Options{})
	for _, block := range blocks {
		key := squeeze(block.Text)
		if isIn, isOut := strings.Contains(in, key), strings.Contains(out, key); isIn && !isOut {
			positive = append(positive, block.Features)
		} else if isOut && !isIn {
			negative = append(negative, block.Features)
		}
	}
	return positive, negative, err
}

func collect(n *html.Node, body, rest *strings.Builder, inside bool) {
	inside = inside || n.Type == html.ElementNode && attribute(n, "class") == "body"
	if n.Type == html.TextNode {
		if inside {
			body.WriteString(n.Data)
		} else {
			rest.WriteString(n.Data)
		}
	}
	for c := range n.ChildNodes() {
		collect(c, body, rest, inside)
	}
}
