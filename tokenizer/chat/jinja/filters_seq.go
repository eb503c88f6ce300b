package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func filterLength(_ *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("len", 0); err != nil {
		return Value{}, err
	}
	if l, ok := input.ref.(*loopContext); ok {
		n, err := l.length()
		return Int(n), err
	}
	n, ok := sizeOf(input)
	if !ok {
		return Value{}, fail(typeError, "object of type '%s' has no len()", typeName(input))
	}
	return Int(n), nil
}

func filterDefault(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("default", 0, "default_value", "boolean")
	if err != nil {
		return Value{}, err
	}
	yes, err := r.truth(input)
	if err != nil {
		return Value{}, err
	}
	if input.kind == KindUndefined || boolArg(args[1], false) && !yes {
		return orElse(args[0], String("")), nil
	}
	return input, nil
}

func filterList(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("list", 0); err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	return List(items...), err
}

func filterFirst(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("first", 0); err != nil {
		return Value{}, err
	}
	next, err := r.iterate(input)
	if err != nil {
		return Value{}, err
	}
	v, ok, err := next()
	if err == nil && !ok {
		v = undefinedHint("No first item, sequence was empty.")
	}
	return v, err
}

// reversed lists the items from the last to the first, where Python can.
func (r *run) reversed(v Value) ([]Value, error) {
	switch v.kind {
	case kindGenerator, kindLoop:
		return nil, fail(typeError, "'%s' object is not reversible", typeName(v))
	}
	items, err := r.toSlice(v)
	if err != nil {
		if isKind(err, typeError) {
			return nil, fail(typeError, "'%s' object is not reversible", typeName(v))
		}
		return nil, err
	}
	if err := r.elements(len(items)); err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	return items, nil
}

func filterLast(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("last", 0); err != nil {
		return Value{}, err
	}
	items, err := r.reversed(input)
	if err != nil {
		return Value{}, err
	}
	if len(items) == 0 {
		return undefinedHint("No last item, sequence was empty."), nil
	}
	return items[0], nil
}

func filterReverse(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("reverse", 0); err != nil {
		return Value{}, err
	}
	if input.kind == KindString {
		return r.slice(input, &pySlice{parts: [3]Value{None(), None(), Int(-1)}})
	}
	if input.kind == kindGenerator {
		items, err := r.toSlice(input)
		items = slices.Clone(items)
		slices.Reverse(items)
		return List(items...), err
	}
	items, err := r.reversed(input)
	if err != nil {
		return Value{}, err
	}
	name := map[Kind]string{KindList: "list_reverseiterator", KindDict: "dict_reversekeyiterator", kindRange: "range_iterator"}[input.kind]
	if name == "" {
		name = "reversed"
	}
	return Value{kind: kindGenerator, ref: &generator{typeName: name, next: sliceIterator(items)}}, nil
}

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

// attrGetter is Jinja's make_attrgetter: it follows a dotted path, whose
// numbers are indices.
func (r *run) attrGetter(attribute Value, fallback Value, ignoreCase bool) func(Value) (Value, error) {
	var parts []Value
	switch {
	case attribute.kind == KindString:
		for part := range strings.SplitSeq(attribute.str, ".") {
			if n, err := strconv.Atoi(part); err == nil && part[0] != '-' && part[0] != '+' {
				parts = append(parts, Int(n))
			} else {
				parts = append(parts, String(part))
			}
		}
	case isGiven(attribute):
		parts = []Value{attribute}
	}
	return func(v Value) (Value, error) {
		var err error
		for _, part := range parts {
			if v, err = r.getitem(v, part); err != nil {
				return Value{}, err
			}
			if v.kind == KindUndefined && isGiven(fallback) {
				v = fallback
			}
		}
		if ignoreCase {
			v = foldCase(v)
		}
		return v, nil
	}
}

func foldCase(v Value) Value {
	if v.kind == KindString {
		v.str = lower(v.str)
	}
	return v
}

