package jinja

import (
	"math"
	"slices"
)

// pySlice is the index a[start:stop:step]; None where left out.
type pySlice struct{ parts [3]Value }

// getattr is object.name in a template: an attribute, or else an item.
func (r *run) getattr(object Value, name string) (Value, error) {
	if object.kind == KindUndefined && !dunders[name] {
		return Value{}, object.undefinedErr()
	}
	v, ok, err := r.attribute(object, name)
	if err != nil || ok {
		return v, err
	}
	if d, isDict := object.Dict(); isDict {
		if v, ok := d.Get(name); ok {
			return v, nil
		}
	}
	return undefinedItem(object, String(name)), nil
}

// getitem is object[index] in a template: an item, or else an attribute.
func (r *run) getitem(object, index Value) (Value, error) {
	if object.kind == KindUndefined {
		return Value{}, object.undefinedErr()
	}
	v, ok, err := item(object, index)
	if err != nil || ok {
		return v, err
	}
	if index.kind == KindString {
		if v, ok, err := r.attribute(object, index.str); err != nil || ok {
			return v, err
		}
	}
	return undefinedItem(object, index), nil
}

// item is Python's object[index]; ok is false where that raises TypeError or
// LookupError.
func item(object, index Value) (v Value, ok bool, err error) {
	switch object.kind {
	case KindDict:
		v, ok, err := object.ref.(*Dict).lookup(index)
		if err != nil && !isKind(err, limitError) {
			err = nil // unhashable
		}
		return v, ok, err
	case KindList, KindTuple, KindString, kindRange:
		if !index.isIntegral() || index.isBig() {
			return Value{}, false, nil
		}
		n, _ := sizeOf(object)
		i := int(index.int64())
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return Value{}, false, nil
		}
		return elementAt(object, i), true, nil
	}
	return Value{}, false, nil
}

func elementAt(object Value, i int) Value {
	switch object.kind {
	case KindString:
		start := runeOffset(object.str, i)
		n := runeLen(object.str[start:])
		return Value{kind: KindString, markup: object.markup, str: object.str[start : start+n]}
	case kindRange:
		return object.ref.(*pyRange).at(i)
	}
	return object.ref.(*list).items[i]
}

// runeOffset returns where character i of s starts.
func runeOffset(s string, i int) int {
	off := 0
	for ; i > 0; i-- {
		off += runeLen(s[off:])
	}
	return off
}

// slice is object[start:stop:step], which Jinja leaves to Python.
func (r *run) slice(object Value, s *pySlice) (Value, error) {
	switch object.kind {
	case KindUndefined:
		return Value{}, object.undefinedErr()
	case KindDict:
		return Value{}, fail(typeError, "unhashable type: 'slice'")
	case KindString, KindList, KindTuple, kindRange:
	default:
		return Value{}, fail(typeError, "'%s' object is not subscriptable", typeName(object))
	}
	n, _ := sizeOf(object)
	start, stop, step, err := s.indices(n)
	if err != nil {
		return Value{}, err
	}
	if object.kind == kindRange {
		g := object.ref.(*pyRange)
		wide := int64(step)
		if s.parts[2].kind != KindNone { // a long step shows when it is printed
			i, _ := sliceIndex(s.parts[2], 1<<30)
			wide = int64(i)
		}
		return Value{kind: kindRange, ref: &pyRange{g.start + int64(start)*g.step, g.start + int64(stop)*g.step, g.step * wide}}, nil
	}
	if object.kind == KindString {
		return r.sliceString(object, start, stop, step)
	}
	items := object.ref.(*list).items
	count := (&pyRange{int64(start), int64(stop), int64(step)}).len()
	if err := r.elements(count); err != nil {
		return Value{}, err
	}
	out := make([]Value, 0, count)
	for i := range count {
		out = append(out, items[start+i*step])
	}
	return Value{kind: object.kind, ref: &list{out}}, nil
}

func (r *run) sliceString(v Value, start, stop, step int) (Value, error) {
	if err := r.text(len(v.str)); err != nil {
		return Value{}, err
	}
	out := Value{kind: KindString, markup: v.markup}
	if step == 1 {
		if stop > start {
			from := runeOffset(v.str, start)
			out.str = v.str[from : from+runeOffset(v.str[from:], stop-start)]
		}
		return out, nil
	}
	var chars []string
	for rest := v.str; rest != ""; {
		n := runeLen(rest)
		chars = append(chars, rest[:n])
		rest = rest[n:]
	}
	var b []byte
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		b = append(b, chars[i]...)
	}
	out.str = string(b)
	return out, nil
}

