package jinja

import (
	"slices"
	"strings"
)

func stripMethod(name string, left, right bool) method {
	return func(r *run, self Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 0, "chars")
		if err != nil {
			return Value{}, err
		}
		chars, given, err := optStrArg(args[0])
		if err != nil {
			return Value{}, fail(typeError, "%s arg must be None or str", name)
		}
		s, err := r.stripped(self.str, chars, given, left, right)
		return like(self, s), err
	}
}

// stripped removes characters from the ends: those of chars, or whitespace
// where none are given.
func (r *run) stripped(s, chars string, given, left, right bool) (string, error) {
	if err := r.scan(len(s) * (1 + len(chars)/8)); err != nil {
		return "", err
	}
	in := isSpace
	if given {
		in = func(c rune) bool { return strings.ContainsRune(chars, c) }
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s, nil
}

// stringList returns parts as a list of strings of self's kind.
func (r *run) stringList(self Value, parts []string) (Value, error) {
	if err := r.elements(len(parts)); err != nil {
		return Value{}, err
	}
	items := make([]Value, len(parts))
	for i, p := range parts {
		items[i] = like(self, p)
	}
	return List(items...), nil
}

func splitArgs(name string, a callArgs) (sep string, given bool, limit int, err error) {
	args, err := a.bind(name, 0, "sep", "maxsplit")
	if err != nil {
		return "", false, 0, err
	}
	if sep, given, err = optStrArg(args[0]); err != nil {
		return "", false, 0, fail(typeError, "must be str or None, not %s", typeName(args[0]))
	}
	if given && sep == "" {
		return "", false, 0, fail(valueError, "empty separator")
	}
	limit, err = intArg(args[1], -1)
	return sep, given, limit, err
}

func strSplit(r *run, self Value, a callArgs) (Value, error) {
	sep, given, limit, err := splitArgs("split", a)
	if err != nil {
		return Value{}, err
	}
	if err := r.text(len(self.str)); err != nil {
		return Value{}, err
	}
	if given {
		n := -1
		if limit >= 0 {
			n = limit + 1
		}
		return r.stringList(self, strings.SplitN(self.str, sep, n))
	}
	var parts []string
	rest := strings.TrimLeftFunc(self.str, isSpace)
	for rest != "" {
		end := strings.IndexFunc(rest, isSpace)
		if end < 0 || limit >= 0 && len(parts) == limit {
			parts = append(parts, rest)
			break
		}
		parts = append(parts, rest[:end])
		rest = strings.TrimLeftFunc(rest[end:], isSpace)
	}
	return r.stringList(self, parts)
}

func strRsplit(r *run, self Value, a callArgs) (Value, error) {
	sep, given, limit, err := splitArgs("rsplit", a)
	if err != nil {
		return Value{}, err
	}
	if err := r.text(len(self.str)); err != nil {
		return Value{}, err
	}
	if limit < 0 {
		return strSplit(r, self, callArgs{pos: a.pos[:min(1, len(a.pos))], names: a.names, kwargs: a.kwargs})
	}
	var parts []string
	rest := self.str
	if !given {
		rest = strings.TrimRightFunc(rest, isSpace)
	}
	for len(parts) < limit && rest != "" {
		var start, end int
		if given {
			if end = strings.LastIndex(rest, sep); end < 0 {
				break
			}
			start = end + len(sep)
		} else {
			i := strings.LastIndexFunc(rest, isSpace)
			if i < 0 {
				break
			}
			start = i + runeLen(rest[i:])
			end = len(strings.TrimRightFunc(rest[:i], isSpace))
		}
		parts = append(parts, rest[start:])
		rest = rest[:end]
	}
	if given || rest != "" {
		parts = append(parts, rest)
	}
	slices.Reverse(parts)
	return r.stringList(self, parts)
}

func isLineBreak(c rune) bool {
	return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
}

// splitLines is Python's str.splitlines.
func splitLines(s string, keepEnds bool) []string {
	var lines []string
	for s != "" {
		i := strings.IndexFunc(s, isLineBreak)
		if i < 0 {
			return append(lines, s)
		}
		next := i + runeLen(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			next = i + 2
		}
		if keepEnds {
			i = next
		}
		lines = append(lines, s[:i])
		s = s[next:]
	}
	return lines
}

func strSplitlines(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("splitlines", 0, "keepends")
	if err != nil {
		return Value{}, err
	}
	if err := r.text(len(self.str)); err != nil {
		return Value{}, err
	}
	return r.stringList(self, splitLines(self.str, boolArg(args[0])))
}

// window cuts self to the optional start and end arguments of find, count and
// startswith, and returns where it begins in bytes. ok is false when start
// lies past the end.
func window(self Value, start, end Value) (s string, offset int, ok bool, err error) {
	sl := &pySlice{}
	n := runeCount(self.str)
	if isGiven(start) {
		sl.parts[0] = start
		if start.isIntegral() && !start.isBig() && start.int64() > int64(n) {
			return "", 0, false, nil
		}
	}
	if isGiven(end) {
		sl.parts[1] = end
	}
	from, to, _, err := sl.indices(n)
	if err != nil {
		return "", 0, false, err
	}
	offset = runeOffset(self.str, from)
	if to < from {
		return "", offset, false, nil
	}
	return self.str[offset : offset+runeOffset(self.str[offset:], to-from)], offset, true, nil
}

func affixMethod(name string, has func(s, affix string) bool) method {
	return func(r *run, self Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 1, "prefix", "start", "end")
		if err != nil {
			return Value{}, err
		}
		s, _, ok, err := window(self, args[1], args[2])
		if err != nil {
			return Value{}, err
		}
		affixes := []Value{args[0]}
		if args[0].kind == KindTuple {
			affixes, _ = args[0].Items()
		}
		for _, affix := range affixes {
			if affix.kind != KindString {
				if args[0].kind == KindTuple {
					return Value{}, fail(typeError, "tuple for %s must only contain str, not %s", name, typeName(affix))
				}
				return Value{}, fail(typeError, "%s first arg must be str or a tuple of str, not %s", name, typeName(affix))
			}
			if err := r.scan(len(affix.str)); err != nil {
				return Value{}, err
			}
			if ok && has(s, affix.str) {
				return Bool(true), nil
			}
		}
		return Bool(false), nil
	}
}

