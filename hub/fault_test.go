package hub

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/troikaml/troika/hub/hubtest"
)

// simulated runs f with a hub that needs no network, in simulated time.
func simulated(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := hubtest.New()
		f(t, &world{h, &Client{Endpoint: hubtest.Endpoint, HTTP: h.Client()}, Store{dir}})
	})
}

func small() fstest.MapFS {
	return fstest.MapFS{
		"config.json":       {Data: []byte("{}")},
		"model.safetensors": {Data: noise(100_000, 5)},
	}
}

var smallNames = []string{"config.json", "model.safetensors"}

// once returns a fault for the first n requests of a kind.
func once(kind hubtest.Kind, n int, fault hubtest.Fault) func(hubtest.Request) hubtest.Fault {
	var seen atomic.Int64
	return func(r hubtest.Request) hubtest.Fault {
		if r.Kind == kind && seen.Add(1) <= int64(n) {
			return fault
		}
		return hubtest.Fault{}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, kind := range []hubtest.Kind{hubtest.Info, hubtest.Tree, hubtest.Resolve, hubtest.Cache, hubtest.Storage} {
		simulated(t, func(t *testing.T, w *world) {
			w.commit(t, small())
			w.hub.Inject(once(kind, 2, hubtest.Fault{Status: 429, RetryAfter: "40"}))
			start := time.Now()
			checkTree(t, w.pull(t), small(), smallNames)
			// Resolve may be asked for both files at once.
			if d := time.Since(start); d < 40*time.Second || d > 90*time.Second {
				t.Errorf("%s: it took %s", kind, d)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.commit(t, small())
		w.hub.Inject(once(hubtest.Info, maxFailures-1, hubtest.Fault{Status: 503}))
		start := time.Now()
		checkTree(t, w.pull(t), small(), smallNames)
		// Waits of .5, 1, 2, 4 and 8 seconds, each shortened by up to a half.
		if d := time.Since(start); d < 7750*time.Millisecond || d > 16*time.Second {
			t.Errorf("five failures took %s", d)
		}
		w.hub.Inject(once(hubtest.Info, maxFailures, hubtest.Fault{Status: 503}))
		if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%d failures: %v", maxFailures, err)
		}
		w.hub.Inject(once(hubtest.Info, 1, hubtest.Fault{Status: 429, RetryAfter: "86400"}))
		if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("told to come back tomorrow: %v", err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.client.Endpoint = "http://nowhere.test"
		w.client.Token = "hf_secret"
		_, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store})
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "nowhere.test") || strings.Contains(err.Error(), "hf_secret") {
			t.Error(err)
		}
	})
}

// TestCuts: a line that breaks every 10,000 bytes still delivers, and nothing
// is sent twice.
func TestCuts(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.commit(t, small())
		w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
			return hubtest.Fault{Cut: r.Kind == hubtest.Storage, CutAfter: 10_000}
		})
		checkTree(t, w.pull(t), small(), smallNames)
		if sent := w.hub.Sent(); sent["model.safetensors"] != 100_000 {
			t.Errorf("sent %v", sent)
		}
		n := 0
		for _, r := range w.hub.Requests() {
			if r.Kind == hubtest.Storage {
				n++
			}
		}
		if n != 10 {
			t.Errorf("%d requests, want 10", n)
		}
	})
}

// TestCutSockets is TestCuts with connections that really break.
func TestCutSockets(t *testing.T) {
	w := newWorld(t)
	w.commit(t, big())
	w.hub.Inject(once(hubtest.Storage, 3, hubtest.Fault{Cut: true, CutAfter: 3_000_000}))
	checkTree(t, w.pull(t), big(), smallNames)
}

func TestStall(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.commit(t, small())
		for _, kind := range []hubtest.Kind{hubtest.Info, hubtest.Storage} {
			w.hub.Inject(once(kind, 1, hubtest.Fault{Stall: true}))
			w.store = Store{filepath.Join(w.store.Dir, string(kind))}
			start := time.Now()
			w.pull(t)
			if d := time.Since(start); d < stall || d > stall+10*time.Second {
				t.Errorf("%s: it took %s", kind, d)
			}
		}
	})
}

func TestCorrupt(t *testing.T) {
	for _, kind := range []hubtest.Kind{hubtest.Cache, hubtest.Storage} {
		simulated(t, func(t *testing.T, w *world) {
			w.commit(t, small())
			w.hub.Inject(func(r hubtest.Request) hubtest.Fault { return hubtest.Fault{Corrupt: r.Kind == kind} })
			_, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store})
			if !errors.Is(err, ErrDigest) {
				t.Errorf("%s: %v, want ErrDigest", kind, err)
			}
			if _, err := w.store.Path(testRef); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: wrong content is in the store: %v", kind, err)
			}
			w.hub.Inject(once(kind, 1, hubtest.Fault{Corrupt: true}))
			checkTree(t, w.pull(t), small(), smallNames)
		})
	}
}

