package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Neither a line of 2 GB nor a corpus of many times --memory takes the program's memory
// with it: the most that it held is bounded, whatever it reads.
func TestRefineMemoryIsBounded(t *testing.T) {
	ofProcesses(t)
	if testing.Short() {
		t.Skip("reads gigabytes")
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	writeCorpus(t, in, 60_000)
	for _, name := range []string{"line.jsonl", "line.txt", "line.csv", "line.html", "line.md"} {
		f, err := os.Create(filepath.Join(in, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("\"x"); err != nil {
			t.Fatal(err)
		}
		// A hole: it reads as a line of zeros and takes no room.
		if err := f.Truncate(2 << 30); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	peak, code := runMeasured(t, dir, "in", "--recipe", "docs-company", "--out", "out", "--workers", "2", "--memory", "64MiB")
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	failed := failuresOf(t, filepath.Join(dir, "out"))
	for _, name := range []string{"line.jsonl", "line.txt", "line.csv", "line.html", "line.md"} {
		if failed[name] == "" {
			t.Errorf("%s did not fail", name)
		}
	}
	const most = 256 << 20
	t.Logf("at most %d MiB", peak>>20)
	if peak > most {
		t.Errorf("%d MiB were held, want at most %d", peak>>20, most>>20)
	}
}

// runMeasured runs the verb in a process of its own and returns the most memory that it
// held, as the kernel counts it for the program alone.
func runMeasured(t *testing.T, dir string, args ...string) (peak int64, code int) {
	t.Helper()
	return measured(t, refineCommand(t, dir, args...))
}

// measured runs a command as runMeasured does.
func measured(t *testing.T, cmd *exec.Cmd) (peak int64, code int) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peak, cmd.ProcessState.ExitCode()
		case <-tick.C:
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			var kb int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
				peak = max(peak, kb<<10)
			}
		}
	}
}
