package hub

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
)

// ErrNotFound is wrapped when a model, a revision or a file is not there: in
// the store, or on the hub.
var ErrNotFound = errors.New("not found")

// Store is the local model store. It holds no state: several Stores, also of
// several processes, may share one directory.
type Store struct {
	Dir string // usually HOME/models
}

// Manifest says what a complete commit consists of.
type Manifest struct {
	Model  string `json:"model"`  // org/name
	Commit string `json:"commit"` // 40 hexadecimal digits
	Files  []File `json:"files"`  // by path
}

// File is one file of a manifest.
type File struct {
	Path   string        `json:"path"` // with slashes, relative to the commit's directory
	Size   int64         `json:"size"` // bytes
	SHA256 troika.Digest `json:"sha256"`
	// GitSHA1 is the git blob id, for files that the hub keeps outside LFS.
	GitSHA1 string `json:"git_sha1,omitempty"`
}

// Model is one complete commit in a store.
type Model struct {
	Ref       Ref // its Revision is the commit
	Dir       string
	Revisions []string // the revisions that pointed here when last pulled, sorted
	Files     int
	Bytes     int64
}

func (s Store) root(r Ref) string { return filepath.Join(s.Dir, r.Org, r.Name) }

func (s Store) dir(r Ref, commit string) string { return filepath.Join(s.root(r), commit) }

func (s Store) manifestPath(r Ref, commit string) string {
	return filepath.Join(s.root(r), "manifests", commit+".json")
}

func (s Store) refPath(r Ref) string {
	return filepath.Join(s.root(r), "refs", url.PathEscape(r.revision()))
}

// Path returns the directory of a model that was pulled completely, or an error
// that wraps ErrNotFound. It asks no hub: a branch means what it meant when it
// was last pulled.
func (s Store) Path(r Ref) (string, error) {
	commit, err := s.commit(r)
	if err != nil {
		return "", err
	}
	if _, err := s.manifest(r, commit); err != nil {
		return "", err
	}
	return s.dir(r, commit), nil
}

// Manifest returns the manifest of a complete model; errors are those of Path.
func (s Store) Manifest(r Ref) (Manifest, error) {
	commit, err := s.commit(r)
	if err != nil {
		return Manifest{}, err
	}
	return s.manifest(r, commit)
}

func (s Store) commit(r Ref) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	if commitName.MatchString(r.Revision) {
		return r.Revision, nil
	}
	b, err := os.ReadFile(s.refPath(r))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("model %s in %s: %w", r, s.Dir, ErrNotFound)
	}
	commit := strings.TrimSpace(string(b))
	if err == nil && !commitName.MatchString(commit) {
		err = errors.New("it does not hold a commit")
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", s.refPath(r), err)
	}
	return commit, nil
}

func (s Store) manifest(r Ref, commit string) (Manifest, error) {
	path := s.manifestPath(r, commit)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("model %s (commit %s) in %s: %w", r, commit, s.Dir, ErrNotFound)
	}
	var m Manifest
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err == nil {
		paths := make([]string, len(m.Files))
		for i, f := range m.Files {
			paths[i] = f.Path
		}
		err = checkPaths(paths)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w", path, err)
	}
	return m, nil
}

// Verify reads every file of a model again and compares it with the manifest.
// The first difference is an error that wraps ErrDigest or [fs.ErrNotExist].
func (s Store) Verify(r Ref) error {
	m, err := s.Manifest(r)
	if err != nil {
		return err
	}
	for _, f := range m.Files {
		sum, err := sumFile(filepath.Join(s.dir(r, m.Commit), filepath.FromSlash(f.Path)))
		if err != nil {
			return fmt.Errorf("verify %s: %w", f.Path, err)
		}
		if sum.size != f.Size || sum.sha256 != f.SHA256 {
			return fmt.Errorf("verify %s: %w: it has %d bytes with %s, the manifest says %d with %s",
				f.Path, ErrDigest, sum.size, sum.sha256, f.Size, f.SHA256)
		}
	}
	return nil
}

// List returns every complete commit, by org, name and commit. A store whose
// directory does not exist is empty.
func (s Store) List() ([]Model, error) {
	paths, err := filepath.Glob(filepath.Join(globEscape(s.Dir), "*", "*", "manifests", "*.json"))
	if err != nil {
		return nil, err
	}
	var out []Model
	for _, p := range paths {
		root := filepath.Dir(filepath.Dir(p))
		r := Ref{
			Org: filepath.Base(filepath.Dir(root)), Name: filepath.Base(root),
			Revision: strings.TrimSuffix(filepath.Base(p), ".json"),
		}
		if r.check() != nil || !commitName.MatchString(r.Revision) {
			continue // not of our making
		}
		m, err := s.manifest(r, r.Revision)
		if err != nil {
			return nil, err
		}
		model := Model{Ref: r, Dir: s.dir(r, r.Revision), Files: len(m.Files)}
		for _, f := range m.Files {
			model.Bytes += f.Size
		}
		if model.Revisions, err = s.revisions(r); err != nil {
			return nil, err
		}
		out = append(out, model)
	}
	slices.SortFunc(out, func(a, b Model) int {
		return cmp.Or(cmp.Compare(a.Ref.Org, b.Ref.Org), cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.Ref.Revision, b.Ref.Revision))
	})
	return out, nil
}

// globEscape quotes a directory for filepath.Glob. Windows has no quoting, and
// no star or question mark in names either.
func globEscape(dir string) string {
	if filepath.Separator == '\\' {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// revisions lists the names that point to the commit r.
func (s Store) revisions(r Ref) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.root(r), "refs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		name, err := url.PathUnescape(e.Name())
		if err != nil {
			continue // not of our making
		}
		commit, err := s.commit(Ref{Org: r.Org, Name: r.Name, Revision: name})
		if err == nil && commit == r.Revision {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Resolve finds the directory that a user means: a path to a directory; a
// reference with or without its scheme; or the bare name of a model of which
// the store holds main from one owner only. Errors wrap ErrNotFound.
func (s Store) Resolve(nameOrPath string) (string, error) {
	if !strings.HasPrefix(nameOrPath, Scheme) {
		if info, err := os.Stat(nameOrPath); err == nil && info.IsDir() {
			return nameOrPath, nil
		}
	}
	if r, err := ParseRef(nameOrPath); err == nil {
		return s.Path(r)
	}
	if filepath.IsAbs(nameOrPath) || strings.HasPrefix(nameOrPath, ".") {
		return "", fmt.Errorf("model directory %s: %w", nameOrPath, ErrNotFound)
	}
	models, err := s.List()
	if err != nil {
		return "", err
	}
	var found []Model
	for _, m := range models {
		if m.Ref.Name == nameOrPath && slices.Contains(m.Revisions, DefaultRevision) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("model %q: %w: neither a directory nor pulled into %s", nameOrPath, ErrNotFound, s.Dir)
	case 1:
		return found[0].Dir, nil
	}
	return "", fmt.Errorf("model %q: %w: it could be %s or %s", nameOrPath, ErrNotFound, found[0].Ref.ID(), found[1].Ref.ID())
}

// publish writes the manifest, which makes the commit exist.
func (s Store) publish(r Ref, m Manifest) error {
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.manifestPath(r, m.Commit), append(b, '\n'))
}

// pin records what a revision means.
func (s Store) pin(r Ref, commit string) error {
	if r.revision() == commit {
		return nil
	}
	return writeFile(s.refPath(r), []byte(commit+"\n"))
}

func writeFile(path string, b []byte) error {
	if err := fsx.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(path, b, 0o644)
}
