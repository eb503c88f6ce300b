package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/troikaml/troika/internal/fsx"
)

// ErrSpace is wrapped when a model does not fit the disk.
var ErrSpace = errors.New("not enough space on the disk")

// spareBytes must stay free beside a model: states, manifests, and the other
// users of the disk.
const spareBytes = 64 << 20

const defaultParallel = 4

// Options says what Pull takes and where it puts it.
type Options struct {
	Store Store
	// Patterns selects files, as path.Match does, without regard to case; one
	// without a slash selects in the top directory only. Nil means
	// [DefaultPatterns]; [AllFiles] is everything.
	Patterns []string
	// Progress, if not nil, is called from the pull's goroutines, one call at a
	// time and at most ten times a second. It must not block.
	Progress func(Progress)

	free func(dir string) (int64, error) // nil means fsx.FreeBytes
}

// Pull brings a model into the store and returns its directory. What is there
// already, complete or half-way, is not fetched again; what a failed or killed
// pull leaves behind is used by the next one. Files selected by an earlier pull
// of the same commit stay.
//
// Several pulls of one model wait for each other. Errors wrap ErrName,
// ErrNotFound, ErrAccess, ErrProtocol, ErrUnavailable, ErrDigest, ErrSpace, or
// the context's cause.
func (c *Client) Pull(ctx context.Context, ref Ref, opts Options) (dir string, err error) {
	if err := ref.check(); err != nil {
		return "", fmt.Errorf("pull: %w", err)
	}
	s, err := c.session()
	if err != nil {
		return "", err
	}
	p := &pull{session: s, ref: ref, Options: opts, parallel: cmp.Or(max(c.Parallel, 0), defaultParallel)}
	if err := p.run(ctx); err != nil {
		return "", fmt.Errorf("pull %s: %w", ref, err)
	}
	return opts.Store.dir(ref, p.commit), nil
}

// pull is one call of Pull.
type pull struct {
	*session
	Options
	ref      Ref
	parallel int
	commit   string
}

