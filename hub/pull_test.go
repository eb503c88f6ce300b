package hub

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/hub/hubtest"
)

var testRef = Ref{Org: "acme", Name: "tiny"}

// noise returns n bytes that do not repeat.
func noise(n int, seed uint64) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed)})
	b := make([]byte, n)
	_, _ = r.Read(b) // never fails
	return b
}

// tiny is a small repository with wanted and unwanted files.
func tiny() fstest.MapFS {
	return fstest.MapFS{
		"config.json":                            {Data: []byte(`{"model_type":"qwen3"}`)},
		"tokenizer.json":                         {Data: noise(5000, 1)},
		"model.safetensors":                      {Data: noise(300_000, 2)},
		"consolidated.safetensors":               {Data: noise(1000, 3)},
		"pytorch_model.bin":                      {Data: noise(1000, 4)},
		"README.md":                              {Data: []byte("# tiny\n")},
		"LICENSE":                                {},
		"original/params.json":                   {Data: []byte("{}")},
		"additional_chat_templates/a b%#?.jinja": {Data: []byte("{{ x }}")},
		".gitattributes":                         {Data: []byte("*.bin lfs\n")},
	}
}

// tinyDefault are the files of tiny that Pull takes by default.
var tinyDefault = []string{"LICENSE", "README.md", "config.json", "model.safetensors", "tokenizer.json"}

// world is a hub with a storage host, both on real sockets.
type world struct {
	hub    *hubtest.Hub
	client *Client
	store  Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	h := hubtest.New()
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	back := httptest.NewServer(h.StorageHandler())
	t.Cleanup(back.Close)
	h.SetStorage(back.URL)
	return &world{h, &Client{Endpoint: front.URL, HTTP: front.Client()}, Store{t.TempDir()}}
}

func (w *world) commit(t *testing.T, files fs.FS) string {
	t.Helper()
	sha, err := w.hub.Commit(testRef.ID(), "main", files)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func (w *world) pull(t *testing.T) string {
	t.Helper()
	dir, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkTree checks that dir holds exactly the named files of want.
func checkTree(t *testing.T, dir string, want fstest.MapFS, names []string) {
	t.Helper()
	got := map[string]bool{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		name := filepath.ToSlash(rel)
		got[name] = true
		b, readErr := os.ReadFile(p)
		if f := want[name]; f == nil || !bytes.Equal(b, f.Data) {
			t.Errorf("%s: wrong content (%d bytes)", name, len(b))
		}
		return errors.Join(err, readErr)
	})
	if err != nil {
		t.Error(err)
	}
	if list := slices.Sorted(maps.Keys(got)); !slices.Equal(list, slices.Sorted(slices.Values(names))) {
		t.Errorf("%s holds %v, want %v", dir, list, names)
	}
}

func TestPull(t *testing.T) {
	w := newWorld(t)
	files := tiny()
	delete(files, "additional_chat_templates/a b%#?.jinja") // tested in TestPatterns
	sha := w.commit(t, files)
	w.client.Token = "hf_secret"
	w.hub.RequireToken("hf_secret")
	var last Progress
	dir, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store, Progress: func(p Progress) { last = p }})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(w.store.Dir, "acme", "tiny", sha); dir != want {
		t.Errorf("directory %s, want %s", dir, want)
	}
	checkTree(t, dir, files, tinyDefault)
	if last.Done != last.Total || last.Files != 5 || last.FilesDone != 5 || last.Total < 300_000 {
		t.Errorf("last progress %+v", last)
	}
	storage := 0
	for _, r := range w.hub.Requests() {
		if r.Kind == hubtest.Storage {
			storage++
			if r.Authorization != "" {
				t.Errorf("the storage host was given %q", r.Authorization)
			}
		} else if r.Authorization != "Bearer hf_secret" {
			t.Errorf("%s %s carries %q", r.Kind, r.File, r.Authorization)
		}
	}
	if storage != 1 {
		t.Errorf("%d requests to the storage host, want 1", storage)
	}
	checkStore(t, w.store, sha)
	w.pull(t)
	for _, r := range w.hub.Requests() {
		if r.Kind != hubtest.Info && r.Kind != hubtest.Tree {
			t.Errorf("the second pull asked for %s %s", r.Kind, r.File)
		}
	}
	entries, err := os.ReadDir(filepath.Join(w.store.Dir, "acme", "tiny"))
	if err != nil || len(entries) != 4 { // .lock, the commit, manifests, refs
		t.Errorf("the model's directory holds %v, %v", entries, err)
	}
}

