package recipe

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/decontaminate"
)

// The page about the folder names every field that a run writes.
func TestFormatPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/refined.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var visit func(reflect.Type)
	visit = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || !strings.HasPrefix(of.PkgPath(), "github.com/troikaml/troika/refine") {
			return
		}
		for f := range of.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			if n++; name != "" && !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("no `%s`, of %s.%s", name, of, f.Name)
			}
			visit(f.Type)
		}
	}
	for _, v := range []any{Manifest{}, Report{}, Decision{}, Record{}, ChatRecord{}, PairRecord{}, inputEnd{}, failure{}, decontaminate.Finding{}} {
		visit(reflect.TypeOf(v))
	}
	for _, name := range []string{manifestFile, reportFile, pageFile, decisionsFile, failuresFile, inputsFile, contaminationFile} {
		if !strings.Contains(string(page), "`"+name) && !strings.Contains(string(page), "# "+name) {
			t.Errorf("no %s", name)
		}
	}
	if n < 60 {
		t.Errorf("%d fields were looked for", n)
	}
}
