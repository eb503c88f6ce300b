package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func (p *parser) postfix(e expr) (expr, error) {
	var err error
	for n := 0; err == nil; n++ {
		switch {
		case n > maxChain:
			return nil, p.chainTooLong()
		case p.isOp(".") || p.isOp("["):
			e, err = p.subscript(e)
		case p.isOp("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) filterExpr(e expr) (expr, error) {
	var err error
	for n := 0; err == nil; n++ {
		switch {
		case n > maxChain:
			return nil, p.chainTooLong()
		case p.isOp("|"):
			p.next()
			e, err = p.oneFilter(e)
		case p.isName("is"):
			e, err = p.test(e)
		case p.isOp("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) subscript(object expr) (expr, error) {
	open := p.next()
	line := at(open.line)
	if open.text == "." {
		switch t := p.next(); t.kind {
		case tokName:
			return &getattrExpr{line, object, t.text}, nil
		case tokInt:
			i, err := strconv.ParseInt(t.text, 0, 64)
			if err != nil {
				return nil, p.errorf(t.line, "number %.20s is out of range", t.text)
			}
			return &getitemExpr{line, object, &constExpr{at(t.line), int64Value(i)}}, nil
		default:
			return nil, p.errorf(t.line, "expected name or number")
		}
	}
	var args []expr
	for !p.isOp("]") {
		if args != nil {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		e, err := p.subscribed()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	p.next()
	if len(args) == 1 {
		return &getitemExpr{line, object, args[0]}, nil
	}
	return &getitemExpr{line, object, &tupleExpr{line, args}}, nil
}

// subscribed parses an index or a slice.
func (p *parser) subscribed() (expr, error) {
	s := &sliceExpr{at: at(p.cur().line)}
	var err error
	if !p.isOp(":") {
		e, err := p.expression()
		if err != nil || !p.isOp(":") {
			return e, err
		}
		s.start = e
	}
	p.next()
	if !p.isOp(":") && !p.isOp("]") && !p.isOp(",") {
		if s.stop, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.skipOp(":") && !p.isOp("]") && !p.isOp(",") {
		if s.step, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) callArgs() (arguments, error) {
	var a arguments
	line := p.cur().line
	if err := p.expectOp("("); err != nil {
		return a, err
	}
	for first := true; !p.isOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return a, err
			}
			if p.isOp(")") {
				break
			}
		}
		if err := p.oneArg(&a, line); err != nil {
			return a, err
		}
	}
	return a, p.expectOp(")")
}

func (p *parser) oneArg(a *arguments, line int) error {
	var err error
	var ok bool // whether an argument of its sort may come here
	switch {
	case p.skipOp("*"):
		ok = a.dynArgs == nil && a.dynKwargs == nil
		a.dynArgs, err = p.expression()
	case p.skipOp("**"):
		ok = a.dynKwargs == nil
		a.dynKwargs, err = p.expression()
	case p.cur().kind == tokName && p.look().kind == tokOp && p.look().text == "=":
		ok = a.dynKwargs == nil
		name := p.next().text
		p.next()
		var value expr
		value, err = p.expression()
		if err == nil && slices.Contains(a.names, name) {
			return p.errorf(line, "keyword argument repeated: %s", name)
		}
		a.names, a.named = append(a.names, name), append(a.named, value)
	default:
		ok = a.dynArgs == nil && a.dynKwargs == nil && a.named == nil
		var value expr
		value, err = p.expression()
		a.positional = append(a.positional, value)
	}
	if err == nil && !ok {
		return p.errorf(line, "invalid syntax for function call expression")
	}
	return err
}

func (p *parser) call(fn expr) (expr, error) {
	line := at(p.cur().line)
	args, err := p.callArgs()
	return &callExpr{line, fn, args}, err
}

// filters parses "|name(args)" as often as it occurs.
func (p *parser) filters(e expr) (expr, error) {
	var err error
	for n := 0; err == nil && p.skipOp("|"); n++ {
		if n > maxChain {
			return nil, p.chainTooLong()
		}
		e, err = p.oneFilter(e)
	}
	return e, err
}

// oneFilter parses a filter's name and arguments.
func (p *parser) oneFilter(input expr) (expr, error) {
	name, line, err := p.dottedName()
	if err != nil {
		return nil, err
	}
	f := &filterExpr{at: line, input: input, name: name}
	if p.isOp("(") {
		f.args, err = p.callArgs()
	}
	return f, err
}

func (p *parser) dottedName() (string, at, error) {
	t, err := p.expectKind(tokName, "name")
	var name strings.Builder
	name.WriteString(t.text)
	for err == nil && p.skipOp(".") {
		var part token
		part, err = p.expectKind(tokName, "name")
		name.WriteByte('.')
		name.WriteString(part.text)
	}
	return name.String(), at(t.line), err
}

func (p *parser) test(input expr) (expr, error) {
	line := at(p.next().line)
	negated := p.skipName("not")
	name, _, err := p.dottedName()
	if err != nil {
		return nil, err
	}
	t := &testExpr{at: line, input: input, name: name}
	if p.isOp("(") {
		t.args, err = p.callArgs()
	} else if p.startsTestArg() {
		if p.isName("is") {
			return nil, p.errorf(p.cur().line, "You cannot chain multiple tests with is")
		}
		var arg expr
		if arg, err = p.primary(false); err == nil {
			arg, err = p.postfix(arg)
		}
		t.args.positional = []expr{arg}
	}
	if err != nil {
		return nil, err
	}
	if negated {
		return &unaryExpr{line, '!', t}, nil
	}
	return t, nil
}

func (p *parser) startsTestArg() bool {
	switch t := p.cur(); t.kind {
	case tokName:
		return t.text != "else" && t.text != "or" && t.text != "and"
	case tokString, tokInt, tokFloat:
		return true
	default:
		return p.isOp("[") || p.isOp("{")
	}
}
