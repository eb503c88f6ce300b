package jinja

import "strings"

// globals are the names that every template knows.
var globals = map[string]Value{
	"range":           newFunction("range", globalRange),
	"dict":            newFunction("dict", globalDict),
	"namespace":       newFunction("namespace", globalNamespace),
	"cycler":          newFunction("cycler", globalCycler),
	"joiner":          newFunction("joiner", globalJoiner),
	"raise_exception": newFunction("raise_exception", globalRaise),
	"strftime_now":    newFunction("strftime_now", globalStrftimeNow),
}

func globalRange(_ *run, a callArgs) (Value, error) {
	if len(a.names) > 0 {
		return Value{}, fail(typeError, "range() takes no keyword arguments")
	}
	args, err := a.bind("range", 1, "start", "stop", "step")
	if err != nil {
		return Value{}, err
	}
	var n [3]int
	for i, def := range []int{0, 0, 1} {
		if n[i], err = intArg(args[i], def); err != nil {
			return Value{}, err
		}
	}
	if len(a.pos) == 1 {
		n[0], n[1] = 0, n[0]
	}
	if n[2] == 0 {
		return Value{}, fail(valueError, "range() arg 3 must not be zero")
	}
	const far = 1 << 60
	g := &pyRange{int64(n[0]), int64(n[1]), int64(n[2])}
	if max(g.start, g.stop, g.step) > far || min(g.start, g.stop, g.step) < -far || g.len() > maxRange {
		return Value{}, fail(overflowError, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return Value{kind: kindRange, ref: g}, nil
}

// dictOf is Python's dict(*args, **kwargs).
func (r *run) dictOf(a callArgs) (*Dict, error) {
	if len(a.pos) > 1 {
		return nil, fail(typeError, "dict expected at most 1 argument, got %d", len(a.pos))
	}
	d := &Dict{}
	if len(a.pos) == 1 {
		if from, ok := a.pos[0].Dict(); ok {
			if err := r.elements(2 * from.Len()); err != nil {
				return nil, err
			}
			d = from.clone()
		} else if err := r.fillPairs(d, a.pos[0]); err != nil {
			return nil, err
		}
	}
	for i, name := range a.names {
		d.Set(name, a.kwargs[i])
	}
	return d, nil
}

func (r *run) fillPairs(d *Dict, v Value) error {
	items, err := r.toSlice(v)
	if err != nil {
		return err
	}
	for i, item := range items {
		pair, err := r.toSlice(item)
		if err != nil {
			if isKind(err, typeError) {
				return fail(typeError, "cannot convert dictionary update sequence element #%d to a sequence", i)
			}
			return err
		}
		if len(pair) != 2 {
			return fail(valueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		if err := d.setValue(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

func globalDict(r *run, a callArgs) (Value, error) {
	d, err := r.dictOf(a)
	return Map(d), err
}

func globalNamespace(r *run, a callArgs) (Value, error) {
	from, err := r.dictOf(a)
	if err != nil {
		return Value{}, err
	}
	ns := &namespace{attrs: &Dict{}}
	for i := range from.Len() {
		key, val := from.At(i)
		if name, ok := key.Str(); ok {
			err = ns.set(name, val)
		} else {
			err = ns.attrs.setValue(key, val)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return Value{kind: kindNamespace, ref: ns}, nil
}

func (ns *namespace) set(name string, v Value) error {
	if strings.HasPrefix(name, "_") {
		return fail(securityError, "Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s. Please rename the attribute.", reprString(name))
	}
	ns.attrs.Set(name, v)
	return nil
}

// cycler is what the global of that name makes.
type cycler struct {
	items []Value
	pos   int
}

func globalCycler(_ *run, a callArgs) (Value, error) {
	if len(a.pos) == 0 {
		return Value{}, fail(runtimeError, "at least one item has to be provided")
	}
	return Value{kind: kindCycler, ref: &cycler{items: a.pos}}, nil
}

func (c *cycler) attr(name string) (Value, bool, error) {
	switch name {
	case "current":
		return c.items[c.pos], true, nil
	case "next":
		return newFunction(name, func(*run, callArgs) (Value, error) {
			v := c.items[c.pos]
			c.pos = (c.pos + 1) % len(c.items)
			return v, nil
		}), true, nil
	case "reset":
		return newFunction(name, func(*run, callArgs) (Value, error) {
			c.pos = 0
			return None(), nil
		}), true, nil
	case "items":
		return Tuple(c.items...), true, nil
	case "pos":
		return Int(c.pos), true, nil
	}
	return Value{}, false, nil
}

func globalJoiner(_ *run, a callArgs) (Value, error) {
	args, err := a.bind("joiner", 0, "sep")
	if err != nil {
		return Value{}, err
	}
	sep := orElse(args[0], String(", "))
	used := false
	return newFunction("joiner", func(*run, callArgs) (Value, error) {
		if used {
			return sep, nil
		}
		used = true
		return String(""), nil
	}), nil
}

func globalRaise(r *run, a callArgs) (Value, error) {
	args, err := a.bind("raise_exception", 1, "message")
	if err != nil {
		return Value{}, err
	}
	text, err := r.str(args[0])
	if err != nil {
		return Value{}, err
	}
	return Value{}, &Error{Kind: Raised, Msg: text}
}

func globalStrftimeNow(r *run, a callArgs) (Value, error) {
	args, err := a.bind("strftime_now", 1, "format")
	if err != nil {
		return Value{}, err
	}
	format, err := strArg(args[0], "")
	if err != nil {
		return Value{}, err
	}
	if err := r.text(32 * len(format)); err != nil {
		return Value{}, err
	}
	return String(strftime(r.now, format)), nil
}
