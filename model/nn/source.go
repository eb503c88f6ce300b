package nn

import (
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// FromCheckpoint makes a Source of a checkpoint. The checkpoint stays open until
// the model is built.
func FromCheckpoint(r checkpoint.Reader) Source { return &checkpointSource{r: r, names: r.Names()} }

type checkpointSource struct {
	r     checkpoint.Reader
	names []string // sorted
}

func (s *checkpointSource) Tensor(name string, _ []int) (tensor.Tensor, error) {
	return s.r.Tensor(name)
}

func (s *checkpointSource) Names() []string { return s.names }

// Release is advice: a checkpoint whose pages cannot be given back still works.
func (s *checkpointSource) Release(name string) {
	if r, ok := s.r.(interface{ Release(name string) error }); ok {
		_ = r.Release(name)
	}
}