func strReplace(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("replace", 2, "old", "new", "count")
	if err != nil {
		return Value{}, err
	}
	for _, v := range args[:2] {
		if v.kind != KindString {
			return Value{}, fail(typeError, "replace() argument must be str, not %s", typeName(v))
		}
	}
	n, err := intArg(args[2], -1)
	if err != nil {
		return Value{}, err
	}
	replacement := args[1].str
	if self.markup && !args[1].markup {
		replacement = escapeHTML(replacement)
	}
	s, err := r.replaced(self.str, args[0].str, replacement, n)
	return like(self, s), err
}

func (r *run) replaced(s, old, replacement string, n int) (string, error) {
	if err := r.scan(len(s)); err != nil {
		return "", err
	}
	hits := strings.Count(s, old)
	if n >= 0 {
		hits = min(hits, n)
	}
	if hits > 0 && len(replacement) > maxStringBytes/hits {
		return "", errTooLong()
	}
	if err := r.text(len(s) + hits*(len(replacement)-len(old))); err != nil {
		return "", err
	}
	return strings.Replace(s, old, replacement, n), nil
}

func strJoin(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("join", 1, "iterable")
	if err != nil {
		return Value{}, err
	}
	items, err := r.toSlice(args[0])
	if err != nil {
		if isKind(err, typeError) {
			return Value{}, fail(typeError, "can only join an iterable")
		}
		return Value{}, err
	}
	parts := make([]string, len(items))
	for i, v := range items {
		if v.kind != KindString {
			return Value{}, fail(typeError, "sequence item %d: expected str instance, %s found", i, typeName(v))
		}
		parts[i] = v.str
		if self.markup && !v.markup {
			parts[i] = escapeHTML(v.str)
		}
	}
	s, err := r.joined(parts, self.str)
	return like(self, s), err
}

func (r *run) joined(parts []string, sep string) (string, error) {
	total := 0
	for _, p := range parts {
		if total += len(p) + len(sep); total > maxStringBytes {
			return "", errTooLong()
		}
	}
	if err := r.text(total); err != nil {
		return "", err
	}
	return strings.Join(parts, sep), nil
}

