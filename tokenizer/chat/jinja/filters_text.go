package jinja

import (
	"strconv"
	"strings"
	"unicode"
)

// soft is the input of a text filter: a string as it is, anything else as
// str() shows it.
func (r *run) soft(v Value) (Value, error) {
	if v.kind == KindString {
		return v, nil
	}
	s, err := r.str(v)
	return String(s), err
}

func textFilter(name string, f func(string) string) filterFunc {
	m := textMethod(name, f)
	return func(r *run, input Value, a callArgs) (Value, error) {
		s, err := r.soft(input)
		if err != nil {
			return Value{}, err
		}
		return m(r, s, a)
	}
}

// titleFilter is Jinja's title, whose words start after spaces, hyphens and
// opening brackets, unlike Python's.
func titleFilter(s string) string {
	var b strings.Builder
	start := true
	for _, c := range s {
		sep := c == '-' || isSpace(c) || strings.ContainsRune("({[<", c)
		switch {
		case sep:
			b.WriteRune(c)
		case start:
			b.WriteString(upper(string(c)))
		default:
			b.WriteString(lower(string(c)))
		}
		start = sep
	}
	return b.String()
}

func filterString(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("string", 0); err != nil {
		return Value{}, err
	}
	return r.soft(input)
}

func filterTrim(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("trim", 0, "chars")
	if err != nil {
		return Value{}, err
	}
	s, err := r.soft(input)
	if err != nil {
		return Value{}, err
	}
	chars, given, err := optStrArg(args[0])
	if err != nil {
		return Value{}, err
	}
	out, err := r.stripped(s.str, chars, given, true, true)
	return like(s, out), err
}

func filterReplace(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("replace", 2, "old", "new", "count")
	if err != nil {
		return Value{}, err
	}
	var text [3]string
	for i, v := range []Value{input, args[0], args[1]} {
		if text[i], err = r.str(v); err != nil {
			return Value{}, err
		}
	}
	n := -1
	if isGiven(args[2]) {
		if n, err = intArg(args[2], -1); err != nil {
			return Value{}, err
		}
	}
	s, err := r.replaced(text[0], text[1], text[2], n)
	return String(s), err
}

func filterCenter(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("center", 0, "width")
	if err != nil {
		return Value{}, err
	}
	s, err := r.soft(input)
	if err != nil {
		return Value{}, err
	}
	width, err := intArg(args[0], 80)
	if err != nil {
		return Value{}, err
	}
	out, err := r.padded(s.str, width, " ", "center")
	return like(s, out), err
}

func filterEscape(r *run, input Value, a callArgs) (Value, error) {
	if input.markup {
		return input, nil
	}
	return filterForceEscape(r, input, a)
}

func filterForceEscape(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("escape", 0); err != nil {
		return Value{}, err
	}
	s, err := r.str(input)
	if err != nil {
		return Value{}, err
	}
	if err := r.text(6 * len(s)); err != nil {
		return Value{}, err
	}
	return markupValue(escapeHTML(s)), nil
}

func filterSafe(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("safe", 0); err != nil {
		return Value{}, err
	}
	s, err := r.str(input)
	return markupValue(s), err
}

func filterFormat(r *run, input Value, a callArgs) (Value, error) {
	s, err := r.soft(input)
	switch {
	case err != nil:
		return Value{}, err
	case len(a.pos) > 0 && len(a.names) > 0:
		return Value{}, fail(filterArgError, "can't handle positional and keyword arguments at the same time")
	case len(a.names) > 0:
		d := &Dict{}
		for i, name := range a.names {
			d.Set(name, a.kwargs[i])
		}
		return r.percentFormat(s, Map(d))
	}
	return r.percentFormat(s, Tuple(a.pos...))
}

func filterIndent(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("indent", 0, "width", "first", "blank")
	if err != nil {
		return Value{}, err
	}
	if input.kind != KindString {
		return Value{}, wrongType(input, "str")
	}
	indention := "    "
	switch width := args[0]; {
	case width.kind == KindString:
		indention = width.str
	case width.kind != kindMissing:
		n, err := intArg(width, 4)
		if err != nil {
			return Value{}, err
		}
		if n > maxStringBytes {
			return Value{}, errTooLong()
		}
		indention = strings.Repeat(" ", max(n, 0))
	}
	if input.markup {
		indention = escapeHTML(indention)
	}
	first, blank := boolArg(args[1]), boolArg(args[2])
	lines := splitLines(input.str+"\n", false)
	if len(indention) > maxStringBytes/len(lines) {
		return Value{}, errTooLong()
	}
	if err := r.text(len(input.str) + len(lines)*(1+len(indention))); err != nil {
		return Value{}, err
	}
	for i := range lines {
		if i == 0 && first || i > 0 && (blank || lines[i] != "") {
			lines[i] = indention + lines[i]
		}
	}
	return like(input, strings.Join(lines, "\n")), nil
}

