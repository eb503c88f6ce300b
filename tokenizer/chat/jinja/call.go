package jinja

// function is something built in that a template can call.
type function struct {
	name string
	call func(r *run, a callArgs) (Value, error)
}

func newFunction(name string, call func(r *run, a callArgs) (Value, error)) Value {
	return Value{kind: kindFunc, ref: &function{name, call}}
}

// macro is a macro or caller with the frame that it sees around it.
type macro struct {
	def   *macroDef
	frame *frame
}

// callArgs are the arguments of one call.
type callArgs struct {
	pos    []Value
	names  []string
	kwargs []Value
}

func (a *callArgs) named(name string) (Value, bool) {
	if i := indexOf(a.names, name); i >= 0 {
		return a.kwargs[i], true
	}
	return Value{}, false
}

// take removes and returns a keyword argument.
func (a *callArgs) take(name string) (Value, bool) {
	i := indexOf(a.names, name)
	if i < 0 {
		return Value{kind: kindMissing}, false
	}
	v := a.kwargs[i]
	a.names = append(append([]string(nil), a.names[:i]...), a.names[i+1:]...)
	a.kwargs = append(append([]Value(nil), a.kwargs[:i]...), a.kwargs[i+1:]...)
	return v, true
}

// bind sorts arguments to parameters, the first of which are required. An
// optional parameter that was not given gets a value of kind kindMissing.
func (a callArgs) bind(fn string, required int, params ...string) ([]Value, error) {
	if len(a.pos) > len(params) {
		return nil, fail(typeError, "%s() takes at most %d arguments (%d given)", fn, len(params), len(a.pos))
	}
	out := make([]Value, len(params))
	for i := range out {
		out[i].kind = kindMissing
	}
	copy(out, a.pos)
	for i, name := range a.names {
		p := indexOf(params, name)
		switch {
		case p < 0:
			return nil, fail(typeError, "%s() got an unexpected keyword argument '%s'", fn, name)
		case p < len(a.pos):
			return nil, fail(typeError, "%s() got multiple values for argument '%s'", fn, name)
		}
		out[p] = a.kwargs[i]
	}
	for i := range required {
		if out[i].kind == kindMissing {
			return nil, fail(typeError, "%s() missing 1 required positional argument: '%s'", fn, params[i])
		}
	}
	return out, nil
}

// evalArgs evaluates the arguments of a call in Python's order.
func (r *run) evalArgs(a *arguments, f *frame) (callArgs, error) {
	var out callArgs
	var err error
	if len(a.positional) > 0 {
		if out.pos, err = r.evalAll(a.positional, f); err != nil {
			return out, err
		}
	}
	if a.dynArgs != nil {
		v, err := r.eval(a.dynArgs, f)
		if err != nil {
			return out, err
		}
		more, err := r.toSlice(v)
		if err != nil {
			return out, err
		}
		out.pos = append(out.pos, more...)
	}
	for i, e := range a.named {
		v, err := r.eval(e, f)
		if err != nil {
			return out, err
		}
		out.names, out.kwargs = append(out.names, a.names[i]), append(out.kwargs, v)
	}
	if a.dynKwargs != nil {
		v, err := r.eval(a.dynKwargs, f)
		if err != nil {
			return out, err
		}
		return out, r.spreadKwargs(&out, v)
	}
	return out, nil
}

func (r *run) spreadKwargs(out *callArgs, v Value) error {
	d, ok := v.Dict()
	if !ok {
		if v.kind == KindUndefined {
			return v.undefinedErr()
		}
		return fail(typeError, "argument after ** must be a mapping, not %s", typeName(v))
	}
	if err := r.elements(d.Len()); err != nil {
		return err
	}
	for i := range d.Len() {
		key, val := d.At(i)
		name, ok := key.Str()
		if !ok {
			return fail(typeError, "keywords must be strings")
		}
		if _, has := out.named(name); has {
			return fail(typeError, "got multiple values for keyword argument '%s'", name)
		}
		out.names, out.kwargs = append(out.names, name), append(out.kwargs, val)
	}
	return nil
}

// callValue calls v.
func (r *run) callValue(v Value, a callArgs) (Value, error) {
	switch v.kind {
	case KindUndefined:
		return Value{}, v.undefinedErr()
	case kindFunc:
		var out Value
		err := r.call(func() (err error) {
			out, err = v.ref.(*function).call(r, a)
			return err
		})
		return out, err
	case kindMacro:
		m := v.ref.(*macro)
		text, err := r.callMacro(m, a)
		return String(text), err
	case kindLoop:
		args, err := a.bind("loop", 1, "iterable")
		if err != nil {
			return Value{}, err
		}
		text, err := v.ref.(*loopContext).recurse(args[0])
		return String(text), err
	}
	return Value{}, fail(typeError, "'%s' object is not callable", typeName(v))
}

// callMacro sorts arguments to a macro's parameters the way Jinja's Macro
// does, and runs it.
func (r *run) callMacro(m *macro, a callArgs) (string, error) {
	def := m.def
	n := len(def.params)
	values := append([]Value(nil), a.pos[:min(n, len(a.pos))]...)
	explicitCaller := indexOf(def.params, "caller") >= 0
	foundCaller := len(values) == n && explicitCaller
	for _, name := range def.params[len(values):] {
		v, _ := a.take(name)
		foundCaller = foundCaller || name == "caller"
		values = append(values, v)
	}
	if def.caller && !foundCaller {
		v, ok := a.take("caller")
		if !ok || v.kind == KindNone {
			v = undefinedHint("No caller defined")
		}
		values = append(values, v)
	}
	if def.kwargs {
		d := &Dict{}
		for i, name := range a.names {
			d.Set(name, a.kwargs[i])
		}
		values = append(values, Map(d))
	} else if len(a.names) > 0 {
		if indexOf(a.names, "caller") >= 0 {
			return "", fail(typeError, "macro %s was invoked with two values for the special caller argument. This is most likely a bug.", macroName(def))
		}
		return "", fail(typeError, "macro %s takes no keyword argument %s", macroName(def), reprString(a.names[0]))
	}
	if def.varargs {
		values = append(values, Tuple(a.pos[min(n, len(a.pos)):]...))
	} else if len(a.pos) > n {
		return "", fail(typeError, "macro %s takes not more than %d argument(s)", macroName(def), n)
	}
	return r.invoke(def, m.frame, values)
}

func macroName(def *macroDef) string {
	if def.name == "" {
		return "None"
	}
	return reprString(def.name)
}

// invoke runs a macro's body with its parameters set and returns the text.
func (r *run) invoke(def *macroDef, outer *frame, values []Value) (string, error) {
	var text string
	err := r.call(func() error {
		f := newFrame(outer, def.scope)
		for i, slot := range def.slots {
			f.vars[slot] = values[i]
		}
		r.enter(f)
		required := len(def.params) - len(def.defaults)
		for i, name := range def.params {
			slot := def.slots[i]
			if f.vars[slot].kind != kindMissing {
				continue
			}
			if i < required {
				f.vars[slot] = undefinedHint("parameter " + reprString(name) + " was not provided")
				continue
			}
			v, err := r.eval(def.defaults[i-required], f)
			if err != nil {
				return err
			}
			f.vars[slot] = v
		}
		var err error
		text, err = r.capture(func() error {
			_, err := r.block(def.body, f)
			return err
		})
		return err
	})
	return text, err
}
