package filemap_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint/filemap"
)

func Example() {
	f := filemap.New(strings.NewReader("weights"), 7)
	b, err := f.Bytes(3, 4)
	fmt.Printf("%s %v\n", b, err)
	_, err = f.Bytes(3, 5)
	fmt.Println(err)
	// Output:
	// ghts <nil>
	// file is cut: 5 bytes at 3 of 7
}

func TestFile(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 2000)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	mapped, err := filemap.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*filemap.File{mapped, filemap.New(bytes.NewReader(content), int64(len(content)))} {
		if err := f.Release(0, f.Size()); err != nil {
			t.Error(err)
		}
		for _, r := range [][2]int64{{0, 20000}, {19999, 1}, {20000, 0}, {4097, 5000}} {
			if b, err := f.Bytes(r[0], r[1]); err != nil || !bytes.Equal(b, content[r[0]:r[0]+r[1]]) {
				t.Errorf("bytes %v: %v", r, err)
			}
		}
		for _, r := range [][2]int64{{-1, 1}, {0, -1}, {20001, 0}, {19999, 2}, {1, 1<<63 - 1}} {
			if _, err := f.Bytes(r[0], r[1]); !errors.Is(err, filemap.ErrShort) {
				t.Errorf("bytes %v: %v, want ErrShort", r, err)
			}
		}
		if err := errors.Join(f.Close(), f.Close()); err != nil || !f.Closed() {
			t.Errorf("close: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := filemap.Open(t.TempDir()); err == nil {
		t.Error("a directory was opened")
	}
	// The source is shorter than it was said to be.
	if _, err := filemap.New(strings.NewReader("ab"), 3).Bytes(0, 3); !errors.Is(err, filemap.ErrShort) {
		t.Errorf("%v, want ErrShort", err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := filemap.Open(empty)
	if err != nil || f.Size() != 0 || f.Close() != nil {
		t.Errorf("an empty file: %v", err)
	}
}
