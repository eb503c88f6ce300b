package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what a hub may make us hold.
const (
	maxJSON  = 64 << 20
	maxPages = 1000
	maxFiles = 100_000
)

// remote is a file as the hub announces it.
type remote struct {
	path string
	size int64
	oid  string // SHA-256 for LFS and Xet, git blob SHA-1 otherwise; lower-case
	lfs  bool
}

// getJSON fetches u into v and returns the answer's headers.
func (s *session) getJSON(ctx context.Context, u *url.URL, v any) (header http.Header, err error) {
	err = retry(ctx, func() (bool, error) {
		return false, s.fetch(ctx, http.MethodGet, u, nil, func(resp *response, body io.Reader) error {
			b, err := io.ReadAll(io.LimitReader(body, maxJSON+1))
			if err != nil {
				return s.networkError(ctx, u, err)
			}
			if len(b) > maxJSON {
				return fmt.Errorf("%w: %s: more than %d bytes", ErrProtocol, show(u), maxJSON)
			}
			if err := json.Unmarshal(b, v); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrProtocol, show(u), err)
			}
			header = resp.Header
			return nil
		})
	})
	return header, err
}

// resolve asks what a revision means: its commit, and the names of its files.
func (s *session) resolve(ctx context.Context, r Ref) (commit string, names []string, err error) {
	var info struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	u := s.url("api", "models", r.Org, r.Name, "revision", r.revision())
	if _, err := s.getJSON(ctx, u, &info); err != nil {
		return "", nil, err
	}
	if !commitName.MatchString(info.SHA) {
		return "", nil, fmt.Errorf("%w: %s: %q is not a commit", ErrProtocol, show(u), cleanMessage(info.SHA))
	}
	if commitName.MatchString(r.revision()) && info.SHA != r.revision() {
		return "", nil, fmt.Errorf("%w: %s: asked for a commit, got %s", ErrProtocol, show(u), info.SHA)
	}
	if len(info.Siblings) > maxFiles {
		return "", nil, fmt.Errorf("%w: %s: more than %d files", ErrProtocol, show(u), maxFiles)
	}
	for _, f := range info.Siblings {
		names = append(names, f.Name)
	}
	return info.SHA, names, nil
}

// treeEntry is one line of the tree API.
type treeEntry struct {
	Type string `json:"type"`
	Path string `json:"path"`
	OID  string `json:"oid"`
	Size int64  `json:"size"`
	LFS  *struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	} `json:"lfs"`
}

func (e treeEntry) remote() (remote, error) {
	r := remote{path: e.Path, size: e.Size, oid: e.OID}
	if e.LFS != nil {
		r = remote{path: e.Path, size: e.LFS.Size, oid: strings.TrimPrefix(e.LFS.OID, "sha256:"), lfs: true}
	}
	return r, r.check()
}

