package godoc

import "strings"

// Area is a label and the import paths that it covers, each with everything
// below it.
type Area struct {
	Label string
	Paths []string
}

// Areas returns the table of the ten areas of Go's standard library, in the
// order of their labels. The longest path that covers a package decides.
func Areas() []Area {
	return []Area{
		{"crypto", []string{"crypto"}},
		{"database", []string{"database"}},
		{"encoding", []string{"encoding", "compress", "archive"}},
		{"go tooling", []string{"go"}},
		{"image", []string{"image"}},
		{"math", []string{"math"}},
		{"net", []string{"net", "mime"}},
		{"os and io", []string{"os", "io", "bufio", "path", "embed", "syscall"}},
		{"runtime", []string{"runtime", "sync", "reflect", "context", "plugin", "unsafe", "unique", "weak"}},
		{"text", []string{"text", "html", "strings", "bytes", "strconv", "regexp", "unicode", "fmt"}},
	}
}

// AreaOf returns the label of the area that covers an import path of the
// standard library, or false where none does.
func AreaOf(importPath string) (label string, ok bool) {
	longest := 0
	for _, area := range Areas() {
		for _, p := range area.Paths {
			if len(p) > longest && strings.HasPrefix(importPath+"/", p+"/") {
				label, longest = area.Label, len(p)
			}
		}
	}
	return label, longest > 0
}
