package jinja

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestErrorLines(t *testing.T) {
	tests := []struct {
		source string
		line   int
		kind   ErrorKind
	}{
		{"a\nb\n{% if %}", 3, SyntaxError},
		{"a\n{% for x in y %}\n\n", 3, SyntaxError},
		{"{{ 'a\nb' }}\n{{ ! }}", 3, SyntaxError},
		{"{#\n\n#}\n{%- set x = 1 -%}\n\n\n{{ x.y.z }}", 7, undefinedError},
		{"\r\n\r{{ raise_exception('x') }}", 3, Raised},
		{"{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n\n{{ m() }}", 2, zeroDivError},
		{"{% for a in [1] %}\n{{ a|int }}\n{{ a.b\n.c }}{% endfor %}", 4, undefinedError},
		{"{{ 1 }}\n{{ 1|nope }}", 2, assertionError},
		{"{% raw %}\n\n{% endraw %}{{ [] < 1 }}", 3, typeError},
	}
	for _, tt := range tests {
		tmpl, err := Parse("f.jinja", tt.source)
		if err == nil {
			_, err = tmpl.Render(nil, goldenTime)
		}
		var e *Error
		if !errors.As(err, &e) || e.Line != tt.line || e.Kind != tt.kind || e.Name != "f.jinja" {
			t.Errorf("%q: got %v, want line %d, %s", tt.source, err, tt.line, tt.kind)
		}
	}
}

