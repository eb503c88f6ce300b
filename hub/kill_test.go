package hub

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/troikaml/troika/hub/hubtest"
)

var (
	pullFrom  = flag.String("pull-from", "", "endpoint for the child process of TestKill")
	pullInto  = flag.String("pull-into", "", "store for the child process of TestKill")
	pythonBin = flag.String("python", "", "Python with huggingface_hub for TestInterop")
)

// TestKillChild is the process that TestKill kills.
func TestKillChild(t *testing.T) {
	if *pullFrom == "" {
		t.Skip("only as a child of TestKill")
	}
	c := &Client{Endpoint: *pullFrom}
	if _, err := c.Pull(t.Context(), testRef, Options{Store: Store{*pullInto}}); err != nil {
		t.Fatal(err)
	}
}

// TestKill kills a pulling process again and again: the store never shows half
// a model, the lock does not stay, and the last pull completes.
func TestKill(t *testing.T) {
	w := newWorld(t)
	files := big()
	w.commit(t, files)
	child := func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKillChild$", "-pull-from", w.client.Endpoint, "-pull-into", w.store.Dir)
	}
	for n := range 4 {
		ctx, kill := context.WithCancel(t.Context())
		var seen atomic.Int64
		w.hub.Inject(func(r hubtest.Request) hubtest.Fault {
			if r.Kind == hubtest.Storage && seen.Add(1) == 3 {
				kill() // SIGKILL while this answer is under way
				return hubtest.Fault{Stall: true}
			}
			return hubtest.Fault{Cut: r.Kind == hubtest.Storage, CutAfter: 1_000_000}
		})
		err := child(ctx).Run()
		kill()
		if err == nil {
			t.Errorf("child %d was not killed", n)
		}
		if dir, err := w.store.Path(testRef); !errors.Is(err, ErrNotFound) {
			t.Errorf("child %d was killed half-way, and the model is there: %s, %v", n, dir, err)
		}
	}
	w.hub.Inject(nil)
	if out, err := child(t.Context()).CombinedOutput(); err != nil {
		t.Fatalf("the last pull: %v\n%s", err, out)
	}
	dir, err := w.store.Path(testRef)
	if err != nil {
		t.Fatal(err)
	}
	checkTree(t, dir, files, []string{"config.json", "model.safetensors"})
	if left, err := filepath.Glob(filepath.Join(w.store.Dir, "acme", "tiny", ".pull")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestInterop lets the official Python client pull from hubtest's server.
func TestInterop(t *testing.T) {
	if *pythonBin == "" {
		t.Skip("-python is not set: see testdata/interop.py")
	}
	w := newWorld(t)
	w.hub.SetPageSize(3)
	files := tiny()
	sha := w.commit(t, files)
	src, dst := t.TempDir(), t.TempDir()
	if err := os.CopyFS(src, files); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), *pythonBin, "testdata/interop.py", testRef.ID(), sha, src)
	cmd.Env = append(cmd.Environ(), "HF_ENDPOINT="+w.client.Endpoint, "HF_HOME="+dst, "HF_HUB_DISABLE_TELEMETRY=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