func filterTruncate(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("truncate", 0, "length", "killwords", "end", "leeway")
	if err != nil {
		return Value{}, err
	}
	length, err := intArg(args[0], 255)
	if err != nil {
		return Value{}, err
	}
	end, err := strArg(args[2], "...")
	if err != nil {
		return Value{}, err
	}
	leeway := 5
	if isGiven(args[3]) {
		if leeway, err = intArg(args[3], 5); err != nil {
			return Value{}, err
		}
	}
	if length < runeCount(end) || leeway < 0 {
		return Value{}, fail(ErrorKind("AssertionError"), "expected length >= %d, got %d", runeCount(end), length)
	}
	n, sized := sizeOf(input)
	switch {
	case !sized:
		return Value{}, fail(typeError, "object of type '%s' has no len()", typeName(input))
	case n-leeway <= length:
		return input, nil
	case input.kind != KindString:
		return Value{}, wrongType(input, "str")
	}
	cut := input.str[:runeOffset(input.str, min(n, length-runeCount(end)))]
	if !boolArg(args[1]) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return like(input, cut+end), r.text(len(cut) + len(end))
}

func filterWordCount(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("wordcount", 0); err != nil {
		return Value{}, err
	}
	s, err := r.soft(input)
	if err != nil {
		return Value{}, err
	}
	n, inWord := 0, false
	for _, c := range s.str {
		is := c == '_' || unicode.IsLetter(c) || unicode.IsNumber(c)
		if is && !inWord {
			n++
		}
		inWord = is
	}
	return Int(n), r.scan(len(s.str))
}

// urlSafe are the characters that urllib.parse.quote leaves alone.
const urlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"

func quoteURL(s, safe string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(safe, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			b.WriteString("%" + strings.ToUpper(pad(strconv.FormatUint(uint64(s[i]), 16), 2)))
		}
	}
	return b.String()
}

func filterURLEncode(r *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("urlencode", 0); err != nil {
		return Value{}, err
	}
	if d, ok := input.Dict(); ok {
		input = Value{kind: kindView, ref: &view{d, 'i'}}
	}
	if _, err := r.iterate(input); err != nil || input.kind == KindString {
		s, err := r.str(input)
		if err != nil {
			return Value{}, err
		}
		return String(quoteURL(s, urlSafe+"/")), r.text(3 * len(s))
	}
	items, err := r.toSlice(input)
	if err != nil {
		return Value{}, err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		pair, err := r.toSlice(item)
		if err != nil {
			return Value{}, err
		}
		if len(pair) != 2 {
			return Value{}, fail(valueError, "not enough values to unpack (expected 2, got %d)", len(pair))
		}
		var text [2]string
		for j, v := range pair {
			s, err := r.str(v)
			if err != nil {
				return Value{}, err
			}
			text[j] = strings.ReplaceAll(quoteURL(s, urlSafe+" "), " ", "+")
		}
		parts[i] = text[0] + "=" + text[1]
	}
	s, err := r.joined(parts, "&")
	return String(s), err
}

func filterToJSON(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return Value{}, err
	}
	w := &jsonWriter{run: r, ascii: boolArg(args[0]), sortKeys: boolArg(args[3]), itemSep: ", ", keySep: ": "}
	if isGiven(args[1]) {
		w.pretty, w.itemSep = true, ","
		if w.indent, err = jsonIndent(args[1]); err != nil {
			return Value{}, err
		}
	}
	if isGiven(args[2]) {
		pair, err := r.toSlice(args[2])
		if err != nil {
			return Value{}, err
		}
		if len(pair) != 2 {
			return Value{}, fail(valueError, "separators must be a pair, got %d values", len(pair))
		}
		if w.itemSep, err = strArg(pair[0], ""); err != nil {
			return Value{}, err
		}
		if w.keySep, err = strArg(pair[1], ""); err != nil {
			return Value{}, err
		}
	}
	if err := w.value(input, 0); err != nil {
		return Value{}, err
	}
	return String(w.b.String()), nil
}

func jsonIndent(v Value) (string, error) {
	if v.kind == KindString {
		return v.str, nil
	}
	n, err := intArg(v, 0)
	if err == nil && n > maxStringBytes {
		err = errTooLong()
	}
	if err != nil {
		return "", err
	}
	return strings.Repeat(" ", max(n, 0)), nil
}