func (p *pull) run(ctx context.Context) (err error) {
	commit, names, err := p.resolve(ctx, p.ref)
	if err != nil {
		return err
	}
	p.commit = commit
	root := p.Store.root(p.ref)
	if err := fsx.MkdirAll(root, 0o755); err != nil {
		return err
	}
	lock, err := fsx.Acquire(ctx, filepath.Join(root, ".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	// Under the lock, what is unfinished there is of a pull that was killed.
	fsx.Sweep(filepath.Dir(p.Store.manifestPath(p.ref, commit)))
	fsx.Sweep(filepath.Dir(p.Store.refPath(p.ref)))
	wanted, err := p.list(ctx, p.ref, commit, names, p.Patterns)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return fmt.Errorf("none of its %d files is wanted: %w", len(names), ErrNotFound)
	}
	manifest, err := p.Store.manifest(p.ref, commit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	manifest.Model, manifest.Commit = p.ref.ID(), commit
	if err := p.complete(ctx, &manifest, wanted); err != nil {
		return err
	}
	return p.Store.pin(p.ref, commit)
}

// complete brings in what the manifest lacks, and publishes it.
func (p *pull) complete(ctx context.Context, m *Manifest, wanted []remote) error {
	meter := newMeter(wanted, p.Progress)
	var missing []remote
	for _, r := range wanted {
		if p.present(*m, r) {
			meter.add(r.size, 1)
			continue
		}
		missing = append(missing, r)
	}
	if len(missing) == 0 {
		return nil
	}
	// The names of files that an earlier pull placed must not meet new ones.
	paths := []string{}
	for _, f := range m.Files {
		paths = append(paths, f.Path)
	}
	for _, r := range missing {
		paths = append(paths, r.path)
	}
	slices.Sort(paths)
	if err := checkPaths(slices.Compact(paths)); err != nil {
		return err
	}
	files, err := p.fetchFiles(ctx, missing, meter)
	if err != nil {
		return err
	}
	if err := p.placeAll(files); err != nil {
		return err
	}
	isNew := func(f File) bool {
		return slices.ContainsFunc(files, func(g File) bool { return f.Path == g.Path })
	}
	m.Files = append(slices.DeleteFunc(m.Files, isNew), files...)
	if err := p.Store.publish(p.ref, *m); err != nil {
		return err
	}
	return os.RemoveAll(p.staging())
}

// present reports whether the commit has a file already. Content was checked
// when it was placed; here only its size is looked at again.
func (p *pull) present(m Manifest, r remote) bool {
	i := slices.IndexFunc(m.Files, func(f File) bool { return f.Path == r.path })
	if i < 0 || !m.Files[i].is(r) {
		return false
	}
	info, err := os.Lstat(filepath.Join(p.Store.dir(p.ref, p.commit), filepath.FromSlash(r.path)))
	return err == nil && info.Mode().IsRegular() && info.Size() == r.size
}

// is reports whether f has the content that the hub announces.
func (f File) is(r remote) bool {
	id := f.GitSHA1
	if r.lfs {
		id = f.SHA256.Hex()
	}
	return f.Size == r.size && id == r.oid
}

func (p *pull) staging() string { return filepath.Join(p.Store.root(p.ref), ".pull") }

// checked is where files of this commit wait until all of them are there.
func (p *pull) checked() string { return filepath.Join(p.staging(), p.commit) }

// fetchFiles gets each file into checked: from an earlier pull that did not
// come to its end, from another commit of the model, or from the hub.
func (p *pull) fetchFiles(ctx context.Context, missing []remote, meter *meter) ([]File, error) {
	parts := filepath.Join(p.staging(), "parts")
	for _, dir := range []string{parts, p.checked()} {
		if err := fsx.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	local, err := p.localFiles()
	if err != nil {
		return nil, err
	}
	var files []File
	var toFetch []remote
	for _, r := range missing {
		f, ok := p.adopt(r, local[r.oid])
		if !ok {
			toFetch = append(toFetch, r)
			continue
		}
		files = append(files, f)
		meter.add(r.size, 1)
	}
	fetched, err := p.download(ctx, parts, toFetch, meter)
	return append(files, fetched...), err
}

// localFiles maps object ids to files that other commits of the model hold.
func (p *pull) localFiles() (map[string][]string, error) {
	models, err := p.Store.List()
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, model := range models {
		if model.Ref.Org != p.ref.Org || model.Ref.Name != p.ref.Name {
			continue
		}
		m, err := p.Store.manifest(model.Ref, model.Ref.Revision)
		if err != nil {
			return nil, err
		}
		for _, f := range m.Files {
			name := filepath.Join(model.Dir, filepath.FromSlash(f.Path))
			out[f.SHA256.Hex()] = append(out[f.SHA256.Hex()], name)
			if f.GitSHA1 != "" {
				out[f.GitSHA1] = append(out[f.GitSHA1], name)
			}
		}
	}
	return out, nil
}

// adopt uses a file that is on this disk already: one that waits in checked,
// one that lies in the commit's directory without a manifest, or another
// commit's, by a hard link. The content is checked again. Any failure only
// means that the file is fetched.
func (p *pull) adopt(r remote, elsewhere []string) (File, bool) {
	sub := filepath.FromSlash(r.path)
	to := filepath.Join(p.checked(), sub)
	placed := filepath.Join(p.Store.dir(p.ref, p.commit), sub)
	for _, name := range append([]string{to, placed}, elsewhere...) {
		sum, err := sumFile(name)
		if err != nil || sum.match(r) != nil {
			continue
		}
		if name == to || name == placed {
			return sum.file(r), true
		}
		if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			continue
		}
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if os.Link(name, to) == nil {
			return sum.file(r), true
		}
	}
	return File{}, false
}

func (p *pull) download(ctx context.Context, dir string, files []remote, meter *meter) ([]File, error) {
	if len(files) == 0 {
		return nil, nil
	}
	var parts []*part
	open := func() error {
		need := int64(0)
		for _, r := range files {
			part, err := openPart(dir, r)
			if err != nil {
				return err
			}
			parts = append(parts, part)
			have := part.state.have()
			need += r.size - have
			meter.add(have, 0)
		}
		return p.checkSpace(dir, need)
	}
	if err := open(); err != nil {
		for _, part := range parts {
			err = errors.Join(err, part.close())
		}
		return nil, err
	}
	d := &download{session: p.session, ref: p.ref, commit: p.commit, dir: p.checked(), parallel: p.parallel, meter: meter}
	return d.run(ctx, parts)
}

func (p *pull) checkSpace(dir string, need int64) error {
	free := p.free
	if free == nil {
		free = fsx.FreeBytes
	}
	have, err := free(dir)
	if err != nil {
		return err
	}
	if need > have-spareBytes {
		return fmt.Errorf("%w: %d bytes are to come, %d are free and %d must stay so", ErrSpace, need, have, int64(spareBytes))
	}
	return nil
}

// placeAll moves checked files into the commit's directory: all at once when
// it does not exist yet. Readers see none of it before the manifest is written.
func (p *pull) placeAll(files []File) error {
	final := p.Store.dir(p.ref, p.commit)
	if _, err := os.Lstat(final); errors.Is(err, fs.ErrNotExist) {
		if err := p.dropOthers(files); err != nil {
			return err
		}
		return fsx.Rename(p.checked(), final)
	}
	for _, f := range files {
		sub := filepath.FromSlash(f.Path)
		err := place(filepath.Join(p.checked(), sub), filepath.Join(final, sub))
		if errors.Is(err, fs.ErrNotExist) { // adopted where it lies?
			_, err = os.Lstat(filepath.Join(final, sub))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropOthers removes what a pull with other patterns left in checked.
func (p *pull) dropOthers(files []File) error {
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[filepath.FromSlash(f.Path)] = true
	}
	return filepath.WalkDir(p.checked(), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(p.checked(), name)
		if err != nil || wanted[rel] {
			return err
		}
		return os.Remove(name)
	})
}
