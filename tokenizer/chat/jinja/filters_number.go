package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

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
	base, ok := intBase(args[1])
	if !ok {
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

// intBase reads the base of the int filter, which answers a base that cannot
// be used as it does text that is no number: with its default.
func intBase(v Value) (base int, ok bool) {
	base, err := intArg(v, 10)
	return base, err == nil && (base == 0 || base >= 2 && base <= 36)
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
	var f float64
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
	if boolArg(args[0]) {
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
