package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// strFormat is Python's str.format.
func strFormat(r *run, self Value, a callArgs) (Value, error) {
	f := &braceFormat{run: r, args: a, markup: self.markup}
	if err := f.render(self.str, 0); err != nil {
		return Value{}, err
	}
	return like(self, f.b.String()), nil
}

type braceFormat struct {
	run    *run
	args   callArgs
	markup bool
	next   int  // number of the next {}
	auto   bool // {} was used
	manual bool // {0} was used
	b      strings.Builder
}

func (f *braceFormat) write(s string) error {
	if f.b.Len()+len(s) > maxStringBytes {
		return errTooLong()
	}
	f.b.WriteString(s)
	return f.run.text(len(s))
}

// render writes a format out; depth 1 is a specification inside a field.
func (f *braceFormat) render(format string, depth int) error {
	for format != "" {
		i := strings.IndexAny(format, "{}")
		if i < 0 {
			return f.write(format)
		}
		if err := f.write(format[:i]); err != nil {
			return err
		}
		c := format[i]
		format = format[i+1:]
		if format != "" && format[0] == c {
			if err := f.write(string(c)); err != nil {
				return err
			}
			format = format[1:]
			continue
		}
		if c == '}' {
			return fail(valueError, "Single '}' encountered in format string")
		}
		end := closingBrace(format)
		if end < 0 {
			if format == "" {
				return fail(valueError, "Single '{' encountered in format string")
			}
			return fail(valueError, "expected '}' before end of string")
		}
		if depth > 1 {
			return fail(valueError, "Max string recursion exceeded")
		}
		if err := f.field(format[:end], depth); err != nil {
			return err
		}
		format = format[end+1:]
	}
	return nil
}

func closingBrace(s string) int {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// field formats what stands between two braces: name!conversion:spec.
func (f *braceFormat) field(field string, depth int) error {
	name, conversion, spec := field, "", ""
	if i := strings.IndexAny(field, "!:"); i >= 0 {
		name = field[:i]
		rest := field[i:]
		if rest[0] == '!' {
			conversion, rest, _ = strings.Cut(rest[1:], ":")
			spec = rest
		} else {
			spec = rest[1:]
		}
		if field[i] == '!' && conversion != "s" && conversion != "r" && conversion != "a" {
			return fail(valueError, "Unknown conversion specifier %s", conversion)
		}
	}
	v, err := f.lookup(name)
	if err != nil {
		return err
	}
	if strings.ContainsAny(spec, "{}") {
		inner := &braceFormat{run: f.run, args: f.args, next: f.next, auto: f.auto, manual: f.manual}
		if err := inner.render(spec, depth+1); err != nil {
			return err
		}
		f.next, f.auto, f.manual, spec = inner.next, inner.auto, inner.manual, inner.b.String()
	}
	if conversion != "" {
		var text string
		if conversion == "s" {
			text, err = f.run.str(v)
		} else {
			text, err = f.run.repr(v)
		}
		if conversion == "a" {
			text = asciiRepr(text)
		}
		v = String(text)
	}
	if err != nil {
		return err
	}
	text, err := f.run.formatValue(v, spec)
	if err != nil {
		return err
	}
	if f.markup && !v.markup {
		text = escapeHTML(text)
	}
	return f.write(text)
}

// lookup finds the argument a field names, with its .attributes and [items].
func (f *braceFormat) lookup(name string) (Value, error) {
	first, rest := name, ""
	if i := strings.IndexAny(name, ".["); i >= 0 {
		first, rest = name[:i], name[i:]
	}
	v, err := f.argument(first)
	for err == nil && rest != "" {
		if rest[0] == '.' {
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return Value{}, fail(valueError, "Empty attribute in format string")
			}
			v, err = f.run.getattr(v, rest[:end])
			rest = rest[end:]
			continue
		}
		key, after, ok := strings.Cut(rest[1:], "]")
		if !ok || rest[0] != '[' {
			return Value{}, fail(valueError, "Missing ']' in format string")
		}
		index := String(key)
		if n, err := strconv.Atoi(key); err == nil && n >= 0 {
			index = Int(n)
		}
		v, err = f.run.getitem(v, index)
		rest = after
	}
	return v, err
}

