package troika_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const modulePath = "github.com/troikaml/troika"

// layers is the whole architecture: ARCHITECTURE.md explains it. A package
// may import packages of the rows above its own: never its own row, never
// below. Do not edit this table to make a build pass; change the design first.
var layers = [][]string{
	0:  {"."},
	1:  {"tensor", "text", "store", "starter"},
	2:  {"tokenizer", "grammar", "compute", "checkpoint", "lineage", "meter"},
	3:  {"autograd", "job", "refine", "hub"},
	4:  {"dataset", "model", "exchange"},
	5:  {"adapter", "bundle", "feedback"},
	6:  {"train", "infer"},
	7:  {"eval"},
	8:  {"publish", "value"},
	9:  {"serve"},
	10: {"cmd"},
}

// internals places every package under internal/. The number is the last row
// the package may import; the rows after it may import the package. One
// internal package may import another that stands at a smaller number.
var internals = map[string]int{
	"internal/fsx":  0, // files written whole or not at all; used by store and all below
	"internal/term": 0, // tables, progress and plots for a terminal
}

// open lists the subpackages that other trees may import, each with its
// reason. Every other subpackage (a driver, a format, an architecture, a
// device) is imported by its own tree and by cmd alone.
var open = map[string]string{
	"model/nn":                "adapter fills the hook of nn.Linear",
	"text/segment":            "the published filters count words as spaCy and jieba do",
	"text/charset":            "readers of raw files decode undeclared encodings",
	"text/lang":               "filters and reports name the language",
	"text/script":             "filters and reports tell Simplified from Traditional",
	"checkpoint/gguf":         "an architecture says how its tensors lie in a GGUF file",
	"model/recipe":            "bundle maps the tensors and settings of GGUF files",
	"tokenizer/gguf":          "bundle opens the tokenizer in a GGUF file",
	"tokenizer/chat":          "bundle carries the template that train and serve render",
	"tokenizer/chat/toolcall": "infer finds the calls in answers that serve streams",
	"checkpoint/safetensors":  "adapters, bundles and training state are safetensors files",
}

// openToTests lists the subpackages that tests of other trees may import, on
// top of open. Contract suites (a last element that ends in "test", as in
// store/storetest) need no line here.
var openToTests = map[string]string{
	"compute/ref":  "the exact device that fast paths are compared with",
	"compute/cpu":  "goldens hold on the device that users run",
	"model/all":    "training, serving and evaluation are tested on real architectures",
	"model/qwen3":  "the architecture of the starter",
	"store/sqlite": "tables are tested on the embedded database",
}

// programs lists folders of programs that are no part of the product. They
// import what cmd may, nobody imports them, and they need no Example.
var programs = map[string]string{
	"bench":    "measures the packages beside their peers",
	"examples": "prepares the data of the worked examples",
}

// assets lists packages that only embed files. They import nothing of ours;
// cmd, programs and tests import them.
var assets = map[string]string{
	"starter": "the base model that works before anything was downloaded",
}

// withAssembly is the only package that may hold .s files.
const withAssembly = "compute/cpu/kernel"

func TestLayers(t *testing.T) {
	for _, problem := range checkTree(t, os.DirFS(".")) {
		t.Error(problem)
	}
}

