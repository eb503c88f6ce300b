package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// parser turns tokens into statements; it follows Jinja's grammar rule by
// rule, quirks included.
type parser struct {
	tokens  []token
	pos     int
	nesting int
	loops   int        // for loops around the current statement, within a function
	tags    []string   // open tags, innermost last
	ends    [][]string // end tags being looked for
}

const maxChain = 500 // operators, filters or subscripts in a row

func (p *parser) cur() token  { return p.tokens[p.pos] }
func (p *parser) look() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if p.pos < len(p.tokens)-1 {
		p.pos++
	}
	return t
}

func (p *parser) isOp(op string) bool     { return p.cur().kind == tokOp && p.cur().text == op }
func (p *parser) isName(name string) bool { return p.cur().kind == tokName && p.cur().text == name }

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) errorf(line int, format string, args ...any) error {
	return atLine(fail(SyntaxError, format, args...), line)
}

// expected is the error for a token other than the one described.
func (p *parser) expected(what string) error {
	t := p.cur()
	if t.kind == tokEOF {
		return p.errorf(t.line, "unexpected end of template, expected '%s'.", what)
	}
	return p.errorf(t.line, "expected token '%s', got %s", what, reprString(t.describe()))
}

func (p *parser) expectOp(op string) error {
	if !p.skipOp(op) {
		return p.expected(op)
	}
	return nil
}

func (p *parser) expectName(name string) error {
	if !p.skipName(name) {
		return p.expected(name)
	}
	return nil
}

func (p *parser) expectKind(kind tokenKind, what string) (token, error) {
	if p.cur().kind != kind {
		return token{}, p.expected(what)
	}
	return p.next(), nil
}

func (p *parser) blockEnd() error {
	_, err := p.expectKind(tokBlockEnd, "end of statement block")
	return err
}

// enter counts one level of nesting; leave undoes it.
func (p *parser) enter() error {
	p.nesting++
	if p.nesting > maxNesting {
		return atLine(fail(limitError, "the template nests deeper than %d levels", maxNesting), p.cur().line)
	}
	return nil
}

func (p *parser) leave() { p.nesting-- }

// template parses everything up to the end.
func (p *parser) template() ([]stmt, error) { return p.block(nil) }

// statements parses a body: the end of the tag, and all up to one of ends,
// whose name becomes the current token.
func (p *parser) statements(ends ...string) ([]stmt, error) {
	p.skipOp(":")
	if err := p.blockEnd(); err != nil {
		return nil, err
	}
	body, err := p.block(ends)
	if err != nil {
		return nil, err
	}
	if p.cur().kind == tokEOF {
		p.ends = append(p.ends, ends)
		return nil, p.unknownTag("", p.cur().line)
	}
	return body, nil
}

// body is statements with one possible end, which is consumed.
func (p *parser) body(end string) ([]stmt, error) {
	body, err := p.statements(end)
	if err == nil {
		p.next()
	}
	return body, err
}

// functionBody is body for what runs as a function: loop controls do not
// reach through it.
func (p *parser) functionBody(end string) ([]stmt, error) {
	loops := p.loops
	p.loops = 0
	body, err := p.body(end)
	p.loops = loops
	return body, err
}

func (p *parser) block(ends []string) ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	var body []stmt
	var output []expr
	flush := func() {
		if output != nil {
			body = append(body, &outputStmt{parts: output})
			output = nil
		}
	}
	for p.cur().kind != tokEOF {
		switch t := p.next(); t.kind {
		case tokData:
			output = append(output, &constExpr{at(t.line), String(t.text)})
		case tokVarBegin:
			e, err := p.tuple(tupleMode{condexpr: true})
			if err != nil {
				return nil, err
			}
			if _, err := p.expectKind(tokVarEnd, "end of print statement"); err != nil {
				return nil, err
			}
			output = append(output, e)
		default: // a block begins
			flush()
			if ends != nil && p.cur().kind == tokName && slices.Contains(ends, p.cur().text) {
				return body, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			if err := p.blockEnd(); err != nil {
				return nil, err
			}
			body = append(body, s)
		}
	}
	flush()
	return body, nil
}

