package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/starter"
)

// starterName is the name of the model inside the program.
const (
	starterName    = "starter"
	quickstartFile = "quickstart.json"
)

// starterDir returns the starter as a directory of --home, and unpacks it there
// the first time.
func (a *app) starterDir() (string, error) {
	home, err := a.Home()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	files := map[string][]byte{}
	err = fs.WalkDir(starter.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(starter.Files(), name)
		files[name] = data
		_, _ = fmt.Fprintln(h, name, troika.Sum(data))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("unpack the starter: %w", err)
	}
	dir := filepath.Join(home, starterName, troika.DigestOf(h).Hex()[:12])
	// config.json is written last: where it is, the rest is.
	last := filepath.Join(dir, "config.json")
	if exists(last) {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("unpack the starter: %w", err)
	}
	fsx.Sweep(dir)
	for name, data := range files {
		if name == "config.json" {
			continue
		}
		if err := fsx.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return "", fmt.Errorf("unpack the starter: %w", err)
		}
	}
	if err := fsx.WriteFile(last, files["config.json"], 0o644); err != nil {
		return "", fmt.Errorf("unpack the starter: %w", err)
	}
	return dir, nil
}
