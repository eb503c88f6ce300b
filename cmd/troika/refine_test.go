package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run that is killed at random moments and started again, with other numbers
// of workers, ends with the same bytes as one that was not.
func TestRefineKilledAnywhere(t *testing.T) {
	ofProcesses(t)
	kills, rows := 16, 20_000
	if testing.Short() {
		kills, rows = 6, 4_000
	}
	dir := t.TempDir()
	writeCorpus(t, filepath.Join(dir, "in"), rows)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary runs the program when it is called by its name.
	troika := filepath.Join(dir, "troika")
	if err := os.Symlink(program, troika); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	command := func(out string, workers int) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), troika, "refine", "in", "--recipe", "docs-company", "--out", out,
			"--workers", fmt.Sprint(workers), "--memory", "64MiB", "--json")
		cmd.Dir = dir
		return cmd
	}
	start := time.Now()
	if out, err := command("straight", 2).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	random := rand.New(rand.NewPCG(3, 4))
	landed := 0
	for range kills {
		cmd := command("killed", 1+random.IntN(3))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(whole)/3+1)), func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		landed++
	}
	if landed == 0 {
		t.Error("no kill landed while the run was on")
	}
	if _, err := os.Stat(filepath.Join(dir, "killed", "manifest.json")); err != nil {
		if out, err := command("killed", 2).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Logf("%d kills landed", landed)
	want, got := outputFiles(t, filepath.Join(dir, "straight")), outputFiles(t, filepath.Join(dir, "killed"))
	if !maps.Equal(want, got) {
		t.Error("the output of the killed run differs from that of the straight run")
	}
}

// writeCorpus writes texts with duplicates and near-duplicates among them.
func writeCorpus(t *testing.T, dir string, rows int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	var lines []byte
	for i := range rows {
		words := make([]string, 20+random.IntN(60))
		draw := rand.New(rand.NewPCG(uint64(random.IntN(rows*3/4)), 0))
		for k := range words {
			words[k] = fmt.Sprintf("w%d", draw.IntN(5000))
		}
		lines = fmt.Appendf(lines, `{"text":"%s %d."}`+"\n", strings.Join(words, " "), i)
	}
	if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), lines, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		page := fmt.Sprintf("<title>Page %d</title><main><h1>Page %d</h1><p>The text of page %d is here.</p></main>", i, i, i%30)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("p%02d.html", i)), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// outputFiles returns the files of an output folder but its lock.
func outputFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == ".lock" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err) // a folder, too: the state is gone after a run
		}
		out[e.Name()] = string(b)
	}
	return out
}