func (p *parser) statement() (stmt, error) {
	t := p.cur()
	if t.kind != tokName {
		return nil, p.errorf(t.line, "tag name expected")
	}
	parse := p.tagParser(t.text)
	if parse == nil {
		return nil, p.unknownTag(t.text, t.line)
	}
	p.tags = append(p.tags, t.text)
	p.next()
	s, err := parse(at(t.line))
	p.tags = p.tags[:len(p.tags)-1]
	return s, err
}

func (p *parser) tagParser(name string) func(at) (stmt, error) {
	switch name {
	case "for":
		return p.forLoop
	case "if":
		return p.ifElse
	case "set":
		return p.set
	case "macro":
		return p.macro
	case "call":
		return p.callBlock
	case "filter":
		return p.filterBlock
	case "with":
		return p.with
	case "print":
		return p.print
	case "generation":
		return p.generation
	case "break", "continue":
		return p.loopControl
	case "block", "extends", "include", "from", "import", "autoescape":
		return func(line at) (stmt, error) {
			return nil, p.errorf(line.line(), "the tag '%s' is not supported in chat templates", name)
		}
	}
	return nil
}

// unknownTag is the error for a tag that is not known here, or for the end of
// the template when name is empty.
func (p *parser) unknownTag(name string, line int) error {
	text := "Unexpected end of template."
	if name != "" {
		text = fmt.Sprintf("Encountered unknown tag '%s'.", name)
	}
	if n := len(p.ends); n > 0 {
		looking := "'" + strings.Join(p.ends[n-1], "' or '") + "'"
		if name != "" && slices.ContainsFunc(p.ends, func(e []string) bool { return slices.Contains(e, name) }) {
			text += " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + looking + "."
		} else {
			text += " Jinja was looking for the following tags: " + looking + "."
		}
	}
	if n := len(p.tags); n > 0 {
		text += fmt.Sprintf(" The innermost block that needs to be closed is '%s'.", p.tags[n-1])
	}
	return p.errorf(line, "%s", text)
}

func (p *parser) set(line at) (stmt, error) {
	to, err := p.assignTarget(true, "")
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		value, err := p.tuple(tupleMode{condexpr: true})
		return &assignStmt{line, to, value}, err
	}
	filter, err := p.filters(nil)
	if err != nil {
		return nil, err
	}
	body, err := p.body("endset")
	return &assignBlockStmt{at: line, to: to, filter: filter, body: body}, err
}

func (p *parser) forLoop(line at) (stmt, error) {
	s := &forStmt{at: line}
	var err error
	start := p.pos
	if s.to, err = p.assignTarget(false, "in"); err != nil {
		return nil, err
	}
	if storesLoop(s.to) {
		return nil, p.errorf(line.line(), "Can't assign to special loop variable in for-loop target")
	}
	if err := p.expectName("in"); err != nil {
		return nil, err
	}
	if s.iter, err = p.tuple(tupleMode{end: "recursive"}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		// The test has a scope of its own, and so a target of its own.
		here := p.pos
		p.pos = start
		if s.testTarget, err = p.assignTarget(false, "in"); err != nil {
			return nil, err
		}
		p.pos = here
		if s.test, err = p.expression(); err != nil {
			return nil, err
		}
	}
	s.recursive = p.skipName("recursive")
	p.loops++
	s.body, err = p.statements("endfor", "else")
	p.loops--
	if err != nil {
		return nil, err
	}
	if p.next().text == "else" {
		s.otherwise, err = p.body("endfor")
	}
	return s, err
}

func storesLoop(t target) bool {
	switch t := t.(type) {
	case *nameTarget:
		return t.name == "loop"
	case *tupleTarget:
		return slices.ContainsFunc(t.items, storesLoop)
	}
	return false
}