// TestChanged: the hub serves other content than it announced.
func TestChanged(t *testing.T) {
	other := strings.Repeat("ab", 32)
	for name, fault := range map[string]func(hubtest.Request) hubtest.Fault{
		"large":  func(hubtest.Request) hubtest.Fault { return hubtest.Fault{Identity: other} },
		"little": func(hubtest.Request) hubtest.Fault { return hubtest.Fault{Identity: other[:40]} },
	} {
		simulated(t, func(t *testing.T, w *world) {
			w.commit(t, small())
			w.hub.Inject(fault)
			if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrDigest) {
				t.Errorf("%s: %v, want ErrDigest", name, err)
			}
		})
	}
}

// TestChangedBetween: the branch moves on while a pull is interrupted, and one
// file with it. The unchanged part is used, the changed one is not.
func TestChangedBetween(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		files := fstest.MapFS{
			"a.safetensors": {Data: noise(50_000, 1)},
			"b.safetensors": {Data: noise(50_000, 2)},
		}
		w.commit(t, files)
		w.client.Parallel = 1
		w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
			if r.Kind == hubtest.Storage && r.Range != "" {
				return hubtest.Fault{Status: 400}
			}
			return hubtest.Fault{Cut: r.Kind == hubtest.Storage, CutAfter: 20_000}
		})
		for range 2 { // each stops in a file of its own, or in the first
			if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
		}
		w.hub.Inject(nil)
		w.hub.Sent()
		files["b.safetensors"] = &fstest.MapFile{Data: noise(50_000, 3)}
		w.commit(t, files)
		checkTree(t, w.pull(t), files, []string{"a.safetensors", "b.safetensors"})
		if sent := w.hub.Sent(); sent["a.safetensors"] != 30_000 || sent["b.safetensors"] != 50_000 {
			t.Errorf("sent %v", sent)
		}
	})
}

func TestNoRanges(t *testing.T) {
	w := newWorld(t)
	w.commit(t, big())
	var mu sync.Mutex
	whole := 0
	w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Kind == hubtest.Storage && r.Range == "" {
			whole++
			return hubtest.Fault{NoRange: true, Cut: whole == 1, CutAfter: 9_000_000}
		}
		return hubtest.Fault{NoRange: true}
	})
	checkTree(t, w.pull(t), big(), smallNames)
	if err := w.store.Verify(testRef); err != nil {
		t.Error(err)
	}
}

// TestExpired: a storage host's signed address stops working half-way.
func TestExpired(t *testing.T) {
	w := newWorld(t)
	w.commit(t, big())
	w.client.Parallel = 1
	storage := 0
	w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
		if r.Kind != hubtest.Storage {
			return hubtest.Fault{}
		}
		if storage++; storage == 2 {
			return hubtest.Fault{Status: 403}
		}
		return hubtest.Fault{}
	})
	checkTree(t, w.pull(t), big(), smallNames)
	resolves := 0
	for _, r := range w.hub.Requests() {
		if r.Kind == hubtest.Resolve && r.File == "model.safetensors" {
			resolves++
		}
	}
	if resolves != 2 {
		t.Errorf("the hub was asked %d times where the file is, want 2", resolves)
	}
}

func TestAccess(t *testing.T) {
	w := newWorld(t)
	w.commit(t, small())
	w.hub.RequireToken("hf_right")
	for _, token := range []string{"", "hf_wrong"} {
		w.client.Token = token
		_, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store})
		if !errors.Is(err, ErrAccess) || !strings.Contains(err.Error(), "Access to this model is restricted.") {
			t.Errorf("token %q: %v, want ErrAccess with the hub's words", token, err)
		}
		if strings.Contains(err.Error(), "hf_") {
			t.Errorf("the error tells the token: %v", err)
		}
	}
	w.hub.RequireToken("")
	for _, ref := range []Ref{{"acme", "none", ""}, {"acme", "tiny", "dev"}, {"acme", "tiny", strings.Repeat("0", 40)}} {
		if _, err := w.client.Pull(t.Context(), ref, Options{Store: w.store}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", ref, err)
		}
	}
}

func TestHostileNames(t *testing.T) {
	const sha = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	for _, names := range [][]string{
		{"../evil.json"},
		{"a/../../evil.json"},
		{"/etc/passwd"},
		{`..\evil.json`},
		{"C:evil.json"},
		{"a//b"},
		{"./a"},
		{"."},
		{""},
		{"a\x1b[2Jb"},
		{"a\u202eb"},
		{"a\nb"},
		{"con.txt"},
		{"dir/NUL"},
		{"name."},
		{"name "},
		{strings.Repeat("x", 300)},
		{"README.md", "readme.MD"},
		{"a", "a/b"},
		{"A/x", "a"},
	} {
		simulated(t, func(t *testing.T, w *world) {
			w.commit(t, small())
			entries := []map[string]any{}
			for _, n := range names {
				entries = append(entries, map[string]any{"type": "file", "path": n, "size": 1, "oid": sha})
			}
			body, err := json.Marshal(entries)
			if err != nil {
				t.Fatal(err)
			}
			w.hub.Inject(once(hubtest.Tree, 1, hubtest.Fault{Body: body}))
			_, err = w.client.Pull(t.Context(), testRef, Options{Store: w.store, Patterns: []string{AllFiles}})
			if !errors.Is(err, ErrName) {
				t.Errorf("%q: %v, want ErrName", names, err)
			}
			left, err := filepath.Glob(filepath.Join(w.store.Dir, "acme", "tiny", "[^.]*"))
			if err != nil || len(left) > 0 {
				t.Errorf("%q: left %v, %v", names, left, err)
			}
			if _, err := os.Stat(filepath.Join(w.store.Dir, "acme", "evil.json")); err == nil {
				t.Errorf("%q escaped", names)
			}
		})
	}
}

