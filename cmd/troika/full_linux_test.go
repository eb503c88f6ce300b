package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A verb that meets a limit on the size of files ends with an error that names the
// file, and leaves nothing half-written; without the limit it goes on.
func TestFileLimit(t *testing.T) {
	ofProcesses(t)
	troika := program(t)
	// The limit counts blocks of 512 bytes.
	const limited = `ulimit -f "$BLOCKS" && exec "$0" "$@"`
	for name, c := range map[string]struct {
		prepare func(*testing.T) work
		blocks  string
		first   []string // what runs in home before, without the limit
		want    string   // in the error
	}{
		"starter":    {tuningWork, "2000", nil, "unpack the starter: write "},
		"tune":       {tuningWork, "1000", []string{"logits", "--ids", "1"}, "save training state"},
		"quickstart": {quickstartWork, "1000", []string{"logits", "--ids", "1"}, "save training state"},
		"pull":       {pullWork, "2000", nil, "pull hf://acme/small"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "quickstart" {
				t.Skip("it takes longest, and does what the others do")
			}
			w := c.prepare(t)
			want, _ := w.straight(t, troika)
			home := t.TempDir()
			if c.first != nil {
				first := work{args: c.first}
				if out, err := first.command(t.Context(), troika, home).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			cmd := w.command(t.Context(), troika, home)
			cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", limited}, cmd.Args...)
			cmd.Env = append(cmd.Env, "BLOCKS="+c.blocks)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "file too large") || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s; want exit code 1, %q and that a file is too large", err, out, c.want)
			}
			whole(t, home)
			if left := unfinished(t, home); len(left) > 0 {
				t.Errorf("unfinished files are left: %v", left)
			}
			if w.read(t, home) != nil {
				t.Errorf("there is %s", w.result)
			}
			if out, err := w.command(t.Context(), troika, home, w.resume...).CombinedOutput(); err != nil {
				t.Fatalf("without the limit: %v: %s", err, out)
			}
			if !bytes.Equal(w.read(t, home), want) {
				t.Errorf("%s differs from that of a run that met no limit", w.result)
			}
		})
	}
}

// The same on a file system that is full: a small one in memory, which only systems
// with user namespaces lend to everybody.
func TestFullDisk(t *testing.T) {
	ofProcesses(t)
	const script = `
mount -t tmpfs -o size="$SIZE" tmpfs "$HOME_DIR" || exit 99
"$0" "$@"
[ $? = 1 ] || exit 98
find "$HOME_DIR" -name '*.tmp' -type f | grep . && exit 97
mount -o remount,size=1g "$HOME_DIR"
"$0" "$@" $RESUME || exit 96
cp "$HOME_DIR"/$RESULT "$OUT"`
	troika := program(t)
	for name, c := range map[string]struct {
		prepare func(*testing.T) work
		size    string
		want    string
	}{
		"starter":    {tuningWork, "9m", "unpack the starter"},
		"tune":       {tuningWork, "14m", "save training state"},
		"quickstart": {quickstartWork, "14m", ""}, // whatever is written first
		"pull":       {pullWork, "9m", "not enough space"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "quickstart" {
				t.Skip("it takes longest, and does what the others do")
			}
			w := c.prepare(t)
			want, _ := w.straight(t, troika)
			home := t.TempDir()
			unshare, err := exec.LookPath("unshare")
			if err != nil {
				t.Skip(err)
			}
			got := filepath.Join(t.TempDir(), "out")
			cmd := w.command(t.Context(), troika, home)
			cmd.Path, cmd.Args = unshare, append([]string{"unshare", "-Urm", "sh", "-c", script}, cmd.Args...)
			cmd.Env = append(cmd.Env, "SIZE="+c.size, "HOME_DIR="+home, "RESULT="+w.result, "OUT="+got, "RESUME="+strings.Join(w.resume, " "))
			out, err := cmd.CombinedOutput()
			text := string(out)
			switch code := cmd.ProcessState.ExitCode(); {
			case code == 99 || strings.Contains(text, "unshare: "):
				t.Skipf("no file system of our own here: %s", text)
			case err != nil || !strings.Contains(text, "space") || !strings.Contains(text, c.want):
				t.Fatalf("%v: %s; want %q, that no space is left, and a second run that works", err, text, c.want)
			}
			data, err := os.ReadFile(got)
			if err != nil || !bytes.Equal(data, want) {
				t.Errorf("%s differs from that of a run with space: %v", w.result, err)
			}
		})
	}
}
