package recipe

import (
	"context"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/pii"
)

// privateSettings are those of the step that finds personal data and keys.
type privateSettings struct {
	// Kinds are the kinds to look for, all where there are none: see pii.Kind.
	Kinds []string
	// CountOnly leaves texts as they are and counts what is in them. Reports hide
	// it all the same.
	CountOnly bool
}

func newPrivate(s privateSettings) (Part, error) {
	hide, err := pii.New(s.Kinds...)
	if err != nil {
		return Part{}, err
	}
	if s.CountOnly {
		return Part{Step: countStep{hide}, Mask: hide}, nil
	}
	return Part{Step: hide, Mask: hide}, nil
}

// countStep counts what another step would edit.
type countStep struct{ refine.Step }

// Apply implements refine.Step.
func (s countStep) Apply(ctx context.Context, d *refine.Document) (refine.Verdict, error) {
	c := *d
	v, err := s.Step.Apply(ctx, &c)
	return refine.Verdict{Counts: v.Counts}, err
}
