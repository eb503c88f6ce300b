package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
	first, blank := boolArg(args[1], false), boolArg(args[2], false)
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
	if input.kind != KindString {
		return Value{}, wrongType(input, "str")
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
	n := runeCount(input.str)
	if n-leeway <= length {
		return input, nil
	}
	cut := input.str[:runeOffset(input.str, min(n, length-runeCount(end)))]
	if !boolArg(args[1], false) {
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
	w := &jsonWriter{run: r, ascii: boolArg(args[0], false), sortKeys: boolArg(args[3], false), itemSep: ", ", keySep: ": "}
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

// parseInt is Python's int(text, base).
func parseInt(text string, base int) (*big.Int, bool) {
	text = strings.TrimFunc(text, isSpace)
	sign := ""
	if text != "" && (text[0] == '-' || text[0] == '+') {
		sign, text = text[:1], text[1:]
	}
	if len(text) > 2 && text[0] == '0' {
		prefix := map[byte]int{'b': 2, 'o': 8, 'x': 16}[text[1]|0x20]
		if prefix != 0 && (base == prefix || base == 0) {
			base = prefix
			text = strings.TrimPrefix(text[2:], "_")
		}
	}
	if base == 0 {
		base = 10
	}
	if text == "" || text[0] == '_' || strings.HasSuffix(text, "_") || strings.Contains(text, "__") || len(text) > maxIntBits/4 {
		return nil, false
	}
	text = strings.ReplaceAll(text, "_", "")
	if strings.IndexFunc(text, func(c rune) bool { return c == '-' || c == '+' || c >= utf8.RuneSelf }) >= 0 {
		return nil, false
	}
	return new(big.Int).SetString(sign+text, base)
}

// parseFloat is Python's float(text).
func parseFloat(text string) (float64, bool) {
	text = strings.TrimFunc(text, isSpace)
	if strings.ContainsAny(text, "xXpP") || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		return 0, false
	}
	if strings.EqualFold(strings.TrimLeft(text, "+-"), "nan") && len(text) <= 4 {
		return math.NaN(), true
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func filterInt(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("int", 0, "default", "base")
	if err != nil {
		return Value{}, err
	}
	fallback := orElse(args[0], Int(0))
	switch {
	case input.kind == KindUndefined:
		return Value{}, input.undefinedErr()
	case input.isIntegral():
		return bigValue(input.bigInt()), nil
	case input.kind == KindFloat:
		if math.IsNaN(input.float()) {
			return fallback, nil
		}
		i, err := truncFloat(input.float())
		if err != nil {
			return Value{}, err
		}
		return bigValue(i), nil
	case input.kind != KindString:
		return fallback, nil
	}
	base, err := intArg(args[1], 10)
	if err != nil || base != 0 && (base < 2 || base > 36) {
		return fallback, nil
	}
	if err := r.scan(len(input.str)); err != nil {
		return Value{}, err
	}
	if i, ok := parseInt(input.str, base); ok {
		return bigValue(i), nil
	}
	f, ok := parseFloat(input.str)
	if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
		return fallback, nil
	}
	i, err := truncFloat(f)
	if err != nil {
		return Value{}, err
	}
	return bigValue(i), nil
}

func filterFloat(r *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("float", 0, "default")
	if err != nil {
		return Value{}, err
	}
	switch {
	case input.kind == KindUndefined:
		return Value{}, input.undefinedErr()
	case input.isNumber():
		f, err := input.toFloat()
		return Float(f), err
	case input.kind == KindString:
		if err := r.scan(len(input.str)); err != nil {
			return Value{}, err
		}
		if f, ok := parseFloat(input.str); ok {
			return Float(f), nil
		}
	}
	return orElse(args[0], Float(0)), nil
}

func filterAbs(_ *run, input Value, a callArgs) (Value, error) {
	if _, err := a.bind("abs", 0); err != nil {
		return Value{}, err
	}
	switch {
	case input.kind == KindFloat:
		return Float(math.Abs(input.float())), nil
	case input.isIntegral():
		return bigValue(new(big.Int).Abs(input.bigInt())), nil
	}
	return Value{}, fail(typeError, "bad operand type for abs(): '%s'", typeName(input))
}

func filterRound(_ *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("round", 0, "precision", "method")
	if err != nil {
		return Value{}, err
	}
	method, err := strArg(args[1], "common")
	if err != nil {
		return Value{}, err
	}
	if method != "common" && method != "ceil" && method != "floor" {
		return Value{}, fail(filterArgError, "method must be common, ceil or floor")
	}
	if !input.isNumber() {
		if input.kind == KindUndefined {
			return Value{}, fail(typeError, "type Undefined doesn't define __round__ method")
		}
		return Value{}, fail(typeError, "type %s doesn't define __round__ method", typeName(input))
	}
	precision, err := intArg(args[0], 0)
	if err != nil {
		return Value{}, err
	}
	precision = min(max(precision, -400), 400)
	if method != "common" {
		return roundTowards(input, precision, method)
	}
	if input.isIntegral() {
		return roundInt(input.bigInt(), precision), nil
	}
	return Float(roundFloat(input.float(), precision)), nil
}

// roundTowards is ceil(value * 10**precision) / 10**precision.
func roundTowards(v Value, precision int, method string) (Value, error) {
	scale, err := powInts(big.NewInt(10), big.NewInt(int64(precision)))
	if err != nil {
		return Value{}, err
	}
	scaled, err := arithmetic("*", v, scale)
	if err != nil {
		return Value{}, err
	}
	if scaled.kind == KindFloat {
		f := math.Floor(scaled.float())
		if method == "ceil" {
			f = math.Ceil(scaled.float())
		}
		i, err := truncFloat(f)
		if err != nil {
			return Value{}, err
		}
		scaled = bigValue(i)
	}
	return arithmetic("/", scaled, scale)
}

// roundInt rounds to a power of ten, halves to even.
func roundInt(x *big.Int, precision int) Value {
	if precision >= 0 {
		return bigValue(x)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-precision)), nil)
	quotient, rest := new(big.Int).DivMod(x, unit, new(big.Int))
	switch c := new(big.Int).Lsh(rest, 1).Cmp(unit); {
	case c > 0, c == 0 && quotient.Bit(0) == 1:
		quotient.Add(quotient, big.NewInt(1))
	}
	return bigValue(quotient.Mul(quotient, unit))
}