func findMethod(name string, find func(s, sub string) int, must bool) method {
	return func(r *run, self Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 1, "sub", "start", "end")
		if err != nil {
			return Value{}, err
		}
		if args[0].kind != KindString {
			return Value{}, fail(typeError, "must be str, not %s", typeName(args[0]))
		}
		if err := r.scan(len(self.str)); err != nil {
			return Value{}, err
		}
		s, offset, ok, err := window(self, args[1], args[2])
		if err != nil {
			return Value{}, err
		}
		i := -1
		if ok {
			i = find(s, args[0].str)
		}
		switch {
		case i >= 0:
			return Int(runeCount(self.str[:offset+i])), nil
		case must:
			return Value{}, fail(valueError, "substring not found")
		}
		return Int(-1), nil
	}
}

func strCount(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("count", 1, "sub", "start", "end")
	if err != nil {
		return Value{}, err
	}
	if args[0].kind != KindString {
		return Value{}, fail(typeError, "must be str, not %s", typeName(args[0]))
	}
	if err := r.scan(len(self.str)); err != nil {
		return Value{}, err
	}
	s, _, ok, err := window(self, args[1], args[2])
	if err != nil || !ok {
		return Int(0), err
	}
	return Int(strings.Count(s, args[0].str)), nil
}

func cutMethod(name string, cut func(s, affix string) string) method {
	return func(_ *run, self Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 1, "affix")
		if err != nil {
			return Value{}, err
		}
		affix, err := strArg(args[0], "")
		return like(self, cut(self.str, affix)), err
	}
}

func classMethod(in func(rune) bool) method {
	return func(r *run, self Value, _ callArgs) (Value, error) {
		ok := self.str != "" && strings.IndexFunc(self.str, func(c rune) bool { return !in(c) }) < 0
		return Bool(ok), r.scan(len(self.str))
	}
}

func padMethod(name string) method {
	return func(r *run, self Value, a callArgs) (Value, error) {
		args, err := a.bind(name, 1, "width", "fillchar")
		if err != nil {
			return Value{}, err
		}
		width, err := intArg(args[0], 0)
		if err != nil {
			return Value{}, err
		}
		fill, err := strArg(args[1], " ")
		if err != nil {
			return Value{}, err
		}
		if runeCount(fill) != 1 {
			return Value{}, fail(typeError, "The fill character must be exactly one character long")
		}
		s, err := r.padded(self.str, width, fill, name)
		return like(self, s), err
	}
}

func (r *run) padded(s string, width int, fill, how string) (string, error) {
	missing := width - runeCount(s)
	if missing <= 0 {
		return s, nil
	}
	if missing > maxStringBytes {
		return "", errTooLong()
	}
	if err := r.text(len(s) + missing*len(fill)); err != nil {
		return "", err
	}
	left := 0
	switch how {
	case "rjust":
		left = missing
	case "center":
		left = missing/2 + missing&width&1 // CPython's choice for odd gaps
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, missing-left), nil
}

func strZfill(r *run, self Value, a callArgs) (Value, error) {
	args, err := a.bind("zfill", 1, "width")
	if err != nil {
		return Value{}, err
	}
	width, err := intArg(args[0], 0)
	if err != nil {
		return Value{}, err
	}
	sign, digits := "", self.str
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	s, err := r.padded(digits, width-len(sign), "0", "rjust")
	return like(self, sign+s), err
}

func partitionArg(name string, a callArgs) (string, error) {
	args, err := a.bind(name, 1, "sep")
	if err != nil {
		return "", err
	}
	sep, err := strArg(args[0], "")
	if err == nil && sep == "" {
		err = fail(valueError, "empty separator")
	}
	return sep, err
}

func strPartition(r *run, self Value, a callArgs) (Value, error) {
	sep, err := partitionArg("partition", a)
	if err != nil {
		return Value{}, err
	}
	before, after, found := strings.Cut(self.str, sep)
	if !found {
		sep = ""
	}
	return Tuple(like(self, before), like(self, sep), like(self, after)), r.scan(len(self.str))
}

func strRpartition(r *run, self Value, a callArgs) (Value, error) {
	sep, err := partitionArg("rpartition", a)
	if err != nil {
		return Value{}, err
	}
	before, after := "", self.str
	if i := strings.LastIndex(self.str, sep); i >= 0 {
		before, after = self.str[:i], self.str[i+len(sep):]
	} else {
		sep = ""
	}
	return Tuple(like(self, before), like(self, sep), like(self, after)), r.scan(len(self.str))
}
