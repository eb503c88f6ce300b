package jinja

import (
	"testing"
	"time"
)

// FuzzParse feeds arbitrary templates to the parser and runs those that
// parse: any error is fine, a panic or a hang is not.
func FuzzParse(f *testing.F) {
	vars, cases := loadGoldens(f)
	for _, c := range cases {
		f.Add(c.Template)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse("fuzz", source)
		if err != nil {
			return
		}
		start := time.Now()
		first, err1 := tmpl.Render(vars, goldenTime)
		if time.Since(start) > 20*time.Second {
			t.Errorf("rendering took %s", time.Since(start))
		}
		if time.Since(start) > time.Second {
			return
		}
		second, err2 := tmpl.Render(vars, goldenTime)
		if (err1 == nil) != (err2 == nil) || first.Text != second.Text {
			t.Errorf("two renders differ: %q, %v and %q, %v", first.Text, err1, second.Text, err2)
		}
	})
}

// FuzzFromJSON checks that what decodes also encodes, to the same value.
func FuzzFromJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.0,null,true,"x"]}`, `[1e400,-0,"\u0000\ud800"]`, `{"a":1,"a":2}`, `123456789012345678901`} {
		f.Add([]byte(s))
	}
	tmpl, err := Parse("json", "{{ v|tojson }}")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := FromJSON(raw)
		if err != nil {
			return
		}
		out, err := tmpl.Render(map[string]Value{"v": v}, goldenTime)
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromJSON([]byte(out.Text))
		if err != nil {
			return // an infinity, which JSON does not have
		}
		out2, err := tmpl.Render(map[string]Value{"v": again}, goldenTime)
		if err != nil || out2.Text != out.Text {
			t.Errorf("%q, then %q, %v", out.Text, out2.Text, err)
		}
	})
}
