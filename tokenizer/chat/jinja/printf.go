package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// percentFormat is Python's format % values for str.
func (r *run) percentFormat(format, values Value) (Value, error) {
	f := &printf{run: r, format: format.str, markup: format.markup}
	if values.kind == KindTuple {
		f.args, _ = values.Items()
	} else {
		f.args = []Value{values}
		f.mapping, _ = values.Dict()
		// Python takes whatever has subscripts for a mapping that need not be
		// used up.
		f.spare = isOneOf(values, KindDict, KindList, kindRange, KindUndefined)
	}
	if err := f.render(); err != nil {
		return Value{}, err
	}
	return Value{kind: KindString, markup: format.markup, str: f.b.String()}, nil
}

type printf struct {
	run     *run
	format  string
	pos     int
	args    []Value
	next    int
	spare   bool // values may be left over
	mapping *Dict
	markup  bool
	b       strings.Builder
}

// spec is one conversion of a format.
type spec struct {
	minus, plus, space, zero, alt bool

	width     int
	precision int // -1 where not given
}

func (f *printf) render() error {
	for f.pos < len(f.format) {
		i := strings.IndexByte(f.format[f.pos:], '%')
		if i < 0 {
			i = len(f.format) - f.pos
		}
		if err := f.write(f.format[f.pos : f.pos+i]); err != nil {
			return err
		}
		f.pos += i
		if f.pos < len(f.format) {
			f.pos++
			if err := f.conversion(); err != nil {
				return err
			}
		}
	}
	if f.next < len(f.args) && !f.spare {
		return fail(typeError, "not all arguments converted during string formatting")
	}
	return nil
}

func (f *printf) write(s string) error {
	if f.b.Len()+len(s) > maxStringBytes {
		return errTooLong()
	}
	f.b.WriteString(s)
	return f.run.text(len(s))
}

func (f *printf) peek() byte {
	if f.pos < len(f.format) {
		return f.format[f.pos]
	}
	return 0
}

func (f *printf) arg() (Value, error) {
	if f.next >= len(f.args) {
		return Value{}, fail(typeError, "not enough arguments for format string")
	}
	f.next++
	return f.args[f.next-1], nil
}

func (f *printf) conversion() error {
	var value Value
	named := f.peek() == '('
	if named {
		var err error
		if value, err = f.named(); err != nil {
			return err
		}
	}
	s, err := f.spec()
	if err != nil {
		return err
	}
	for strings.IndexByte("hlL", f.peek()) >= 0 && f.peek() != 0 {
		f.pos++
	}
	c := f.peek()
	if c == 0 {
		return fail(valueError, "incomplete format")
	}
	f.pos++
	if c == '%' {
		return f.write("%")
	}
	if !named {
		if value, err = f.arg(); err != nil {
			return err
		}
	}
	text, err := f.convert(s, c, value)
	if err != nil {
		return err
	}
	return f.write(text)
}

// named reads "(key)" and looks the key up.
func (f *printf) named() (Value, error) {
	if f.mapping == nil {
		return Value{}, fail(typeError, "format requires a mapping")
	}
	end, depth := f.pos+1, 1
	for ; end < len(f.format); end++ {
		if f.format[end] == '(' {
			depth++
		} else if f.format[end] == ')' {
			if depth--; depth == 0 {
				break
			}
		}
	}
	if depth > 0 {
		return Value{}, fail(valueError, "incomplete format key")
	}
	key := f.format[f.pos+1 : end]
	f.pos = end + 1
	v, ok := f.mapping.Get(key)
	if !ok {
		return Value{}, fail(keyError, "%s", reprString(key))
	}
	return v, nil
}

func (f *printf) spec() (spec, error) {
	s := spec{precision: -1}
	for ; ; f.pos++ {
		switch f.peek() {
		case '-':
			s.minus = true
			continue
		case '+':
			s.plus = true
			continue
		case ' ':
			s.space = true
			continue
		case '0':
			s.zero = true
			continue
		case '#':
			s.alt = true
			continue
		}
		break
	}
	var err error
	if s.width, err = f.number(); err != nil {
		return s, err
	}
	if s.width < 0 {
		s.minus, s.width = true, -s.width
	}
	if f.peek() == '.' {
		f.pos++
		if s.precision, err = f.number(); err != nil {
			return s, err
		}
		s.precision = max(s.precision, 0)
	}
	return s, nil
}

// number reads a width or precision, which may be "*".
func (f *printf) number() (int, error) {
	if f.peek() == '*' {
		f.pos++
		v, err := f.arg()
		if err != nil {
			return 0, err
		}
		if !v.isIntegral() {
			return 0, fail(typeError, "* wants int")
		}
		n, err := v.index()
		if err == nil && (n > maxStringBytes || n < -maxStringBytes) {
			err = errTooLong()
		}
		return n, err
	}
	n := 0
	for ; isDecimal(f.peek()); f.pos++ {
		if n = n*10 + int(f.peek()-'0'); n > maxStringBytes {
			return 0, errTooLong()
		}
	}
	return n, nil
}

