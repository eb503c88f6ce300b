package shard

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/refine"
)

// Document is a line of a shard.
type Document struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Read returns the documents of a file of JSON lines and the bytes of their texts.
func Read(path string) (docs []Document, size int, err error) {
	if path == "" {
		return nil, 0, fmt.Errorf("want a file of documents: lines of {\"id\", \"text\"}")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	for line, err := range refine.Lines(f, refine.MaxLine) {
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", path, err)
		}
		var d Document
		if err := refine.DecodeLine(line.Bytes, &d); err != nil {
			return nil, 0, fmt.Errorf("read %s: line %d: %w", path, line.Number, err)
		}
		docs = append(docs, d)
		size += len(d.Text)
	}
	return docs, size, nil
}

// Time returns the median processor time of several rounds of f.
func Time(rounds int, f func() error) (time.Duration, error) {
	var took []time.Duration
	for range max(rounds, 1) {
		start := clock.CPU()
		if err := f(); err != nil {
			return 0, err
		}
		took = append(took, clock.CPU()-start)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// Rate returns MB a second.
func Rate(size int, took time.Duration) float64 { return float64(size) / 1e6 / took.Seconds() }