func checkStore(t *testing.T, s Store, sha string) {
	t.Helper()
	if err := s.Verify(testRef); err != nil {
		t.Error(err)
	}
	models, err := s.List()
	if err != nil || len(models) != 1 {
		t.Fatalf("list: %v, %v", models, err)
	}
	m := models[0]
	if m.Ref.ID() != "acme/tiny" || m.Ref.Revision != sha || !slices.Equal(m.Revisions, []string{"main"}) || m.Files != 5 {
		t.Errorf("list: %+v", m)
	}
	for _, name := range []string{"tiny", "acme/tiny", "hf://acme/tiny", "acme/tiny@main", "acme/tiny@" + sha, m.Dir} {
		if dir, err := s.Resolve(name); err != nil || dir != m.Dir {
			t.Errorf("resolve %s: %s, %v", name, dir, err)
		}
	}
	for _, name := range []string{"huge", "acme/huge", "acme/tiny@dev", "hf://acme", "./tiny", "acme/tiny@" + strings.Repeat("0", 40)} {
		if dir, err := s.Resolve(name); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrName) {
			t.Errorf("resolve %s: %s, %v", name, dir, err)
		}
	}
	if err := os.WriteFile(filepath.Join(m.Dir, "README.md"), []byte("# evil\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(testRef); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "README.md") {
		t.Errorf("verify after a change: %v", err)
	}
	if err := os.WriteFile(filepath.Join(m.Dir, "README.md"), []byte("# tiny\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPatterns(t *testing.T) {
	w := newWorld(t)
	files := tiny()
	delete(files, "additional_chat_templates/a b%#?.jinja")
	files["additional_chat_templates/工具 %#+.jinja"] = &fstest.MapFile{Data: []byte("{{ tools }}")}
	w.commit(t, files)
	dir := w.pull(t)
	names := append(slices.Clone(tinyDefault), "additional_chat_templates/工具 %#+.jinja")
	checkTree(t, dir, files, names)
	w.hub.Sent()
	opts := Options{Store: w.store, Patterns: []string{"*.BIN", "original/*"}}
	if _, err := w.client.Pull(t.Context(), testRef, opts); err != nil {
		t.Fatal(err)
	}
	checkTree(t, dir, files, append(names, "pytorch_model.bin", "original/params.json"))
	if sent := w.hub.Sent(); len(sent) != 2 {
		t.Errorf("sent %v, want the two new files only", sent)
	}
	opts.Patterns = []string{AllFiles}
	if _, err := w.client.Pull(t.Context(), testRef, opts); err != nil {
		t.Fatal(err)
	}
	checkTree(t, dir, files, slices.Collect(maps.Keys(files)))
	if err := w.store.Verify(testRef); err != nil {
		t.Error(err)
	}
	opts.Patterns = []string{"*.gguf"}
	if _, err := w.client.Pull(t.Context(), testRef, opts); !errors.Is(err, ErrNotFound) {
		t.Errorf("nothing selected: %v", err)
	}
	opts.Patterns = []string{"["}
	if _, err := w.client.Pull(t.Context(), testRef, opts); err == nil {
		t.Error("a bad pattern was accepted")
	}
}

func TestRevisions(t *testing.T) {
	w := newWorld(t)
	files := tiny()
	delete(files, "additional_chat_templates/a b%#?.jinja")
	first := w.commit(t, files)
	if _, err := w.hub.Commit(testRef.ID(), "refs/pr/1", files); err != nil {
		t.Fatal(err)
	}
	dir := w.pull(t)
	files["README.md"] = &fstest.MapFile{Data: []byte("# tiny 2\n")}
	second := w.commit(t, files)
	w.hub.Sent()
	moved := w.pull(t)
	if filepath.Base(dir) != first || filepath.Base(moved) != second {
		t.Errorf("%s and %s, want %s and %s", dir, moved, first, second)
	}
	checkTree(t, moved, files, tinyDefault)
	if sent := w.hub.Sent(); len(sent) != 1 || sent["README.md"] == 0 {
		t.Errorf("sent %v, want README.md alone: the rest was on the disk", sent)
	}
	for _, rev := range []string{"refs/pr/1", first} {
		got, err := w.client.Pull(t.Context(), Ref{"acme", "tiny", rev}, Options{Store: w.store})
		if err != nil || got != dir {
			t.Errorf("revision %s: %s, %v", rev, got, err)
		}
	}
	models, err := w.store.List()
	if err != nil || len(models) != 2 {
		t.Fatalf("list: %+v, %v", models, err)
	}
	i := slices.IndexFunc(models, func(m Model) bool { return m.Ref.Revision == first })
	if !slices.Equal(models[i].Revisions, []string{"refs/pr/1"}) || !slices.Equal(models[1-i].Revisions, []string{"main"}) {
		t.Errorf("list: %+v", models)
	}
}

// big is a model whose weights take several chunks.
func big() fstest.MapFS {
	return fstest.MapFS{
		"config.json":       {Data: []byte("{}")},
		"model.safetensors": {Data: noise(2*chunkSize+12345, 9)},
	}
}

// TestResume stops a pull in the middle and starts it again: what is here is
// not sent again.
func TestResume(t *testing.T) {
	w := newWorld(t)
	files := big()
	w.commit(t, files)
	size := int64(len(files["model.safetensors"].Data))
	ctx, cancel := context.WithCancelCause(t.Context())
	boom := errors.New("boom")
	opts := Options{Store: w.store}
	w.client.Parallel = 1
	w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
		if !strings.HasPrefix(r.Range, "bytes=16777216-") {
			return hubtest.Fault{}
		}
		cancel(boom)
		return hubtest.Fault{Stall: true}
	})
	if _, err := w.client.Pull(ctx, testRef, opts); !errors.Is(err, boom) {
		t.Fatalf("cancelled pull: %v", err)
	}
	if _, err := w.store.Path(testRef); !errors.Is(err, ErrNotFound) {
		t.Errorf("half a model is in the store: %v", err)
	}
	w.hub.Sent()
	w.hub.Inject(nil)
	var seen []Progress
	opts.Progress = func(p Progress) { seen = append(seen, p) }
	dir, err := w.client.Pull(t.Context(), testRef, opts)
	if err != nil {
		t.Fatal(err)
	}
	checkTree(t, dir, files, []string{"config.json", "model.safetensors"})
	if sent := w.hub.Sent()["model.safetensors"]; sent != size-2*chunkSize {
		t.Errorf("the second pull was sent %d of %d bytes", sent, size)
	}
	if len(seen) < 2 || seen[1].Done < 2*chunkSize {
		t.Errorf("progress %+v does not begin with what is here", seen)
	}
	for _, r := range w.hub.Requests() {
		if r.File == "model.safetensors" && r.Range == "" {
			t.Errorf("%s without a range", r.Kind)
		}
	}
}