// TestLayersCatch proves that each rule can fail, on trees that break it.
func TestLayersCatch(t *testing.T) {
	ok := fstest.MapFS{
		"doc.go":                 src("package troika"),
		"example_test.go":        src("package troika_test", "func Example() {}"),
		"tensor/doc.go":          src("package tensor", `import "`+modulePath+`"`),
		"tensor/x_test.go":       src("package tensor", "func ExampleX() {}"),
		"store/doc.go":           src("package store", `import "`+modulePath+`/internal/fsx"`),
		"store/x_test.go":        src("package store_test", `import "`+modulePath+`/store/storetest"`, "func ExampleX() {}"),
		"store/disk/doc.go":      src("package disk", `import "`+modulePath+`/store"`),
		"store/disk/x_test.go":   src("package disk", `import "`+modulePath+`/store/storetest"`, "func ExampleX() {}"),
		"store/storetest/doc.go": src("package storetest", `import "`+modulePath+`/store"`),
		"internal/fsx/doc.go":    src("package fsx", `import "`+modulePath+`"`),
		"internal/fsx/x_test.go": src("package fsx", "func Example() {}"),
		"lineage/doc.go":         src("package lineage", `import "`+modulePath+`/store"`),
		"lineage/x_test.go":      src("package lineage", `import "`+modulePath+`/store/storetest"`, "func Example() {}"),
		"cmd/troika/doc.go":      src("package main", `import ("os"; "`+modulePath+`/store/disk")`, `var x = os.Getenv("X")`),
		"cmd/troika/x_test.go":   src("package main", "func Example() {}"),
		"bench/gemm/doc.go":      src("package main", `import "`+modulePath+`/store/disk"`),
		"starter/doc.go":         src("package starter"),
		"starter/x_test.go":      src("package starter", "func Example() {}"),
		"cmd/troika/starter.go":  src("package main", `import "`+modulePath+`/starter"`),
		"tools/go.mod":           {Data: []byte("module x")},
		"tools/bad.go":           src("package bad", "func init() {}"),
		"tensor/testdata/bad.go": src("package bad", "func init() {}"),
		"tensor/gen.go":          src("//go:build ignore", "", "package main", "func init() {}"),
	}
	if got := checkTree(t, ok); len(got) != 0 {
		t.Fatalf("a correct tree was refused: %q", got)
	}
	imports := func(p string) *fstest.MapFile { return src("package x", `import "`+modulePath+`/`+p+`"`) }
	for _, c := range []struct {
		name, file string
		add        *fstest.MapFile
		want       string
	}{
		{"a row below", "tensor/bad.go", imports("lineage"), `"lineage" is not above "tensor"`},
		{"its own row", "tensor/bad.go", imports("store"), `"store" is not above "tensor"`},
		{"a row below, in a test", "tensor/bad_test.go", imports("lineage"), `"lineage" is not above "tensor"`},
		{"the root looks down", "bad.go", imports("tensor"), `"tensor" is not above "."`},
		{"cmd is imported", "lineage/bad.go", imports("cmd/troika"), `"cmd" is not above "lineage"`},
		{"embedded files look down", "starter/bad.go", imports("tensor"), "imports nothing of ours"},
		{"embedded files in a product", "lineage/bad.go", imports("starter"), "only cmd, programs and tests"},
		{"a program is imported", "lineage/bad.go", imports("bench/gemm"), `"bench" is not above "lineage"`},
		{"a package without a row", "util/doc.go", src("package util"), `package "util" has no row`},
		{"another tree's driver", "lineage/bad.go", imports("store/disk"), "only its own tree and cmd may import"},
		{"another tree's driver, in a test", "lineage/bad_test.go", imports("store/disk"), "only its own tree and cmd may import"},
		{"a test suite in a product", "lineage/bad.go", imports("store/storetest"), "only its own tree and cmd may import"},
		{"internal looks down", "internal/fsx/bad.go", imports("tensor"), "internal/fsx may import rows up to 0"},
		{"internal too low", "bad.go", imports("internal/fsx"), "internal/fsx stands below row 0"},
		{"internal beside internal", "internal/fsx/bad.go", imports("internal/term"), "internal/term stands below row 0"},
		{"internal without a place", "internal/misc/doc.go", src("package misc"), `package "internal/misc" has no place`},
		{"internal without a place is imported", "tensor/bad.go", imports("internal/misc"), `"internal/misc" has no place`},
		{"init", "tensor/bad.go", src("package tensor", "func init() {}"), "has an init function"},
		{"environment", "tensor/bad.go", src("package tensor", `import "os"`, `var x, _ = os.LookupEnv("X")`), "os.LookupEnv"},
		{"environment under another name", "tensor/bad.go", src("package tensor", `import sys "os"`, `var x = sys.Getenv("X")`), "os.Getenv"},
		{"assembly", "tensor/add_amd64.s", src("TEXT"), "assembly outside " + withAssembly},
		{"no doc.go", "tensor/sub/sub.go", src("package sub"), "tensor/sub: no doc.go"},
		{"a rule behind a build tag", "tensor/bad.go", src("//go:build !noasm", "", "package tensor", "func init() {}"), "has an init function"},
		{"no example", "tensor/x_test.go", src("package tensor", "func TestX() {}"), "tensor: no Example"},
		{"does not parse", "tensor/bad.go", src("pack age"), "tensor/bad.go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			maps.Copy(tree, ok)
			tree[c.file] = c.add
			got := checkTree(t, tree)
			if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, c.want) }) {
				t.Errorf("want a problem with %q, got %q", c.want, got)
			}
		})
	}
}

func src(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
}

// pkgFacts is what one folder of Go files was seen to hold.
type pkgFacts struct{ product, doc, example bool }

type treeCheck struct {
	problems []string
	pkgs     map[string]*pkgFacts
}

