package main

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func Example() {
	d, err := parseDictionary("研究 500 n\n研究生 80 n\n生 100 n\n")
	fmt.Println(len(d.kept()), err)
	// Output: 3 <nil>
}

func TestLogarithm(t *testing.T) {
	// As glibc and a table of 30 digits have them.
	for n, want := range map[int]uint64{1: 0, 2: 0x3fe62e42fefa39ef, 3: 0x3ff193ea7aad030b, 10: 0x40026bb1bbb55516, 1000000: 0x402ba18a998fffa0} {
		if got := math.Float64bits(logarithm(n)); got != want {
			t.Errorf("logarithm(%d) = %x, want %x", n, got, want)
		}
	}
	for n := 1; n < 100_000; n += 37 {
		if got, near := logarithm(n), math.Log(float64(n)); math.Abs(got-near) > 4e-16*near {
			t.Errorf("logarithm(%d) = %v, want near %v", n, got, near)
		}
	}
}

func TestKept(t *testing.T) {
	d, err := parseDictionary("\ufeff研究 500 n\n研究生 80 n\n生命 400 n\n研 2 v\n生 100 n\n命 90 n\n生研究 1 n\n口生 1 n\n研究生命 0 n\n")
	if err != nil {
		t.Fatal(err)
	}
	// 生研究 weighs less than 生 and 研究; 口 is no word, so 口生 stays.
	want := []string{"口生", "命", "生", "生命", "研", "研究", "研究生"}
	if got := d.kept(); !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

func TestPrune(t *testing.T) {
	chars := map[string]string{"发": "發", "头": "頭", "后": "後", "现": "現"}
	phrases := map[string]string{"头发": "頭髮", "白头": "白頭", "出发": "出發", "皇后": "皇后", "发现": "發現"}
	got := slices.Sorted(maps.Keys(prune(phrases, chars)))
	if want := []string{"头发", "白头", "皇后"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want) // 白头 ends with the beginning of 头发
	}
	if s, err := differing("头发", "頭髮", chars); s != ".髮" || err != nil {
		t.Errorf("differing: %q, %v", s, err)
	}
	if _, err := differing("头发", "頭", chars); err == nil {
		t.Error("a phrase that loses a character was taken")
	}
}

func TestRefused(t *testing.T) {
	for _, s := range []string{"", "字\n", "字 x\n", "字 -1 n\n", "字 99999999999\n"} {
		if _, err := parseDictionary(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	dir := t.TempDir()
	for i, s := range []string{"", `export default "`, `export default "字";`, `export default " 字";`} {
		name := fmt.Sprint(i)
		if err := os.WriteFile(filepath.Join(dir, name+".js"), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir, name); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	for _, args := range [][]string{nil, {"segment"}, {"other", "a", "b", "c"}, {"segment", filepath.Join(dir, "none"), "b", "c"}, {"script", dir, "b", "c"}} {
		if err := run(args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// TestRun shows that a table is written where its checksum is right alone, and
// with the same bytes again.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	dict, out := filepath.Join(dir, "dict.txt"), filepath.Join(dir, "t.gz")
	if err := os.WriteFile(dict, []byte("研究 5 n\n生命 4 n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"segment", dict, strings.Repeat("0", 64), out}); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Fatalf("a wrong checksum: %v", err)
	}
	table, err := segmentTable(dict)
	if err != nil {
		t.Fatal(err)
	}
	var packed [2][]byte
	for i := range packed {
		if err := run([]string{"segment", dict, fmt.Sprintf("%x", sha256.Sum256(table)), out}); err != nil {
			t.Fatal(err)
		}
		if packed[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if string(packed[0]) != string(packed[1]) {
		t.Error("packed otherwise the second time")
	}
	z, err := gzip.NewReader(strings.NewReader(string(packed[0])))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != string(table) {
		t.Errorf("unpacked %q, %v", got, err)
	}
}
