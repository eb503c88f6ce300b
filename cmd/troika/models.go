package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/hub"
	"github.com/troikaml/troika/serve/finetune"
)

// modelRef is a model on this machine: a base directory or GGUF file, and for a tuned model the
// adapter that acts on it.
type modelRef struct {
	Name    string
	Base    string // name of the base, equal to Name for a base
	Dir     string // of the base
	Adapter string // directory, empty for a base
}

const (
	adaptersFolder = "adapters"
	modelsFolder   = "models"
	runsFolder     = "runs"
)

// resolveModel finds a model by name or path: a directory with a model or an
// adapter, an adapter of --home, a pulled model, or hf://org/name.
func (a *app) resolveModel(name string) (modelRef, error) {
	if name == starterName {
		dir, err := a.starterDir()
		return modelRef{Name: name, Base: name, Dir: dir}, err
	}
	home, err := a.Home()
	if err != nil {
		return modelRef{}, err
	}
	if dir, err := finetune.Find(filepath.Join(home, tunedFolder), name); err == nil {
		return a.resolveAdapter(name, dir)
	}
	dirs := []string{name, filepath.Join(home, adaptersFolder, name)}
	if strings.HasPrefix(name, hub.Scheme) || name == "" {
		dirs = nil
	}
	for _, dir := range dirs {
		if exists(filepath.Join(dir, adapter.ConfigFile)) {
			return a.resolveAdapter(name, dir)
		}
		if exists(filepath.Join(dir, "config.json")) || gguf.Is(dir) && exists(dir) {
			return modelRef{Name: name, Base: name, Dir: dir}, nil
		}
	}
	dir, err := hub.Store{Dir: filepath.Join(home, modelsFolder)}.Resolve(name)
	if err != nil {
		return modelRef{}, fmt.Errorf("no model %q: it is neither a folder with config.json, a GGUF file, nor in %s, nor pulled (troika pull hf://ORG/NAME): %w",
			name, filepath.Join(home, adaptersFolder), err)
	}
	return modelRef{Name: name, Base: name, Dir: dir}, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (a *app) resolveAdapter(name, dir string) (modelRef, error) {
	base, err := adapter.Base(dir)
	if err != nil {
		return modelRef{}, err
	}
	if base == "" {
		return modelRef{}, fmt.Errorf("adapter %s does not name its base model", dir)
	}
	ref, err := a.resolveModel(base)
	if err != nil {
		return modelRef{}, fmt.Errorf("adapter %s: base model: %w", dir, err)
	}
	if ref.Adapter != "" {
		return modelRef{}, fmt.Errorf("adapter %s: its base %s is an adapter itself", dir, base)
	}
	return modelRef{Name: name, Base: ref.Name, Dir: ref.Dir, Adapter: dir}, nil
}

// localModels lists every model of --home: the starter, pulled models, adapters.
func (a *app) localModels() ([]modelRef, error) {
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	names := []string{starterName}
	pulled, err := hub.Store{Dir: filepath.Join(home, modelsFolder)}.List()
	if err != nil {
		return nil, err
	}
	for _, m := range pulled {
		if id := m.Ref.ID(); !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	entries, err := os.ReadDir(filepath.Join(home, adaptersFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if exists(filepath.Join(home, adaptersFolder, e.Name(), adapter.ConfigFile)) {
			names = append(names, e.Name())
		}
	}
	var refs []modelRef
	for _, n := range names {
		ref, err := a.resolveModel(n)
		if err != nil {
			a.Log.Warn("model left out", "model", n, "error", err)
			continue
		}
		refs = append(refs, ref)
	}
	return refs, nil
}
