package jinja

import (
	"math"
	"math/big"
)

// Kind says what a [Value] is.
type Kind uint8

// The kinds a value from outside may have. Values made inside a template
// (generators, macros, namespaces) have kinds that are not exported.
const (
	KindNone Kind = iota
	KindUndefined
	KindBool
	KindInt
	KindFloat
	KindString
	KindList
	KindTuple
	KindDict

	kindMissing // a variable slot nothing was stored in
	kindView    // dict.keys(), .values(), .items()
	kindRange
	kindGenerator
	kindNamespace
	kindMacro
	kindFunc
	kindLoop
	kindCycler
	kindSlice
)

// Value is one Python-like value. The zero Value is None. Values are
// immutable and may be shared between goroutines; namespaces, generators and
// loops, which are not, never leave the render that made them.
type Value struct {
	kind   Kind
	markup bool   // a string marked safe for HTML, as Python's Markup
	num    uint64 // bool, int64 or the bits of a float64
	str    string
	ref    any // *list, *Dict, *big.Int, ... by kind
}

type list struct{ items []Value }

// None returns Python's None.
func None() Value { return Value{} }

// Bool returns a Python bool.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Int returns a Python int.
func Int(i int) Value { return int64Value(int64(i)) }

// Float returns a Python float.
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// String returns a Python str. Bytes that are not UTF-8 are kept as they are
// and count as one character each.
func String(s string) Value { return Value{kind: KindString, str: s} }

// List returns a list that owns items.
func List(items ...Value) Value { return Value{kind: KindList, ref: &list{items}} }

// Tuple returns a tuple that owns items.
func Tuple(items ...Value) Value { return Value{kind: KindTuple, ref: &list{items}} }

// Map returns d as a value; d must not be changed afterwards.
func Map(d *Dict) Value { return Value{kind: KindDict, ref: d} }

