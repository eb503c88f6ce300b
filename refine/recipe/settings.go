package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// maxRecipe bounds the bytes of a recipe file.
const maxRecipe = 1 << 20

// maxNesting bounds how deep the values of a recipe nest.
const maxNesting = 16

// decode fills the struct that v points to from a YAML mapping. A field's key
// is the one in its yaml tag, else its name in
// snake_case (MinWords is min_words); fields whose names are
// not exported, and functions, have no key. Keys that no field has, keys given
// twice and values of a wrong type are errors that name the line. Fields
// without a key in the mapping keep their value.
func decode(n *yaml.Node, v any) error {
	return decodeValue(n, reflect.ValueOf(v).Elem(), "", 0)
}

func decodeValue(n *yaml.Node, v reflect.Value, name string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("line %d: nested over %d deep", n.Line, maxNesting)
	}
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: aliases are not used in recipes", n.Line)
	}
	if isNull(n) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return decodeValue(n, v.Elem(), name, depth)
	case reflect.Struct:
		if v.Type() == nodeType {
			v.Set(reflect.ValueOf(*n))
			return nil
		}
		return decodeStruct(n, v, name, depth)
	case reflect.Slice:
		if n.Kind == yaml.ScalarNode { // one value is a list of one
			list := reflect.MakeSlice(v.Type(), 1, 1)
			v.Set(list)
			return decodeValue(n, list.Index(0), name, depth+1)
		}
		if n.Kind != yaml.SequenceNode {
			return fmt.Errorf("line %d: %s: want a list", n.Line, name)
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			if err := decodeValue(item, list.Index(i), name, depth+1); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	default:
		if err := n.Decode(v.Addr().Interface()); err != nil {
			if reason, ok := errors.AsType[*yaml.TypeError](err); ok {
				return fmt.Errorf("line %d: %s: %q is not of type %s", n.Line, name, n.Value, kindName(v, reason))
			}
			return fmt.Errorf("line %d: %s: %w", n.Line, name, err)
		}
		return nil
	}
}

var nodeType = reflect.TypeFor[yaml.Node]()

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindName names a type for people.
func kindName(v reflect.Value, err error) string {
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer of at least 0"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.String:
		return "text"
	default:
		return strings.TrimSpace(strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:"))
	}
}

func decodeStruct(n *yaml.Node, v reflect.Value, name string, depth int) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s: want settings as key: value", n.Line, name)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			return fmt.Errorf("line %d: %q is given twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		field, ok := fieldOf(v, key.Value)
		if !ok {
			return fmt.Errorf("line %d: unknown field %q; there are %s", key.Line, key.Value, strings.Join(keysOf(v.Type()), ", "))
		}
		if err := decodeValue(value, field, key.Value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); isSetting(f) && keyOf(f) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// isSetting reports the fields that a recipe can set.
func isSetting(f reflect.StructField) bool {
	switch f.Type.Kind() {
	case reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return false
	default:
		return f.IsExported()
	}
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if isSetting(f) {
			keys = append(keys, keyOf(f))
		}
	}
	slices.Sort(keys)
	if keys == nil {
		keys = []string{"none"}
	}
	return keys
}

// keyOf returns the key of a field: the name in its yaml tag, else its own.
func keyOf(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
		return name
	}
	return snake(f.Name)
}

// snake turns a Go name into a key: MinWords is min_words, MaxLineChars
// max_line_chars, Top2Gram top2_gram.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || next {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// canonical returns the settings in v as JSON with the keys of decode, in the
// order of the struct's fields: the form in which a recipe is recorded.
func canonical(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := writeCanonical(&b, reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeCanonical(b *bytes.Buffer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("null")
		return nil
	case reflect.Pointer:
		return writeCanonical(b, v.Elem())
	case reflect.Struct:
		b.WriteByte('{')
		first := true
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !isSetting(f) {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			fmt.Fprintf(b, "%q:", keyOf(f))
			if err := writeCanonical(b, v.Field(i)); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeCanonical(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	default:
		j, err := json.Marshal(v.Interface())
		b.Write(j)
		return err
	}
}
