package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

func TestListen(t *testing.T) {
	for _, c := range []struct {
		address string
		keys    bool
		open    bool
		ok      bool
	}{
		{"127.0.0.1:0", false, false, true},
		{"localhost:0", false, false, true},
		{"0.0.0.0:0", false, false, false},
		{":0", false, false, false},
		{"0.0.0.0:0", true, false, true},
		{"0.0.0.0:0", false, true, true},
		{"127.0.0.1:none", false, false, false},
	} {
		var keys *serve.KeySet
		if c.keys {
			keys = testKeys(t)
		}
		ln, err := serve.Listen(t.Context(), c.address, keys, c.open)
		if err == nil {
			ln.Close()
		}
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if !c.ok && !strings.HasSuffix(c.address, "none") && !errors.Is(err, serve.ErrNeedsKeys) {
			t.Errorf("%+v: %v, want ErrNeedsKeys", c, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	s := newTestServer(t, servetest.NewEngine(), testOptions(nil))
	post := func(model, text string) {
		replay(t, s, "POST /v1/chat/completions\n\n"+`{"model":"`+model+`","messages":[{"role":"user","content":"`+text+`"}]}`)
	}
	post("starter", "say a b c")
	post("starter", "say a")
	post("made-up", "say a")
	post("starter", "busy")
	replay(t, s, "BREW /coffee")
	got := replay(t, s, "GET /metrics")
	for _, want := range []string{
		`troika_tokens_total{kind="prompt",model="starter"} 6`,
		`troika_tokens_total{kind="completion",model="starter"} 4`,
		`troika_http_requests_total{method="POST",route="/v1/chat/completions",status="200"} 2`,
		`troika_http_requests_total{method="POST",route="/v1/chat/completions",status="404"} 1`,
		`troika_http_requests_total{method="POST",route="/v1/chat/completions",status="429"} 1`,
		`troika_http_requests_total{method="other",route="other",status="405"} 1`,
		`troika_first_token_seconds_count{model="starter"} 2`,
		`troika_requests_in_flight 0`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(got, "made-up") || strings.Contains(got, "coffee") {
		t.Error("a client's text became a label")
	}
}

func TestLostUsageIsCounted(t *testing.T) {
	l := servetest.NewLedger()
	l.Err = errors.New("disk is full")
	s := newTestServer(t, servetest.NewEngine(), testOptions(l))
	got := replay(t, s, "POST /v1/chat/completions\n\n"+`{"model":"starter","messages":[{"role":"user","content":"say hi"}]}`)
	if !strings.HasPrefix(got, "200\n") {
		t.Errorf("answer:\n%s", got)
	}
	if m := replay(t, s, "GET /metrics"); !strings.Contains(m, "troika_usage_events_lost_total 1\n") {
		t.Error("the lost event is not counted")
	}
}

// panicky is an engine whose list of models is broken.
type panicky struct{ *servetest.Engine }

func (panicky) Models() []serve.ModelInfo { panic("no models") }

func TestPanicIsAnError(t *testing.T) {
	s := newTestServer(t, panicky{servetest.NewEngine()}, testOptions(nil))
	if got := replay(t, s, "GET /v1/models"); !strings.HasPrefix(got, "500\n") || !strings.Contains(got, "server_error") {
		t.Errorf("answer: %s", got)
	}
	if m := replay(t, s, "GET /metrics"); !strings.Contains(m, `route="/v1/models",status="500"} 1`) {
		t.Error("the failure is not counted")
	}
}

// Keys may change while a server runs; one that asked for keys never stops asking.
func TestSetKeys(t *testing.T) {
	s := newTestServer(t, servetest.NewEngine(), testOptions(nil))
	with := "GET /v1/models\nAuthorization: Bearer " + testSecret
	for i, c := range []struct {
		keys      *serve.KeySet
		with, out string // the statuses with the key and without one
	}{
		{nil, "200", "200"},
		{testKeys(t), "200", "401"},
		{nil, "401", "401"},
		{testKeys(t), "200", "401"},
	} {
		s.SetKeys(c.keys)
		if got := replay(t, s, with); !strings.HasPrefix(got, c.with+"\n") {
			t.Errorf("%d: with the key: %s, want %s", i, got, c.with)
		}
		if got := replay(t, s, "GET /v1/models"); !strings.HasPrefix(got, c.out+"\n") {
			t.Errorf("%d: without a key: %s, want %s", i, got, c.out)
		}
	}
}

func TestMaxConcurrent(t *testing.T) {
	e := servetest.NewEngine()
	o := testOptions(nil)
	o.MaxConcurrent = 1
	s := newTestServer(t, e, o)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions",
			strings.NewReader(`{"model":"starter","messages":[{"role":"user","content":"forever"}]}`))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		s.ServeHTTP(httptest.NewRecorder(), r)
	})
	e.Decode(1) // the first request is in the engine
	say := "POST /v1/chat/completions\n\n" + `{"model":"starter","messages":[{"role":"user","content":"say hi"}]}`
	if got := replay(t, s, say); !strings.HasPrefix(got, "429\n") {
		t.Errorf("second request: %s", got)
	}
	cancel()
	wg.Wait()
	if got := replay(t, s, say); !strings.HasPrefix(got, "200\n") {
		t.Errorf("request after the first has ended: %s", got)
	}
}

func TestOrigins(t *testing.T) {
	o := testOptions(nil)
	o.Origins = []string{"https://chat.example"}
	s := newTestServer(t, servetest.NewEngine(), o)
	ask := func(method, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/chat/completions", strings.NewReader(`{"model":"starter","messages":[{"role":"user","content":"say hi"}]}`))
		r.Host = "localhost"
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if w := ask(http.MethodOptions, "https://chat.example"); w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "authorization,content-type" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(http.MethodPost, "https://chat.example"); w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "https://chat.example" {
		t.Errorf("listed origin: %d %v", w.Code, w.Header())
	}
	if w := ask(http.MethodPost, "https://evil.example"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other origin: %d %v", w.Code, w.Header())
	}
	if _, err := serve.New(servetest.NewEngine(), serve.Options{Origins: []string{"chat.example"}}); err == nil {
		t.Error("an origin without scheme: no error")
	}
}

func TestPageAndFiles(t *testing.T) {
	o := testOptions(nil)
	o.Run = func(context.Context) ([]byte, error) { return []byte("{\"step\":1}\n"), nil }
	o.Quickstart = func(context.Context) ([]byte, error) {
		return nil, fmt.Errorf("open quickstart.json: %w", fs.ErrNotExist)
	}
	s := newTestServer(t, servetest.NewEngine(), o)
	if got := replay(t, s, "GET /api/run"); !strings.Contains(got, "application/x-ndjson") || !strings.Contains(got, `{"step":1}`) {
		t.Errorf("run: %s", got)
	}
	if got := replay(t, s, "GET /api/quickstart"); !strings.HasPrefix(got, "404\n") {
		t.Errorf("quickstart: %s", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("page: %d, policy %q", w.Code, policy)
	}
	page := w.Body.String()
	for _, bad := range []string{"src=\"http", "href=\"http", "url(http", "@import", " onclick=", " style=\""} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q, which the policy forbids", bad)
		}
	}
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Errorf("page again: %d", w.Code)
	}
}
