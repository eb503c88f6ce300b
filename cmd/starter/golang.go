package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"

	"github.com/troikaml/troika/text"
)

// comments reads the comments in a Go source tree, GOROOT/src: one document for
// each group of lines, in the order of the files. Commands, tests, copies of other
// modules and generated intrinsics are left out.
func comments(src fs.FS) ([]document, error) {
	var out []document
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case "cmd", "simd", "vendor", "testdata":
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read comments: %w", err)
		}
		for i, group := range f.Comments {
			s := text.Normalize(group.Text())
			if len(s) < minText || strings.HasPrefix(s, "Copyright") {
				continue
			}
			out = append(out, document{
				ID: fmt.Sprintf("go/%s#%d", name, i), Text: s, Place: "go/" + path.Dir(name),
				Source: "Go standard library (BSD-3-Clause)", Lang: "en",
			})
		}
		return nil
	})
	return out, err
}
