package gguf

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Metadata is an ordered list of keys and typed values. A value is a uint8, int8,
// uint16, int16, uint32, int32, uint64, int64, float32, float64, bool or string, a
// slice of one of these, or a []any of slices. Values are shared, not copied: they
// must not be changed.
//
// The zero Metadata is empty and ready for use; reading one is safe for concurrent
// use.
type Metadata struct {
	keys   []string
	values map[string]any
}

// Len returns the number of pairs.
func (m *Metadata) Len() int { return len(m.keys) }

// Keys returns the keys in the order of the file. The caller owns the slice.
func (m *Metadata) Keys() []string { return slices.Clone(m.keys) }

// Set adds a pair, or replaces the value of a key, which keeps its place.
func (m *Metadata) Set(key string, value any) {
	if m.values == nil {
		m.values = map[string]any{}
	}
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = value
}

// Delete removes a pair, if it is there.
func (m *Metadata) Delete(key string) {
	if _, ok := m.values[key]; ok {
		delete(m.values, key)
		m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
	}
}

// Clone returns a copy that can be changed on its own.
func (m *Metadata) Clone() *Metadata {
	return &Metadata{keys: slices.Clone(m.keys), values: maps.Clone(m.values)}
}

// Get returns the value of a key.
func (m *Metadata) Get(key string) (value any, ok bool) {
	value, ok = m.values[key]
	return value, ok
}

// Has reports whether the key is there.
func (m *Metadata) Has(key string) bool {
	_, ok := m.values[key]
	return ok
}

// get returns a value of type T. Without the key the error wraps [ErrNoKey], with
// another type [ErrMetadata].
func get[T any](m *Metadata, key string) (v T, err error) {
	value, ok := m.values[key]
	if !ok {
		return v, fmt.Errorf("metadata %s: %w", key, ErrNoKey)
	}
	if v, ok = value.(T); !ok {
		return v, fmt.Errorf("%w: %s is %T, want %T", ErrMetadata, key, value, v)
	}
	return v, nil
}

// Text returns a string. Without the key the error wraps [ErrNoKey], with another
// type [ErrMetadata]; so do those of the methods below.
func (m *Metadata) Text(key string) (string, error) { return get[string](m, key) }

// Bool returns a boolean.
func (m *Metadata) Bool(key string) (bool, error) { return get[bool](m, key) }

// Strings returns an array of strings, which the caller must not change.
func (m *Metadata) Strings(key string) ([]string, error) { return get[[]string](m, key) }

// Int returns an integer of any width.
func (m *Metadata) Int(key string) (int, error) {
	value, err := get[any](m, key)
	if err != nil {
		return 0, err
	}
	n, ok := toInt(value)
	if !ok {
		return 0, fmt.Errorf("%w: %s is %v (%T), want an integer", ErrMetadata, key, brief(value), value)
	}
	return n, nil
}

func toInt(value any) (n int, ok bool) {
	switch v := value.(type) {
	case uint8:
		return int(v), true
	case int8:
		return int(v), true
	case uint16:
		return int(v), true
	case int16:
		return int(v), true
	case uint32:
		return int(v), true
	case int32:
		return int(v), true
	case int64:
		return int(v), true
	case uint64:
		return int(v), v < 1<<63
	}
	return 0, false
}

// Ints returns an array of integers of any width, or one integer as an array of one.
func (m *Metadata) Ints(key string) ([]int, error) {
	value, err := get[any](m, key)
	if err != nil {
		return nil, err
	}
	var out []int
	switch v := value.(type) {
	case []uint8:
		out = widen[int](v)
	case []int8:
		out = widen[int](v)
	case []uint16:
		out = widen[int](v)
	case []int16:
		out = widen[int](v)
	case []uint32:
		out = widen[int](v)
	case []int32:
		out = widen[int](v)
	case []int64:
		out = widen[int](v)
	case []uint64:
		out = widen[int](v)
	case []bool:
		out = make([]int, len(v))
		for i, b := range v {
			if b {
				out[i] = 1
			}
		}
	default:
		n, ok := toInt(value)
		if !ok {
			return nil, fmt.Errorf("%w: %s is %T, want an array of integers", ErrMetadata, key, value)
		}
		out = []int{n}
	}
	return out, nil
}

func widen[T, F uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64 | int | float32 | float64](v []F) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// Float returns a number of any type.
func (m *Metadata) Float(key string) (float64, error) {
	value, err := get[any](m, key)
	if err != nil {
		return 0, err
	}
	switch v := value.(type) {
	case float32:
		return float64(v), nil
	case float64:
		return v, nil
	}
	if n, ok := toInt(value); ok {
		return float64(n), nil
	}
	return 0, fmt.Errorf("%w: %s is %v (%T), want a number", ErrMetadata, key, brief(value), value)
}

// Floats returns an array of floats.
func (m *Metadata) Floats(key string) ([]float32, error) {
	value, err := get[any](m, key)
	if err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case []float32:
		return v, nil
	case []float64:
		return widen[float32](v), nil
	}
	return nil, fmt.Errorf("%w: %s is %T, want an array of floats", ErrMetadata, key, value)
}

// brief cuts a value for a message.
func brief(value any) string {
	const most = 80
	s := fmt.Sprint(value)
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}

// checkKey reports what is wrong with a key or a tensor's name.
func checkKey(key string, most int) string {
	switch {
	case key == "":
		return "is empty"
	case len(key) > most:
		return fmt.Sprintf("has %d bytes, allowed are %d", len(key), most)
	case !utf8.ValidString(key):
		return "is not UTF-8"
	}
	return ""
}