// TestLimits gives the interpreter templates that would run or grow for ever.
func TestLimits(t *testing.T) {
	double := "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(90) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
	tests := []struct{ name, source string }{
		{"nested loops", strings.Repeat("{% for i in range(100000) %}", 8) + strings.Repeat("{% endfor %}", 8)},
		{"doubling text", double},
		{"doubling lists", strings.Replace(strings.Replace(double, "'aaaaaaaaaaaaaaaa'", "[1]", 1), "~", "+", 1)},
		{"nesting lists", "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}"},
		{"comparing nested lists", "{% set ns = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}"},
		{"sharing lists", "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}"},
		{"repeating text", "{{ 'x' * 99999999999 }}"},
		{"repeating lists", "{{ [1, 2] * 99999999999 }}"},
		{"huge int", "{{ 10 ** 99999 }}"},
		{"squaring", "{% set ns = namespace(x=3) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}"},
		{"padding", "{{ '%999999999999d' % 1 }}"},
		{"formatting", "{{ '{:>999999999999}'.format(1) }}"},
		{"centering", "{{ 'a'.center(99999999999) }}"},
		{"replacing", "{% set a = 'a' * 60000 %}{{ a.replace('', a) }}"},
		{"joining", "{% set a = 'a' * 60000 %}{{ a.join(a) }}"},
		{"indenting", "{% set a = '\\n' * 60000 %}{{ a|indent(60000, blank=true) }}"},
		{"pretty JSON", "{{ [1]|tojson(indent=99999999999) }}"},
		{"own loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
		{"own macro", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"},
		{"deep macro", "{% macro m() %}{{ " + strings.Repeat("(", 70) + "m()" + strings.Repeat(strings.Repeat("+ ''", 400)+")", 70) + " }}{% endmacro %}{{ m() }}"},
		{"own caller", "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}"},
		{"mapping", "{% set ns = namespace(x=range(9)) %}{% for i in range(90000) %}{% set ns.x = ns.x|map('string') %}{% endfor %}{{ ns.x|list }}"},
		{"long output", "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}"},
		{"namespaces in each other", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}"},
		{"namespaces in JSON", "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a|tojson }}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := Parse("t", tt.source)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			out, err := tmpl.Render(nil, goldenTime)
			if err == nil {
				t.Errorf("no error but %d bytes", len(out.Text))
			} else if !isKind(err, LimitError, recursionError, overflowError, typeError) {
				t.Errorf("got %v", err)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
}

func TestParseLimits(t *testing.T) {
	tests := []struct{ name, source string }{
		{"long source", strings.Repeat("x", maxSourceBytes+1)},
		{"parentheses", "{{ " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + " }}"},
		{"lists", "{{ " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + " }}"},
		{"nots", "{{ " + strings.Repeat("not ", 5000) + "1 }}"},
		{"minuses", "{{ " + strings.Repeat("- ", 5000) + "1 }}"},
		{"ifs", strings.Repeat("{% if 1 %}", 5000) + strings.Repeat("{% endif %}", 5000)},
		{"sums", "{{ 1" + strings.Repeat(" + 1", 5000) + " }}"},
		{"filters", "{{ 1" + strings.Repeat("|string", 5000) + " }}"},
		{"attributes", "{{ a" + strings.Repeat(".a", 5000) + " }}"},
		{"else ifs", "{{ 1" + strings.Repeat(" if 1 else 1", 5000) + " }}"},
		{"subscripts", "{{ a" + strings.Repeat("[a", 5000) + strings.Repeat("]", 5000) + " }}"},
		{"targets", "{% set " + strings.Repeat("(", 5000) + "a" + strings.Repeat(",)", 5000) + " = 1 %}"},
		{"digits", "{{ " + strings.Repeat("9", 100000) + " }}"},
	}
	for _, tt := range tests {
		if _, err := Parse("t", tt.source); err == nil {
			t.Errorf("%s: no error", tt.name)
		} else if !isKind(err, LimitError, SyntaxError) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	var many strings.Builder
	for i := range maxNames + 1 {
		fmt.Fprintf(&many, "{{ a%d }}", i)
	}
	if _, err := Parse("t", many.String()); !isKind(err, LimitError) {
		t.Errorf("many names: %v", err)
	}
}

// TestConcurrent renders one template from several goroutines; the race
// detector watches.
func TestConcurrent(t *testing.T) {
	tmpl, err := Parse("t", "{% set ns = namespace(n=0) %}{% macro m(x) %}{{ x }}{{ d.a }}{% endmacro %}{% for i in range(50) %}{% set ns.n = ns.n + i %}{{ m(i) }}{% endfor %}{{ ns.n }}{{ d }}")
	if err != nil {
		t.Fatal(err)
	}
	d := &Dict{}
	d.Set("a", List(Int(1), Float(2)))
	vars := map[string]Value{"d": Map(d)}
	want, err := tmpl.Render(vars, goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, err := tmpl.Render(vars, goldenTime); err != nil || got.Text != want.Text {
					t.Errorf("got %q, %v", got.Text, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestFromJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"b":1,"a":[true,null,1.0,-0,1e2,"x\u00e9\ud83d\ude00"],"b":2}`, `{'b': 2, 'a': [True, None, 1.0, 0, 100.0, 'xé😀']}`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`-0.0`, `-0.0`},
		{`1e999`, `inf`},
		{` [ ] `, `[]`},
	}
	for _, tt := range tests {
		v, err := FromJSON([]byte(tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got, err := (&run{budget: newBudget()}).repr(v); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "{", "[1", "[1,]", `{"a"}`, "1 2", "nul", strings.Repeat("[", 1000), "\"\n\"", strings.Repeat("9", 10000)} {
		if v, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%.20q: got %v", bad, v)
		}
	}
}

func TestValueAccess(t *testing.T) {
	d := &Dict{}
	d.Set("k", String("v"))
	if s, ok := String("a").Str(); s != "a" || !ok {
		t.Error("Str")
	}
	if _, ok := Int(1).Str(); ok {
		t.Error("Str of an int")
	}
	if items, ok := Tuple(Int(1), None()).Items(); len(items) != 2 || !ok {
		t.Error("Items")
	}
	if got, ok := Map(d).Dict(); got != d || !ok || got.Len() != 1 {
		t.Error("Dict")
	}
	if (Value{}).Kind() != KindNone || Float(math.Pi).Kind() != KindFloat || Bool(true).Kind() != KindBool || List().Kind() != KindList {
		t.Error("Kind")
	}
}

func TestNames(t *testing.T) {
	tmpl, err := Parse("t", "{{ b }}{% set c = a %}{{ c }}{% if x is defined %}{% set y = 1 %}{% endif %}{{ y }}")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tmpl.Names(), " "); got != "a b x y" {
		t.Errorf("got %s", got)
	}
}

func Example() {
	t, err := Parse("greeting", "{% for name in names %}\nHello {{ name|title }}{{ ',' if not loop.last else '!' }}\n{% endfor %}")
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := t.Render(map[string]Value{"names": List(String("ann"), String("bob"))}, time.Time{})
	fmt.Println(out.Text, err)
	// Output:
	// Hello Ann,
	// Hello Bob!
	//  <nil>
}
