package godoc

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
)

// maxFile bounds the size of a source file that is read.
const maxFile = 16 << 20

// Extract returns a document for every documented exported constant group,
// variable group, function, type and method of the packages below the root of
// fsys, which is laid out as GOROOT/src is. The ID and the source are the
// import path and the symbol, as in "net/http.Client.Do"; the documents come in
// the order of their IDs. Test files and folders named vendor, testdata,
// internal or cmd are left out, as is any package in no area.
//
// A source file that cannot be read or parsed is an error that names it:
// unlike a folder of pages, a source tree is whole or it is not.
func Extract(fsys fs.FS) ([]refine.Document, error) {
	dirs, err := packageDirs(fsys)
	if err != nil {
		return nil, err
	}
	found := make([][]refine.Document, len(dirs))
	errs := make([]error, len(dirs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				found[i], errs[i] = extractPackage(fsys, dirs[i])
			}
		})
	}
	for i := range dirs {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	docs := slices.Concat(found...)
	slices.SortFunc(docs, func(a, b refine.Document) int { return strings.Compare(a.ID, b.ID) })
	return docs, nil
}

// packageDirs lists the folders that belong to an area, in lexical order.
func packageDirs(fsys fs.FS) ([]string, error) {
	var dirs []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read sources %s: %w", p, err)
		}
		if !d.IsDir() || p == "." {
			return nil
		}
		switch name := d.Name(); {
		case name == "vendor", name == "testdata", name == "internal", name == "cmd",
			strings.HasPrefix(name, "."), strings.HasPrefix(name, "_"):
			return fs.SkipDir
		}
		if _, ok := AreaOf(p); ok {
			dirs = append(dirs, p)
		}
		return nil
	})
	return dirs, err
}

// source is a parsed package and the digests of its files by file name.
type source struct {
	fset  *token.FileSet
	files map[string]*ast.File
	raw   map[string]troika.Digest
}

func extractPackage(fsys fs.FS, dir string) ([]refine.Document, error) {
	src, name, err := parsePackage(fsys, dir)
	if err != nil || len(src.files) == 0 || name == "main" {
		return nil, err
	}
	//nolint:staticcheck // go/doc takes this deprecated type; NewFromFiles would resolve names, which costs more than parsing.
	pkg := doc.New(&ast.Package{Name: name, Files: src.files}, dir, 0)
	label, _ := AreaOf(dir)
	var docs []refine.Document
	add := func(symbol, docText string, pos token.Pos) {
		clean := plain(pkg, docText)
		if clean == "" || symbol == "" {
			return
		}
		id := dir + "." + symbol
		docs = append(docs, refine.Document{
			ID: id, Source: id, Text: clean, Label: label, Lang: "en",
			Raw: src.raw[src.fset.Position(pos).Filename],
		})
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			add(firstExported(v.Names), v.Doc, v.Decl.Pos())
		}
	}
	funcs := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			add(prefix+f.Name, f.Doc, f.Decl.Pos())
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	funcs("", pkg.Funcs)
	for _, t := range pkg.Types {
		add(t.Name, t.Doc, t.Decl.Pos())
		values(t.Consts)
		values(t.Vars)
		funcs("", t.Funcs)
		funcs(t.Name+".", t.Methods)
	}
	return docs, nil
}

// parsePackage parses the files of dir that a linux/amd64 build without cgo
// would compile.
func parsePackage(fsys fs.FS, dir string) (source, string, error) {
	src := source{fset: token.NewFileSet(), files: map[string]*ast.File{}, raw: map[string]troika.Digest{}}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return src, "", fmt.Errorf("read sources %s: %w", dir, err)
	}
	target := buildContext(fsys)
	name := ""
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		if e.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		if ok, err := target.MatchFile(dir, e.Name()); err != nil {
			return src, "", fmt.Errorf("read sources %s: %w", file, err)
		} else if !ok {
			continue
		}
		b, err := readFile(fsys, file)
		if err != nil {
			return src, "", err
		}
		parsed, err := parser.ParseFile(src.fset, file, b, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return src, "", fmt.Errorf("parse sources: %w", err)
		}
		name = parsed.Name.Name
		src.files[file], src.raw[file] = parsed, troika.Sum(b)
	}
	return src, name, nil
}

// buildContext returns the fixed target, reading through fsys.
func buildContext(fsys fs.FS) *build.Context {
	return &build.Context{
		GOOS: "linux", GOARCH: "amd64", Compiler: "gc",
		ReleaseTags: build.Default.ReleaseTags,
		JoinPath:    path.Join,
		OpenFile:    func(p string) (io.ReadCloser, error) { return fsys.Open(p) },
	}
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	defer f.Close() //nolint:errcheck // the file is only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read sources %s: %w", name, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read sources %s: over %d bytes", name, maxFile)
	}
	return b, nil
}

// plain renders a doc comment as normalised text, one line a paragraph, links
// as their text.
func plain(pkg *doc.Package, docText string) string {
	printer := comment.Printer{TextWidth: -1}
	return text.Normalize(string(printer.Text(pkg.Parser().Parse(docText))))
}

func firstExported(names []string) string {
	for _, n := range names {
		if token.IsExported(n) {
			return n
		}
	}
	return ""
}
