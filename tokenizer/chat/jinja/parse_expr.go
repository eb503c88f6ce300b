package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.condExpr()
}

func (p *parser) condExpr() (expr, error) {
	line := at(p.cur().line)
	e, err := p.or()
	for n := 0; err == nil && p.skipName("if"); n++ {
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		c := &condExpr{at: line, yes: e}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			if c.no, err = p.expression(); err != nil {
				return nil, err
			}
		}
		e, line = c, at(p.cur().line)
	}
	return e, err
}

func (p *parser) chainTooLong() error {
	return atLine(fail(limitError, "an expression chains more than %d operators", maxChain), p.cur().line)
}

// leftChain parses operand (op operand)*, leaning left.
func (p *parser) leftChain(operand func() (expr, error), op func() string, join func(at, string, expr, expr) expr) (expr, error) {
	line := at(p.cur().line)
	left, err := operand()
	for n := 0; err == nil; n++ {
		name := op()
		if name == "" {
			break
		}
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		var right expr
		if right, err = operand(); err == nil {
			left, line = join(line, name, left, right), at(p.cur().line)
		}
	}
	return left, err
}

// anyOp returns a func that consumes one of the operators.
func (p *parser) anyOp(ops ...string) func() string {
	return func() string {
		if t := p.cur(); t.kind == tokOp && slices.Contains(ops, t.text) {
			p.next()
			return t.text
		}
		return ""
	}
}

func (p *parser) word(name string) func() string {
	return func() string {
		if p.skipName(name) {
			return name
		}
		return ""
	}
}

func joinBinary(line at, op string, l, r expr) expr { return &binaryExpr{line, op, l, r} }

func (p *parser) or() (expr, error) {
	return p.leftChain(p.and, p.word("or"), func(line at, _ string, l, r expr) expr { return &orExpr{line, l, r} })
}

func (p *parser) and() (expr, error) {
	return p.leftChain(p.not, p.word("and"), func(line at, _ string, l, r expr) expr { return &andExpr{line, l, r} })
}

func (p *parser) not() (expr, error) {
	if !p.isName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	line := at(p.next().line)
	e, err := p.not()
	return &unaryExpr{line, '!', e}, err
}