// TestResumeStale: what an earlier pull left is not trusted when it belongs to
// other content, holds no sense, or is damaged.
func TestResumeStale(t *testing.T) {
	files := big()
	for name, spoil := range map[string]func(t *testing.T, part string){
		"state of another size": func(t *testing.T, part string) {
			t.Helper()
			put(t, part+".json", `{"oid":"x","size":1,"chunk":1,"done":[1]}`)
		},
		"state with too much":   func(t *testing.T, part string) { t.Helper(); edit(t, part+".json", `"done":[`, `"done":[99999999999,`) },
		"state that is no JSON": func(t *testing.T, part string) { t.Helper(); put(t, part+".json", "{") },
		"data damaged": func(t *testing.T, part string) {
			t.Helper()
			put(t, part, strings.Repeat("x", 3*chunkSize))
		},
		"data lost": func(t *testing.T, part string) {
			t.Helper()
			if err := os.Remove(part); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.commit(t, files)
			w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
				if strings.HasPrefix(r.Range, "bytes=16777216-") {
					return hubtest.Fault{Status: 400}
				}
				return hubtest.Fault{}
			})
			if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrProtocol) {
				t.Fatalf("first pull: %v", err)
			}
			w.hub.Inject(nil)
			parts, err := filepath.Glob(filepath.Join(w.store.Dir, "acme/tiny/.pull/parts/*.part"))
			if err != nil || len(parts) == 0 {
				t.Fatalf("parts %v, %v", parts, err)
			}
			for _, p := range parts {
				if info, err := os.Stat(p); err == nil && info.Size() > 100 {
					spoil(t, p)
				}
			}
			checkTree(t, w.pull(t), files, []string{"config.json", "model.safetensors"})
		})
	}
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, name, old, with string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(b), old) {
		t.Fatalf("%s: %s, %v", name, b, err)
	}
	put(t, name, strings.Replace(string(b), old, with, 1))
}