func (f *printf) convert(s spec, c byte, v Value) (string, error) {
	switch c {
	case 's', 'r', 'a':
		text, err := f.text(c, v)
		if err != nil {
			return "", err
		}
		if s.precision >= 0 && s.precision < runeCount(text) {
			text = text[:runeOffset(text, s.precision)]
		}
		return f.fill(s, "", text, false)
	case 'c':
		if v.kind == KindString && runeCount(v.str) == 1 {
			return f.fill(s, "", v.str, false)
		}
		if v.isIntegral() && !v.isBig() && v.int64() >= 0 && v.int64() <= 0x10ffff {
			return f.fill(s, "", string(rune(v.int64())), false)
		}
		return "", fail(typeError, "%%c requires int or char")
	case 'd', 'i', 'u':
		return f.integer(s, c, v, 10)
	case 'x', 'X':
		return f.integer(s, c, v, 16)
	case 'o':
		return f.integer(s, c, v, 8)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return f.float(s, c, v)
	}
	return "", fail(valueError, "unsupported format character '%c' (0x%x) at index %d", c, c, f.pos-1)
}

func (f *printf) text(c byte, v Value) (string, error) {
	if c == 's' {
		text, err := f.run.str(v)
		if f.markup && !v.markup {
			text = escapeHTML(text)
		}
		return text, err
	}
	text, err := f.run.repr(v)
	if c == 'a' {
		text = asciiRepr(text)
	}
	if f.markup {
		text = escapeHTML(text)
	}
	return text, err
}

// asciiRepr escapes what is not ASCII in a repr.
func asciiRepr(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c < 0x80:
			b.WriteRune(c)
		case c <= 0xff:
			b.WriteString("\\x" + pad(strconv.FormatInt(int64(c), 16), 2))
		case c <= 0xffff:
			b.WriteString("\\u" + pad(strconv.FormatInt(int64(c), 16), 4))
		default:
			b.WriteString("\\U" + pad(strconv.FormatInt(int64(c), 16), 8))
		}
	}
	return b.String()
}

func (f *printf) integer(s spec, c byte, v Value, base int) (string, error) {
	if v.kind == KindUndefined {
		return "", v.undefinedErr()
	}
	if v.kind == KindFloat && base == 10 {
		i, err := truncFloat(v.float())
		if err != nil {
			return "", err
		}
		v = bigValue(i)
	}
	if !v.isIntegral() {
		if base != 10 {
			return "", fail(typeError, "%%%c format: an integer is required, not %s", c, typeName(v))
		}
		return "", fail(typeError, "%%%c format: a real number is required, not %s", c, typeName(v))
	}
	b := v.bigInt()
	digits := new(big.Int).Abs(b).Text(base)
	if len(digits) < s.precision {
		digits = pad(digits, s.precision)
	}
	prefix := ""
	if s.alt && base != 10 {
		prefix = "0" + strings.ToLower(string(c))
	}
	if c == 'X' {
		digits, prefix = strings.ToUpper(digits), strings.ToUpper(prefix)
	}
	return f.fill(s, signOf(b.Sign() < 0, s)+prefix, digits, true)
}

// truncFloat is Python's int(float).
func truncFloat(x float64) (*big.Int, error) {
	if math.IsInf(x, 0) {
		return nil, fail(overflowError, "cannot convert float infinity to integer")
	}
	if math.IsNaN(x) {
		return nil, fail(valueError, "cannot convert float NaN to integer")
	}
	i, _ := big.NewFloat(x).Int(nil)
	return i, nil
}

func signOf(negative bool, s spec) string {
	switch {
	case negative:
		return "-"
	case s.plus:
		return "+"
	case s.space:
		return " "
	}
	return ""
}

func (f *printf) float(s spec, c byte, v Value) (string, error) {
	if v.kind == KindUndefined {
		return "", v.undefinedErr()
	}
	if !v.isNumber() {
		return "", fail(typeError, "must be real number, not %s", typeName(v))
	}
	x, err := v.toFloat()
	if err != nil {
		return "", err
	}
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	if precision > 1000 {
		return "", fail(valueError, "precision too big")
	}
	digits := formatFloat(math.Abs(x), c, precision, s.alt)
	if c < 'a' {
		digits = strings.ToUpper(digits)
	}
	return f.fill(s, signOf(math.Signbit(x) && !math.IsNaN(x), s), digits, !math.IsInf(x, 0) && !math.IsNaN(x))
}

// formatFloat writes a float that is not negative as C does for the
// conversions e, f and g.
func formatFloat(x float64, c byte, precision int, alt bool) string {
	switch {
	case math.IsInf(x, 0):
		return "inf"
	case math.IsNaN(x):
		return "nan"
	}
	if c|0x20 != 'g' {
		s := strconv.FormatFloat(x, c|0x20, precision, 64)
		if alt && precision == 0 && c|0x20 == 'f' {
			s += "."
		}
		return s
	}
	precision = max(precision, 1)
	s := strconv.FormatFloat(x, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(exponent)
	if exp < -4 || exp >= precision {
		if !alt {
			mantissa = trimFraction(mantissa)
		}
		return mantissa + "e" + exponent
	}
	s = strconv.FormatFloat(x, 'f', precision-1-exp, 64)
	if !alt {
		s = trimFraction(s)
	}
	return s
}

func trimFraction(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// fill pads a converted value to its width.
func (f *printf) fill(s spec, sign, text string, zeros bool) (string, error) {
	missing := s.width - runeCount(sign) - runeCount(text)
	if missing <= 0 {
		return sign + text, nil
	}
	if err := f.run.text(missing); err != nil {
		return "", err
	}
	switch {
	case s.minus:
		return sign + text + strings.Repeat(" ", missing), nil
	case s.zero && zeros:
		return sign + strings.Repeat("0", missing) + text, nil
	}
	return strings.Repeat(" ", missing) + sign + text, nil
}
