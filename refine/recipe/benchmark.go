package recipe

import (
	"context"
	"fmt"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
)

// benchmarkSettings are those of the step that drops documents which hold
// questions of benchmarks.
type benchmarkSettings struct {
	// Path is a file of a benchmark, or a folder of such: see
	// decontaminate.Read. Where it is empty the step does nothing.
	Path string
	// Words, MinHits, MinShare and MaxItems are those of decontaminate.Settings.
	Words, MinHits int
	MinShare       float64
	MaxItems       int
	// Digest of the benchmarks is recorded; one that is given must be theirs.
	Digest string
}

func benchmarkDefaults() benchmarkSettings {
	s := decontaminate.Defaults()
	return benchmarkSettings{Words: s.Words, MinHits: s.MinHits, MinShare: s.MinShare, MaxItems: s.MaxItems}
}

// benchmarkStep drops documents with questions of benchmarks and says of which.
type benchmarkStep struct {
	refine.Step

	set *decontaminate.Set
}

func newBenchmark(s benchmarkSettings, at place) (Part, benchmarkSettings, error) {
	if s.Path == "" {
		return Part{Step: idle{"decontaminate"}}, s, nil
	}
	folder, err := at.folder(s.Path)
	if err != nil {
		return Part{}, s, fmt.Errorf("open benchmarks: %w", err)
	}
	items, failures, err := decontaminate.Read(folder)
	if err == nil {
		err = failures.Err() // a benchmark that is half read would be half avoided
	}
	if err != nil {
		return Part{}, s, fmt.Errorf("open benchmarks %s: %w", s.Path, err)
	}
	set, err := decontaminate.NewSet(decontaminate.Settings{Words: s.Words, MinHits: s.MinHits, MinShare: s.MinShare, MaxItems: s.MaxItems}, items)
	if err != nil {
		return Part{}, s, fmt.Errorf("open benchmarks %s: %w", s.Path, err)
	}
	if err := pin(&s.Digest, set.Digest(), s.Path); err != nil {
		return Part{}, s, err
	}
	filter, err := decontaminate.New(set)
	if err != nil {
		return Part{}, s, fmt.Errorf("open benchmarks %s: %w", s.Path, err)
	}
	return Part{Step: benchmarkStep{filter, set}}, s, nil
}

// finder is a step that can say what it found in a document.
type finder interface {
	find(d *refine.Document) []decontaminate.Hit
}

func (s benchmarkStep) find(d *refine.Document) []decontaminate.Hit { return s.set.Match(d.Text) }

// idle is a step that was given nothing to do.
type idle struct{ name string }

// Name implements refine.Step.
func (s idle) Name() string { return s.name }

// Apply implements refine.Step.
func (idle) Apply(context.Context, *refine.Document) (refine.Verdict, error) {
	return refine.Verdict{}, nil
}