func filterJoin(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("join", 0, "d", "attribute")
	if err != nil {
		return Value{}, err
	}
	sep := ""
	if args[0].kind != kindMissing {
		if sep, err = r.str(args[0]); err != nil {
			return Value{}, err
		}
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	get := r.attrGetter(args[1], Value{}, false)
	parts := make([]string, len(items))
	for i, item := range items {
		if item, err = get(item); err != nil {
			return Value{}, err
		}
		if parts[i], err = r.str(item); err != nil {
			return Value{}, err
		}
	}
	s, err := r.joined(parts, sep)
	return String(s), err
}

func filterDictsort(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("dictsort", 0, "case_sensitive", "by", "reverse")
	if err != nil {
		return Value{}, err
	}
	by, err := strArg(args[1], "key")
	if err != nil {
		return Value{}, err
	}
	if by != "key" && by != "value" {
		return Value{}, fail(filterArgError, "You can only sort by either \"key\" or \"value\"")
	}
	d, ok := input.Dict()
	if !ok {
		if input.kind == KindUndefined {
			return Value{}, input.undefinedErr()
		}
		return Value{}, fail(ErrorKind("AttributeError"), "'%s' object has no attribute 'items'", typeName(input))
	}
	if err := r.elements(2 * d.Len()); err != nil {
		return Value{}, err
	}
	items, keys := make([]Value, d.Len()), make([]Value, d.Len())
	for i := range items {
		key, val := d.At(i)
		items[i] = Tuple(key, val)
		keys[i] = key
		if by == "value" {
			keys[i] = val
		}
		if !boolArg(args[0], false) {
			keys[i] = foldCase(keys[i])
		}
	}
	out, err := r.sorted(items, keys, boolArg(args[2], false))
	return List(out...), err
}

// sortKeys computes what each item is sorted by.
func (r *run) sortKeys(items []Value, get func(Value) (Value, error)) ([]Value, error) {
	if err := r.elements(len(items)); err != nil {
		return nil, err
	}
	keys := make([]Value, len(items))
	for i, item := range items {
		var err error
		if keys[i], err = get(item); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func filterSort(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("sort", 0, "reverse", "case_sensitive", "attribute")
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	attributes := []Value{args[2]}
	if args[2].kind == KindString {
		attributes = nil
		for name := range strings.SplitSeq(args[2].str, ",") {
			attributes = append(attributes, String(name))
		}
	}
	var getters []func(Value) (Value, error)
	for _, attribute := range attributes {
		getters = append(getters, r.attrGetter(attribute, Value{}, !boolArg(args[1], false)))
	}
	keys, err := r.sortKeys(items, func(v Value) (Value, error) {
		parts := make([]Value, len(getters))
		for i, get := range getters {
			var err error
			if parts[i], err = get(v); err != nil {
				return Value{}, err
			}
		}
		return List(parts...), nil
	})
	if err != nil {
		return Value{}, err
	}
	out, err := r.sorted(items, keys, boolArg(args[0], false))
	return List(out...), err
}

func filterUnique(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("unique", 0, "case_sensitive", "attribute")
	if err != nil {
		return Value{}, err
	}
	get := r.attrGetter(args[1], Value{}, !boolArg(args[0], false))
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

func extremeFilter(name, op string) filterFunc {
	return func(r *run, input Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 0, "case_sensitive", "attribute")
		if err != nil {
			return Value{}, err
		}
		items, err := r.toSlice(input)
		if err != nil {
			return Value{}, err
		}
		if len(items) == 0 {
			return undefinedHint("No aggregated item, sequence was empty."), nil
		}
		keys, err := r.sortKeys(items, r.attrGetter(args[1], Value{}, !boolArg(args[0], false)))
		if err != nil {
			return Value{}, err
		}
		best := 0
		for i := 1; i < len(items); i++ {
			better, err := r.order(op, keys[i], keys[best])
			if err != nil {
				return Value{}, err
			}
			if better {
				best = i
			}
		}
		return items[best], nil
	}
}

func filterSum(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("sum", 0, "attribute", "start")
	if err != nil {
		return Value{}, err
	}
	total := orElse(args[1], Int(0))
	if total.kind == KindString {
		return Value{}, fail(typeError, "sum() can't sum strings [use ''.join(seq) instead]")
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	get := r.attrGetter(args[0], Value{}, false)
	for _, item := range items {
		if item, err = get(item); err != nil {
			return Value{}, err
		}
		if total, err = r.binary("+", total, item); err != nil {
			return Value{}, err
		}
	}
	return total, nil
}

func filterAttr(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("attr", 1, "name")
	if err != nil {
		return Value{}, err
	}
	name, err := strArg(args[0], "")
	if err != nil {
		return Value{}, err
	}
	if input.kind == KindUndefined {
		return Value{}, input.undefinedErr()
	}
	v, ok, err := r.attribute(input, name)
	if err == nil && !ok {
		v = undefinedItem(input, String(name))
	}
	return v, err
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

func filterGroupBy(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("groupby", 1, "attribute", "default", "case_sensitive")
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	fold := !boolArg(args[2], false)
	get := r.attrGetter(args[0], args[1], fold)
	keys, err := r.sortKeys(items, get)
	if err != nil {
		return Value{}, err
	}
	if items, err = r.sorted(items, keys, false); err != nil {
		return Value{}, err
	}
	var groups []Value
	for start := 0; start < len(items); {
		key, err := get(items[start])
		if err != nil {
			return Value{}, err
		}
		end := start + 1
		for ; end < len(items); end++ {
			other, err := get(items[end])
			if err != nil {
				return Value{}, err
			}
			if eq, err := r.equal(key, other); err != nil {
				return Value{}, err
			} else if !eq {
				break
			}
		}
		if key, err = r.attrGetter(args[0], args[1], false)(items[start]); err != nil {
			return Value{}, err
		}
		groups = append(groups, Tuple(key, List(items[start:end]...)))
		start = end
	}
	return List(groups...), nil
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
