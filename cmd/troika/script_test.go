package main

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/troikaml/troika/starter"
)

func TestMain(m *testing.M) {
	verbs = append(verbs, newProbeCmd) // in the test binary alone
	testscript.Main(m, map[string]func(){"troika": main})
}

// shared are the scripts of verbs with goroutines over shared state and with every kernel.
// Slow builds are there for these; each start of the program takes them long.
var shared = []string{"jobs", "publish", "quickstart", "refine", "serve", "tune"}

// ofProcesses skips a test of what is left behind by processes that were killed or met a
// full disk in slow builds: the race detector does not see into them, and the kernels are
// all the same to them.
func ofProcesses(t *testing.T) {
	t.Helper()
	if slowBuild {
		t.Skip("tests processes, neither goroutines nor kernels")
	}
}

// TestScript runs every file under testdata/script: one or more for each verb.
func TestScript(t *testing.T) {
	dir, files := "testdata/script", []string(nil)
	if slowBuild {
		for _, name := range shared {
			files = append(files, filepath.Join(dir, name+".txt"))
		}
		dir = ""
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TROIKA_HOME", env.WorkDir+"/home")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "starter": unpack, "cut": cut, "swap": swap, "weights": weights, "repeat": repeat,
			"first": first, "job": submitJob,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// exits N PROGRAM ARGS... runs a program and fails unless it exits with code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// operands fails unless a command of scripts was given n operands.
func operands(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// starter DIR writes the starter's files to DIR.
func unpack(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 1, "starter DIR")
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), starter.Files()))
}

// cut FILE N leaves the first N bytes of a file.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 2, "cut FILE N")
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(number(ts, args[1]))))
}

// first FILE leaves the first line of a file.
func first(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 1, "first FILE")
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(line+"\n"), 0o600))
}

// swap FILE OLD NEW replaces a text that must be in a file; once.
func swap(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 3, "swap FILE OLD NEW")
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// weights FILE HEADER N writes a safetensors file of a header and N bytes of data.
func weights(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 3, "weights FILE HEADER N")
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(args[1])))
	data = append(append(data, args[1]...), make([]byte, number(ts, args[2]))...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// repeat FILE TEXT N puts N copies of a text in the place of @ in a file.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 3, "repeat FILE TEXT N")
	swap(ts, neg, []string{args[0], "@", strings.Repeat(args[1], number(ts, args[2]))})
}
