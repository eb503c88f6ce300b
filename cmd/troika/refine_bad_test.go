package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What cannot be read is told by name and reason, the rest becomes records, and the exit
// code says that something failed.
func TestRefineBadInput(t *testing.T) {
	ofProcesses(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	reasons := badInputs(t, in)
	changing := filepath.Join(in, "changing.jsonl")
	stop := keepWriting(t, changing)
	out, code := runRefine(t, dir, "in", "--steps", "exact-dedup", "--out", "out", "--workers", "2", "--memory", "64MiB")
	stop()
	if code != 3 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	failed := failuresOf(t, filepath.Join(dir, "out"))
	for name, reason := range reasons {
		if !strings.Contains(failed[name], reason) {
			t.Errorf("%s: want %q among its failures, they are %q", name, reason, failed[name])
		}
		delete(failed, name)
	}
	for name, reason := range failed {
		t.Errorf("%s failed as well: %s", name, reason)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "out", "data-00000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"good.txt", "bomb.zip!after.txt", "keys.jsonl#2", "line.jsonl#2", "cut.warc#"} {
		if !bytes.Contains(kept, []byte(`"id":"`+id)) {
			t.Errorf("no record of %s", id)
		}
	}
	if bytes.Contains(kept, []byte("changing.jsonl")) {
		t.Error("records of a file that changed while it was read")
	}
}

// badInputs fills a folder and returns what is to be said of each that fails.
func badInputs(t *testing.T, in string) map[string]string {
	t.Helper()
	rows := bytes.Repeat([]byte("{\"text\":\"a row of text\"}\n"), 2000)
	page := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<main><p>A page that was fetched whole.</p></main>"
	record := func(text string) string {
		return fmt.Sprintf("WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%d>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"+
			"WARC-Target-URI: https://example.com/%d\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
			len(text), len(text), len(text), text)
	}
	zeros := make([]byte, 80<<20)
	warc := record(page) + record(page+"<p>More.</p>")
	packed := gzipBytes(t, rows)
	columns := fixtureOf(t, "parquet/testdata/flat-zstd.parquet")
	line := 5 << 20
	if !testing.Short() {
		line = 64 << 20
	}
	for name, content := range map[string][]byte{
		"good.txt":       []byte("A good text."),
		"bomb.txt.gz":    gzipBytes(t, zeros),
		"bomb.zip":       zipBytes(t, "zeros.txt", zeros, "after.txt", []byte("What comes after.")),
		"deep.html":      []byte(strings.Repeat("<div>", 100_000) + "deep"),
		"line.jsonl":     []byte(`{"text":"` + strings.Repeat("x", line) + "\"}\n{\"text\":\"the next line\"}\n"),
		"line.txt":       bytes.Repeat([]byte("x"), max(line, 20<<20)),
		"nul.txt":        []byte("a\x00b"),
		"cut.jsonl.gz":   packed[:len(packed)-20],
		"cut.parquet":    columns[:len(columns)-100],
		"cut.warc":       []byte(warc[:len(warc)-40]),
		"keys.jsonl":     []byte("{\"text\":\"one\",\"text\":\"two\"}\n{\"text\":\"a row of its own\"}\n"),
		"changing.jsonl": rows,
	} {
		writeInput(t, in, name, content)
	}
	if err := os.Symlink(in, filepath.Join(in, "loop")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("none", filepath.Join(in, "dangling")); err != nil {
		t.Skip(err)
	}
	reasons := map[string]string{
		"bomb.txt.gz": "more than", "bomb.zip!zeros.txt": "more than", "deep.html": "deep", "line.jsonl": "line too long",
		"line.txt": "the limit is", "nul.txt": "not text", "cut.jsonl.gz": "cut off", "cut.parquet": "not a whole Parquet file", "cut.warc": "cut",
		"keys.jsonl": `key "text"`, "changing.jsonl": "changed while it was read", "loop": "symbolic link", "dangling": "no such file",
	}
	if testing.Short() {
		return reasons // the reader of PDF takes seconds to start
	}
	whole := fixtureOf(t, "pdf/testdata/pears.pdf")
	writeInput(t, in, "cut.pdf", whole[:300])
	writeInput(t, in, "locked.pdf", fixtureOf(t, "pdf/testdata/locked.pdf"))
	reasons["cut.pdf"], reasons["locked.pdf"] = "broken", "encrypted"
	return reasons
}

func writeInput(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fixtureOf returns a file that the tests of readers have.
func fixtureOf(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "refine", "source", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipBytes(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipBytes(t *testing.T, first string, one []byte, second string, two []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, member := range []struct {
		name string
		b    []byte
	}{{first, one}, {second, two}} {
		w, err := z.Create(member.name)
		if err == nil {
			_, err = w.Write(member.b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// keepWriting appends to a file until it is told to stop.
func keepWriting(t *testing.T, name string) (stop func()) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	end, ended := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-end:
				ended <- f.Close()
				return
			case <-time.After(200 * time.Microsecond):
				_, _ = f.WriteString("{\"text\":\"one more\"}\n")
			}
		}
	}()
	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// runRefine runs the verb in a process of its own.
func runRefine(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	cmd := refineCommand(t, dir, args...)
	b, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func refineCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary runs the program when it is called by its name.
	troika := filepath.Join(dir, "troika")
	if err := os.Symlink(program, troika); err != nil && !errors.Is(err, os.ErrExist) {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), troika, append([]string{"refine"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TROIKA_HOME="+filepath.Join(dir, "home"))
	return cmd
}

// failuresOf returns what a run said of the items that failed, by the input or the
// member of an archive that they are from.
func failuresOf(t *testing.T, out string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "failures.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]string{}
	for line := range bytes.Lines(text) {
		var f struct{ Source, Error string }
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(f.Source, "#")
		failed[name] += f.Error + "; "
	}
	return failed
}
