package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/hub/hubtest"
	"github.com/troikaml/troika/starter"
)

// program returns the path by which this test binary runs as the program.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "troika")
	if err := os.Symlink(self, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	return name
}

// work is a command line to be disturbed, and what it makes in its home.
type work struct {
	args   []string
	env    []string
	result string   // the file that tells whether two runs did the same, by a pattern
	resume []string // what a second try adds
}

// tuningWork returns a run of few steps that saves its state after each.
func tuningWork(t *testing.T) work {
	t.Helper()
	data := filepath.Join(t.TempDir(), "train.jsonl")
	var lines []byte
	for i := range 8 {
		lines = fmt.Appendf(lines, `{"messages":[{"role":"user","content":"What is %d plus %d?"},{"role":"assistant","content":"%d"}]}`+"\n", i, i*7, i*8)
	}
	if err := os.WriteFile(data, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return work{
		args: []string{
			"tune", "--data", data, "--name", "sums", "--rank", "4", "--dropout", "0.1", "--micro-tokens", "96",
			"--accumulate", "1", "--steps", "4", "--save-every", "1",
		},
		result: "adapters/sums/adapter_model.safetensors",
		resume: []string{"--resume"},
	}
}

// quickstartWork returns a quickstart over a few documents.
func quickstartWork(t *testing.T) work {
	t.Helper()
	dir := t.TempDir()
	words := map[string][]string{
		"nature":   {"window", "candle", "forest", "stone", "paper", "garden", "bridge", "silver", "cloud"},
		"machines": {"socket", "stack", "kernel", "signal", "pointer", "mutex", "token", "packet", "cache"},
	}
	random := rand.New(rand.NewPCG(3, 4))
	for label, list := range words {
		if err := os.MkdirAll(filepath.Join(dir, label), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 24 {
			random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			text := fmt.Sprintf("%s %d\n", strings.Join(list, " "), i)
			if err := os.WriteFile(filepath.Join(dir, label, fmt.Sprint(i)+".txt"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return work{
		args: []string{
			"quickstart", "--data", dir, "--once", "--listen", "127.0.0.1:0", "--rank", "4", "--steps", "4", "--save-every", "1",
		},
		result: "adapters/quickstart/adapter_model.safetensors",
	}
}

// pullWork returns a pull of the starter from a hub of ours.
func pullWork(t *testing.T) work {
	t.Helper()
	h := hubtest.New()
	front, back := httptest.NewServer(h), httptest.NewServer(h.StorageHandler())
	t.Cleanup(front.Close)
	t.Cleanup(back.Close)
	h.SetStorage(back.URL)
	files := fstest.MapFS{}
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors"} {
		data, err := fs.ReadFile(starter.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	if _, err := h.Commit("acme/small", "main", files); err != nil {
		t.Fatal(err)
	}
	return work{
		args: []string{"pull", "hf://acme/small"}, env: []string{"HF_ENDPOINT=" + front.URL},
		result: "models/*/*/*/model.safetensors",
	}
}

// straight returns the result of a run that nothing disturbs, and how long it took.
func (w *work) straight(t *testing.T, troika string) (result []byte, took time.Duration) {
	t.Helper()
	home, start := t.TempDir(), time.Now()
	if out, err := w.command(t.Context(), troika, home).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took = time.Since(start)
	if result = w.read(t, home); len(result) == 0 {
		t.Fatalf("there is no %s", w.result)
	}
	return result, took
}

func (w *work) command(ctx context.Context, troika, home string, more ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, troika, append(append([]string{"--home", home}, w.args...), more...)...)
	cmd.Env = append(cmd.Environ(), w.env...)
	return cmd
}

// read returns the result in home, nil where there is none.
func (w *work) read(t *testing.T, home string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(home, filepath.FromSlash(w.result)))
	if err != nil || len(names) > 1 {
		t.Fatalf("results %v, %v", names, err)
	}
	if len(names) == 0 {
		return nil
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// whole checks that what stands in home under its final name can be read.
func whole(t *testing.T, home string) {
	t.Helper()
	err := filepath.WalkDir(home, func(name string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), ".") {
			if err == nil && d.IsDir() {
				err = fs.SkipDir
			}
			return err
		}
		switch filepath.Ext(name) {
		case ".safetensors":
			f, err := safetensors.OpenFile(name)
			if err != nil {
				return err
			}
			return f.Close()
		case ".json":
			data, err := os.ReadFile(name)
			if err == nil && !json.Valid(data) {
				err = fmt.Errorf("%s is no JSON", name)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Errorf("half-written: %v", err)
	}
}

// unfinished lists the temporary files in home.
func unfinished(t *testing.T, home string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(home, func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".tmp") && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A verb that is killed at random moments leaves nothing half-written, and done
// again it makes what it would have made.
func TestKilledVerbs(t *testing.T) {
	ofProcesses(t)
	kills := 8
	if testing.Short() {
		kills = 3
	}
	troika := program(t)
	for name, prepare := range map[string]func(*testing.T) work{"quickstart": quickstartWork, "pull": pullWork, "tune": tuningWork} {
		t.Run(name, func(t *testing.T) {
			w := prepare(t)
			want, took := w.straight(t, troika)
			killed := t.TempDir()
			random := rand.New(rand.NewPCG(1, uint64(len(name))))
			landed := 0
			for range kills {
				cmd := w.command(t.Context(), troika, killed)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(time.Duration(random.Int64N(int64(took))), func() { _ = cmd.Process.Kill() })
				if cmd.Wait() != nil {
					landed++
				}
				whole(t, killed)
			}
			t.Logf("%d of %d kills landed", landed, kills)
			if landed == 0 {
				t.Error("no kill landed")
			}
			if out, err := w.command(t.Context(), troika, killed, w.resume...).CombinedOutput(); err != nil {
				t.Fatalf("after the kills: %v: %s", err, out)
			}
			if !bytes.Equal(w.read(t, killed), want) {
				t.Errorf("%s differs from that of a run that was not killed", w.result)
			}
			if left := unfinished(t, killed); len(left) > 0 {
				t.Errorf("unfinished files are left: %v", left)
			}
		})
	}
}