// indices resolves a slice against a length, as Python's slice.indices. The
// step is cut to the length, past which it makes no difference.
func (s *pySlice) indices(n int) (start, stop, step int, err error) {
	step = 1
	if s.parts[2].kind != KindNone {
		if step, err = sliceIndex(s.parts[2], n+1); err != nil {
			return 0, 0, 0, err
		}
		if step == 0 {
			return 0, 0, 0, fail(valueError, "slice step cannot be zero")
		}
	}
	low, high := 0, n
	start, stop = 0, n
	if step < 0 {
		low, high = -1, n-1
		start, stop = n-1, -1
	}
	for i, p := range []*int{&start, &stop} {
		if s.parts[i].kind == KindNone {
			continue
		}
		at, err := sliceIndex(s.parts[i], 2*n+2)
		if err != nil {
			return 0, 0, 0, err
		}
		if at < 0 {
			at += n
		}
		*p = min(max(at, low), high)
	}
	return start, stop, step, nil
}

// sliceIndex reads a slice's part, cut to +-limit.
func sliceIndex(v Value, limit int) (int, error) {
	switch {
	case v.kind == KindUndefined || !v.isIntegral():
		return 0, fail(typeError, "slice indices must be integers or None or have an __index__ method")
	case v.isBig():
		return limit * v.bigInt().Sign(), nil
	}
	return int(min(max(v.int64(), int64(-limit)), int64(limit))), nil
}

// mutators are the methods that Jinja's immutable sandbox hides.
var mutators = map[Kind][]string{
	KindList: {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
	KindDict: {"clear", "pop", "popitem", "setdefault", "update"},
}

// attribute is Python's getattr(object, name), as far as the sandbox and this
// package go.
func (r *run) attribute(object Value, name string) (v Value, ok bool, err error) {
	if len(name) > 1 && name[0] == '_' {
		if dunders[name] {
			return unsafeAttribute(object, name), true, nil
		}
		return Value{}, false, nil
	}
	var methods map[string]method
	switch object.kind {
	case KindString:
		methods = stringMethods
	case KindList:
		methods = listMethods
	case KindTuple, kindRange:
		methods = tupleMethods
	case KindDict:
		methods = dictMethods
	case KindInt, KindBool, KindFloat:
		return numberAttribute(object, name)
	case kindNamespace:
		v, ok := object.ref.(*namespace).attrs.Get(name)
		return v, ok, nil
	case kindLoop:
		return object.ref.(*loopContext).attr(name)
	case kindMacro:
		return macroAttribute(object.ref.(*macro).def, name)
	case kindCycler:
		return object.ref.(*cycler).attr(name)
	}
	if slices.Contains(mutators[object.kind], name) {
		return unsafeAttribute(object, name), true, nil
	}
	m, ok := methods[name]
	if name == "format" && object.kind == KindString {
		m, ok = strFormat, true // reads attributes, and so cannot stand in the table
	}
	if !ok {
		return Value{}, false, nil
	}
	return newFunction(name, func(r *run, a callArgs) (Value, error) { return m(r, object, a) }), true, nil
}

// dunders are the internals that every Python object has and the sandbox
// hides; other names with underscores may be keys of a dict.
var dunders = map[string]bool{
	"__class__": true, "__dict__": true, "__doc__": true, "__init__": true, "__new__": true,
	"__getattribute__": true, "__setattr__": true, "__reduce__": true, "__reduce_ex__": true,
	"__subclasshook__": true, "__init_subclass__": true, "__dir__": true, "__eq__": true,
	"__hash__": true, "__repr__": true, "__str__": true, "__format__": true, "__sizeof__": true,
	"__len__": true, "__getitem__": true, "__iter__": true, "__contains__": true, "__call__": true,
}

func unsafeAttribute(object Value, name string) Value {
	return Value{kind: KindUndefined, ref: &undefined{
		hint:   "access to attribute " + reprString(name) + " of " + reprString(typeName(object)) + " object is unsafe.",
		unsafe: true,
	}}
}

func numberAttribute(v Value, name string) (Value, bool, error) {
	switch {
	case name == "real" && v.kind == KindFloat:
		return v, true, nil
	case (name == "real" || name == "numerator") && v.isIntegral():
		return bigValue(v.bigInt()), true, nil
	case name == "denominator" && v.isIntegral():
		return Int(1), true, nil
	case name == "imag" && v.isIntegral():
		return Int(0), true, nil
	case name == "imag":
		return Float(0), true, nil
	case name == "is_integer" && v.kind == KindFloat:
		return newFunction(name, func(*run, callArgs) (Value, error) {
			f := v.float()
			return Bool(f == math.Trunc(f) && !math.IsInf(f, 0)), nil
		}), true, nil
	case name == "bit_length" && v.isIntegral():
		return newFunction(name, func(*run, callArgs) (Value, error) { return Int(v.bigInt().BitLen()), nil }), true, nil
	}
	return Value{}, false, nil
}

func macroAttribute(def *macroDef, name string) (Value, bool, error) {
	switch name {
	case "name":
		if def.name == "" {
			return None(), true, nil
		}
		return String(def.name), true, nil
	case "arguments":
		items := make([]Value, len(def.params))
		for i, p := range def.params {
			items[i] = String(p)
		}
		return Tuple(items...), true, nil
	case "catch_kwargs":
		return Bool(def.kwargs), true, nil
	case "catch_varargs":
		return Bool(def.varargs), true, nil
	case "caller":
		return Bool(def.caller), true, nil
	}
	return Value{}, false, nil
}
