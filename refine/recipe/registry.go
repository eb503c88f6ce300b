package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/troikaml/troika/refine"
)

// Maker makes one kind of pipeline part from settings: an entry of the
// registry.
type Maker struct {
	// Name is how recipes and reports call it.
	Name string
	// Help is one line for people.
	Help string
	// Redacts says that the step hides what must not be shown: reports apply it
	// to every excerpt they print.
	Redacts bool
	// fuses says that the step is a filter of package filter that edits nothing:
	// several in a row share their work.
	fuses bool
	// build decodes settings over the defaults and makes the part; settings
	// may be nil. It returns the complete settings.
	build func(settings *yaml.Node) (Part, any, error)
}

// Defaults returns the settings that hold where a recipe says nothing, as JSON.
func (m Maker) Defaults() (string, error) {
	_, settings, err := m.build(nil)
	if err != nil && !errors.Is(err, errNeedsSettings) {
		return "", err
	}
	b, err := canonical(settings)
	return string(b), err
}

// errNeedsSettings says that a part cannot be made from its defaults alone.
var errNeedsSettings = errors.New("settings are missing")

// Part is a made step or stage: exactly one field is set.
type Part struct {
	// Step judges one document at a time.
	Step refine.Step
	// Stage judges documents beside all others.
	Stage Stage
}

// step returns the maker of a step with settings of type S.
func step[S any](name, help string, defaults S, build func(S) (refine.Step, error)) Maker {
	return maker(name, help, defaults, func(s S) (Part, error) {
		one, err := build(s)
		return Part{Step: one}, err
	})
}

// stage returns the maker of a stage with settings of type S.
func stage[S any](name, help string, defaults S, build func(S) (Stage, error)) Maker {
	return maker(name, help, defaults, func(s S) (Part, error) {
		one, err := build(s)
		return Part{Stage: one}, err
	})
}

func maker[S any](name, help string, defaults S, build func(S) (Part, error)) Maker {
	return Maker{Name: name, Help: help, build: func(n *yaml.Node) (Part, any, error) {
		s := defaults
		if n != nil && !isNull(n) {
			if err := decode(n, &s); err != nil {
				return Part{}, s, err
			}
		}
		p, err := build(s)
		if err != nil && n != nil {
			err = fmt.Errorf("line %d: %w", n.Line, err)
		}
		return p, s, err
	}}
}

// redacting marks a maker whose step hides what must not be shown.
func redacting(m Maker) Maker {
	m.Redacts = true
	return m
}

// filterOf returns the maker of a filter that edits nothing, with a preset of
// package filter for its defaults.
func filterOf[S refine.Step](name, help string, preset S) Maker {
	m := step(name, help, preset, func(s S) (refine.Step, error) { return s, nil })
	m.fuses = true
	return m
}

// find returns the maker of a name.
func find(makers []Maker, name string) (Maker, error) {
	i := slices.IndexFunc(makers, func(m Maker) bool { return m.Name == name })
	if i < 0 {
		names := make([]string, len(makers))
		for i, m := range makers {
			names[i] = m.Name
		}
		return Maker{}, fmt.Errorf("no step %q; there are %s", name, strings.Join(names, ", "))
	}
	return makers[i], nil
}
