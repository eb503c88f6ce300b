package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

// release is a release of a model whose digest is that of its name.
func release(number int64, model string) *publish.Release {
	return &publish.Release{Number: number, Model: model, Digest: troika.Sum([]byte(model))}
}

func desk(current, canary *publish.Release, share float64) []publish.Alias {
	return []publish.Alias{{Name: "desk", Current: current, Canary: canary, Share: share}}
}

// answered posts a request to an alias and returns the model and the id of the answer,
// whose fingerprint must be that of the release.
func answered(t *testing.T, s *serve.Server, path, body string) (model, id string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("%s: %d %s", path, w.Code, w.Body)
		return "", ""
	}
	text, _, _ := strings.Cut(w.Body.String(), "\n")
	var got struct {
		Model, ID   string
		Fingerprint string `json:"system_fingerprint"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "data: ")), &got); err != nil {
		t.Error(err)
	}
	if want := serve.ReleaseFingerprint(troika.Sum([]byte(got.Model))); got.Fingerprint != want {
		t.Errorf("%s was answered by %s with the fingerprint %q, want %q", path, got.Model, got.Fingerprint, want)
	}
	return got.Model, got.ID
}

const (
	chatOfDesk   = `{"model":"desk","messages":[{"role":"user","content":"say a b"}]}`
	streamOfDesk = `{"model":"desk","stream":true,"messages":[{"role":"user","content":"say a b"}]}`
	textOfDesk   = `{"model":"desk","prompt":"say a b"}`
)

// Publishing, trials and going back under load: every request is answered, by a model
// that stood behind the name, and counted under it.
func TestAliasesUnderLoad(t *testing.T) {
	var mu sync.Mutex
	var events []meter.Event
	o := testOptions(nil)
	o.Emit = func(_ context.Context, e meter.Event) error {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
		return nil
	}
	var ids atomic.Int64
	o.NewID = func() string { return fmt.Sprint(ids.Add(1)) }
	o.MaxConcurrent = 100
	s := newTestServer(t, servetest.NewEngine(), o)
	one, two := release(1, "starter"), release(2, "shop/helpdesk v2")
	s.SetAliases(desk(one, nil, 0))
	const workers, each = 8, 60
	models := map[string]string{}
	var load sync.WaitGroup
	for range workers {
		load.Go(func() {
			for i := range each / 3 {
				for path, body := range map[string]string{"/v1/chat/completions": chatOfDesk, "/v1/completions": textOfDesk} {
					model, id := answered(t, s, path, body)
					mu.Lock()
					models[id] = model
					mu.Unlock()
					if i%2 == 0 && path == "/v1/chat/completions" {
						model, id := answered(t, s, path, streamOfDesk)
						mu.Lock()
						models[id] = model
						mu.Unlock()
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	var switching sync.WaitGroup
	switching.Go(func() {
		tick := time.NewTicker(50 * time.Microsecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			s.SetAliases([][]publish.Alias{desk(one, nil, 0), desk(one, two, 0.5), desk(two, nil, 0)}[i%3])
		}
	})
	load.Wait()
	close(stop)
	switching.Wait()
	count := map[string]int{}
	for _, e := range events {
		if models[e.ID] != e.Model {
			t.Errorf("%s was answered by %q and counted under %q", e.ID, models[e.ID], e.Model)
		}
		count[e.Model]++
	}
	if count["starter"] == 0 || count["shop/helpdesk v2"] == 0 || len(count) != 2 {
		t.Errorf("answers by model: %v", count)
	}
}

// A name is listed with what stands behind it, and a request goes where its ID says.
func TestAliasListed(t *testing.T) {
	o := testOptions(nil)
	var id string
	o.NewID = func() string { return id }
	s := newTestServer(t, servetest.NewEngine(), o)
	one, two := release(1, "starter"), release(2, "shop/helpdesk v2")
	aliases := desk(one, two, 0.3)
	s.SetAliases(aliases)
	if got := replay(t, s, "GET /v1/models/desk"); !strings.Contains(got, `"kind":"alias","parent":"starter"`) {
		t.Errorf("the alias: %s", got)
	}
	if got := replay(t, s, "GET /v1/models"); strings.Count(got, `"id":`) != 3 {
		t.Errorf("models: %s", got)
	}
	for i := range 50 {
		id = fmt.Sprint(i)
		if model, _ := answered(t, s, "/v1/chat/completions", chatOfDesk); model != aliases[0].Pick("chatcmpl-"+id).Model {
			t.Errorf("request %d was answered by %s", i, model)
		}
	}
	s.SetAliases(nil)
	if got := replay(t, s, "POST /v1/chat/completions\n\n"+chatOfDesk); !strings.HasPrefix(got, "404\n") {
		t.Errorf("after the alias has gone: %s", got)
	}
}
