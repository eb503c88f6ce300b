package fsx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWriteReplacesWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	if err := WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(name, 0o644, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v, want boom", err)
	}
	checkOnly(t, name, "old")
	if err := WriteFile(name, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	checkOnly(t, name, "new")
	p, err := Create(name, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	p.Abort()
	if err := p.Commit(); err == nil {
		t.Error("commit after abort succeeded")
	}
	checkOnly(t, name, "new")
}

// checkOnly checks name's content and that nothing else lies beside it.
func checkOnly(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("content %q, %v; want %q", got, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory holds %v, %v", entries, err)
	}
}

func TestWriteSet(t *testing.T) {
	dir := t.TempDir()
	content := func() (all string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all += e.Name() + "=" + string(data) + " "
		}
		return all
	}
	if err := WriteSet(dir, 0o644, Bytes("a", []byte("1")), Bytes("mark", []byte("1"))); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	failing := File{Name: "mark", Fill: func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return boom
	}}
	if err := WriteSet(dir, 0o644, Bytes("a", []byte("2")), failing); !errors.Is(err, boom) {
		t.Errorf("error %v, want boom", err)
	}
	if got := content(); got != "a=1 mark=1 " {
		t.Errorf("after a failure: %s", got)
	}
	if err := WriteSet(dir, 0o644, Bytes("a", []byte("2")), Bytes("b", nil), Bytes("mark", []byte("2"))); err != nil {
		t.Fatal(err)
	}
	if got := content(); got != "a=2 b= mark=2 " {
		t.Errorf("after the second set: %s", got)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	dead, kept := filepath.Join(dir, ".x.1"+tempSuffix), filepath.Join(dir, "kept"+tempSuffix)
	for _, name := range []string{dead, kept} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Create(filepath.Join(dir, "x"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	Sweep(dir)
	Sweep(filepath.Join(dir, "none"))
	if err := p.Commit(); err != nil {
		t.Errorf("a living writer's file was swept: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != "kept"+tempSuffix || entries[1].Name() != "x" {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	l, err := TryLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("acquire: %v, want the deadline", err)
	}
	got := make(chan error)
	go func() {
		l, err := Acquire(t.Context(), name)
		if err == nil {
			err = l.Release()
		}
		got <- err
	}()
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestMkdirAllAndFreeBytes(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	for range 2 {
		if err := MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := Rename(dir, filepath.Join(root, "c")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "f")
	if err := WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(file, 0o755); err == nil {
		t.Error("a directory in a file's place succeeded")
	}
	if n, err := FreeBytes(root); err != nil || n <= 0 {
		t.Errorf("free bytes %d, %v", n, err)
	}
	if _, err := FreeBytes(filepath.Join(root, "none")); err == nil {
		t.Error("free bytes of a missing directory succeeded")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "fsx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "manifest.json")
	if err := WriteFile(name, []byte("{}\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	b, err := os.ReadFile(name)
	fmt.Printf("%s%v\n", b, err)
	// Output:
	// {}
	// <nil>
}
