package jinja

import (
	"maps"
	"math"
	"strconv"
)

// Dict is an insertion-ordered mapping with Python's idea of equal keys
// (1, 1.0 and True are one key). The zero Dict is empty and ready to use.
// It is not safe to change it while others read it.
type Dict struct {
	keys  []Value
	vals  []Value
	index map[dictKey]int
}

type dictKey struct {
	kind byte
	num  uint64
	str  string
	ref  any // identity of values that Python hashes by address
}

// Len returns the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// At returns entry i in insertion order.
func (d *Dict) At(i int) (key, value Value) { return d.keys[i], d.vals[i] }

// Get returns the value of a string key.
func (d *Dict) Get(key string) (Value, bool) {
	i, ok := d.index[dictKey{kind: 's', str: key}]
	if !ok {
		return Value{}, false
	}
	return d.vals[i], true
}

// Set stores a value under a string key, keeping the place of a key that is
// already there.
func (d *Dict) Set(key string, value Value) {
	d.put(dictKey{kind: 's', str: key}, String(key), value)
}

func (d *Dict) put(k dictKey, key, value Value) {
	if i, ok := d.index[k]; ok {
		d.vals[i] = value
		return
	}
	if d.index == nil {
		d.index = make(map[dictKey]int)
	}
	d.index[k] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, value)
}

// setValue stores under any hashable key.
func (d *Dict) setValue(key, value Value) error {
	k, err := keyOf(key)
	if err != nil {
		return err
	}
	d.put(k, key, value)
	return nil
}

// lookup finds any hashable key.
func (d *Dict) lookup(key Value) (Value, bool, error) {
	k, err := keyOf(key)
	if err != nil {
		return Value{}, false, err
	}
	i, ok := d.index[k]
	if !ok {
		return Value{}, false, nil
	}
	return d.vals[i], true, nil
}

func (d *Dict) clone() *Dict {
	c := &Dict{
		keys:  append([]Value(nil), d.keys...),
		vals:  append([]Value(nil), d.vals...),
		index: make(map[dictKey]int, len(d.index)),
	}
	maps.Copy(c.index, d.index)
	return c
}

// keyOf returns what Python's hash and equality make of a dict key. Lists and
// dicts have none.
func keyOf(v Value) (dictKey, error) { return keyAtDepth(v, 0) }

func keyAtDepth(v Value, depth int) (dictKey, error) {
	if depth > maxValueDepth {
		return dictKey{}, errTooDeep()
	}
	switch v.kind {
	case KindNone:
		return dictKey{kind: '0'}, nil
	case KindUndefined:
		return dictKey{kind: 'u'}, nil
	case KindString:
		return dictKey{kind: 's', str: v.str}, nil
	case KindBool, KindInt:
		if v.isBig() {
			return dictKey{kind: 'b', str: v.bigInt().String()}, nil
		}
		return dictKey{kind: 'n', num: v.num}, nil
	case KindFloat:
		f := v.float()
		if f == math.Trunc(f) && math.Abs(f) < 1<<62 {
			return dictKey{kind: 'n', num: uint64(int64(f))}, nil
		}
		return dictKey{kind: 'f', num: v.num}, nil
	case KindTuple:
		return tupleKey(v, depth)
	case KindList, KindDict, kindSlice:
		return dictKey{}, fail(typeError, "unhashable type: '%s'", typeName(v))
	case kindFunc:
		return dictKey{kind: 'p', ref: v.ref.(*function)}, nil
	default:
		return dictKey{kind: 'p', ref: v.ref}, nil
	}
}

// tupleKey spells the keys of the elements out, each with its length, so that
// different tuples never share a key.
func tupleKey(v Value, depth int) (dictKey, error) {
	var text []byte
	for _, item := range v.ref.(*list).items {
		k, err := keyAtDepth(item, depth+1)
		if err != nil {
			return dictKey{}, err
		}
		text = append(text, k.kind)
		text = strconv.AppendUint(text, k.num, 16)
		text = append(text, ':')
		text = strconv.AppendInt(text, int64(len(k.str)), 10)
		text = append(text, ':')
		text = append(text, k.str...)
		if len(text) > maxStringBytes {
			return dictKey{}, errTooLong()
		}
	}
	return dictKey{kind: 't', str: string(text)}, nil
}

// view is what dict.keys(), .values() and .items() return.
type view struct {
	dict *Dict
	what byte // 'k', 'v' or 'i'
}

func (w *view) typeName() string {
	switch w.what {
	case 'k':
		return "dict_keys"
	case 'v':
		return "dict_values"
	default:
		return "dict_items"
	}
}

func (w *view) at(i int) Value {
	key, val := w.dict.At(i)
	switch w.what {
	case 'k':
		return key
	case 'v':
		return val
	default:
		return Tuple(key, val)
	}
}

// pyRange is Python's range: start, start+step, ... before stop.
type pyRange struct{ start, stop, step int64 }

func (g *pyRange) len() int {
	switch {
	case g.step > 0 && g.start < g.stop:
		return int((g.stop-g.start-1)/g.step + 1)
	case g.step < 0 && g.start > g.stop:
		return int((g.start-g.stop-1)/-g.step + 1)
	default:
		return 0
	}
}

func (g *pyRange) at(i int) Value { return int64Value(g.start + int64(i)*g.step) }

// namespace is the one object that a template may change.
type namespace struct{ attrs *Dict }