// roundFloat is Python's round: correct to the decimal digit, halves to even.
func roundFloat(x float64, precision int) float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) || precision > 323 {
		return x
	}
	if precision >= 0 {
		f, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', precision, 64), 64)
		return f
	}
	if precision < -308 {
		return math.Copysign(0, x)
	}
	exact := new(big.Rat)
	exact.SetFloat64(x)
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-precision)), nil))
	text := new(big.Rat).Quo(exact, unit).FloatString(0) // halves away from zero
	n, _ := new(big.Int).SetString(text, 10)
	whole := new(big.Rat).Mul(new(big.Rat).SetInt(n), unit)
	gap := new(big.Rat).Sub(whole, exact)
	if new(big.Rat).Abs(gap).Cmp(new(big.Rat).Mul(unit, big.NewRat(1, 2))) == 0 && n.Bit(0) == 1 {
		n.Sub(n, big.NewInt(int64(n.Sign())))
		whole.Mul(new(big.Rat).SetInt(n), unit)
	}
	f, _ := whole.Float64()
	if f == 0 {
		return math.Copysign(0, x)
	}
	return f
}

func filterFileSize(_ *run, input Value, a callArgs) (Value, error) {
	args, err := a.bind("filesizeformat", 0, "binary")
	if err != nil {
		return Value{}, err
	}
	f := 0.0
	switch {
	case input.isNumber():
		if f, err = input.toFloat(); err != nil {
			return Value{}, err
		}
	case input.kind == KindString:
		var ok bool
		if f, ok = parseFloat(input.str); !ok {
			return Value{}, fail(valueError, "could not convert string to float: %s", reprString(input.str))
		}
	default:
		return Value{}, wrongType(input, "a number")
	}
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if boolArg(args[0], false) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	if f == 1 {
		return String("1 Byte"), nil
	}
	if f < base {
		i, err := truncFloat(f)
		if err != nil {
			return Value{}, err
		}
		return String(i.String() + " Bytes"), nil
	}
	unit := base
	for i, prefix := range prefixes {
		unit *= base
		if f < unit || i == len(prefixes)-1 {
			return String(strconv.FormatFloat(base*f/unit, 'f', 1, 64) + " " + prefix), nil
		}
	}
	return Value{}, nil
}
