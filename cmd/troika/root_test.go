package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/term"
)

func Example() {
	for _, args := range [][]string{{"version"}, {"version", "--nope"}} {
		a := &app{In: strings.NewReader(""), Out: io.Discard, Err: os.Stdout, Getenv: os.Getenv}
		fmt.Println("exit code", run(context.Background(), a, args))
	}
	// Output:
	// exit code 0
	// troika: unknown flag: --nope; see: troika version --help
	// exit code 2
}

// TestVerbs holds every command to what a reader of the help relies on.
func TestVerbs(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		name := cmd.CommandPath()
		if strings.HasPrefix(name, "troika probe") {
			return
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short is %q: want a sentence without a full stop", name, cmd.Short)
		}
		if cmd.Example == "" {
			t.Errorf("%s: no Example", name)
		}
		for line := range strings.Lines(cmd.Example) {
			line = strings.TrimSpace(line)
			if term.Width(line) > 72 {
				t.Errorf("%s: an example over 72 cells is cut where a terminal has 80; continue it after a backslash: %q", name, line)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&app{}))
	if len(verbs) < 2 {
		t.Fatal("no verbs")
	}
}

// TestVerbFiles checks that every verb has its own file and script.
func TestVerbFiles(t *testing.T) {
	scripts, err := os.ReadDir("testdata/script")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range newRoot(&app{}).Commands() {
		name := strings.ReplaceAll(cmd.Name(), "-", "_")
		if name == "probe" {
			continue
		}
		if _, err := os.Stat("cmd_" + name + ".go"); err != nil {
			t.Errorf("verb %s: %v", name, err)
		}
		if !slices.ContainsFunc(scripts, func(e os.DirEntry) bool {
			base := strings.ReplaceAll(strings.TrimSuffix(e.Name(), ".txt"), "-", "_")
			return base == name || strings.HasPrefix(base, name+"_")
		}) {
			t.Errorf("verb %s: no testdata/script/%s.txt", name, name)
		}
	}
}

func TestHomePath(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths of another system")
	}
	for _, c := range []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"/a", map[string]string{"TROIKA_HOME": "/b", "HOME": "/h"}, "/a"},
		{"", map[string]string{"TROIKA_HOME": "/b", "XDG_DATA_HOME": "/c", "HOME": "/h"}, "/b"},
		{"", map[string]string{"XDG_DATA_HOME": "/c", "HOME": "/h"}, "/c/troika"},
		{"", map[string]string{"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/troika"},
		{"", map[string]string{"HOME": "/h"}, "/h/.local/share/troika"},
		{"", nil, ""},
	} {
		a := &app{home: c.flag, Getenv: func(k string) string { return c.env[k] }}
		got, err := a.homePath()
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q %v: got %q, %v, want %q", c.flag, c.env, got, err, c.want)
		}
	}
}

// TestSignals sends real signals to a real process: the first one cancels the
// verb's context and is reported, the second one kills.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent SIGINT here")
	}
	cmd, stderr := startProbe(t, "wait")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is checked below
	if cmd.ProcessState.ExitCode() != exitFailed || stderr.String() != "troika: interrupted: wait: context canceled\n" {
		t.Errorf("after SIGTERM: exit %d, %q", cmd.ProcessState.ExitCode(), stderr)
	}

	cmd, _ = startProbe(t, "stubborn")
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state is checked below
		close(ended)
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for sent := 1; ; sent++ {
		_ = cmd.Process.Signal(syscall.SIGINT) // fails once the process has ended
		select {
		case <-ended:
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT || sent < 2 {
				t.Errorf("after %d SIGINT: %v", sent, cmd.ProcessState)
			}
			return
		case <-tick.C:
		case <-deadline:
			t.Fatal("a second SIGINT did not kill the process")
		}
	}
}

// startProbe starts "troika probe name" and waits until it says so.
func startProbe(t *testing.T, name string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "troika", "probe", name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "waiting\n" {
		t.Fatalf("probe %s: %q, %v", name, line, err)
	}
	return cmd, &stderr
}
