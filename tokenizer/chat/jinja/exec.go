package jinja

func (r *run) block(body []stmt, f *frame) (flow, error) {
	for _, s := range body {
		if err := r.spend(1); err != nil {
			return flowNext, err
		}
		if fl, err := s.exec(r, f); err != nil || fl != flowNext {
			return fl, err
		}
	}
	return flowNext, nil
}

// eval computes e and notes its line on an error.
func (r *run) eval(e expr, f *frame) (Value, error) {
	if err := r.spend(1); err != nil {
		return Value{}, atLine(err, e.line())
	}
	if r.nesting >= maxEvalDepth {
		return Value{}, atLine(fail(recursionError, "expressions nest deeper than %d", maxEvalDepth), e.line())
	}
	r.nesting++
	v, err := e.eval(r, f)
	r.nesting--
	if err != nil {
		return Value{}, atLine(err, e.line())
	}
	return v, nil
}

func (s *outputStmt) exec(r *run, f *frame) (flow, error) {
	for _, part := range s.parts {
		v, err := r.eval(part, f)
		if err != nil {
			return flowNext, err
		}
		text, err := r.str(v)
		if err == nil {
			err = r.write(text)
		}
		if err != nil {
			return flowNext, atLine(err, part.line())
		}
	}
	return flowNext, nil
}

func (s *assignStmt) exec(r *run, f *frame) (flow, error) {
	if err := checkNamespaces(s.to, f); err != nil {
		return flowNext, atLine(err, s.line())
	}
	v, err := r.eval(s.value, f)
	if err != nil {
		return flowNext, err
	}
	return flowNext, atLine(s.to.store(r, f, v), s.line())
}

