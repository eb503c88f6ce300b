package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func itoa(i int) string { return strconv.Itoa(i) }

func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runeLen returns the bytes of the first character; a byte that is not UTF-8
// is a character of its own.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// str is Python's str(v).
func (r *run) str(v Value) (string, error) {
	switch v.kind {
	case KindString:
		return v.str, nil
	case KindUndefined, kindMissing:
		return "", nil
	}
	return r.repr(v)
}

// repr is Python's repr(v).
func (r *run) repr(v Value) (string, error) {
	w := reprWriter{run: r}
	if err := w.value(v, 0); err != nil {
		return "", err
	}
	return w.b.String(), nil
}

type reprWriter struct {
	run *run
	b   strings.Builder
}

func (w *reprWriter) text(s string) error {
	if w.b.Len()+len(s) > maxStringBytes {
		return errTooLong()
	}
	w.b.WriteString(s)
	return w.run.text(len(s))
}

func (w *reprWriter) value(v Value, depth int) error {
	if depth > maxValueDepth {
		return errTooDeep()
	}
	if err := w.run.spend(1); err != nil {
		return err
	}
	switch v.kind {
	case KindString:
		if v.markup {
			return w.text("Markup(" + reprString(v.str) + ")")
		}
		return w.text(reprString(v.str))
	case KindList:
		return w.items("[", v.ref.(*list).items, "]", depth)
	case KindTuple:
		items := v.ref.(*list).items
		if len(items) == 1 {
			return w.items("(", items, ",)", depth)
		}
		return w.items("(", items, ")", depth)
	case KindDict:
		return w.dict(v.ref.(*Dict), depth)
	case kindView:
		view := v.ref.(*view)
		items := make([]Value, view.dict.Len())
		for i := range items {
			items[i] = view.at(i)
		}
		return w.items(view.typeName()+"([", items, "])", depth)
	case kindNamespace:
		if err := w.text("<Namespace "); err != nil {
			return err
		}
		if err := w.dict(v.ref.(*namespace).attrs, depth); err != nil {
			return err
		}
		return w.text(">")
	}
	return w.text(shortRepr(v))
}

func (w *reprWriter) items(open string, items []Value, end string, depth int) error {
	if err := w.text(open); err != nil {
		return err
	}
	for i, item := range items {
		if i > 0 {
			if err := w.text(", "); err != nil {
				return err
			}
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	return w.text(end)
}

func (w *reprWriter) dict(d *Dict, depth int) error {
	if err := w.text("{"); err != nil {
		return err
	}
	for i := range d.Len() {
		key, val := d.At(i)
		if i > 0 {
			if err := w.text(", "); err != nil {
				return err
			}
		}
		if err := w.value(key, depth+1); err != nil {
			return err
		}
		if err := w.text(": "); err != nil {
			return err
		}
		if err := w.value(val, depth+1); err != nil {
			return err
		}
	}
	return w.text("}")
}

// shortRepr is repr for values without elements; others are named by type.
func shortRepr(v Value) string {
	switch v.kind {
	case KindNone:
		return "None"
	case KindUndefined, kindMissing:
		return "Undefined"
	case KindBool:
		if v.num != 0 {
			return "True"
		}
		return "False"
	case KindInt:
		if v.isBig() {
			return v.bigInt().String()
		}
		return strconv.FormatInt(v.int64(), 10)
	case KindFloat:
		return reprFloat(v.float())
	case KindString:
		return reprString(v.str)
	case kindRange:
		g := v.ref.(*pyRange)
		text := "range(" + strconv.FormatInt(g.start, 10) + ", " + strconv.FormatInt(g.stop, 10)
		if g.step != 1 {
			text += ", " + strconv.FormatInt(g.step, 10)
		}
		return text + ")"
	case kindMacro:
		if name := v.ref.(*macro).def.name; name != "" {
			return "<Macro " + reprString(name) + ">"
		}
		return "<Macro anonymous>"
	case kindFunc:
		return "<built-in function " + v.ref.(*function).name + ">"
	}
	return "<" + typeName(v) + " object>"
}

// reprFloat is Python's repr of a float: the shortest digits that read back,
// with an exponent outside 1e-4 .. 1e16.
func reprFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// reprString is Python's repr of a str.
func reprString(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, "\"") {
		quote = '"'
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, quote)
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == rune(quote) || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, "\\n"...)
		case c == '\r':
			b = append(b, "\\r"...)
		case c == '\t':
			b = append(b, "\\t"...)
		case c == utf8.RuneError && n == 1, unicode.IsPrint(c):
			b = append(b, s[i:i+n]...)
		case c <= 0xff:
			b = append(b, "\\x"+pad(strconv.FormatInt(int64(c), 16), 2)...)
		case c <= 0xffff:
			b = append(b, "\\u"+pad(strconv.FormatInt(int64(c), 16), 4)...)
		default:
			b = append(b, "\\U"+pad(strconv.FormatInt(int64(c), 16), 8)...)
		}
		i += n
	}
	return string(append(b, quote))
}
