package jinja

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
)

// compare evaluates one comparison operator.
func (r *run) compare(op string, a, b Value) (bool, error) {
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		eq, err := r.equal(a, b)
		return !eq, err
	case "in":
		return r.contains(b, a)
	case "not in":
		in, err := r.contains(b, a)
		return !in, err
	}
	return r.order(op, a, b)
}

// equal is Python's a == b.
func (r *run) equal(a, b Value) (bool, error) { return r.equalAt(a, b, 0) }

func (r *run) equalAt(a, b Value, depth int) (bool, error) {
	if depth > maxValueDepth {
		return false, errTooDeep()
	}
	if err := r.spend(1); err != nil {
		return false, err
	}
	if a.isNumber() && b.isNumber() {
		return compareNumbers(a, b) == 0, nil
	}
	if a.kind != b.kind {
		return false, nil
	}
	switch a.kind {
	case KindNone, KindUndefined:
		return true, nil
	case KindString:
		return a.str == b.str, r.scan(min(len(a.str), len(b.str)))
	case KindList, KindTuple:
		return r.equalItems(a.ref.(*list).items, b.ref.(*list).items, depth)
	case KindDict:
		return r.equalDicts(a.ref.(*Dict), b.ref.(*Dict), depth)
	case kindRange:
		x, y := a.ref.(*pyRange), b.ref.(*pyRange)
		n := x.len()
		return n == y.len() && (n == 0 || x.start == y.start && (n == 1 || x.step == y.step)), nil
	default:
		return a.ref == b.ref, nil
	}
}

func (r *run) equalItems(a, b []Value, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if eq, err := r.equalAt(a[i], b[i], depth+1); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalDicts(a, b *Dict, depth int) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	for i := range a.Len() {
		key, val := a.At(i)
		other, ok, err := b.lookup(key)
		if err != nil || !ok {
			return false, err
		}
		if eq, err := r.equalAt(val, other, depth+1); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

// unordered is what comparing with NaN gives, in place of -1, 0 or 1.
const unordered = 2

// compareNumbers orders two numbers.
func compareNumbers(a, b Value) int {
	if a.kind == KindFloat || b.kind == KindFloat {
		return compareFloats(a, b)
	}
	if a.isBig() || b.isBig() {
		return a.bigInt().Cmp(b.bigInt())
	}
	switch x, y := a.int64(), b.int64(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareFloats(a, b Value) int {
	x, y := exactFloat(a), exactFloat(b)
	if x == nil || y == nil { // an infinity or NaN
		return compareInexact(a, b)
	}
	return x.Cmp(y)
}

func exactFloat(v Value) *big.Float {
	if v.kind == KindFloat {
		if f := v.float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return big.NewFloat(f)
		}
		return nil
	}
	return new(big.Float).SetInt(v.bigInt())
}

func compareInexact(a, b Value) int {
	var x, y float64 // 0 stands for an int: any int lies between the infinities
	if a.kind == KindFloat {
		x = a.float()
	}
	if b.kind == KindFloat {
		y = b.float()
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return unordered
}

// order evaluates <, <=, > and >=.
func (r *run) order(op string, a, b Value) (bool, error) { return r.orderAt(op, a, b, 0) }

func (r *run) orderAt(op string, a, b Value, depth int) (bool, error) {
	if depth > maxValueDepth {
		return false, errTooDeep()
	}
	if err := r.spend(1); err != nil {
		return false, err
	}
	switch {
	case a.kind == KindUndefined:
		return false, a.undefinedErr()
	case b.kind == KindUndefined:
		return false, b.undefinedErr()
	case a.isNumber() && b.isNumber():
		return holds(op, compareNumbers(a, b)), nil
	case a.kind == KindString && b.kind == KindString:
		if err := r.scan(min(len(a.str), len(b.str))); err != nil {
			return false, err
		}
		return holds(op, strings.Compare(a.str, b.str)), nil
	case a.kind == b.kind && (a.kind == KindList || a.kind == KindTuple):
		return r.orderItems(op, a.ref.(*list).items, b.ref.(*list).items, depth)
	}
	return false, fail(typeError, "'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func (r *run) orderItems(op string, a, b []Value, depth int) (bool, error) {
	for i := range min(len(a), len(b)) {
		eq, err := r.equalAt(a[i], b[i], depth+1)
		if err != nil {
			return false, err
		}
		if !eq {
			return r.orderAt(op, a[i], b[i], depth+1)
		}
	}
	return holds(op, cmp.Compare(len(a), len(b))), nil
}

func holds(op string, c int) bool {
	if c == unordered {
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// contains is Python's item in container.
func (r *run) contains(container, item Value) (bool, error) {
	switch container.kind {
	case KindString:
		if item.kind != KindString {
			if item.kind == KindUndefined {
				return false, fail(typeError, "'in <string>' requires string as left operand, not Undefined")
			}
			return false, fail(typeError, "'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(container.str, item.str), r.scan(len(container.str))
	case KindDict:
		_, ok, err := container.ref.(*Dict).lookup(item)
		return ok, err
	case kindView:
		if w := container.ref.(*view); w.what == 'k' {
			_, ok, err := w.dict.lookup(item)
			return ok, err
		}
	}
	next, err := r.iterate(container)
	if err != nil {
		if isKind(err, typeError) {
			return false, fail(typeError, "argument of type '%s' is not iterable", typeName(container))
		}
		return false, err
	}
	for {
		v, ok, err := next()
		if err != nil || !ok {
			return false, err
		}
		if eq, err := r.equal(v, item); err != nil || eq {
			return eq, err
		}
	}
}

// sorted is Python's sorted(items, key=..., reverse=...): stable, by "<".
func (r *run) sorted(items, keys []Value, reverse bool) ([]Value, error) {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	if err := r.elements(len(items)); err != nil {
		return nil, err
	}
	var failed error
	less := func(a, b int) bool {
		if failed != nil {
			return false
		}
		yes, err := r.order("<", keys[a], keys[b])
		failed = err
		return yes
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if reverse {
			a, b = b, a
		}
		switch {
		case less(a, b):
			return -1
		case less(b, a):
			return 1
		}
		return 0
	})
	if failed != nil {
		return nil, failed
	}
	out := make([]Value, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	return out, nil
}
