package godoc_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/godoc"
)

func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }

func TestExtract(t *testing.T) {
	fsys := fstest.MapFS{
		"net/net.go": file(`// Package net is not a symbol.
package net

import "crypto/tls"

// Modes of a [Conn].
//
//   - Fast is fast
//   - Slow is not
const (
	hidden = iota
	Fast // a line comment is no document
	Slow
)

// ErrX is what goes wrong.
var ErrX = error(nil)

// not exported
func dial() {}

// Dial connects
// to an address.
//
//	c := Dial("x")
func Dial(config *tls.Config) *Conn { return nil }

func Undocumented() {}

// Conn is a connection.
type Conn struct{
	// Field is no document.
	Field int
}

// NewConn makes one.
func NewConn() *Conn { return nil }

// Close closes c.
func (c *Conn) Close() {}

// secret stays out.
func (c *Conn) secret() {}
`),
		"net/net_windows.go":        file("package net\n\n// Windows is for another system.\nfunc Windows() {}\n"),
		"net/tagged.go":             file("//go:build ignore\n\npackage main\n\n// Ignored is not built.\nfunc Ignored() {}\n"),
		"net/net_test.go":           file("package net\n\n// Tested is a test.\nfunc Tested() {}\n"),
		"net/http/http.go":          file("package http\n\n// Get gets.\nfunc Get() {}\n"),
		"net/http/internal/x.go":    file("package internal\n\n// X is internal.\nfunc X() {}\n"),
		"net/testdata/x.go":         file("package testdata\n\n// X is data.\nfunc X() {}\n"),
		"net/cmd/main.go":           file("package main\n\n// X is a command.\nfunc X() {}\n"),
		"vendor/net/x.go":           file("package net\n\n// X is vendored.\nfunc X() {}\n"),
		"cmd/go/x.go":               file("package main\n\n// X is a command.\nfunc X() {}\n"),
		"time/time.go":              file("package time\n\n// Now is in no area.\nfunc Now() {}\n"),
		"image/empty/readme.txt":    file("no Go here"),
		"crypto/tls/tls.go":         file("package tls\n\n// Config configures.\n//\n// Deprecated: do not.\ntype Config struct{}\n"),
		"encoding/json/generate.go": file("package main\n\n// X belongs to a generator.\nfunc X() {}\n"),
	}
	docs, err := godoc.Extract(fsys)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ id, label, text string }
	want := []row{
		{"crypto/tls.Config", "crypto", "Config configures.\n\nDeprecated: do not."},
		{"net.Conn", "net", "Conn is a connection."},
		{"net.Conn.Close", "net", "Close closes c."},
		{"net.Dial", "net", "Dial connects to an address.\n\n\tc := Dial(\"x\")"},
		{"net.ErrX", "net", "ErrX is what goes wrong."},
		{"net.Fast", "net", "Modes of a Conn.\n\n  - Fast is fast\n  - Slow is not"},
		{"net.NewConn", "net", "NewConn makes one."},
		{"net/http.Get", "net", "Get gets."},
	}
	var got []row
	for _, d := range docs {
		got = append(got, row{d.ID, d.Label, d.Text})
		if d.Source != d.ID || d.Lang != "en" || d.Group != "" {
			t.Errorf("%+v", d)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if raw := docs[1].Raw; raw != troika.Sum(fsys["net/net.go"].Data) {
		t.Errorf("raw digest %s is not that of the source file", raw)
	}
}

func TestExtractErrors(t *testing.T) {
	for name, fsys := range map[string]fs.FS{
		"broken": fstest.MapFS{"net/bad.go": file("package net\n\nfunc (")},
		"huge":   fstest.MapFS{"net/huge.go": {Data: slices.Concat([]byte("package net\n"), make([]byte, 16<<20))}},
	} {
		if _, err := godoc.Extract(fsys); err == nil || !strings.Contains(err.Error(), "net/") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if docs, err := godoc.Extract(fstest.MapFS{}); err != nil || len(docs) != 0 {
		t.Errorf("an empty tree: %v, %v", docs, err)
	}
}

func TestAreaOf(t *testing.T) {
	for path, want := range map[string]string{
		"crypto": "crypto", "crypto/aes": "crypto", "net/http": "net", "go/ast": "go tooling",
		"io/fs": "os and io", "cryptography": "", "time": "", "": "", "golang": "",
	} {
		if got, ok := godoc.AreaOf(path); got != want || ok != (want != "") {
			t.Errorf("AreaOf(%q) = %q, %v; want %q", path, got, ok, want)
		}
	}
	seen := map[string]bool{}
	labels := []string{}
	for _, a := range godoc.Areas() {
		labels = append(labels, a.Label)
		for _, p := range a.Paths {
			if seen[p] {
				t.Errorf("%s is in two areas", p)
			}
			seen[p] = true
		}
	}
	if len(labels) != 10 || !slices.IsSorted(labels) {
		t.Errorf("areas %q", labels)
	}
}

// TestStandardLibrary reads the sources of the Go that runs the test.
func TestStandardLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some hundred files")
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no Go sources: %v", err)
	}
	fsys := os.DirFS(strings.TrimSpace(string(root)) + "/src")
	docs, err := godoc.Extract(fsys)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range docs {
		count[d.Label]++
	}
	for _, a := range godoc.Areas() {
		if n := count[a.Label]; n < 100 || n > len(docs)/4 {
			t.Errorf("area %s has %d of %d documents", a.Label, n, len(docs))
		}
	}
	if len(docs) < 4000 {
		t.Errorf("%d documents, want at least 4000", len(docs))
	}
	for _, id := range []string{"net/http.Client.Do", "io.EOF", "strings.Builder", "math.MaxInt", "os.O_RDONLY"} {
		if !slices.ContainsFunc(docs, func(d refine.Document) bool { return d.ID == id }) {
			t.Errorf("%s is missing", id)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again, err := godoc.Extract(fsys)
	if err != nil || !reflect.DeepEqual(again, docs) {
		t.Errorf("one processor gives other documents (%v)", err)
	}
}

func Example() {
	docs, err := godoc.Extract(fstest.MapFS{
		"strings/strings.go": {Data: []byte("package strings\n\n// Cut slices s around sep.\nfunc Cut(s, sep string) {}\n")},
	})
	fmt.Println(len(docs), err)
	fmt.Println(docs[0].ID, "|", docs[0].Label, "|", docs[0].Text)
	// Output:
	// 1 <nil>
	// strings.Cut | text | Cut slices s around sep.
}
