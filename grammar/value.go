package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxSchema = 1 << 20 // bytes
	maxDepth  = 200     // of values within values
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// value is a JSON value with the order of its keys.
type value struct {
	kind    kind
	yes     bool   // of a bool
	text    string // of a string, or a number as it was written
	items   []*value
	keys    []string // of an object, in order
	fields  map[string]*value
	pointer string // where it stands
	order   int    // among all values of the schema
}

// readValue parses one JSON value.
func readValue(data []byte) (*value, error) {
	if len(data) > maxSchema {
		return nil, fmt.Errorf("%d bytes, at most %d are taken", len(data), maxSchema)
	}
	r := &reader{json.NewDecoder(bytes.NewReader(data)), 0}
	r.UseNumber()
	v, err := r.value("", 0)
	if err == nil {
		if _, more := r.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("data after the JSON value")
		}
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return v, err
}

type reader struct {
	*json.Decoder
	count int
}

func (r *reader) value(pointer string, depth int) (*value, error) {
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("values nest more than %d deep", maxDepth)
	}
	v := &value{pointer: pointer, order: r.count}
	r.count++
	switch t := token.(type) {
	case bool:
		v.kind, v.yes = kindBool, t
	case json.Number:
		v.kind, v.text = kindNumber, t.String()
	case string:
		v.kind, v.text = kindString, t
	case json.Delim:
		if t == '{' {
			return v, r.object(v, depth)
		}
		return v, r.array(v, depth)
	}
	return v, nil
}

func (r *reader) array(v *value, depth int) error {
	v.kind = kindArray
	for r.More() {
		item, err := r.value(v.pointer+"/"+strconv.Itoa(len(v.items)), depth+1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := r.Token()
	return err
}

func (r *reader) object(v *value, depth int) error {
	v.kind, v.fields = kindObject, map[string]*value{}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder takes nothing else
		field, err := r.value(v.pointer+"/"+escapePointer(name), depth+1)
		if err != nil {
			return err
		}
		if v.fields[name] != nil {
			return fmt.Errorf("key %q is there twice, at %q", name, "#"+v.pointer)
		}
		v.keys = append(v.keys, name)
		v.fields[name] = field
	}
	_, err := r.Token()
	return err
}

func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// find follows a JSON pointer.
func (v *value) find(pointer string) *value {
	if pointer == "" {
		return v
	}
	if pointer[0] != '/' {
		return nil
	}
	for key := range strings.SplitSeq(pointer[1:], "/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		switch v.kind {
		case kindObject:
			v = v.fields[key]
		case kindArray:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v.items) {
				return nil
			}
			v = v.items[i]
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// each calls visit with v and all values within.
func (v *value) each(visit func(*value)) {
	visit(v)
	for _, item := range v.items {
		item.each(visit)
	}
	for _, key := range v.keys {
		v.fields[key].each(visit)
	}
}

// spell writes the value as encoders do, without white space.
func (v *value) spell() string {
	var out strings.Builder
	v.spellTo(&out)
	return out.String()
}

func (v *value) spellTo(out *strings.Builder) {
	switch v.kind {
	case kindNull:
		out.WriteString("null")
	case kindBool:
		out.WriteString(strconv.FormatBool(v.yes))
	case kindNumber:
		text, ok := canonicalNumber(v.text)
		if !ok {
			text = v.text
		}
		out.WriteString(text)
	case kindString:
		spellString(out, v.text)
	case kindArray:
		out.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				out.WriteByte(',')
			}
			item.spellTo(out)
		}
		out.WriteByte(']')
	case kindObject:
		out.WriteByte('{')
		for i, key := range v.keys {
			if i > 0 {
				out.WriteByte(',')
			}
			spellString(out, key)
			out.WriteByte(':')
			v.fields[key].spellTo(out)
		}
		out.WriteByte('}')
	}
}

// spellString writes a string as jsonRunes reads it.
func spellString(out *strings.Builder, s string) {
	out.WriteByte('"')
	out.WriteString(inside(s))
	out.WriteByte('"')
}

// inside returns what stands between the quotes of a string.
func inside(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch e, ok := jsonEscapes[r]; {
		case ok:
			out.WriteString(string([]byte{'\\', e}))
		case r < 0x20:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// equal reports whether two values are the same to JSON Schema.
func (v *value) equal(w *value) bool {
	if v.kind != w.kind || len(v.items) != len(w.items) || len(v.keys) != len(w.keys) {
		return false
	}
	switch v.kind {
	case kindNull:
	case kindBool:
		return v.yes == w.yes
	case kindNumber:
		a, okA := parseDecimal(v.text)
		b, okB := parseDecimal(w.text)
		return okA && okB && a == b
	case kindString:
		return v.text == w.text
	case kindArray:
		for i := range v.items {
			if !v.items[i].equal(w.items[i]) {
				return false
			}
		}
	case kindObject:
		for key, field := range v.fields {
			if w.fields[key] == nil || !field.equal(w.fields[key]) {
				return false
			}
		}
	}
	return true
}
