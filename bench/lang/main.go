package main

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/text/lang"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one file, got %d", len(args))
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	total, right := map[string]int{}, map[string]int{}
	taken := map[string]map[string]int{} // by tag: what it was taken for
	size := 0
	lang.Identify("warm up")
	start := clock.CPU()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		tag, text, _ := strings.Cut(lines.Text(), "\t")
		got := lang.Identify(text).Lang
		size += len(text)
		total[tag]++
		if got == tag {
			right[tag]++
			continue
		}
		if taken[tag] == nil {
			taken[tag] = map[string]int{}
		}
		taken[tag][got]++
	}
	if err := lines.Err(); err != nil {
		return err
	}
	rate := float64(size) / 1e6 / (clock.CPU() - start).Seconds()
	mean := 0.0
	for _, tag := range slices.Sorted(maps.Keys(total)) {
		share := float64(right[tag]) / float64(total[tag])
		mean += share / float64(len(total))
		fmt.Printf("%-8s %.4f of %d%s\n", tag, share, total[tag], worst(taken[tag]))
	}
	fmt.Printf("mean of %d languages: %.4f; %.1f MB/s\n", len(total), mean, rate)
	return nil
}

// worst names what most of the others were taken for.
func worst(taken map[string]int) string {
	var out strings.Builder
	tags := slices.SortedFunc(maps.Keys(taken), func(a, b string) int {
		return cmp.Or(cmp.Compare(taken[b], taken[a]), strings.Compare(a, b))
	})
	for _, tag := range tags[:min(3, len(tags))] {
		fmt.Fprintf(&out, "  %s %d", tag, taken[tag])
	}
	return out.String()
}