// TestAdopt: a pull that ended between placing files and the manifest is
// completed without a download; files of other pulls are left out.
func TestAdopt(t *testing.T) {
	for _, placed := range []bool{false, true} {
		w := newWorld(t)
		files := tiny()
		delete(files, "additional_chat_templates/a b%#?.jinja")
		sha := w.commit(t, files)
		root := filepath.Join(w.store.Dir, "acme", "tiny")
		dir := filepath.Join(root, sha)
		if !placed {
			dir = filepath.Join(root, ".pull", sha)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "model.safetensors"), string(files["model.safetensors"].Data))
		put(t, filepath.Join(dir, "tokenizer.json"), "damaged")
		want := slices.Clone(tinyDefault)
		if !placed {
			put(t, filepath.Join(dir, "stranger.txt"), "x")
		}
		checkTree(t, w.pull(t), files, want)
		if sent := w.hub.Sent(); sent["model.safetensors"] != 0 || sent["tokenizer.json"] == 0 {
			t.Errorf("sent %v", sent)
		}
		if err := w.store.Verify(testRef); err != nil {
			t.Error(err)
		}
	}
}

// TestConcurrent: pulls of one model at the same time fetch each file once.
func TestConcurrent(t *testing.T) {
	w := newWorld(t)
	files := big()
	w.commit(t, files)
	gate := make(chan struct{})
	var waiting atomic.Int32
	w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
		if r.Kind != hubtest.Info {
			return hubtest.Fault{}
		}
		if waiting.Add(1) == 4 {
			close(gate)
		}
		return hubtest.Fault{Gate: gate}
	})
	var wg sync.WaitGroup
	dirs := make([]string, 4)
	for i := range dirs {
		wg.Go(func() {
			var err error
			if dirs[i], err = w.client.Pull(t.Context(), testRef, Options{Store: w.store}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(slices.Compact(dirs)) != 1 {
		t.Errorf("directories %v", dirs)
	}
	checkTree(t, dirs[0], files, []string{"config.json", "model.safetensors"})
	if sent := w.hub.Sent(); sent["model.safetensors"] != int64(len(files["model.safetensors"].Data)) {
		t.Errorf("sent %v", sent)
	}
}

func TestSpace(t *testing.T) {
	w := newWorld(t)
	w.commit(t, big())
	opts := Options{Store: w.store, free: func(string) (int64, error) { return spareBytes + 1000, nil }}
	_, err := w.client.Pull(t.Context(), testRef, opts)
	if !errors.Is(err, ErrSpace) || !strings.Contains(err.Error(), "16789563 bytes are to come") {
		t.Errorf("%v, want ErrSpace with the sizes", err)
	}
	if sent := w.hub.Sent(); len(sent) != 0 {
		t.Errorf("sent %v before the check", sent)
	}
}
