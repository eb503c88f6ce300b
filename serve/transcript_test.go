package serve_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts")

const testSecret = "troika-test-secret"

func testOptions(l *servetest.Ledger) serve.Options {
	var ids atomic.Int64
	o := serve.Options{
		Now:     func() time.Time { return time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC) },
		NewID:   func() string { return strconv.FormatInt(ids.Add(1), 10) },
		MaxBody: 8 << 10,
	}
	if l != nil {
		o.Emit = l.Emit
	}
	return o
}

func newTestServer(t *testing.T, e serve.Engine, o serve.Options) *serve.Server {
	t.Helper()
	s, err := serve.New(e, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testKeys(t *testing.T) *serve.KeySet {
	t.Helper()
	keys, err := serve.NewKeySet([]serve.Key{{Name: "shop", Digest: troika.Sum([]byte(testSecret))}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestTranscripts replays requests of testdata/transcripts: a file holds a
// request up to a line "---", and the response.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("transcripts: %d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ask, want, _ := strings.Cut(string(b), "\n---\n")
			l := servetest.NewLedger()
			o := testOptions(l)
			if strings.HasPrefix(name, "key_") {
				o.Keys = testKeys(t)
			}
			got := replay(t, newTestServer(t, servetest.NewEngine(), o), ask)
			for _, e := range l.All() {
				got += fmt.Sprintf("\nusage: %s key=%q model=%q %d+%d %s", e.ID, e.Key, e.Model, e.PromptTokens, e.CompletionTokens, e.Outcome)
			}
			got = strings.TrimRight(got, "\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(ask+"\n---\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("response:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// replay sends a request written as "METHOD PATH", header lines, a blank line
// and a body, and returns the response in the same form.
func replay(t *testing.T, s http.Handler, ask string) string {
	t.Helper()
	head, body, _ := strings.Cut(ask, "\n\n")
	lines := strings.Split(head, "\n")
	method, path, ok := strings.Cut(lines[0], " ")
	if !ok {
		t.Fatalf("request line %q", lines[0])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range lines[1:] {
		k, v, _ := strings.Cut(line, ": ")
		if k == "Host" {
			r.Host = v
			continue
		}
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var out strings.Builder
	fmt.Fprintln(&out, w.Code)
	for _, k := range []string{"Content-Type", "Retry-After", "Www-Authenticate", "Access-Control-Allow-Origin", "X-Request-Id"} {
		if v := w.Header().Get(k); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", k, v)
		}
	}
	return out.String() + "\n" + w.Body.String()
}
