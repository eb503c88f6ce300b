package jinja

import (
	"slices"
	"strings"
	"time"
)

// Template is a parsed template. It never changes, so that any number of
// goroutines may render it at once.
type Template struct {
	name       string
	body       []stmt
	scope      *scope
	generation bool
}

// Parse reads a template. The name is used in errors only. Every error is an
// [*Error] with the line it is about.
func Parse(name, source string) (*Template, error) {
	t, err := parse(source)
	if err != nil {
		return nil, named(err, name)
	}
	t.name = name
	return t, nil
}

func parse(source string) (*Template, error) {
	if len(source) > maxSourceBytes {
		return nil, fail(limitError, "the template has %d bytes, more than the %d allowed", len(source), maxSourceBytes)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	if err := countNames(tokens); err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, err := p.template()
	if err != nil {
		return nil, err
	}
	t := &Template{body: body, scope: newScope(nil)}
	t.scope.syms.stmts(body)
	t.scope.seal()
	c := &resolver{}
	c.body(body, t.scope, false)
	t.generation = c.generation
	return t, c.err
}

func countNames(tokens []token) error {
	names := map[string]bool{}
	for _, t := range tokens {
		if t.kind == tokName {
			names[t.text] = true
		}
		if len(names) > maxNames {
			return atLine(fail(limitError, "the template uses more than %d names", maxNames), t.line)
		}
	}
	return nil
}

func named(err error, name string) error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // made here, never wrapped
		e.Name = name
	}
	return err
}

// HasGeneration reports whether the template marks what the model writes with
// {% generation %} blocks.
func (t *Template) HasGeneration() bool { return t.generation }

// Names returns the names of variables that the template reads from outside
// at its top level, sorted. Loops and macros may read more.
func (t *Template) Names() []string {
	var out []string
	for _, l := range t.scope.loads {
		if l.kind == loadResolve {
			out = append(out, l.name)
		}
	}
	slices.Sort(out)
	return out
}

// Span is a range of bytes of rendered text.
type Span struct{ Start, End int }

// Output is what a render produced.
type Output struct {
	Text string
	// Generated are the ranges of Text that came out of {% generation %}
	// blocks, in order.
	Generated []Span
	// LostLine is the line of a generation block that stood inside a macro or
	// captured text, so that its place in Text is not known and Generated is
	// not complete; 0 without one.
	LostLine int
}

// Render runs the template with the variables. now is what strftime_now
// formats, in now's own location. Every error is an [*Error].
func (t *Template) Render(vars map[string]Value, now time.Time) (Output, error) {
	r := &run{budget: newBudget(), vars: vars, now: now}
	r.root = &r.rootOut
	r.out = r.root
	f := newFrame(nil, t.scope)
	r.enter(f)
	if _, err := r.block(t.body, f); err != nil {
		return Output{}, named(err, t.name)
	}
	return Output{r.out.String(), r.spans, r.spanLost}, nil
}

// run is the state of one render.
type run struct {
	budget
	vars    map[string]Value
	now     time.Time
	out     *strings.Builder // where output goes now
	root    *strings.Builder // the text that is returned
	rootOut strings.Builder
	spans   []Span
	depth   int // calls inside calls
	nesting int // expressions inside expressions
	// spanLost is the line of a generation block whose place in the output is
	// not known, because its text went to a string first; 0 without one.
	spanLost int
}

// frame holds the variables of one scope that is running.
type frame struct {
	scope  *scope
	parent *frame
	vars   []Value
}

func newFrame(parent *frame, s *scope) *frame {
	return &frame{scope: s, parent: parent, vars: make([]Value, len(s.names))}
}

// up returns the frame that lies depth frames out.
func (f *frame) up(depth int) *frame {
	for ; depth > 0; depth-- {
		f = f.parent
	}
	return f
}

// enter puts a scope's variables in the state they start with.
func (r *run) enter(f *frame) {
	for slot := range f.scope.loads {
		l := &f.scope.loads[slot]
		switch l.kind {
		case loadResolve:
			f.vars[slot] = r.resolve(l.name)
		case loadAlias:
			f.vars[slot] = f.up(l.depth).vars[l.slot]
		case loadUndefined:
			f.vars[slot] = Value{kind: kindMissing}
		}
	}
}

// resolve finds a variable of the render or a global.
func (r *run) resolve(name string) Value {
	if v, ok := r.vars[name]; ok {
		return v
	}
	if g, ok := globals[name]; ok {
		return g
	}
	return Value{kind: kindMissing}
}

// write appends to the current output.
func (r *run) write(s string) error {
	if r.out.Len()+len(s) > maxStringBytes {
		return fail(limitError, "the output grows past %d bytes", maxStringBytes)
	}
	if err := r.text(len(s)); err != nil {
		return err
	}
	r.out.WriteString(s)
	return nil
}

// capture runs body with its output going to a string of its own.
func (r *run) capture(body func() error) (string, error) {
	outer := r.out
	var b strings.Builder
	r.out = &b
	err := body()
	r.out = outer
	return b.String(), err
}

// call counts one level of calls.
func (r *run) call(body func() error) error {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxCallDepth {
		return fail(recursionError, "maximum recursion depth exceeded: calls nest deeper than %d", maxCallDepth)
	}
	return body()
}
