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
	if input.kind == KindUndefined || boolArg(args[1]) && !yes {
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
		if !boolArg(args[0]) {
			keys[i] = foldCase(keys[i])
		}
	}
	out, err := r.sorted(items, keys, boolArg(args[2]))
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
		getters = append(getters, r.attrGetter(attribute, Value{}, !boolArg(args[1])))
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
	out, err := r.sorted(items, keys, boolArg(args[0]))
	return List(out...), err
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
		keys, err := r.sortKeys(items, r.attrGetter(args[1], Value{}, !boolArg(args[0])))
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

func filterGroupBy(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("groupby", 1, "attribute", "default", "case_sensitive")
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	fold := !boolArg(args[2])
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
