package finetune_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/serve/finetune"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
	"github.com/troikaml/troika/train"
)

const starterDir = "../../starter"

// fixture is a service behind a server, with an engine and a worker.
type fixture struct {
	home     string
	base     string // folder of the starter
	db       *store.DB
	jobs     *job.Store
	files    *file.Store
	datasets *dataset.Store
	lineage  *lineage.Log
	service  *finetune.Service
	engine   *local.Engine
	client   openai.Client
	url      string

	mu      sync.Mutex
	takes   train.Times     // what jobs are said to take
	untimed error           // why they are not
	left    []compute.Stats // of devices that runs gave back
}

// newFixture returns one in a new home, with content in blobs or, where that is nil, in
// memory.
func newFixture(t *testing.T, base string, blobs store.Blobs) *fixture {
	t.Helper()
	f := &fixture{home: t.TempDir(), base: base}
	ctx := t.Context()
	var err error
	if f.db, err = sqlite.Open(ctx, filepath.Join(f.home, "troika.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	if blobs == nil {
		blobs = new(store.Memory)
	}
	var errs [4]error
	f.jobs, errs[0] = job.Open(ctx, f.db)
	f.files, errs[1] = file.Open(ctx, f.db, blobs, file.Options{})
	f.datasets, errs[2] = dataset.OpenStore(ctx, f.db, new(store.Memory))
	f.lineage, errs[3] = lineage.Open(ctx, f.db)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(cpu.Options{Threads: 1})
	t.Cleanup(dev.Close)
	f.engine = local.New(dev, local.Options{Known: all.Architectures(), Context: 128})
	t.Cleanup(f.engine.Close)
	if err := f.engine.AddBase("starter", base); err != nil {
		t.Fatal(err)
	}
	f.service = finetune.New(finetune.Options{
		DB: f.db, Jobs: f.jobs, Files: f.files, Datasets: f.datasets, Lineage: f.lineage,
		Base: f.findBase, Known: all.Architectures(), Device: f.device, Rehearse: rehearse, Time: f.clock,
		Price: train.Price{Hour: 36_000_000, Watts: 1000, Currency: "EUR"},
		Tuned: filepath.Join(f.home, "tuned"), Runs: filepath.Join(f.home, "runs"), Version: "test",
		Offer: func(m finetune.Model) error {
			return f.engine.Offer(local.Tuned{
				Name: m.Name, Dir: m.Dir, Parent: m.Parent, BaseDir: base, Base: m.Base, OwnedBy: m.Org, Created: m.Created,
			})
		},
	})
	f.url = f.listen(t, nil)
	f.client = f.newClient(t, "any")
	return f
}

func (f *fixture) findBase(name string) (string, error) {
	if name != "starter" {
		return "", fmt.Errorf("no base %q: %w", name, fs.ErrNotExist)
	}
	return f.base, nil
}

// rehearse is what jobs are planned on.
func rehearse(see func(compute.Op, []compute.Spec)) (compute.Device, func()) {
	dev := cpu.New(cpu.Options{Rehearse: see})
	return dev, dev.Close
}

// clock tells how long jobs take: what a test says, on however busy a machine.
func (f *fixture) clock(context.Context, *train.Tuning, *train.Rehearsal) (train.Times, error) {
	return f.takes, f.untimed
}

// device is what runs compute on. It notes what they leave behind.
func (f *fixture) device() (compute.Device, func()) {
	dev := cpu.New(cpu.Options{Threads: 2})
	return dev, func() {
		f.mu.Lock()
		f.left = append(f.left, dev.Stats())
		f.mu.Unlock()
		dev.Close()
	}
}

func (f *fixture) listen(t *testing.T, keys *serve.KeySet) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	server, err := serve.New(f.engine, serve.Options{Routes: append(f.files.Routes(), f.service.Routes(ctx.Done())...), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(cancel)
	return web.URL
}

func (f *fixture) newClient(t *testing.T, key string) openai.Client {
	t.Helper()
	return openai.NewClient(option.WithBaseURL(f.url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0),
		option.WithHTTPClient(httpClient(t)))
}

func httpClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// work runs the jobs that wait, one after another, until stop is called or the test
// ends.
func (f *fixture) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w := job.Worker{Store: f.jobs, Owner: "test", Handlers: f.service.Handlers(), TTL: time.Minute, Poll: 10 * time.Millisecond}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			changed := f.jobs.Changed()
			waiting, err := f.jobs.Waiting(ctx, []string{finetune.Kind}, 1)
			if err == nil && len(waiting) == 1 {
				run, err := w.Begin(ctx, waiting[0])
				if err == nil {
					w.Finish(ctx, run)
					continue
				}
			}
			select {
			case <-changed:
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

// examples returns n lines of sums, from the first on.
func examples(first, n int) string {
	var b []byte
	for i := range n {
		i += first
		b = fmt.Appendf(b, `{"messages":[{"role":"user","content":"What is %d plus %d?"},{"role":"assistant","content":"%d"}]}`+"\n", i, 7*i, 8*i)
	}
	return string(b)
}

// send keeps a file and returns its ID.
func (f *fixture) send(t *testing.T, text string) string {
	t.Helper()
	return f.sendReader(t, strings.NewReader(text), file.FineTune)
}

func (f *fixture) sendReader(t *testing.T, r io.Reader, purpose string) string {
	t.Helper()
	c, err := f.files.Stage(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release(t.Context())
	made, err := f.files.Create(t.Context(), file.New{Filename: "x.jsonl", Purpose: purpose}, c)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// call sends a request with a JSON body and reads the answer into a map.
func (f *fixture) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := httpClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return res.StatusCode, v
}

// create makes a job and returns its ID.
func (f *fixture) create(t *testing.T, body string) string {
	t.Helper()
	status, got := f.call(t, http.MethodPost, "/v1/fine_tuning/jobs", body)
	if status != http.StatusOK {
		t.Fatalf("%d: %v", status, got)
	}
	return got["id"].(string)
}

// refused makes a request that must be refused, and returns the error.
func (f *fixture) refused(t *testing.T, body string) map[string]any {
	t.Helper()
	status, got := f.call(t, http.MethodPost, "/v1/fine_tuning/jobs", body)
	e, _ := got["error"].(map[string]any)
	if status < 400 || status >= 500 || e == nil || e["type"] != "invalid_request_error" {
		t.Fatalf("%s\ngave %d: %v", body, status, got)
	}
	return e
}

// await polls a job as a client does, until it is in one of the states.
func (f *fixture) await(t *testing.T, id string, states ...openai.FineTuningJobStatus) *openai.FineTuningJob {
	t.Helper()
	for start := time.Now(); ; {
		j, err := f.client.FineTuning.Jobs.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(states, j.Status) {
			return j
		}
		if time.Since(start) > 4*time.Minute || j.Status == "failed" {
			t.Fatalf("job %s is %s, want %v: %s", id, j.Status, states, j.RawJSON())
		}
		<-time.After(25 * time.Millisecond) // each look costs some, under the race detector more
	}
}

// weights returns the file of a job's final adapter.
func (f *fixture) weights(t *testing.T, id string) []byte {
	t.Helper()
	j, err := f.client.FineTuning.Jobs.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := finetune.Find(filepath.Join(f.home, "tuned"), j.FineTunedModel)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b)
}