// compareOp consumes a comparison operator and returns it, or "".
func (p *parser) compareOp() string {
	if op := p.anyOp("==", "!=", "<", "<=", ">", ">=")(); op != "" {
		return op
	}
	if p.skipName("in") {
		return "in"
	}
	if next := p.look(); p.isName("not") && next.kind == tokName && next.text == "in" {
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

func (p *parser) compare() (expr, error) {
	line := at(p.cur().line)
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{at: line, first: first}
	for {
		op := p.compareOp()
		if op == "" {
			break
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, right)
	}
	if c.ops == nil {
		return first, nil
	}
	return c, nil
}

func (p *parser) sum() (expr, error) {
	return p.leftChain(p.concat, p.anyOp("+", "-"), joinBinary)
}

func (p *parser) concat() (expr, error) {
	line := at(p.cur().line)
	first, err := p.product()
	if err != nil {
		return nil, err
	}
	c := &concatExpr{line, []expr{first}}
	for p.skipOp("~") {
		e, err := p.product()
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, e)
	}
	if len(c.parts) == 1 {
		return first, nil
	}
	return c, nil
}

func (p *parser) product() (expr, error) {
	return p.leftChain(p.power, p.anyOp("*", "/", "//", "%"), joinBinary)
}

// power leans left in Jinja, unlike in Python.
func (p *parser) power() (expr, error) {
	return p.leftChain(func() (expr, error) { return p.unary(true) }, p.anyOp("**"), joinBinary)
}

func (p *parser) unary(withFilter bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var e expr
	var err error
	if t := p.cur(); p.isOp("-") || p.isOp("+") {
		p.next()
		if e, err = p.unary(false); err == nil {
			e = &unaryExpr{at(t.line), t.text[0], e}
		}
	} else {
		e, err = p.primary(false)
	}
	if err == nil {
		e, err = p.postfix(e)
	}
	if err == nil && withFilter {
		e, err = p.filterExpr(e)
	}
	return e, err
}

func isConstName(s string) bool {
	switch s {
	case "true", "false", "none", "True", "False", "None":
		return true
	}
	return false
}

func (p *parser) nameOrConst(namespaces bool) (expr, error) {
	t := p.next()
	line := at(t.line)
	switch t.text {
	case "true", "True":
		return &constExpr{line, Bool(true)}, nil
	case "false", "False":
		return &constExpr{line, Bool(false)}, nil
	case "none", "None":
		return &constExpr{line, None()}, nil
	}
	if namespaces && p.skipOp(".") {
		attr, err := p.expectKind(tokName, "name")
		return &nsRefExpr{line, t.text, attr.text}, err
	}
	return &nameExpr{at: line, name: t.text}, nil
}

func (p *parser) primary(namespaces bool) (expr, error) {
	t := p.cur()
	line := at(t.line)
	switch t.kind {
	case tokName:
		return p.nameOrConst(namespaces)
	case tokString:
		var text strings.Builder
		for p.cur().kind == tokString {
			text.WriteString(p.next().text)
		}
		return &constExpr{line, String(text.String())}, nil
	case tokInt:
		p.next()
		b, ok := new(big.Int).SetString(t.text, 0)
		if !ok || b.BitLen() > maxIntBits {
			return nil, p.errorf(t.line, "number %.20s is out of range", t.text)
		}
		return &constExpr{line, bigValue(b)}, nil
	case tokFloat:
		p.next()
		f, _ := strconv.ParseFloat(t.text, 64) // out of range is an infinity, as in Python
		return &constExpr{line, Float(f)}, nil
	}
	switch {
	case p.skipOp("("):
		e, err := p.tuple(tupleMode{condexpr: true, parens: true})
		if err != nil {
			return nil, err
		}
		return e, p.expectOp(")")
	case p.isOp("["):
		return p.list()
	case p.isOp("{"):
		return p.dict()
	}
	return nil, p.errorf(t.line, "unexpected %s", reprString(t.describe()))
}

// tupleMode says how [parser.tuple] reads.
type tupleMode struct {
	simplified bool   // names and literals only
	namespaces bool   // a.b is a namespace reference
	condexpr   bool   // "x if y" may occur
	parens     bool   // inside parentheses: an empty tuple is allowed
	end        string // a name that ends the tuple
}

// tuple parses an expression, or several with commas between them.
func (p *parser) tuple(m tupleMode) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	line := at(p.cur().line)
	var items []expr
	isTuple := false
	for {
		if items != nil {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		if p.tupleEnds(m.end) {
			break
		}
		var e expr
		var err error
		switch {
		case m.simplified:
			e, err = p.primary(m.namespaces)
		case m.condexpr:
			e, err = p.expression()
		default:
			e, err = p.or()
		}
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if items != nil {
			return items[0], nil
		}
		if !m.parens {
			return nil, p.errorf(p.cur().line, "Expected an expression, got %s", reprString(p.cur().describe()))
		}
	}
	return &tupleExpr{line, items}, nil
}

func (p *parser) tupleEnds(end string) bool {
	t := p.cur()
	return t.kind == tokVarEnd || t.kind == tokBlockEnd || p.isOp(")") || end != "" && p.isName(end)
}

func (p *parser) list() (expr, error) {
	l := &listExpr{at: at(p.next().line)}
	for !p.isOp("]") {
		if l.items != nil {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		if p.isOp("]") {
			break
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, e)
	}
	return l, p.expectOp("]")
}

func (p *parser) dict() (expr, error) {
	d := &dictExpr{at: at(p.next().line)}
	for !p.isOp("}") {
		if d.keys != nil {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		if p.isOp("}") {
			break
		}
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
	}
	return d, p.expectOp("}")
}