func (c *treeCheck) add(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// checkTree returns every breach of the rules in the module rooted at fsys,
// in a fixed order. Nested modules, testdata and hidden folders are no part
// of it.
func checkTree(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	c := &treeCheck{pkgs: map[string]*pkgFacts{}}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipDir(fsys, p)
		case strings.HasSuffix(p, ".s") && path.Dir(p) != withAssembly:
			c.add("%s: assembly outside %s", p, withAssembly)
		case strings.HasSuffix(p, ".go"):
			b, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			c.file(p, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, facts := range c.pkgs {
		if !facts.product {
			continue
		}
		if !facts.doc {
			c.add("%s: no doc.go", dir)
		}
		// A suite is shown in use by the tests that run it.
		if !facts.example && !isSuite(dir) && programs[top(dir)] == "" {
			c.add("%s: no Example in its tests", dir)
		}
	}
	slices.Sort(c.problems)
	return c.problems
}

func skipDir(fsys fs.FS, p string) error {
	if p == "." {
		return nil
	}
	name := path.Base(p)
	if name == "testdata" || name == "node_modules" || name[0] == '.' || name[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(p, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// file records what one Go file holds and checks it against the rules.
func (c *treeCheck) file(p string, content []byte) {
	f, err := parser.ParseFile(token.NewFileSet(), p, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		c.add("%s: %v", p, err)
		return
	}
	if ignored(content) {
		return
	}
	dir, test := path.Dir(p), strings.HasSuffix(p, "_test.go")
	facts := c.pkgs[dir]
	if facts == nil {
		facts = &pkgFacts{}
		c.pkgs[dir] = facts
	}
	facts.product = facts.product || !test
	facts.doc = facts.doc || path.Base(p) == "doc.go"
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil {
			continue
		}
		if test && strings.HasPrefix(fn.Name.Name, "Example") {
			facts.example = true
		}
		if !test && fn.Name.Name == "init" {
			c.add("%s has an init function: registries are explicit lists", p)
		}
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			c.add("%s: %v", p, err)
			continue
		}
		if to, ours := strings.CutPrefix(imp+"/", modulePath+"/"); ours {
			to = path.Clean(to) // "" becomes "."
			if reason := forbidden(dir, to, test); reason != "" {
				c.add("%s imports %s: %s", p, to, reason)
			}
		}
		if imp == "os" && !test && row(top(dir)) != row("cmd") {
			c.environment(p, f, spec)
		}
	}
	if top(dir) == "internal" {
		if _, ok := internals[dir]; !ok {
			c.add("%s: package %q has no place in internals", p, dir)
		}
	} else if row(top(dir)) < 0 && assets[top(dir)] == "" {
		c.add("%s: package %q has no row in layers", p, top(dir))
	}
}

// environment finds reads of environment variables through the import spec.
func (c *treeCheck) environment(p string, f *ast.File, spec *ast.ImportSpec) {
	name := "os"
	if spec.Name != nil {
		name = spec.Name.Name
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			x, ok := sel.X.(*ast.Ident)
			if ok && x.Name == name && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, sel.Sel.Name) {
				c.add("%s: os.%s: the environment is read in cmd only", p, sel.Sel.Name)
			}
		}
		return true
	})
}

// forbidden says why the package in folder from may not import the package in
// folder to, or returns "". Folders are relative to the module root.
func forbidden(from, to string, test bool) string {
	fromTop, toTop := top(from), top(to)
	switch {
	case toTop == "internal":
		return forbiddenInternal(from, to)
	case assets[fromTop] != "" && fromTop != toTop:
		return "a package of embedded files imports nothing of ours"
	case assets[toTop] != "" && fromTop != toTop:
		if test || row(fromTop) == row("cmd") {
			return ""
		}
		return "only cmd, programs and tests may import embedded files"
	case fromTop == "internal":
		if place, ok := internals[from]; ok && row(toTop) > place {
			return fmt.Sprintf("%s may import rows up to %d", from, place)
		}
	case fromTop == toTop:
		return ""
	case row(toTop) >= row(fromTop):
		return fmt.Sprintf("%q is not above %q", toTop, fromTop)
	}
	if to == toTop || fromTop == "cmd" || programs[fromTop] != "" || open[to] != "" {
		return ""
	}
	if test && (isSuite(to) || openToTests[to] != "") || isSuite(from) && isSuite(to) {
		return ""
	}
	return "only its own tree and cmd may import a subpackage that is not listed as open"
}

func forbiddenInternal(from, to string) string {
	place, ok := internals[to]
	if !ok {
		return fmt.Sprintf("package %q has no place in internals", to)
	}
	at := row(top(from))
	if top(from) == "internal" {
		at = internals[from]
	}
	if from != to && at <= place {
		return fmt.Sprintf("%s stands below row %d", to, place)
	}
	return ""
}

// isSuite reports whether dir holds a contract suite: a subpackage whose name
// ends in "test".
func isSuite(dir string) bool {
	return strings.Contains(dir, "/") && strings.HasSuffix(dir, "test")
}

// row returns the row of a top-level package, or -1.
func row(name string) int {
	if programs[name] != "" {
		name = "cmd"
	}
	return slices.IndexFunc(layers, func(r []string) bool { return slices.Contains(r, name) })
}

func top(dir string) string {
	name, _, _ := strings.Cut(dir, "/")
	return name
}

// ignored reports whether a file is left out of every build by the
// conventional "ignore" build tag, as generators run with go run are.
func ignored(content []byte) bool {
	head, _, _ := bytes.Cut(content, []byte("\npackage "))
	for line := range bytes.Lines(head) {
		expr, err := constraint.Parse(strings.TrimSpace(string(line)))
		if tag, ok := expr.(*constraint.TagExpr); err == nil && ok && tag.Tag == "ignore" {
			return true
		}
	}
	return false
}
