package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
)

// Maker makes one kind of pipeline part from settings: an entry of the
// registry.
type Maker struct {
	// Name is how recipes and reports call it.
	Name string
	// Help is one line for people.
	Help string
	// fuses says that the step is a filter of package filter that edits nothing:
	// several in a row share their work.
	fuses bool
	// build decodes settings over the defaults and makes the part; settings
	// may be nil. It returns the complete settings.
	build func(settings *yaml.Node, at place) (Part, any, error)
}

// Defaults returns the settings that hold where a recipe says nothing, as JSON.
func (m Maker) Defaults() (string, error) {
	_, settings, err := m.build(nil, place{})
	if err != nil && !errors.Is(err, errNeedsSettings) {
		return "", err
	}
	b, err := canonical(settings)
	return string(b), err
}

// errNeedsSettings says that a part cannot be made from its defaults alone.
var errNeedsSettings = errors.New("settings are missing")

// Part is a made step or stage: one of Step, Stage, Pairs and Split is set.
type Part struct {
	// Step judges one document at a time.
	Step refine.Step
	// Stage judges documents beside all others.
	Stage Stage
	// Pairs finds translations.
	Pairs *Pairs
	// Split says which documents are kept apart from those to learn from.
	Split *Split
	// Mask, if it is not nil, hides what must not be shown: it is applied to
	// every excerpt in decisions and reports.
	Mask refine.Step
}

// place is where the files that settings name are looked up: in the folder of
// the recipe's file, else where the program runs.
type place struct{ fsys fs.FS }

// folder opens the folder at a path, or the folder of the one file that it names.
func (p place) folder(name string) (fs.FS, error) {
	if p.fsys == nil || filepath.IsAbs(name) {
		dir, base := filepath.Split(filepath.Clean(name))
		if info, err := os.Stat(name); err != nil {
			return nil, err
		} else if info.IsDir() {
			return os.DirFS(name), nil
		}
		return only{os.DirFS(cmp.Or(dir, ".")), base}, nil
	}
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%s is not below the folder of the recipe: name it from the root", name)
	}
	info, err := fs.Stat(p.fsys, name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return fs.Sub(p.fsys, name)
	}
	below, err := fs.Sub(p.fsys, path.Dir(name))
	return only{below, path.Base(name)}, err
}

// only is a folder that shows one of its files alone.
type only struct {
	fs.FS

	name string
}

// ReadDir implements fs.ReadDirFS.
func (o only) ReadDir(dir string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(o.FS, o.name)
	if err != nil || dir != "." {
		return nil, cmp.Or(err, fs.ErrNotExist)
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
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
	return located(name, help, defaults, func(s S, _ place) (Part, S, error) {
		p, err := build(s)
		return p, s, err
	})
}

// located returns the maker of a part whose settings name files. Build returns
// the settings with what it found in them.
func located[S any](name, help string, defaults S, build func(S, place) (Part, S, error)) Maker {
	return Maker{Name: name, Help: help, build: func(n *yaml.Node, at place) (Part, any, error) {
		s := defaults
		if n != nil && !isNull(n) {
			if err := decode(n, &s); err != nil {
				return Part{}, s, err
			}
		}
		p, s, err := build(s, at)
		if err != nil && n != nil {
			err = fmt.Errorf("line %d: %w", n.Line, err)
		}
		return p, s, err
	}}
}

// filterOf returns the maker of a filter that edits nothing, with a preset of
// package filter for its defaults.
func filterOf[S refine.Step](name, help string, preset S) Maker {
	m := step(name, help, preset, func(s S) (refine.Step, error) { return s, filter.Ready(s) })
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
