package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FromJSON decodes JSON as Python's json.loads does: the order of keys is
// kept, a number without fraction and exponent is an int of any size and any
// other a float. The last of equal keys wins and stays in the first's place.
func FromJSON(raw []byte) (Value, error) {
	if len(raw) > maxJSONBytes {
		return Value{}, fmt.Errorf("decode JSON: %d bytes, more than the %d allowed", len(raw), maxJSONBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := decodeValue(dec, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Value{}, fmt.Errorf("decode JSON at byte %d: %w", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, fmt.Errorf("decode JSON at byte %d: more text after the value", dec.InputOffset())
	}
	return v, nil
}

func decodeValue(dec *json.Decoder, depth int) (Value, error) {
	if depth > maxValueDepth {
		return Value{}, fmt.Errorf("values nest deeper than %d levels", maxValueDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return Value{}, err
	}
	switch tok := tok.(type) {
	case nil:
		return None(), nil
	case bool:
		return Bool(tok), nil
	case string:
		return String(tok), nil
	case json.Number:
		return decodeNumber(tok.String())
	case json.Delim:
		if tok == '[' {
			return decodeList(dec, depth)
		}
		return decodeDict(dec, depth)
	}
	return Value{}, fmt.Errorf("unexpected token %v", tok)
}

func decodeList(dec *json.Decoder, depth int) (Value, error) {
	var items []Value
	for dec.More() {
		v, err := decodeValue(dec, depth+1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
	}
	_, err := dec.Token()
	return List(items...), err
}

func decodeDict(dec *json.Decoder, depth int) (Value, error) {
	d := &Dict{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return Value{}, err
		}
		v, err := decodeValue(dec, depth+1)
		if err != nil {
			return Value{}, err
		}
		name, _ := key.(string)
		d.Set(name, v)
	}
	_, err := dec.Token()
	return Map(d), err
}

func decodeNumber(text string) (Value, error) {
	if strings.ContainsAny(text, ".eE") {
		f, _ := strconv.ParseFloat(text, 64) // out of range is an infinity, as in Python
		return Float(f), nil
	}
	if len(text) > maxIntBits/4 {
		return Value{}, fmt.Errorf("the number %.20s... has %d digits", text, len(text))
	}
	b, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return Value{}, fmt.Errorf("%q is not a number", text)
	}
	return bigValue(b), nil
}

// jsonWriter is Python's json.dumps.
type jsonWriter struct {
	run      *run
	b        strings.Builder
	ascii    bool
	sortKeys bool
	indent   string
	pretty   bool
	itemSep  string
	keySep   string
}

func (w *jsonWriter) text(s string) error {
	if w.b.Len()+len(s) > maxStringBytes {
		return errTooLong()
	}
	w.b.WriteString(s)
	return w.run.text(len(s))
}

func (w *jsonWriter) newline(depth int) error {
	if !w.pretty {
		return nil
	}
	if len(w.indent)*depth > maxStringBytes {
		return errTooLong()
	}
	return w.text("\n" + strings.Repeat(w.indent, depth))
}

func (w *jsonWriter) value(v Value, depth int) error {
	if depth > maxValueDepth {
		return errTooDeep()
	}
	if err := w.run.spend(1); err != nil {
		return err
	}
	switch v.kind {
	case KindNone:
		return w.text("null")
	case KindBool, KindInt, KindFloat:
		return w.text(jsonScalar(v))
	case KindString:
		return w.text(quoteJSON(v.str, w.ascii))
	case KindList, KindTuple:
		return w.list(v.ref.(*list).items, depth)
	case KindDict:
		return w.dict(v, depth)
	}
	return fail(typeError, "Object of type %s is not JSON serializable", typeName(v))
}

func jsonScalar(v Value) string {
	switch text := shortRepr(v); text {
	case "True":
		return "true"
	case "False":
		return "false"
	case "inf":
		return "Infinity"
	case "-inf":
		return "-Infinity"
	case "nan":
		return "NaN"
	default:
		return text
	}
}

func (w *jsonWriter) list(items []Value, depth int) error {
	if len(items) == 0 {
		return w.text("[]")
	}
	if err := w.text("["); err != nil {
		return err
	}
	for i, item := range items {
		if err := w.separate(i, depth+1); err != nil {
			return err
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	if err := w.newline(depth); err != nil {
		return err
	}
	return w.text("]")
}

func (w *jsonWriter) separate(i, depth int) error {
	if i > 0 {
		if err := w.text(w.itemSep); err != nil {
			return err
		}
	}
	return w.newline(depth)
}

func (w *jsonWriter) dict(v Value, depth int) error {
	d := v.ref.(*Dict)
	if d.Len() == 0 {
		return w.text("{}")
	}
	order, err := w.keyOrder(d)
	if err != nil {
		return err
	}
	if err := w.text("{"); err != nil {
		return err
	}
	for i, key := range order {
		name, err := jsonKey(key)
		if err != nil {
			return err
		}
		if err := w.separate(i, depth+1); err != nil {
			return err
		}
		if err := w.text(quoteJSON(name, w.ascii) + w.keySep); err != nil {
			return err
		}
		item, _, err := d.lookup(key)
		if err != nil {
			return err
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	if err := w.newline(depth); err != nil {
		return err
	}
	return w.text("}")
}

func (w *jsonWriter) keyOrder(d *Dict) ([]Value, error) {
	if !w.sortKeys {
		return d.keys, nil
	}
	return w.run.sorted(d.keys, d.keys, false)
}

func jsonKey(key Value) (string, error) {
	switch key.kind {
	case KindString:
		return key.str, nil
	case KindNone:
		return "null", nil
	case KindBool, KindInt, KindFloat:
		return jsonScalar(key), nil
	}
	return "", fail(typeError, "keys must be str, int, float, bool or None, not %s", typeName(key))
}

const hexDigits = "0123456789abcdef"

// quoteJSON writes a string as Python does: only what JSON demands is
// escaped, or everything outside ASCII as well.
func quoteJSON(s string, ascii bool) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	unit := func(u rune) {
		b = append(b, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, "\\n"...)
		case c == '\r':
			b = append(b, "\\r"...)
		case c == '\t':
			b = append(b, "\\t"...)
		case c == '\b':
			b = append(b, "\\b"...)
		case c == '\f':
			b = append(b, "\\f"...)
		case c < 0x20, ascii && c >= 0x7f && c <= 0xffff:
			unit(c)
		case ascii && c > 0xffff:
			unit(0xd800 + (c-0x10000)>>10)
			unit(0xdc00 + (c-0x10000)&0x3ff)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(append(b, '"'))
}
