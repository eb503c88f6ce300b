package hub

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scheme is the prefix of a reference's text form.
const Scheme = "hf://"

// DefaultRevision is the branch that a reference without a revision means.
const DefaultRevision = "main"

// Limits of names: the hub's own for owners and models, git's and the file
// systems' for the rest.
const (
	maxRepoName = 96
	maxRevision = 200
	maxPath     = 1024
	maxSegment  = 255
)

// ErrName is wrapped when a reference or a file's name is not acceptable.
var ErrName = errors.New("unacceptable name")

// Ref names a model at a revision. The zero Ref names nothing.
type Ref struct {
	Org, Name string
	Revision  string // branch, tag or commit; empty means DefaultRevision
}

var (
	repoName   = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$`)
	commitName = regexp.MustCompile(`^[0-9a-f]{40}$`)
	// Windows keeps these names, with any extension, for devices.
	deviceName = regexp.MustCompile(`^(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)`)
)

// ParseRef reads "hf://org/name" or "hf://org/name@revision"; the scheme may be
// left out. Errors wrap ErrName.
func ParseRef(s string) (Ref, error) {
	id, revision, pinned := strings.Cut(strings.TrimPrefix(s, Scheme), "@")
	org, name, ok := strings.Cut(id, "/")
	r := Ref{Org: org, Name: name, Revision: revision}
	if !ok || pinned && revision == "" {
		return Ref{}, fmt.Errorf("reference %q: %w: want %sorg/name or %sorg/name@revision", s, ErrName, Scheme, Scheme)
	}
	if err := r.check(); err != nil {
		return Ref{}, fmt.Errorf("reference %q: %w", s, err)
	}
	return r, nil
}

// ID returns "org/name".
func (r Ref) ID() string { return r.Org + "/" + r.Name }

// String returns the text form, with the revision always spelled out.
func (r Ref) String() string { return Scheme + r.ID() + "@" + r.revision() }

func (r Ref) revision() string {
	if r.Revision == "" {
		return DefaultRevision
	}
	return r.Revision
}

func (r Ref) check() error {
	for _, n := range []string{r.Org, r.Name} {
		if len(n) > maxRepoName || !repoName.MatchString(n) || strings.Contains(n, "..") || deviceName.MatchString(n) {
			return fmt.Errorf("%w: %q", ErrName, n)
		}
	}
	rev := r.revision()
	bad := func(c rune) bool { return unicode.IsControl(c) || strings.ContainsRune(" ~^:?*[\\", c) }
	if len(rev) > maxRevision || !utf8.ValidString(rev) || strings.ContainsFunc(rev, bad) ||
		strings.Contains(rev, "..") || path.Clean("/"+rev) != "/"+rev || strings.HasPrefix(rev, "-") {
		return fmt.Errorf("%w: revision %q", ErrName, rev)
	}
	return nil
}

// checkPath refuses a file name that could leave the model's directory, that
// some system cannot hold, or that would hide what it is on a terminal.
func checkPath(p string) error {
	fail := func(why string) error { return fmt.Errorf("file %q: %w: %s", p, ErrName, why) }
	switch {
	case p == "" || len(p) > maxPath || !utf8.ValidString(p):
		return fail("empty, too long or not UTF-8")
	case path.IsAbs(p) || path.Clean(p) != p || p == "." || strings.HasPrefix(p, "../") || p == "..":
		return fail("not a plain relative path")
	case strings.ContainsFunc(p, func(c rune) bool { return !unicode.IsPrint(c) || strings.ContainsRune(`\<>:"|?*`, c) }):
		return fail("a character that is not portable")
	}
	for segment := range strings.SplitSeq(p, "/") {
		if len(segment) > maxSegment || strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ") || deviceName.MatchString(segment) {
			return fail("a part that is not portable")
		}
	}
	return nil
}

// checkPaths checks each name, and that no two of them meet on a file system
// that ignores case or in a file that would have to be a directory too.
func checkPaths(paths []string) error {
	folded := map[string]string{}
	for _, p := range slices.Sorted(slices.Values(paths)) {
		if err := checkPath(p); err != nil {
			return err
		}
		key := strings.ToLower(p)
		if other, ok := folded[key]; ok {
			return fmt.Errorf("files %q and %q: %w: they differ in case alone", other, p, ErrName)
		}
		folded[key] = p
	}
	for _, p := range slices.Sorted(slices.Values(paths)) {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if other, ok := folded[strings.ToLower(dir)]; ok {
				return fmt.Errorf("files %q and %q: %w: one is the other's directory", other, p, ErrName)
			}
		}
	}
	return nil
}
