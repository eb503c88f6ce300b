package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// goldModule holds evaluation pages with segments that an extractor must and
// must not return (Apache-2.0).
const (
	goldModule  = "github.com/markusmobius/go-trafilatura"
	goldVersion = "v1.12.2"
)

// entry is one page with its gold segments.
type entry struct {
	url, file               string
	with, without, comments []string
	page                    []byte
}

// develop reports whether the page is in the half that the model was fitted
// to. The file's name decides, so that pages stay where they are.
func (e *entry) develop() bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.file))
	return h.Sum32()>>7&1 == 0
}

// site is the host of the page's address without www.
func (e *entry) site() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return e.url
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

// loadGold downloads the module through the Go module proxy into the module
// cache, checked against go.sum, and reads pages and segments.
func loadGold(ctx context.Context) ([]*entry, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", goldModule+"@"+goldVersion).Output()
	if err != nil {
		return nil, fmt.Errorf("download %s@%s: %w", goldModule, goldVersion, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, fmt.Errorf("download %s: %w", goldModule, err)
	}
	entries, err := parseGold(filepath.Join(module.Dir, "scripts", "comparison", "data.go"))
	if err != nil {
		return nil, err
	}
	kept := entries[:0]
	for _, e := range entries {
		for _, dir := range []string{"comparison", "mock"} {
			if e.page, err = os.ReadFile(filepath.Join(module.Dir, "test-files", dir, e.file)); err == nil {
				break
			}
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "skip %s: %v\n", e.url, err)
			continue
		}
		kept = append(kept, e)
	}
	return kept, nil
}

// parseGold reads the literal of type map[string]ComparisonEntry in a Go file.
func parseGold(file string) ([]*entry, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("read gold: %w", err)
	}
	var entries []*entry
	ast.Inspect(tree, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		url, isURL := literal(pair.Key)
		fields, isEntry := pair.Value.(*ast.CompositeLit)
		if !isURL || !isEntry {
			return true
		}
		e := &entry{url: url}
		for _, f := range fields.Elts {
			e.set(f)
		}
		entries = append(entries, e)
		return false
	})
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.url, b.url) })
	return entries, nil
}

func (e *entry) set(field ast.Expr) {
	pair, ok := field.(*ast.KeyValueExpr)
	if !ok {
		return
	}
	name, ok := pair.Key.(*ast.Ident)
	if !ok {
		return
	}
	var list []string
	if values, ok := pair.Value.(*ast.CompositeLit); ok {
		for _, v := range values.Elts {
			if s, ok := literal(v); ok {
				list = append(list, s)
			}
		}
	}
	switch name.Name {
	case "File":
		e.file, _ = literal(pair.Value)
	case "With":
		e.with = list
	case "Without":
		e.without = list
	case "Comments":
		e.comments = list
	}
}

func literal(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
