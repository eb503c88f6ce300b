package grammar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/grammar"
)

// The JSON Schema test suite for draft 2020-12 comes with the Go module of the
// validator that these tests use, at the version and checksum of go.mod and go.sum.
const suiteModule = "github.com/google/jsonschema-go"

// suiteDir returns the folder of the suite's files.
func suiteDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", suiteModule).Output()
	if err != nil {
		t.Fatalf("find the module %s, which go test has downloaded: %v", suiteModule, err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "jsonschema", "testdata", "draft2020-12")
}

type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

func TestSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(suiteDir(t), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the suite: %v", err)
	}
	var groups, schemas, instances int
	refused := map[string]int{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []suiteGroup
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		for _, group := range list {
			groups++
			keyword := checkGroup(t, filepath.Base(file), group)
			if keyword == "" {
				schemas++
				instances += len(group.Tests)
			} else {
				refused[keyword]++
			}
		}
	}
	if schemas < 206 || instances < 724 {
		t.Errorf("%d schemas with %d instances compiled, want at least 206 with 724", schemas, instances)
	}
	t.Logf("%d of %d schemas compiled, %d instances; keywords that were refused: %v", schemas, groups, instances, refused)
}

// checkGroup puts the instances of one schema to its grammar. It returns the keyword
// that cannot be compiled, if there is one.
func checkGroup(t *testing.T, file string, group suiteGroup) string {
	t.Helper()
	g, err := grammar.JSONSchema(group.Schema, grammar.Options{Open: true})
	var bad *grammar.SchemaError
	switch {
	case errors.As(err, &bad):
		if !bytes.Contains(group.Schema, []byte(`"`+bad.Keyword+`"`)) {
			t.Errorf("%s: %s: %v names a keyword that is not there", file, group.Description, err)
		}
		return bad.Keyword
	case errors.Is(err, grammar.ErrUnsatisfiable):
		for _, c := range group.Tests {
			if c.Valid {
				t.Errorf("%s: %s: %v, but %s is valid", file, group.Description, err, c.Data)
			}
		}
		return ""
	case err != nil:
		t.Errorf("%s: %s: %v", file, group.Description, err)
		return "?"
	}
	for _, c := range group.Tests {
		// A keyword may name a property before properties does.
		text := canonical(t, c.Data, group.Schema, strings.Index)
		taken := g.Matches(text) || g.Matches(canonical(t, c.Data, group.Schema, strings.LastIndex))
		if taken != c.Valid {
			t.Errorf("%s: %s: %s: %s: valid is %v\n%s", file, group.Description, c.Description, text, c.Valid, group.Schema)
		}
	}
	return ""
}

// canonical writes an instance without white space, the properties of objects in the
// order of the places that find tells of them in the schema's text.
func canonical(t *testing.T, data, schema json.RawMessage, find func(s, key string) int) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	writeCanonical(&out, v, func(key string) int { return placeOf(string(schema), key, find) })
	return out.Bytes()
}

func writeCanonical(out *bytes.Buffer, v any, place func(key string) int) {
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for key := range v {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b string) int {
			return place(a) - place(b)
		})
		out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			writeCanonical(out, key, place)
			out.WriteByte(':')
			writeCanonical(out, v[key], place)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			writeCanonical(out, item, place)
		}
		out.WriteByte(']')
	default:
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		_ = e.Encode(v) // a scalar
		out.Truncate(out.Len() - 1)
	}
}

// placeOf returns where find sees a key in a schema, as a property or a name of required;
// keys that are not there come last.
func placeOf(schema, key string, find func(s, key string) int) int {
	b, _ := json.Marshal(key)
	if at := find(schema, string(b)); at >= 0 {
		return at
	}
	return len(schema)
}
