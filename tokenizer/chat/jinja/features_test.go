package jinja

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// goldenTime is the time that the goldens' strftime_now tells.
var goldenTime = time.Date(2026, 3, 5, 7, 8, 9, 12345000, time.UTC)

type goldenCase struct {
	Template string          `json:"t"`
	Vars     json.RawMessage `json:"v"`
	Out      *string         `json:"out"`
	Spans    [][2]int        `json:"spans"`
	Err      string          `json:"err"`
	Msg      string          `json:"msg"`
}

func loadGoldens(t testing.TB) (vars map[string]Value, cases []goldenCase) {
	t.Helper()
	raw, err := os.ReadFile("testdata/features.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vars  json.RawMessage `json:"vars"`
		Cases []goldenCase    `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return decodeVars(t, file.Vars), file.Cases
}

func decodeVars(t testing.TB, raw []byte) map[string]Value {
	t.Helper()
	vars := map[string]Value{}
	if len(raw) == 0 {
		return vars
	}
	v, err := FromJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := v.Dict()
	for i := range d.Len() {
		key, val := d.At(i)
		name, _ := key.Str()
		vars[name] = val
	}
	return vars
}

func renderCase(c goldenCase, vars map[string]Value) (Output, error) {
	tmpl, err := Parse("case", c.Template)
	if err != nil {
		return Output{}, err
	}
	return tmpl.Render(vars, goldenTime)
}

// TestFeatures renders templates that exercise one feature each and compares
// text and errors with the reference's.
func TestFeatures(t *testing.T) {
	defaults, cases := loadGoldens(t)
	exactErrors, errorCases := 0, 0
	for _, c := range cases {
		vars := decodeVars(t, c.Vars)
		for name, v := range defaults {
			if _, set := vars[name]; !set {
				vars[name] = v
			}
		}
		out, err := renderCase(c, vars)
		if c.Out == nil {
			errorCases++
			if err == nil {
				t.Errorf("%s\n got %q\nwant %s: %s", c.Template, out.Text, c.Err, c.Msg)
				continue
			}
			if messageMatches(err, c) {
				exactErrors++
			} else if mustMatch(c.Err) {
				t.Errorf("%s\n got error %v\nwant %s: %s", c.Template, err, c.Err, c.Msg)
			} else if testing.Verbose() {
				t.Logf("%s\n got error %v\nwant %s: %s", c.Template, err, c.Err, c.Msg)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s\n got error %v\nwant %q", c.Template, err, *c.Out)
			continue
		}
		if out.Text != *c.Out {
			t.Errorf("%s\n got %q\nwant %q", c.Template, out.Text, *c.Out)
		}
		if len(out.Generated) != len(c.Spans) {
			t.Errorf("%s\n got spans %v\nwant %v", c.Template, out.Generated, c.Spans)
			continue
		}
		for i, s := range c.Spans {
			if (out.Generated[i] != Span{s[0], s[1]}) {
				t.Errorf("%s\n got spans %v\nwant %v", c.Template, out.Generated, c.Spans)
			}
		}
	}
	t.Logf("%d cases, %d of %d errors word for word", len(cases), exactErrors, errorCases)
}

// mustMatch lists the errors whose wording people meet in chat templates.
func mustMatch(kind string) bool {
	switch kind {
	case "UndefinedError", "TemplateError", "SecurityError":
		return true
	}
	return false
}

func messageMatches(err error, c goldenCase) bool {
	var e *Error
	c.Msg = strings.ReplaceAll(c.Msg, "transformers.utils.chat_template_utils.TemplateNamespace", "namespace")
	return errors.As(err, &e) && (strings.Contains(c.Msg, e.Msg) || strings.Contains(e.Msg, c.Msg)) && e.Msg != ""
}
