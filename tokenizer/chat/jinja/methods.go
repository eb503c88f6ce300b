package jinja

import (
	"strings"
	"unicode"
)

// method is a built-in method with its receiver.
type method func(r *run, self Value, a callArgs) (Value, error)

var stringMethods = map[string]method{
	"upper":        textMethod("upper", upper),
	"lower":        textMethod("lower", lower),
	"casefold":     textMethod("casefold", lower),
	"title":        textMethod("title", titleCase),
	"capitalize":   textMethod("capitalize", capitalize),
	"swapcase":     textMethod("swapcase", swapCase),
	"strip":        stripMethod("strip", true, true),
	"lstrip":       stripMethod("lstrip", true, false),
	"rstrip":       stripMethod("rstrip", false, true),
	"split":        strSplit,
	"rsplit":       strRsplit,
	"splitlines":   strSplitlines,
	"startswith":   affixMethod("startswith", strings.HasPrefix),
	"endswith":     affixMethod("endswith", strings.HasSuffix),
	"replace":      strReplace,
	"join":         strJoin,
	"find":         findMethod("find", strings.Index, false),
	"rfind":        findMethod("rfind", strings.LastIndex, false),
	"index":        findMethod("index", strings.Index, true),
	"rindex":       findMethod("rindex", strings.LastIndex, true),
	"count":        strCount,
	"center":       padMethod("center"),
	"ljust":        padMethod("ljust"),
	"rjust":        padMethod("rjust"),
	"zfill":        strZfill,
	"partition":    strPartition,
	"rpartition":   strRpartition,
	"removeprefix": cutMethod("removeprefix", strings.TrimPrefix),
	"removesuffix": cutMethod("removesuffix", strings.TrimSuffix),
	"isdigit":      classMethod(unicode.IsDigit),
	"isdecimal":    classMethod(unicode.IsDigit),
	"isnumeric":    classMethod(unicode.IsNumber),
	"isalpha":      classMethod(unicode.IsLetter),
	"isalnum":      classMethod(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
	"isspace":      classMethod(isSpace),
	"isupper":      func(_ *run, s Value, _ callArgs) (Value, error) { return Bool(isUpper(s.str)), nil },
	"islower":      func(_ *run, s Value, _ callArgs) (Value, error) { return Bool(isLower(s.str)), nil },
	"isascii": func(_ *run, s Value, _ callArgs) (Value, error) {
		return Bool(strings.IndexFunc(s.str, func(c rune) bool { return c >= 0x80 }) < 0), nil
	},
}

var listMethods = map[string]method{
	"index": seqIndex,
	"count": seqCount,
	"copy": func(_ *run, self Value, _ callArgs) (Value, error) {
		return List(self.ref.(*list).items...), nil
	},
}

var tupleMethods = map[string]method{"index": seqIndex, "count": seqCount}

var dictMethods = map[string]method{
	"get":    dictGet,
	"keys":   viewMethod('k'),
	"values": viewMethod('v'),
	"items":  viewMethod('i'),
	"copy":   func(_ *run, self Value, _ callArgs) (Value, error) { return Map(self.ref.(*Dict).clone()), nil },
}

// like returns a string of self's kind: methods of Markup return Markup.
func like(self Value, s string) Value {
	return Value{kind: KindString, markup: self.markup, str: s}
}

func textMethod(name string, f func(string) string) method {
	return func(r *run, self Value, a callArgs) (Value, error) {
		if _, err := a.bind(name, 0); err != nil {
			return Value{}, err
		}
		if err := r.text(2 * len(self.str)); err != nil {
			return Value{}, err
		}
		return like(self, f(self.str)), nil
	}
}

func seqItems(self Value) []Value {
	if g, ok := self.ref.(*pyRange); ok {
		items := make([]Value, g.len())
		for i := range items {
			items[i] = g.at(i)
		}
		return items
	}
	items, _ := self.Items()
	return items
}

func seqIndex(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("index", 1, "value", "start", "stop")
	if err != nil {
		return Value{}, err
	}
	items := seqItems(self)
	sl := &pySlice{parts: [3]Value{orElse(args[1], None()), orElse(args[2], None()), None()}}
	from, to, _, err := sl.indices(len(items))
	if err != nil {
		return Value{}, err
	}
	for i := from; i < to; i++ {
		if eq, err := r.equal(items[i], args[0]); err != nil {
			return Value{}, err
		} else if eq {
			return Int(i), nil
		}
	}
	text, err := r.repr(args[0])
	if err != nil {
		return Value{}, err
	}
	return Value{}, fail(valueError, "%.100s is not in %s", text, typeName(self))
}

func seqCount(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("count", 1, "value")
	if err != nil {
		return Value{}, err
	}
	n := 0
	for _, item := range seqItems(self) {
		eq, err := r.equal(item, args[0])
		if err != nil {
			return Value{}, err
		}
		if eq {
			n++
		}
	}
	return Int(n), nil
}

func dictGet(_ *run, self Value, a callArgs) (Value, error) {
	if len(a.names) > 0 {
		return Value{}, fail(typeError, "dict.get() takes no keyword arguments")
	}
	args, err := a.bind("get", 1, "key", "default")
	if err != nil {
		return Value{}, err
	}
	v, ok, err := self.ref.(*Dict).lookup(args[0])
	if err != nil || ok {
		return v, err
	}
	return orElse(args[1], None()), nil
}

func viewMethod(what byte) method {
	return func(_ *run, self Value, a callArgs) (Value, error) {
		w := &view{self.ref.(*Dict), what}
		_, err := a.bind(w.typeName(), 0)
		return Value{kind: kindView, ref: w}, err
	}
}