// checkNamespaces refuses a.b on the left where a is no namespace, before
// anything else is evaluated.
func checkNamespaces(t target, f *frame) error {
	switch t := t.(type) {
	case *nsTarget:
		if f.up(t.depth).vars[t.slot].kind != kindNamespace {
			return fail(runtimeError, "cannot assign attribute on non-namespace object")
		}
	case *tupleTarget:
		for _, item := range t.items {
			if err := checkNamespaces(item, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *nameTarget) store(_ *run, f *frame, v Value) error {
	f.vars[t.slot] = v
	return nil
}

func (t *nsTarget) store(_ *run, f *frame, v Value) error {
	ns, ok := f.up(t.depth).vars[t.slot].ref.(*namespace)
	if !ok {
		return fail(runtimeError, "cannot assign attribute on non-namespace object")
	}
	return ns.set(t.attr, v)
}

func (t *tupleTarget) store(r *run, f *frame, v Value) error {
	next, err := r.iterate(v)
	if err != nil {
		if isKind(err, typeError) {
			return fail(typeError, "cannot unpack non-iterable %s object", typeName(v))
		}
		return err
	}
	var items []Value
	for {
		item, ok, err := next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if len(items) == len(t.items) {
			return fail(valueError, "too many values to unpack (expected %d)", len(t.items))
		}
		items = append(items, item)
	}
	if len(items) < len(t.items) {
		return fail(valueError, "not enough values to unpack (expected %d, got %d)", len(t.items), len(items))
	}
	for i, item := range t.items {
		if err := item.store(r, f, items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *assignBlockStmt) exec(r *run, f *frame) (flow, error) {
	if err := checkNamespaces(s.to, f); err != nil {
		return flowNext, atLine(err, s.line())
	}
	inner := newFrame(f, s.scope)
	v, fl, err := r.captureBlock(s.body, s.filter, inner)
	if err != nil || fl != flowNext {
		return fl, err
	}
	return flowNext, atLine(s.to.store(r, f, v), s.line())
}

// captureBlock renders a body to a string and sends it through a filter, if
// there is one.
func (r *run) captureBlock(body []stmt, filter expr, inner *frame) (Value, flow, error) {
	r.enter(inner)
	var fl flow
	text, err := r.capture(func() (err error) {
		fl, err = r.block(body, inner)
		return err
	})
	if err != nil || fl != flowNext {
		return Value{}, fl, err
	}
	if filter == nil {
		return String(text), flowNext, nil
	}
	v, err := r.applyTo(filter.(*filterExpr), String(text), inner)
	return v, flowNext, err
}

// applyTo evaluates a chain of filters whose innermost input is left open.
func (r *run) applyTo(e *filterExpr, input Value, f *frame) (Value, error) {
	if inner, ok := e.input.(*filterExpr); ok {
		var err error
		if input, err = r.applyTo(inner, input, f); err != nil {
			return Value{}, err
		}
	}
	v, err := e.apply(r, f, input)
	return v, atLine(err, e.line())
}

func (s *filterBlockStmt) exec(r *run, f *frame) (flow, error) {
	v, fl, err := r.captureBlock(s.body, s.filter, newFrame(f, s.scope))
	if err != nil || fl != flowNext {
		return fl, err
	}
	text, err := r.str(v)
	if err != nil {
		return flowNext, atLine(err, s.line())
	}
	return flowNext, r.write(text)
}

func (s *ifStmt) exec(r *run, f *frame) (flow, error) {
	for i, test := range s.tests {
		v, err := r.eval(test, f)
		if err != nil {
			return flowNext, err
		}
		if yes, err := r.truth(v); err != nil {
			return flowNext, atLine(err, test.line())
		} else if yes {
			return r.block(s.bodies[i], f)
		}
	}
	return r.block(s.otherwise, f)
}

func (s *withStmt) exec(r *run, f *frame) (flow, error) {
	inner := newFrame(f, s.scope)
	r.enter(inner)
	for i, t := range s.targets {
		v, err := r.eval(s.values[i], f)
		if err == nil {
			err = t.store(r, inner, v)
		}
		if err != nil {
			return flowNext, atLine(err, s.line())
		}
	}
	return r.block(s.body, inner)
}

func (s *loopControlStmt) exec(*run, *frame) (flow, error) { return s.flow, nil }

func (s *macroStmt) exec(_ *run, f *frame) (flow, error) {
	f.vars[s.slot] = Value{kind: kindMacro, ref: &macro{def: s.def, frame: f}}
	return flowNext, nil
}

func (s *callBlockStmt) exec(r *run, f *frame) (flow, error) {
	caller := Value{kind: kindMacro, ref: &macro{def: s.def, frame: f}}
	fn, err := r.eval(s.call.fn, f)
	if err != nil {
		return flowNext, err
	}
	args, err := r.evalArgs(&s.call.args, f)
	if err != nil {
		return flowNext, atLine(err, s.line())
	}
	if _, has := args.named("caller"); has {
		return flowNext, atLine(fail(typeError, "got multiple values for keyword argument 'caller'"), s.line())
	}
	args.names, args.kwargs = append(args.names, "caller"), append(args.kwargs, caller)
	v, err := r.callValue(fn, args)
	var text string
	if err == nil {
		text, err = r.str(v)
	}
	if err == nil {
		err = r.write(text)
	}
	return flowNext, atLine(err, s.line())
}

func (s *generationStmt) exec(r *run, f *frame) (flow, error) {
	atRoot := r.out == r.root
	start := r.out.Len()
	text, err := r.invoke(s.def, f, nil)
	if err != nil {
		return flowNext, err
	}
	if err := r.write(text); err != nil {
		return flowNext, atLine(err, s.line())
	}
	if !atRoot {
		r.spanLost = s.line()
		return flowNext, nil
	}
	r.spans = append(r.spans, Span{start, start + len(text)})
	return flowNext, nil
}

func (s *forStmt) exec(r *run, f *frame) (flow, error) {
	v, err := r.eval(s.iter, f)
	if err != nil {
		return flowNext, err
	}
	if !s.recursive {
		return r.loop(s, f, v, 0)
	}
	text, err := r.recurse(s, f, v, 0)
	if err != nil {
		return flowNext, err
	}
	return flowNext, atLine(r.write(text), s.line())
}

// recurse renders a recursive loop to a string.
func (r *run) recurse(s *forStmt, f *frame, v Value, depth int) (string, error) {
	return r.capture(func() error {
		return r.call(func() error {
			_, err := r.loop(s, f, v, depth)
			return err
		})
	})
}

// loop runs a for statement over v. A return inside the body cannot happen;
// break and continue end here.
func (r *run) loop(s *forStmt, f *frame, v Value, depth int) (flow, error) {
	next, err := r.iterate(v)
	if err != nil {
		return flowNext, atLine(err, s.line())
	}
	if s.test != nil {
		next = r.filtered(s, f, next)
		v = Value{kind: kindGenerator} // has no length of its own
	}
	inner := newFrame(f, s.scope)
	lc := &loopContext{run: r, stmt: s, frame: f, source: v, next: next, index0: -1, depth0: depth}
	completed := false
	for {
		item, ok, err := lc.advance()
		if err != nil {
			return flowNext, atLine(err, s.line())
		}
		if !ok {
			break
		}
		if err := r.spend(1); err != nil {
			return flowNext, atLine(err, s.line())
		}
		if s.extended {
			inner.vars[s.loopSlot] = Value{kind: kindLoop, ref: lc}
		}
		if err := s.to.store(r, inner, item); err != nil {
			return flowNext, atLine(err, s.line())
		}
		r.enter(inner)
		fl, err := r.block(s.body, inner)
		if err != nil {
			return flowNext, err
		}
		if fl == flowBreak {
			break
		}
		// As in Jinja, a turn left by continue does not count for else.
		completed = completed || fl == flowNext
	}
	if s.otherwise == nil || completed {
		return flowNext, nil
	}
	other := newFrame(f, s.elseScope)
	r.enter(other)
	return r.block(s.otherwise, other)
}

// filtered passes on the items for which the loop's test holds, each tested
// only when it is asked for.
func (r *run) filtered(s *forStmt, f *frame, next iterator) iterator {
	inner := newFrame(f, s.testScope)
	r.enter(inner)
	return func() (Value, bool, error) {
		for {
			item, ok, err := next()
			if err != nil || !ok {
				return Value{}, false, err
			}
			if err := s.testTarget.store(r, inner, item); err != nil {
				return Value{}, false, err
			}
			v, err := r.eval(s.test, inner)
			if err != nil {
				return Value{}, false, err
			}
			if yes, err := r.truth(v); err != nil || yes {
				return restore(s.testTarget, inner, item), err == nil, err
			}
		}
	}
}

// restore gives an item that was taken apart back as Jinja does: as a tuple,
// whatever it was before.
func restore(t target, f *frame, item Value) Value {
	switch t := t.(type) {
	case *nameTarget:
		return f.vars[t.slot]
	case *tupleTarget:
		items := make([]Value, len(t.items))
		for i := range items {
			items[i] = restore(t.items[i], f, Value{})
		}
		return Tuple(items...)
	}
	return item
}
