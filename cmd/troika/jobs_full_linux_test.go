package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

// A job that meets a full disk pauses with the reason, its last state whole; resumed
// when there is room, it makes the bits of one that had room all along. A file that
// does not fit is refused, and leaves nothing.
func TestJobOnFullDisk(t *testing.T) {
	ofProcesses(t)
	const script = `
mount -t tmpfs -o size=21m tmpfs "$HOME_DIR" || exit 99
"$0" "$@" &
server=$!
while [ ! -e "$SIGNS/grow" ]; do sleep 0.05; done
mount -o remount,size=1g "$HOME_DIR"
touch "$SIGNS/grown"
while [ ! -e "$SIGNS/end" ]; do sleep 0.05; done
kill $server
wait $server
cp -r "$HOME_DIR/tuned" "$SIGNS/tuned"
find "$HOME_DIR" -name 'put-*' -o -name '*.tmp' -type f > "$SIGNS/left"
touch "$SIGNS/ended"`
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip(err)
	}
	straightHome := t.TempDir()
	straight := newServerProcess(t, straightHome)
	straight.start(t)
	straight.ready(t)
	j, err := tuningJob(t.Context(), &straight.client, sums(20), 3)
	if err == nil {
		j, err = awaitJob(t.Context(), &straight.client, j.ID, openai.FineTuningJobStatusSucceeded)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := adapterOf(t, straightHome, j)
	straight.kill()

	signs, home := t.TempDir(), t.TempDir()
	s := newServerProcess(t, home)
	s.wrap = func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = unshare, append([]string{"unshare", "-Urm", "sh", "-c", script}, cmd.Args...)
		cmd.Env = append(cmd.Environ(), "HOME_DIR="+home, "SIGNS="+signs)
	}
	sign := func(name string) {
		if err := os.WriteFile(filepath.Join(signs, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { sign("grow"); sign("end") }) // the script waits for nobody
	s.start(t)
	for late := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		if _, err := s.client.Models.List(t.Context()); err == nil {
			break
		}
		if strings.Contains(s.out.String(), "unshare: ") || strings.Contains(s.out.String(), "mount: ") {
			t.Skipf("no file system of our own here: %s", s.out)
		}
		if time.Now().After(late) {
			t.Fatalf("the server does not answer: %s", s.out)
		}
	}
	_, err = s.client.Files.New(t.Context(), openai.FileNewParams{
		File: io.LimitReader(zeros{}, 30<<20), Purpose: openai.FilePurposeUserData,
	})
	if apiErr, ok := errors.AsType[*openai.Error](err); !ok || apiErr.StatusCode != http.StatusInsufficientStorage || apiErr.Code != "disk_full" {
		t.Errorf("a file that does not fit: %v", err)
	}
	if j, err = tuningJob(t.Context(), &s.client, sums(20), 3); err != nil {
		t.Fatal(err)
	}
	paused, err := awaitJob(t.Context(), &s.client, j.ID, "paused")
	if err != nil || !strings.Contains(paused.RawJSON(), "no space left on device") {
		t.Fatalf("%v: %s: %s", err, paused.RawJSON(), s.out)
	}
	sign("grow")
	await(t, filepath.Join(signs, "grown"))
	if _, err := s.client.FineTuning.Jobs.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if j, err = awaitJob(t.Context(), &s.client, j.ID, openai.FineTuningJobStatusSucceeded); err != nil {
		t.Fatal(err)
	}
	checkSteps(t, &s.client, j.ID, 30)
	sign("end")
	await(t, filepath.Join(signs, "ended"))
	if left, err := os.ReadFile(filepath.Join(signs, "left")); err != nil || len(left) > 0 {
		t.Errorf("unfinished files are left: %s, %v", left, err)
	}
	if !bytes.Equal(adapterOf(t, signs, j), want) {
		t.Error("the job that met a full disk made other bits")
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// await waits for a file.
func await(t *testing.T, name string) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("there is no %s", name)
		}
	}
}