func (p *parser) ifElse(line at) (stmt, error) {
	s := &ifStmt{at: line}
	for {
		test, err := p.tuple(tupleMode{})
		if err != nil {
			return nil, err
		}
		body, err := p.statements("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.tests, s.bodies = append(s.tests, test), append(s.bodies, body)
		switch p.next().text {
		case "elif":
			continue
		case "else":
			s.otherwise, err = p.body("endif")
		}
		return s, err
	}
}

// signature parses the parameters of a macro or call block.
func (p *parser) signature(def *macroDef) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	for !p.isOp(")") {
		if len(def.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		name, err := p.assignName()
		if err != nil {
			return err
		}
		if slices.Contains(def.params, name) {
			return p.errorf(p.cur().line, "duplicate argument '%s' in function definition", name)
		}
		def.params = append(def.params, name)
		if p.skipOp("=") {
			value, err := p.expression()
			if err != nil {
				return err
			}
			def.defaults = append(def.defaults, value)
		} else if len(def.defaults) > 0 {
			return p.errorf(p.cur().line, "non-default argument follows default argument")
		}
	}
	return p.expectOp(")")
}

func (p *parser) macro(line at) (stmt, error) {
	name, err := p.assignName()
	if err != nil {
		return nil, err
	}
	def := &macroDef{at: line, name: name}
	if err := p.signature(def); err != nil {
		return nil, err
	}
	def.body, err = p.functionBody("endmacro")
	return &macroStmt{at: line, def: def}, err
}

func (p *parser) callBlock(line at) (stmt, error) {
	def := &macroDef{at: line}
	if p.isOp("(") {
		if err := p.signature(def); err != nil {
			return nil, err
		}
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := e.(*callExpr)
	if !ok {
		return nil, p.errorf(line.line(), "expected call")
	}
	def.body, err = p.functionBody("endcall")
	return &callBlockStmt{line, call, def}, err
}

func (p *parser) generation(line at) (stmt, error) {
	body, err := p.functionBody("endgeneration")
	return &generationStmt{line, &macroDef{at: line, body: body, generation: true}}, err
}

func (p *parser) filterBlock(line at) (stmt, error) {
	filter, err := p.oneFilter(nil)
	if err != nil {
		return nil, err
	}
	if filter, err = p.filters(filter); err != nil {
		return nil, err
	}
	body, err := p.body("endfilter")
	return &filterBlockStmt{at: line, filter: filter, body: body}, err
}

func (p *parser) with(line at) (stmt, error) {
	s := &withStmt{at: line}
	for p.cur().kind != tokBlockEnd {
		if len(s.targets) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		to, err := p.assignTarget(false, "")
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.targets, s.values = append(s.targets, to), append(s.values, value)
	}
	var err error
	s.body, err = p.body("endwith")
	return s, err
}

func (p *parser) print(at) (stmt, error) {
	s := &outputStmt{}
	for p.cur().kind != tokBlockEnd {
		if len(s.parts) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.parts = append(s.parts, e)
	}
	return s, nil
}

func (p *parser) loopControl(line at) (stmt, error) {
	name := p.tags[len(p.tags)-1]
	if p.loops == 0 {
		return nil, p.errorf(line.line(), "'%s' outside loop", name)
	}
	if name == "break" {
		return &loopControlStmt{line, flowBreak}, nil
	}
	return &loopControlStmt{line, flowContinue}, nil
}

// assignName parses the one name that a macro or parameter may have.
func (p *parser) assignName() (string, error) {
	t, err := p.expectKind(tokName, "name")
	if err != nil {
		return "", err
	}
	if isConstName(t.text) {
		return "", p.errorf(t.line, "can't assign to 'name'")
	}
	return t.text, nil
}

// assignTarget parses what a set or for stores in; end is a name that ends it.
func (p *parser) assignTarget(namespaces bool, end string) (target, error) {
	line := p.cur().line
	e, err := p.tuple(tupleMode{simplified: true, namespaces: namespaces, end: end})
	if err != nil {
		return nil, err
	}
	t, bad := toTarget(e)
	if bad != "" {
		return nil, p.errorf(line, "can't assign to '%s'", bad)
	}
	return t, nil
}

// toTarget turns an expression into what it means on the left of "=", or
// names the kind of expression that has no such meaning.
func toTarget(e expr) (t target, bad string) {
	switch e := e.(type) {
	case *nameExpr:
		return &nameTarget{at: e.at, name: e.name}, ""
	case *nsRefExpr:
		return &nsTarget{at: e.at, name: e.name, attr: e.attr}, ""
	case *tupleExpr:
		out := &tupleTarget{at: e.at}
		for _, item := range e.items {
			t, bad := toTarget(item)
			if bad != "" {
				return nil, "tuple"
			}
			out.items = append(out.items, t)
		}
		return out, ""
	case *constExpr:
		return nil, "const"
	case *listExpr:
		return nil, "list"
	case *dictExpr:
		return nil, "dict"
	case *getattrExpr:
		return nil, "getattr"
	case *getitemExpr:
		return nil, "getitem"
	default:
		return nil, "expression"
	}
}
