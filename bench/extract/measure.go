package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	trafilatura "github.com/markusmobius/go-trafilatura"

	"github.com/troikaml/troika/refine/extract"
)

// extractor returns the main content of a page, or "" where it fails.
type extractor struct {
	name string
	text func(e *entry) string
}

// extractors are measured side by side in one run.
func extractors(peer bool) []extractor {
	ours := extractor{"refine/extract", func(e *entry) string {
		p, err := extract.Parse(e.page, extract.Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, e.file, err)
		}
		return p.Text
	}}
	if !peer {
		return []extractor{ours}
	}
	theirs := func(fallback bool) func(e *entry) string {
		return func(e *entry) string {
			u, err := url.ParseRequestURI(e.url)
			if err != nil {
				return ""
			}
			// the settings of the module's own comparison
			r, err := trafilatura.Extract(strings.NewReader(string(e.page)), trafilatura.Options{
				EnableFallback: fallback, ExcludeComments: true, OriginalURL: u,
			})
			if err != nil {
				return ""
			}
			return r.ContentText
		}
	}
	return []extractor{ours, {"go-trafilatura", theirs(false)}, {"go-trafilatura + fallback", theirs(true)}}
}

// gold judges extractors on the gold pages: on the half that the model was
// fitted to, on the other half, and on all.
func gold(ctx context.Context, peer bool) error {
	entries, err := loadGold(ctx)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	size := 0
	for _, e := range entries {
		size += len(e.page)
	}
	fmt.Printf("%d pages, %.1f MB\n", len(entries), float64(size)/1e6)
	for _, x := range extractors(peer) {
		var develop, held, all counts
		var took time.Duration
		for _, e := range entries {
			start := cpuTime()
			text := x.text(e)
			took += cpuTime() - start
			kept := func(s string) bool { return strings.Contains(text, s) }
			if e.develop() {
				develop.add(e, kept)
			} else {
				held.add(e, kept)
			}
			all.add(e, kept)
		}
		fmt.Printf("%s: %.1f MB/s of processor time\n", x.name, float64(size)/1e6/took.Seconds())
		fmt.Printf("  held out     %v\n  development  %v\n  all          %v\n", held, develop, all)
	}
	return nil
}