func TestHostileAnswers(t *testing.T) {
	sha := strings.Repeat("0", 40)
	for name, tt := range map[string]struct {
		kind  hubtest.Kind
		fault hubtest.Fault
	}{
		"commit with a path":  {hubtest.Info, hubtest.Fault{Body: []byte(`{"sha":"../../../../etc"}`)}},
		"info is no JSON":     {hubtest.Info, hubtest.Fault{Body: []byte(`<html>`)}},
		"tree is no list":     {hubtest.Tree, hubtest.Fault{Body: []byte(`{}`)}},
		"negative size":       {hubtest.Tree, hubtest.Fault{Body: []byte(`[{"type":"file","path":"config.json","size":-1,"oid":"` + sha + `"}]`)}},
		"size over 63 bits":   {hubtest.Tree, hubtest.Fault{Body: []byte(`[{"type":"file","path":"config.json","size":99999999999999999999,"oid":"` + sha + `"}]`)}},
		"sizes add up to it":  {hubtest.Tree, hubtest.Fault{Body: []byte(`[{"type":"file","path":"config.json","size":9223372036854775807,"oid":"` + sha + `"},{"type":"file","path":"readme","size":1,"oid":"` + sha + `"}]`)}},
		"object id with path": {hubtest.Tree, hubtest.Fault{Body: []byte(`[{"type":"file","path":"config.json","size":1,"oid":"../../x"}]`)}},
		"next page elsewhere": {hubtest.Tree, hubtest.Fault{Body: []byte(`[]`), Link: `<http://storage.test/x>; rel="next"`}},
		"pages without end":   {hubtest.Tree, hubtest.Fault{Body: []byte(`[]`), Link: `<?cursor=1>; rel="next"`}},
		"redirects in a ring": {hubtest.Resolve, hubtest.Fault{Location: "/acme/tiny/resolve/main/x"}},
		"redirect to a file":  {hubtest.Resolve, hubtest.Fault{Location: "file:///etc/passwd"}},
		"teapot":              {hubtest.Cache, hubtest.Fault{Status: 418}},
		"range not possible":  {hubtest.Storage, hubtest.Fault{Status: 416}},
		"longer than it said": {hubtest.Storage, hubtest.Fault{Body: []byte("not the size that was announced")}},
	} {
		simulated(t, func(t *testing.T, w *world) {
			w.commit(t, small())
			w.hub.Inject(once(tt.kind, 1<<30, tt.fault))
			if _, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store}); !errors.Is(err, ErrProtocol) {
				t.Errorf("%s: %v, want ErrProtocol", name, err)
			}
		})
	}
}

// TestDowngrade: a hub on https may not redirect to plain http.
func TestDowngrade(t *testing.T) {
	h := hubtest.New()
	front := httptest.NewUnstartedServer(h)
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // unused connections are no news
	front.StartTLS()
	defer front.Close()
	w := &world{h, &Client{Endpoint: front.URL, HTTP: front.Client()}, Store{t.TempDir()}}
	w.commit(t, small())
	checkTree(t, w.pull(t), small(), smallNames) // storage on the same host
	h.SetStorage("http://127.0.0.1:1")
	w.store = Store{t.TempDir()}
	_, err := w.client.Pull(t.Context(), testRef, Options{Store: w.store})
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "redirect from https to http") {
		t.Errorf("%v, want ErrProtocol", err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	files := tiny()
	delete(files, "additional_chat_templates/a b%#?.jinja")
	w.commit(t, files)
	w.hub.SetPageSize(2)
	checkTree(t, w.pull(t), files, tinyDefault)
	pages := 0
	for _, r := range w.hub.Requests() {
		if r.Kind == hubtest.Tree {
			pages++
		}
	}
	if pages != 5 { // nine files and a directory
		t.Errorf("%d pages", pages)
	}
}

// TestMirror pulls from a hub without the tree API.
func TestMirror(t *testing.T) {
	w := newWorld(t)
	w.commit(t, small())
	w.hub.Inject(once(hubtest.Tree, 1, hubtest.Fault{Status: 404}))
	checkTree(t, w.pull(t), small(), smallNames)
	if err := w.store.Verify(testRef); err != nil {
		t.Error(err)
	}
}

func TestEndpoint(t *testing.T) {
	for _, endpoint := range []string{"hub.test", "ftp://hub.test", "http://user:pass@hub.test", "http://", "http://hub.test?x=y", "://"} {
		c := &Client{Endpoint: endpoint}
		if _, err := c.Pull(t.Context(), testRef, Options{Store: Store{t.TempDir()}}); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("endpoint %s: %v", endpoint, err)
		}
	}
}
