package safetensors

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// TestRelease checks by the kernel's own count that a released tensor's pages
// leave the process, and that the data can still be read.
func TestRelease(t *testing.T) {
	const n = 1 << 20
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i % 251)
	}
	big := tensor.Tensor{DType: tensor.U8, Shape: []int{n}, Data: data}
	src, err := checkpoint.NewMemory(map[string]tensor.Tensor{"big": big, "z": tensor.FromFloat32s([]float32{1}, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "release.safetensors")
	if err := Save(path, src); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := func() (s int) {
		x, err := f.Tensor("big")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range x.Data {
			s += int(b)
		}
		return s
	}
	want := sum()
	if kb := residentKB(t, path); kb < n/1024 {
		t.Errorf("%d kB resident after reading %d", kb, n/1024)
	}
	if err := f.Release("big"); err != nil {
		t.Fatal(err)
	}
	if kb := residentKB(t, path); kb > 16 {
		t.Errorf("%d kB resident after release", kb)
	}
	if got := sum(); got != want {
		t.Errorf("sum %d after release, %d before", got, want)
	}
	if err := f.Release("z"); err != nil {
		t.Errorf("release of less than a page: %v", err)
	}
	if err := f.Release("none"); err == nil {
		t.Error("release of a missing tensor succeeded")
	}
}

// residentKB returns the resident size of this process's map of path.
func residentKB(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	found, kb := false, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasSuffix(s.Text(), path) {
			found = true
		}
		if found && strings.HasPrefix(s.Text(), "Rss:") {
			if _, err := fmt.Sscanf(s.Text(), "Rss: %d kB", &kb); err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Fatalf("%s is not mapped", path)
	return 0
}