func int64Value(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// bigValue returns an int, in its short form when it fits.
func bigValue(b *big.Int) Value {
	if b.IsInt64() {
		return int64Value(b.Int64())
	}
	return Value{kind: KindInt, ref: b}
}

func markupValue(s string) Value { return Value{kind: KindString, markup: true, str: s} }

// Kind returns what v is.
func (v Value) Kind() Kind { return v.kind }

// Str returns the text of a string value and whether v is one.
func (v Value) Str() (string, bool) { return v.str, v.kind == KindString }

// Items returns the elements of a list or tuple, which the caller must not
// change, and whether v is one.
func (v Value) Items() ([]Value, bool) {
	if l, ok := v.ref.(*list); ok {
		return l.items, true
	}
	return nil, false
}

// Dict returns the entries of a dict, which the caller must not change, and
// whether v is one.
func (v Value) Dict() (*Dict, bool) {
	d, ok := v.ref.(*Dict)
	return d, ok && v.kind == KindDict
}

func (v Value) int64() int64     { return int64(v.num) }
func (v Value) float() float64   { return math.Float64frombits(v.num) }
func (v Value) isBig() bool      { return v.kind == KindInt && v.ref != nil }
func (v Value) isNumber() bool   { return v.kind == KindInt || v.kind == KindFloat || v.kind == KindBool }
func (v Value) isIntegral() bool { return v.kind == KindInt || v.kind == KindBool }

// bigInt returns the value of an int or bool.
func (v Value) bigInt() *big.Int {
	if b, ok := v.ref.(*big.Int); ok {
		return b
	}
	return big.NewInt(v.int64())
}

// toFloat returns the value of a number as a float.
func (v Value) toFloat() (float64, error) {
	switch {
	case v.kind == KindFloat:
		return v.float(), nil
	case v.isBig():
		f, _ := new(big.Float).SetInt(v.bigInt()).Float64()
		if math.IsInf(f, 0) {
			return 0, fail(overflowError, "int too large to convert to float")
		}
		return f, nil
	default:
		return float64(v.int64()), nil
	}
}

// undefined is what a lookup that found nothing returns: printable as the
// empty string, an error on most other uses.
type undefined struct {
	hint   string
	name   Value
	object Value
	rooted bool // object is set: an attribute or element was missing
	unsafe bool // using it is a breach of the sandbox, not a slip
}

func undefinedName(name string) Value {
	return Value{kind: KindUndefined, ref: &undefined{name: String(name)}}
}

func undefinedHint(hint string) Value {
	return Value{kind: KindUndefined, ref: &undefined{hint: hint}}
}

func undefinedItem(object, name Value) Value {
	return Value{kind: KindUndefined, ref: &undefined{object: object, name: name, rooted: true}}
}

// fail returns the error for using an undefined value.
func (u *undefined) fail() error {
	kind := undefinedError
	if u.unsafe {
		kind = securityError
	}
	return &Error{Kind: kind, Msg: u.message()}
}

func (u *undefined) message() string {
	switch {
	case u.hint != "":
		return u.hint
	case !u.rooted:
		return reprString(u.name.str) + " is undefined"
	case u.name.kind != KindString:
		return objectTypeRepr(u.object) + " has no element " + shortRepr(u.name)
	default:
		return reprString(objectTypeRepr(u.object)) + " has no attribute " + reprString(u.name.str)
	}
}

func (v Value) undefinedErr() error {
	u, ok := v.ref.(*undefined)
	if !ok {
		u = &undefined{hint: "value is undefined"}
	}
	return u.fail()
}

// objectTypeRepr names the type of v as Jinja's messages do.
func objectTypeRepr(v Value) string {
	switch v.kind {
	case KindNone:
		return "None"
	case kindLoop:
		return "jinja2.runtime.LoopContext object"
	case kindMacro:
		return "jinja2.runtime.Macro object"
	case kindCycler:
		return "jinja2.utils.Cycler object"
	}
	if v.markup {
		return "markupsafe.Markup object"
	}
	return typeName(v) + " object"
}

// typeName returns the name of the Python type that v stands for.
func typeName(v Value) string {
	switch v.kind {
	case KindNone:
		return "NoneType"
	case KindUndefined, kindMissing:
		return "Undefined"
	case KindBool:
		return "bool"
	case KindInt:
		return "int"
	case KindFloat:
		return "float"
	case KindString:
		if v.markup {
			return "Markup"
		}
		return "str"
	case KindList:
		return "list"
	case KindTuple:
		return "tuple"
	case KindDict:
		return "dict"
	case kindView:
		return v.ref.(*view).typeName()
	case kindRange:
		return "range"
	case kindGenerator:
		return v.ref.(*generator).typeName
	case kindNamespace:
		return "namespace"
	case kindMacro:
		return "Macro"
	case kindLoop:
		return "LoopContext"
	case kindCycler:
		return "Cycler"
	case kindSlice:
		return "slice"
	default:
		return "builtin_function_or_method"
	}
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch v.kind {
	case KindNone, KindUndefined, kindMissing:
		return false
	case KindBool:
		return v.num != 0
	case KindInt:
		return v.num != 0 || v.ref != nil
	case KindFloat:
		return v.float() != 0
	case KindString:
		return v.str != ""
	}
	if n, ok := sizeOf(v); ok {
		return n > 0
	}
	return true
}

// sizeOf is Python's len(v); ok is false where Python raises TypeError.
// Loops, whose length may need work, are left to the caller.
func sizeOf(v Value) (n int, ok bool) {
	switch v.kind {
	case KindUndefined:
		return 0, true
	case KindString:
		return runeCount(v.str), true
	case KindList, KindTuple:
		return len(v.ref.(*list).items), true
	case KindDict:
		return v.ref.(*Dict).Len(), true
	case kindView:
		return v.ref.(*view).dict.Len(), true
	case kindRange:
		return v.ref.(*pyRange).len(), true
	default:
		return 0, false
	}
}
