package hubtest

import (
	"bytes"
	"cmp"
	"crypto/md5"  //nolint:gosec // storage hosts use MD5 for ETags
	"crypto/sha1" //nolint:gosec // git's object ids
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind says which part of the protocol a request belongs to.
type Kind string

// The kinds of requests.
const (
	Info    Kind = "info"    // what a revision means
	Tree    Kind = "tree"    // a page of files
	Resolve Kind = "resolve" // a file, answered by a redirect
	Cache   Kind = "cache"   // a small file's content, on the hub's host
	Storage Kind = "storage" // a large file's content, on the storage host
)

// Request is one request that was received.
type Request struct {
	Kind          Kind
	Method        string
	File          string // for Resolve, Cache and Storage
	Range         string
	Authorization string
}

// Fault changes one answer. The zero Fault changes nothing.
type Fault struct {
	Status     int    // answer with this status and nothing else
	RetryAfter string // with Status: the header of that name
	Location   string // redirect there instead
	Body       []byte // answer with this JSON instead
	Link       string // the Link header of that answer
	Cut        bool   // close the connection after CutAfter bytes of body
	CutAfter   int64
	Corrupt    bool          // flip a bit of the first byte sent
	NoRange    bool          // ignore the Range header
	Identity   string        // claim this object id
	Stall      bool          // send nothing until the client gives up
	Gate       chan struct{} // wait for it to close first
}

// Hub serves repositories. Make one with New. It is safe for concurrent use.
type Hub struct {
	mu       sync.Mutex
	repos    map[string]map[string]*commit // id -> revision or commit
	objects  map[string]object             // sha256 -> content
	token    string
	storage  string
	pageSize int
	fault    func(Request) Fault
	log      []Request
	sent     map[string]int64
}

type object struct {
	data []byte
	file string
	etag string
}

type commit struct {
	sha   string
	files []file // by path
}

type file struct {
	path, git, sha string
	data           []byte
	lfs            bool
}

// New returns a hub without repositories.
func New() *Hub {
	return &Hub{
		repos: map[string]map[string]*commit{}, objects: map[string]object{},
		sent: map[string]int64{}, pageSize: 1000,
	}
}

// Commit makes files the content of a revision and returns the commit's id,
// a function of the content alone. Earlier commits stay. Files whose names end
// as weights do are LFS files, as on the hub.
func (h *Hub) Commit(id, revision string, files fs.FS) (string, error) {
	c := &commit{}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		c.files = append(c.files, file{
			path: name, data: data, git: BlobID(data), sha: hex.EncodeToString(sum[:]),
			lfs: slices.Contains([]string{".safetensors", ".bin", ".gguf", ".pt", ".onnx", ".h5"}, path.Ext(name)),
		})
		return nil
	})
	if err != nil {
		return "", err
	}
	slices.SortFunc(c.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	sum := sha1.New()
	for _, f := range c.files {
		fmt.Fprintf(sum, "%q %s\n", f.path, f.git)
	}
	c.sha = hex.EncodeToString(sum.Sum(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.repos[id] == nil {
		h.repos[id] = map[string]*commit{}
	}
	h.repos[id][revision], h.repos[id][c.sha] = c, c
	for _, f := range c.files {
		sum := md5.Sum(f.data)
		h.objects[f.sha] = object{f.data, f.path, strconv.Quote(hex.EncodeToString(sum[:]))}
	}
	return c.sha, nil
}

// BlobID returns the id that git gives to a file's content.
func BlobID(data []byte) string {
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", len(data))
	sum.Write(data)
	return hex.EncodeToString(sum.Sum(nil))
}

// RequireToken makes every repository gated: the hub answers only requests
// that carry the token.
func (h *Hub) RequireToken(token string) { h.set(func() { h.token = token }) }

// SetStorage tells where StorageHandler is served; empty means on the hub's
// own host.
func (h *Hub) SetStorage(base string) { h.set(func() { h.storage = base }) }

// SetPageSize sets how many entries a page of the tree has.
func (h *Hub) SetPageSize(n int) { h.set(func() { h.pageSize = n }) }

// Inject makes f decide about a fault for each request; nil means none.
func (h *Hub) Inject(f func(Request) Fault) { h.set(func() { h.fault = f }) }

func (h *Hub) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// Requests returns what was received so far, in order, and forgets it.
func (h *Hub) Requests() (out []Request) {
	h.set(func() { out, h.log = h.log, nil })
	return out
}

// Sent returns the bytes of content sent of each file so far, and forgets them.
func (h *Hub) Sent() (out map[string]int64) {
	h.set(func() { out, h.sent = h.sent, map[string]int64{} })
	return out
}

// ServeHTTP implements [http.Handler] for the hub's host.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var seg []string
	for s := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") {
		u, err := url.PathUnescape(s)
		if err != nil {
			http.Error(w, "bad path", http.StatusBadRequest)
			return
		}
		seg = append(seg, u)
	}
	switch {
	case len(seg) == 4 && seg[0] == "api" && seg[1] == "models":
		h.info(w, r, seg[2]+"/"+seg[3], "main")
	case len(seg) == 6 && seg[0] == "api" && seg[1] == "models" && seg[4] == "revision":
		h.info(w, r, seg[2]+"/"+seg[3], seg[5])
	case len(seg) == 6 && seg[0] == "api" && seg[1] == "models" && seg[4] == "tree":
		h.tree(w, r, seg[2]+"/"+seg[3], seg[5])
	case len(seg) > 6 && seg[0] == "api" && seg[1] == "resolve-cache" && seg[2] == "models":
		h.cached(w, r, seg[3]+"/"+seg[4], seg[5], strings.Join(seg[6:], "/"))
	case len(seg) > 4 && seg[2] == "resolve":
		h.resolve(w, r, seg[0]+"/"+seg[1], seg[3], strings.Join(seg[4:], "/"))
	case len(seg) == 2 && seg[0] == "storage":
		h.StorageHandler().ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// begin records a request and carries out what a fault asks for before the
// answer. done means that the answer is given.
func (h *Hub) begin(w http.ResponseWriter, r *http.Request, kind Kind, file string) (f Fault, done bool) {
	req := Request{kind, r.Method, file, r.Header.Get("Range"), r.Header.Get("Authorization")}
	var decide func(Request) Fault
	var token string
	h.set(func() {
		h.log = append(h.log, req)
		decide, token = h.fault, h.token
	})
	if decide != nil {
		f = decide(req)
	}
	if f.Gate != nil {
		select {
		case <-f.Gate:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case f.Stall:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		return f, true
	case f.Location != "":
		w.Header().Set("Location", f.Location)
		w.WriteHeader(http.StatusFound)
		return f, true
	case f.Body != nil:
		if f.Link != "" {
			w.Header().Set("Link", f.Link)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
		w.Write(f.Body)
		return f, true
	case kind != Storage && token != "" && req.Authorization != "Bearer "+token:
		code := http.StatusForbidden
		if req.Authorization == "" {
			code = http.StatusUnauthorized
		}
		fail(w, code, "GatedRepo", "Access to this model is restricted.")
		return f, true
	}
	return f, false
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(status)
}

// commit finds a revision, or answers that it is not there.
func (h *Hub) commit(w http.ResponseWriter, id, revision string) (c *commit) {
	h.set(func() {
		revisions, ok := h.repos[id]
		c = revisions[revision]
		switch {
		case !ok:
			fail(w, http.StatusUnauthorized, "RepoNotFound", "Invalid username or password.")
		case c == nil:
			fail(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		}
	})
	return c
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(w).Encode(v)
}

func (h *Hub) info(w http.ResponseWriter, r *http.Request, id, revision string) {
	if _, done := h.begin(w, r, Info, ""); done {
		return
	}
	c := h.commit(w, id, revision)
	if c == nil {
		return
	}
	siblings := []map[string]string{}
	for _, f := range c.files {
		siblings = append(siblings, map[string]string{"rfilename": f.path})
	}
	writeJSON(w, map[string]any{
		"_id": c.sha[:24], "id": id, "modelId": id, "sha": c.sha, "private": false, "gated": false,
		"tags": []string{}, "downloads": 0, "likes": 0, "siblings": siblings,
	})
}

func (h *Hub) tree(w http.ResponseWriter, r *http.Request, id, revision string) {
	if _, done := h.begin(w, r, Tree, ""); done {
		return
	}
	c := h.commit(w, id, revision)
	if c == nil {
		return
	}
	entries := treeEntries(c.files)
	start, _ := strconv.Atoi(r.URL.Query().Get("cursor")) // a bad cursor is the start
	start = min(max(start, 0), len(entries))
	var size int
	h.set(func() { size = h.pageSize })
	end := min(start+size, len(entries))
	if end < len(entries) {
		next := url.URL{Scheme: cmp.Or(scheme(r), "http"), Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
		q := r.URL.Query()
		q.Set("cursor", strconv.Itoa(end))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.String()))
	}
	writeJSON(w, entries[start:end])
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return r.URL.Scheme
}

func treeEntries(files []file) []map[string]any {
	entries := []map[string]any{}
	dirs := map[string]bool{}
	for _, f := range files {
		for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = true
		}
		e := map[string]any{"type": "file", "path": f.path, "size": len(f.data), "oid": f.git}
		if f.lfs {
			pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", f.sha, len(f.data))
			e["oid"] = BlobID([]byte(pointer))
			e["lfs"] = map[string]any{"oid": f.sha, "size": len(f.data), "pointerSize": len(pointer)}
		}
		entries = append(entries, e)
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries = append(entries, map[string]any{"type": "directory", "path": dir, "size": 0, "oid": BlobID([]byte(dir))})
	}
	return entries
}

// find returns a file of a commit, or answers that it is not there.
func (h *Hub) find(w http.ResponseWriter, id, revision, name string, fault Fault) (*commit, file, bool) {
	c := h.commit(w, id, revision)
	if c == nil {
		return nil, file{}, false
	}
	w.Header().Set("X-Repo-Commit", c.sha)
	i := slices.IndexFunc(c.files, func(f file) bool { return f.path == name })
	if i < 0 {
		fail(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return nil, file{}, false
	}
	f := c.files[i]
	id = f.git
	if f.lfs {
		id = f.sha
	}
	w.Header().Set("X-Linked-Etag", strconv.Quote(cmp.Or(fault.Identity, id)))
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(f.data)))
	return c, f, true
}

func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, id, revision, name string) {
	fault, done := h.begin(w, r, Resolve, name)
	if done {
		return
	}
	c, f, ok := h.find(w, id, revision, name, fault)
	if !ok {
		return
	}
	var storage string
	h.set(func() { storage = h.storage })
	if f.lfs {
		w.Header().Set("Location", storage+"/storage/"+f.sha+"?X-Signature=secret")
		w.WriteHeader(http.StatusFound)
		return
	}
	to := url.URL{Path: "/api/resolve-cache/models/" + id + "/" + c.sha + "/" + name}
	w.Header().Set("Location", to.EscapedPath())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

func (h *Hub) cached(w http.ResponseWriter, r *http.Request, id, revision, name string) {
	fault, done := h.begin(w, r, Cache, name)
	if done {
		return
	}
	_, f, ok := h.find(w, id, revision, name, fault)
	if !ok {
		return
	}
	w.Header().Set("ETag", strconv.Quote(cmp.Or(fault.Identity, f.git)))
	h.content(w, r, f.path, f.data, fault)
}

// StorageHandler serves the content of large files. Like real storage hosts it
// refuses requests that carry somebody else's credentials.
func (h *Hub) StorageHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sha := path.Base(r.URL.Path)
		var o object
		h.set(func() { o = h.objects[sha] })
		fault, done := h.begin(w, r, Storage, o.file)
		var storage string
		h.set(func() { storage = h.storage })
		switch {
		case done:
		case o.data == nil || r.URL.Query().Get("X-Signature") != "secret":
			w.WriteHeader(http.StatusForbidden)
		case storage != "" && r.Header.Get("Authorization") != "":
			http.Error(w, "only one auth mechanism allowed", http.StatusBadRequest)
		default:
			w.Header().Set("ETag", o.etag)
			h.content(w, r, o.file, o.data, fault)
		}
	})
}

func (h *Hub) content(w http.ResponseWriter, r *http.Request, name string, data []byte, fault Fault) {
	if fault.NoRange {
		r.Header.Del("Range")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	out := &faultyWriter{ResponseWriter: w, hub: h, name: name, fault: fault}
	var src io.ReadSeeker = bytes.NewReader(data)
	http.ServeContent(out, r, "", time.Time{}, src)
}

// faultyWriter counts, cuts and corrupts a body.
type faultyWriter struct {
	http.ResponseWriter
	hub   *Hub
	name  string
	fault Fault
	n     int64
}

// Write implements [io.Writer].
func (w *faultyWriter) Write(b []byte) (int, error) {
	if w.fault.Corrupt && w.n == 0 && len(b) > 0 {
		b = slices.Clone(b)
		b[0] ^= 1
	}
	cut := w.fault.Cut && w.n+int64(len(b)) > w.fault.CutAfter
	if cut {
		b = b[:w.fault.CutAfter-w.n]
	}
	n, err := w.ResponseWriter.Write(b)
	w.n += int64(n)
	w.hub.set(func() { w.hub.sent[w.name] += int64(n) })
	if cut {
		if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return n, err
		}
		panic(http.ErrAbortHandler)
	}
	return n, err
}
