package computetest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/computetest"
	"github.com/troikaml/troika/compute/ref"
)

func TestReference(t *testing.T) {
	computetest.Run(t, func(testing.TB, computetest.Setup) compute.Device { return ref.New() })
}

// The list of operators must not fall behind package compute: every type there
// with a Reference method is one.
func TestOperatorsAreComplete(t *testing.T) {
	ops, free, err := computetest.Operators(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	listed := map[string]bool{}
	for _, op := range ops {
		listed[strings.TrimPrefix(fmt.Sprintf("%T", op), "compute.")] = true
	}
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(fs.ErrNotExist, err)
	}
	defined := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv != nil && fn.Name.Name == "Reference" {
				defined[fn.Recv.List[0].Type.(*ast.Ident).Name] = true
			}
		}
	}
	for name := range defined {
		if !listed[name] {
			t.Errorf("operator %s is not listed", name)
		}
	}
	for name := range listed {
		if !defined[name] {
			t.Errorf("listed operator %s does not exist", name)
		}
	}
}

func TestMatrix(t *testing.T) {
	m, err := computetest.Matrix(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m, "Attention          yes        yes\n") || strings.Count(m, "\n") < 20 {
		t.Errorf("matrix:\n%s", m)
	}
}
