package jinja

import "slices"

func filterItems(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("items", 0); err != nil {
		return Value{}, err
	}
	if input.kind == KindUndefined {
		return newGenerator(sliceIterator(nil)), nil
	}
	d, ok := input.Dict()
	if !ok {
		return newGenerator(func() (Value, bool, error) {
			return Value{}, false, fail(typeError, "Can only get item pairs from a mapping.")
		}), nil
	}
	next, err := r.iterate(Value{kind: kindView, ref: &view{d, 'i'}})
	return newGenerator(next), err
}

func filterUnique(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("unique", 0, "case_sensitive", "attribute")
	if err != nil {
		return Value{}, err
	}
	get := r.attrGetter(args[1], Value{}, !boolArg(args[0]))
	seen := map[dictKey]bool{}
	return lazily(r, input, func(v Value) (Value, bool, error) {
		key, err := get(v)
		if err != nil {
			return Value{}, false, err
		}
		k, err := keyOf(key)
		if err != nil || seen[k] {
			return Value{}, false, err
		}
		seen[k] = true
		return v, true, nil
	}), nil
}

// lazily is a generator over what step keeps of the input's items. The input
// is opened when the first item is asked for, as in Python.
func lazily(r *run, input Value, step func(Value) (Value, bool, error)) Value {
	var next iterator
	depth := lazyDepth(input)
	out := newGenerator(func() (Value, bool, error) {
		if depth > maxLazyDepth {
			return Value{}, false, fail(recursionError, "lazy filters stand on each other deeper than %d", maxLazyDepth)
		}
		if next == nil {
			var err error
			if next, err = r.iterate(input); err != nil {
				return Value{}, false, err
			}
		}
		for {
			item, ok, err := next()
			if err != nil || !ok {
				return Value{}, false, err
			}
			if err := r.spend(1); err != nil {
				return Value{}, false, err
			}
			if v, keep, err := step(item); err != nil || keep {
				return v, err == nil, err
			}
		}
	})
	out.ref.(*generator).depth = depth
	return out
}

func lazyDepth(input Value) int {
	if g, ok := input.ref.(*generator); ok {
		return g.depth + 1
	}
	return 0
}

func filterBatch(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("batch", 1, "linecount", "fill_with")
	if err != nil {
		return Value{}, err
	}
	size, err := intArg(args[0], 0)
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	if size < 1 {
		size = max(len(items), 1) // never reached, as in Jinja
	}
	var rows []Value
	for row := range slices.Chunk(items, size) {
		row = slices.Clone(row)
		if isGiven(args[1]) && len(row) < size {
			if err := r.elements(size); err != nil {
				return Value{}, err
			}
			for len(row) < size {
				row = append(row, args[1])
			}
		}
		rows = append(rows, List(row...))
	}
	return newGenerator(sliceIterator(rows)), r.elements(len(items))
}

func filterSlice(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("slice", 1, "slices", "fill_with")
	if err != nil {
		return Value{}, err
	}
	n, err := intArg(args[0], 0)
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	if n == 0 {
		return Value{}, fail(zeroDivError, "integer division or modulo by zero")
	}
	n = max(n, 0)
	if err := r.elements(n + len(items)); err != nil {
		return Value{}, err
	}
	var rows []Value
	size, extra := 0, 0
	if n > 0 {
		size, extra = len(items)/n, len(items)%n
	}
	start := 0
	for i := range n {
		end := start + size
		if i < extra {
			end++
		}
		row := slices.Clone(items[start:end])
		if isGiven(args[1]) && i >= extra {
			row = append(row, args[1])
		}
		rows = append(rows, List(row...))
		start = end
	}
	return newGenerator(sliceIterator(rows)), nil
}

// filterMap applies a filter, or looks an attribute up, item by item.
func filterMap(r *run, input Value, a callArgs) (Value, error) {
	var apply func(Value) (Value, error)
	prepare := func() error {
		attribute, has := a.named("attribute")
		if len(a.pos) > 0 || !has {
			return r.prepareMap(a, &apply)
		}
		fallback, _ := a.named("default")
		for _, name := range a.names {
			if name != "attribute" && name != "default" {
				return fail(filterArgError, "Unexpected keyword argument %s", reprString(name))
			}
		}
		apply = r.attrGetter(attribute, fallback, false)
		return nil
	}
	return r.ifTrue(input, prepare, func(v Value) (Value, bool, error) {
		out, err := apply(v)
		return out, err == nil, err
	})
}

func (r *run) prepareMap(a callArgs, apply *func(Value) (Value, error)) error {
	if len(a.pos) == 0 {
		return fail(filterArgError, "map requires a filter argument")
	}
	name, err := strArg(a.pos[0], "")
	if err != nil {
		return err
	}
	f := filterByName(name)
	if f == nil {
		return fail(runtimeError, "No filter named %s.", reprString(name))
	}
	rest := callArgs{pos: a.pos[1:], names: a.names, kwargs: a.kwargs}
	*apply = func(v Value) (Value, error) {
		var out Value
		err := r.call(func() (err error) {
			out, err = f(r, v, rest)
			return err
		})
		return out, err
	}
	return nil
}

// ifTrue is a generator that, as Jinja's do, yields nothing for a false input
// and prepares when the first item is asked for.
func (r *run) ifTrue(input Value, prepare func() error, step func(Value) (Value, bool, error)) (Value, error) {
	inner := lazily(r, input, step).ref.(*generator).next
	started, empty := false, false
	out := newGenerator(func() (Value, bool, error) {
		if !started {
			started = true
			yes, err := r.truth(input)
			if err != nil {
				return Value{}, false, err
			}
			if empty = !yes; yes {
				if err := prepare(); err != nil {
					return Value{}, false, err
				}
			}
		}
		if empty {
			return Value{}, false, nil
		}
		return inner()
	})
	out.ref.(*generator).depth = lazyDepth(input)
	return out, nil
}

// selectFilter makes select, reject, selectattr and rejectattr.
func selectFilter(byAttr, keep bool) filterFunc {
	return func(r *run, input Value, a callArgs) (Value, error) {
		get := func(v Value) (Value, error) { return v, nil }
		check := r.truth
		prepare := func() error {
			args := a.pos
			if byAttr {
				if len(args) == 0 {
					return fail(filterArgError, "Missing parameter for attribute name")
				}
				get = r.attrGetter(args[0], Value{}, false)
				args = args[1:]
			}
			if len(args) == 0 {
				return nil
			}
			name, err := strArg(args[0], "")
			if err != nil {
				return err
			}
			test := testByName(name)
			if test == nil {
				return fail(runtimeError, "No test named %s.", reprString(name))
			}
			rest := callArgs{pos: args[1:], names: a.names, kwargs: a.kwargs}
			check = func(v Value) (bool, error) { return test(r, v, rest) }
			return nil
		}
		return r.ifTrue(input, prepare, func(v Value) (Value, bool, error) {
			key, err := get(v)
			if err != nil {
				return Value{}, false, err
			}
			yes, err := check(key)
			return v, yes == keep, err
		})
	}
}
