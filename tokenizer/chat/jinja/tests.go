package jinja

import "slices"

// testFunc is a test: input is name(args).
type testFunc func(r *run, input Value, a callArgs) (bool, error)

var tests = map[string]testFunc{
	"boolean":     is(func(v Value) bool { return v.kind == KindBool }),
	"callable":    is(isCallable),
	"defined":     is(func(v Value) bool { return v.kind != KindUndefined }),
	"escaped":     is(func(v Value) bool { return v.markup }),
	"false":       is(func(v Value) bool { return v.kind == KindBool && v.num == 0 }),
	"float":       is(func(v Value) bool { return v.kind == KindFloat }),
	"integer":     is(func(v Value) bool { return v.kind == KindInt }),
	"iterable":    is(isIterable),
	"mapping":     is(func(v Value) bool { return v.kind == KindDict }),
	"none":        is(func(v Value) bool { return v.kind == KindNone }),
	"number":      is(Value.isNumber),
	"sequence":    is(func(v Value) bool { return isSequence(v) || isOneOf(v, KindDict, kindRange, KindUndefined) }),
	"string":      is(func(v Value) bool { return v.kind == KindString }),
	"true":        is(func(v Value) bool { return v.kind == KindBool && v.num == 1 }),
	"undefined":   is(func(v Value) bool { return v.kind == KindUndefined }),
	"lower":       testText(isLower),
	"upper":       testText(isUpper),
	"odd":         testRemainder(1),
	"even":        testRemainder(0),
	"divisibleby": testDivisible,
	"sameas":      testSame,
	"in":          testIn,
	"eq":          testCompare("=="),
	"equalto":     testCompare("=="),
	"==":          testCompare("=="),
	"ne":          testCompare("!="),
	"!=":          testCompare("!="),
	"gt":          testCompare(">"),
	"greaterthan": testCompare(">"),
	">":           testCompare(">"),
	"ge":          testCompare(">="),
	">=":          testCompare(">="),
	"lt":          testCompare("<"),
	"lessthan":    testCompare("<"),
	"<":           testCompare("<"),
	"le":          testCompare("<="),
	"<=":          testCompare("<="),
}

// testByName returns a test, nil where there is none of that name. The tests
// that ask the tables are kept out of them.
func testByName(name string) testFunc {
	switch name {
	case "filter":
		return is(func(v Value) bool { return v.kind == KindString && filterByName(v.str) != nil })
	case "test":
		return is(func(v Value) bool { return v.kind == KindString && testByName(v.str) != nil })
	}
	return tests[name]
}

func is(f func(Value) bool) testFunc {
	return func(_ *run, v Value, a callArgs) (bool, error) {
		_, err := a.bind("test", 0)
		return f(v), err
	}
}

func isOneOf(v Value, kinds ...Kind) bool { return slices.Contains(kinds, v.kind) }

func isCallable(v Value) bool { return isOneOf(v, kindFunc, kindMacro, kindLoop, KindUndefined) }

func isIterable(v Value) bool {
	return isSequence(v) || isOneOf(v, KindUndefined, KindDict, kindView, kindRange, kindGenerator, kindLoop)
}

func testText(f func(string) bool) testFunc {
	return func(r *run, v Value, a callArgs) (bool, error) {
		if _, err := a.bind("test", 0); err != nil {
			return false, err
		}
		s, err := r.str(v)
		return f(s), err
	}
}

func (r *run) remainderIs(v, divisor, want Value) (bool, error) {
	rest, err := r.binary("%", v, divisor)
	if err != nil {
		return false, err
	}
	return r.equal(rest, want)
}

func testRemainder(want int) testFunc {
	return func(r *run, v Value, a callArgs) (bool, error) {
		if _, err := a.bind("test", 0); err != nil {
			return false, err
		}
		return r.remainderIs(v, Int(2), Int(want))
	}
}

func testDivisible(r *run, v Value, a callArgs) (bool, error) {
	args, err := a.bind("divisibleby", 1, "num")
	if err != nil {
		return false, err
	}
	return r.remainderIs(v, args[0], Int(0))
}

// testSame is Python's "is". Scalars that are equal and of one type count as
// the same object, which holds for None, True, False and small ints.
func testSame(r *run, v Value, a callArgs) (bool, error) {
	args, err := a.bind("sameas", 1, "other")
	if err != nil || v.kind != args[0].kind {
		return false, err
	}
	switch v.kind {
	case KindList, KindTuple, KindDict:
		return v.ref == args[0].ref, nil
	}
	return r.equal(v, args[0])
}

func testIn(r *run, v Value, a callArgs) (bool, error) {
	args, err := a.bind("in", 1, "seq")
	if err != nil {
		return false, err
	}
	return r.contains(args[0], v)
}

func testCompare(op string) testFunc {
	return func(r *run, v Value, a callArgs) (bool, error) {
		args, err := a.bind(op, 1, "other")
		if err != nil {
			return false, err
		}
		return r.compare(op, v, args[0])
	}
}
