package jinja

import "strings"

func (e *constExpr) eval(*run, *frame) (Value, error) { return e.value, nil }

func (e *nameExpr) eval(_ *run, f *frame) (Value, error) {
	v := f.up(e.depth).vars[e.slot]
	if v.kind == kindMissing {
		return undefinedName(e.name), nil
	}
	return v, nil
}

func (e *nsRefExpr) eval(*run, *frame) (Value, error) {
	return Value{}, fail(SyntaxError, "a namespace reference is not a value")
}

func (r *run) evalAll(list []expr, f *frame) ([]Value, error) {
	if err := r.elements(len(list)); err != nil {
		return nil, err
	}
	out := make([]Value, len(list))
	for i, e := range list {
		var err error
		if out[i], err = r.eval(e, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *tupleExpr) eval(r *run, f *frame) (Value, error) {
	items, err := r.evalAll(e.items, f)
	return Tuple(items...), err
}

func (e *listExpr) eval(r *run, f *frame) (Value, error) {
	items, err := r.evalAll(e.items, f)
	return List(items...), err
}

func (e *dictExpr) eval(r *run, f *frame) (Value, error) {
	if err := r.elements(2 * len(e.keys)); err != nil {
		return Value{}, err
	}
	d := &Dict{}
	for i := range e.keys {
		k, err := r.eval(e.keys[i], f)
		if err != nil {
			return Value{}, err
		}
		v, err := r.eval(e.values[i], f)
		if err != nil {
			return Value{}, err
		}
		if err := d.setValue(k, v); err != nil {
			return Value{}, err
		}
	}
	return Map(d), nil
}

func (e *getattrExpr) eval(r *run, f *frame) (Value, error) {
	object, err := r.eval(e.object, f)
	if err != nil {
		return Value{}, err
	}
	return r.getattr(object, e.name)
}

func (e *getitemExpr) eval(r *run, f *frame) (Value, error) {
	object, err := r.eval(e.object, f)
	if err != nil {
		return Value{}, err
	}
	index, err := r.eval(e.index, f)
	if err != nil {
		return Value{}, err
	}
	if index.kind == kindSlice {
		return r.slice(object, index.ref.(*pySlice))
	}
	return r.getitem(object, index)
}

func (e *sliceExpr) eval(r *run, f *frame) (Value, error) {
	s := &pySlice{}
	for i, part := range []expr{e.start, e.stop, e.step} {
		if part == nil {
			continue
		}
		v, err := r.eval(part, f)
		if err != nil {
			return Value{}, err
		}
		s.parts[i] = v
	}
	return Value{kind: kindSlice, ref: s}, nil
}

func (e *unaryExpr) eval(r *run, f *frame) (Value, error) {
	v, err := r.eval(e.operand, f)
	if err != nil {
		return Value{}, err
	}
	if e.op == '!' {
		yes, err := r.truth(v)
		return Bool(!yes), err
	}
	return negate(v, e.op)
}

func (e *binaryExpr) eval(r *run, f *frame) (Value, error) {
	left, err := r.eval(e.left, f)
	if err != nil {
		return Value{}, err
	}
	right, err := r.eval(e.right, f)
	if err != nil {
		return Value{}, err
	}
	return r.binary(e.op, left, right)
}

func (e *andExpr) eval(r *run, f *frame) (Value, error) {
	left, err := r.eval(e.left, f)
	if err != nil {
		return Value{}, err
	}
	if yes, err := r.truth(left); err != nil || !yes {
		return left, err
	}
	return r.eval(e.right, f)
}

func (e *orExpr) eval(r *run, f *frame) (Value, error) {
	left, err := r.eval(e.left, f)
	if err != nil {
		return Value{}, err
	}
	if yes, err := r.truth(left); err != nil || yes {
		return left, err
	}
	return r.eval(e.right, f)
}

func (e *compareExpr) eval(r *run, f *frame) (Value, error) {
	left, err := r.eval(e.first, f)
	if err != nil {
		return Value{}, err
	}
	for i, op := range e.ops {
		right, err := r.eval(e.rest[i], f)
		if err != nil {
			return Value{}, err
		}
		yes, err := r.compare(op, left, right)
		if err != nil || !yes {
			return Bool(false), err
		}
		left = right
	}
	return Bool(true), nil
}

func (e *concatExpr) eval(r *run, f *frame) (Value, error) {
	parts := make([]string, len(e.parts))
	total := 0
	for i, part := range e.parts {
		v, err := r.eval(part, f)
		if err != nil {
			return Value{}, err
		}
		if parts[i], err = r.str(v); err != nil {
			return Value{}, err
		}
		total += len(parts[i])
	}
	if err := r.text(total); err != nil {
		return Value{}, err
	}
	return String(strings.Join(parts, "")), nil
}

func (e *condExpr) eval(r *run, f *frame) (Value, error) {
	v, err := r.eval(e.test, f)
	if err != nil {
		return Value{}, err
	}
	yes, err := r.truth(v)
	switch {
	case err != nil:
		return Value{}, err
	case yes:
		return r.eval(e.yes, f)
	case e.no != nil:
		return r.eval(e.no, f)
	}
	return undefinedHint("the inline if-expression on line " + itoa(e.line()) +
		" evaluated to false and no else section was defined."), nil
}

func (e *callExpr) eval(r *run, f *frame) (Value, error) {
	fn, err := r.eval(e.fn, f)
	if err != nil {
		return Value{}, err
	}
	args, err := r.evalArgs(&e.args, f)
	if err != nil {
		return Value{}, err
	}
	return r.callValue(fn, args)
}

func (e *filterExpr) eval(r *run, f *frame) (Value, error) {
	input, err := r.eval(e.input, f)
	if err != nil {
		return Value{}, err
	}
	return e.apply(r, f, input)
}

// apply runs the filter over input.
func (e *filterExpr) apply(r *run, f *frame, input Value) (Value, error) {
	args, err := r.evalArgs(&e.args, f)
	if err != nil {
		return Value{}, err
	}
	fn := filterByName(e.name)
	if fn == nil {
		return Value{}, fail(runtimeError, "No filter named '%s' found.", e.name)
	}
	return fn(r, input, args)
}

func (e *testExpr) eval(r *run, f *frame) (Value, error) {
	input, err := r.eval(e.input, f)
	if err != nil {
		return Value{}, err
	}
	args, err := r.evalArgs(&e.args, f)
	if err != nil {
		return Value{}, err
	}
	fn := testByName(e.name)
	if fn == nil {
		return Value{}, fail(runtimeError, "No test named '%s' found.", e.name)
	}
	yes, err := fn(r, input, args)
	return Bool(yes), err
}

// truth is Python's bool(v), which asks loops for their length.
func (r *run) truth(v Value) (bool, error) {
	if v.kind == kindLoop {
		n, err := v.ref.(*loopContext).length()
		return n > 0, err
	}
	return truth(v), nil
}