// remotes returns the files of a page, and leaves out its directories.
func remotes(page []treeEntry) ([]remote, error) {
	var out []remote
	for _, e := range page {
		if e.Type != "file" {
			continue
		}
		r, err := e.remote()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (r remote) check() error {
	want := 40
	if r.lfs {
		want = 64
	}
	if _, err := hex.DecodeString(r.oid); err != nil || len(r.oid) != want || r.oid != strings.ToLower(r.oid) {
		return fmt.Errorf("%w: file %q: object id %q", ErrProtocol, r.path, cleanMessage(r.oid))
	}
	if r.size < 0 {
		return fmt.Errorf("%w: file %q: size %d", ErrProtocol, r.path, r.size)
	}
	return nil
}

// tree lists a commit's files with sizes and object ids, page by page.
func (s *session) tree(ctx context.Context, r Ref, commit string) ([]remote, error) {
	u := s.url("api", "models", r.Org, r.Name, "tree", commit)
	u.RawQuery = "recursive=true"
	var out []remote
	for range maxPages {
		var page []treeEntry
		header, err := s.getJSON(ctx, u, &page)
		if err != nil {
			return nil, err
		}
		files, err := remotes(page)
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
		if len(out) > maxFiles {
			break
		}
		next := nextPage(header)
		if next == "" {
			return out, nil
		}
		from := u
		if u, err = u.Parse(next); err != nil || !s.home(u) {
			return nil, fmt.Errorf("%w: %s: the next page is on another host", ErrProtocol, show(from))
		}
	}
	return nil, fmt.Errorf("%w: %s: more than %d files or %d pages", ErrProtocol, show(u), maxFiles, maxPages)
}

// nextPage returns the target of a Link header's rel="next" (RFC 8288).
func nextPage(h http.Header) string {
	for _, link := range h.Values("Link") {
		for part := range strings.SplitSeq(link, ",") {
			target, params, ok := strings.Cut(strings.TrimSpace(part), ">")
			if ok && strings.HasPrefix(target, "<") && strings.Contains(strings.ReplaceAll(params, " ", ""), `rel="next"`) {
				return target[1:]
			}
		}
	}
	return ""
}

// list returns the selected files of a commit. Mirrors that lack the tree API
// are asked file by file.
func (s *session) list(ctx context.Context, r Ref, commit string, names, patterns []string) ([]remote, error) {
	files, err := s.tree(ctx, r, commit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	byHead := err != nil
	if !byHead {
		names = names[:0]
		for _, f := range files {
			names = append(names, f.path)
		}
	}
	selected, err := selectFiles(names, patterns)
	if err != nil {
		return nil, err
	}
	if err := checkPaths(selected); err != nil {
		return nil, err
	}
	if byHead {
		files = files[:0]
		for _, name := range selected {
			f, err := s.head(ctx, r, commit, name)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return keep(files, selected)
}

// keep returns the files that are selected, and checks that their sizes add up.
func keep(files []remote, selected []string) ([]remote, error) {
	slices.Sort(selected)
	var out []remote
	total := int64(0)
	for _, f := range files {
		if _, ok := slices.BinarySearch(selected, f.path); !ok {
			continue
		}
		if f.size > math.MaxInt64-total {
			return nil, fmt.Errorf("%w: file %q: the sizes do not fit 63 bits", ErrProtocol, f.path)
		}
		total += f.size
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b remote) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

// fileURL is where a file of a commit is served from.
func (s *session) fileURL(r Ref, commit, path string) *url.URL {
	return s.url(append([]string{r.Org, r.Name, "resolve", commit}, strings.Split(path, "/")...)...)
}

// head learns a file's identity from the headers of its download.
func (s *session) head(ctx context.Context, r Ref, commit, path string) (remote, error) {
	u := s.fileURL(r, commit, path)
	var out remote
	err := retry(ctx, func() (bool, error) {
		return false, s.fetch(ctx, http.MethodHead, u, nil, func(resp *response, _ io.Reader) (err error) {
			if err := checkCommit(resp, commit); err != nil {
				return err
			}
			size := resp.ContentLength
			if text := resp.linked.Get("X-Linked-Size"); text != "" {
				if size, err = strconv.ParseInt(text, 10, 64); err != nil {
					return fmt.Errorf("%w: %s: X-Linked-Size %q", ErrProtocol, show(u), cleanMessage(text))
				}
			}
			oid := identity(resp)
			out = remote{path: path, size: size, oid: oid, lfs: len(oid) == 64}
			return out.check()
		})
	})
	return out, err
}

// identity returns the object id that the hub's own answer carries, if any.
func identity(resp *response) string {
	tag := resp.linked.Get("X-Linked-Etag")
	if tag == "" {
		tag = resp.linked.Get("ETag")
	}
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

// checkCommit compares the commit that an answer names, if it does.
func checkCommit(resp *response, commit string) error {
	if got := resp.linked.Get("X-Repo-Commit"); got != "" && got != commit {
		return fmt.Errorf("%w: %s: it serves commit %q, not %s", ErrProtocol, show(resp.location), cleanMessage(got), commit)
	}
	return nil
}