func (f *braceFormat) argument(name string) (Value, error) {
	if name == "" {
		if f.manual {
			return Value{}, fail(valueError, "cannot switch from manual field specification to automatic field numbering")
		}
		f.auto = true
		f.next++
		return f.positional(f.next - 1)
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		if f.auto {
			return Value{}, fail(valueError, "cannot switch from manual field specification to automatic field numbering")
		}
		f.manual = true
		return f.positional(n)
	}
	if v, ok := f.args.named(name); ok {
		return v, nil
	}
	return Value{}, fail(keyError, "%s", reprString(name))
}

func (f *braceFormat) positional(n int) (Value, error) {
	if n >= len(f.args.pos) {
		return Value{}, fail(indexError, "Replacement index %d out of range for positional args tuple", n)
	}
	return f.args.pos[n], nil
}

// formatSpec is Python's format specification mini-language.
type formatSpec struct {
	fill      string
	align     byte // '<', '>', '^', '=' or 0
	sign      byte
	alt       bool
	width     int
	group     byte // ',', '_' or 0
	precision int  // -1 where not given
	kind      byte
}

func parseFormatSpec(s string) (formatSpec, error) {
	f := formatSpec{fill: " ", precision: -1}
	isAlign := func(i int) bool { return i < len(s) && strings.IndexByte("<>=^", s[i]) >= 0 }
	if n := runeLen(s); s != "" && isAlign(n) {
		f.fill, f.align, s = s[:n], s[n], s[n+1:]
	} else if isAlign(0) {
		f.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	f.sign = take("+- ")
	f.alt = take("#") != 0
	if s != "" && s[0] == '0' {
		s = s[1:]
		f.fill = "0"
		if f.align == 0 {
			f.align = '='
		}
	}
	number := func() (int, error) {
		n := 0
		for s != "" && isDecimal(s[0]) {
			if n = n*10 + int(s[0]-'0'); n > maxStringBytes {
				return 0, errTooLong()
			}
			s = s[1:]
		}
		return n, nil
	}
	var err error
	if f.width, err = number(); err != nil {
		return f, err
	}
	f.group = take(",_")
	if take(".") != 0 {
		if s == "" || !isDecimal(s[0]) {
			return f, fail(valueError, "Format specifier missing precision")
		}
		if f.precision, err = number(); err != nil {
			return f, err
		}
	}
	if s != "" {
		f.kind, s = s[0], s[1:]
	}
	if s != "" {
		return f, fail(valueError, "Invalid format specifier")
	}
	return f, nil
}

// formatValue is Python's format(v, spec).
func (r *run) formatValue(v Value, spec string) (string, error) {
	if spec == "" {
		return r.str(v)
	}
	f, err := parseFormatSpec(spec)
	if err != nil {
		return "", err
	}
	switch {
	case v.kind == KindString:
		return r.formatString(v, f)
	case v.kind == KindFloat, v.isIntegral() && f.kind != 0 && strings.IndexByte("eEfFgG%", f.kind) >= 0:
		return r.formatFloatSpec(v, f)
	case v.isIntegral():
		return r.formatIntSpec(v, f)
	}
	return "", fail(typeError, "unsupported format string passed to %s.__format__", typeName(v))
}

func unknownCode(f formatSpec, v Value) error {
	return fail(valueError, "Unknown format code '%c' for object of type '%s'", f.kind, typeName(v))
}

func (r *run) formatString(v Value, f formatSpec) (string, error) {
	if f.kind != 0 && f.kind != 's' {
		return "", unknownCode(f, v)
	}
	if f.align == '=' || f.sign != 0 || f.group != 0 {
		return "", fail(valueError, "'=' alignment, a sign or a separator is not allowed in string format specifier")
	}
	text := v.str
	if f.precision >= 0 && f.precision < runeCount(text) {
		text = text[:runeOffset(text, f.precision)]
	}
	return r.alignText("", text, f, '<')
}

func (f formatSpec) signText(negative bool) string {
	switch {
	case negative:
		return "-"
	case f.sign == '+' || f.sign == ' ':
		return string(f.sign)
	}
	return ""
}

func (r *run) formatIntSpec(v Value, f formatSpec) (string, error) {
	if f.precision >= 0 {
		return "", fail(valueError, "Precision not allowed in integer format specifier")
	}
	b := v.bigInt()
	base, prefix := 10, ""
	switch f.kind {
	case 0, 'd', 'n':
	case 'x', 'X':
		base, prefix = 16, "0"+string(f.kind)
	case 'o':
		base, prefix = 8, "0o"
	case 'b':
		base, prefix = 2, "0b"
	case 'c':
		if !b.IsInt64() || b.Int64() < 0 || b.Int64() > 0x10ffff {
			return "", fail(overflowError, "%%c arg not in range(0x110000)")
		}
		return r.alignText("", string(rune(b.Int64())), f, '<')
	default:
		return "", unknownCode(f, v)
	}
	digits := new(big.Int).Abs(b).Text(base)
	if f.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !f.alt {
		prefix = ""
	}
	return r.alignNumber(f.signText(b.Sign() < 0)+prefix, digits, f, base)
}

func (r *run) formatFloatSpec(v Value, f formatSpec) (string, error) {
	x, err := v.toFloat()
	if err != nil {
		return "", err
	}
	precision := f.precision
	if precision > 1000 {
		return "", fail(valueError, "precision too big")
	}
	var digits, percent string
	abs := math.Abs(x)
	switch f.kind {
	case 0:
		if precision < 0 {
			digits = reprFloat(abs)
			break
		}
		if digits = formatFloat(abs, 'g', precision, false); !strings.ContainsAny(digits, ".en") {
			digits += ".0"
		}
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		if precision < 0 {
			precision = 6
		}
		kind := f.kind
		if kind == '%' {
			kind, abs, percent = 'f', abs*100, "%"
		}
		if digits = formatFloat(abs, kind, precision, f.alt); kind < 'a' {
			digits = strings.ToUpper(digits)
		}
	default:
		return "", unknownCode(f, v)
	}
	return r.alignNumber(f.signText(math.Signbit(x) && !math.IsNaN(x)), digits+percent, f, 10)
}

// alignNumber groups digits and pads; zeros go between sign and digits and
// are grouped with them.
func (r *run) alignNumber(sign, digits string, f formatSpec, base int) (string, error) {
	if f.group != 0 {
		size := 3
		if base != 10 {
			size = 4
		}
		whole := len(digits) - len(strings.TrimLeft(digits, "0123456789abcdefABCDEF"))
		if base == 10 {
			whole = len(digits) - len(strings.TrimLeft(digits, "0123456789"))
		}
		tail := digits[whole:]
		number := digits[:whole]
		if f.fill == "0" && f.align == '=' {
			for len(groupDigits(number, f.group, size))+len(tail)+len(sign) < f.width {
				number = "0" + number
			}
		}
		digits = groupDigits(number, f.group, size) + tail
		if f.fill == "0" && f.align == '=' && strings.HasPrefix(digits, string(f.group)) {
			digits = "0" + digits
		}
	}
	return r.alignText(sign, digits, f, '>')
}

func groupDigits(s string, sep byte, size int) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%size == 0 {
			b.WriteByte(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (r *run) alignText(sign, text string, f formatSpec, align byte) (string, error) {
	if f.align != 0 {
		align = f.align
	}
	missing := f.width - runeCount(sign) - runeCount(text)
	if missing <= 0 {
		return sign + text, nil
	}
	if err := r.text(missing * len(f.fill)); err != nil {
		return "", err
	}
	left, middle, right := 0, 0, 0
	switch align {
	case '<':
		right = missing
	case '^':
		left, right = missing/2, missing-missing/2
	case '=':
		middle = missing
	default:
		left = missing
	}
	return strings.Repeat(f.fill, left) + sign + strings.Repeat(f.fill, middle) + text + strings.Repeat(f.fill, right), nil
}
