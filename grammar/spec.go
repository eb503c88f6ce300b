package grammar

import (
	"slices"
	"strconv"
	"strings"
)

// types is a set of kinds.
type types uint8

const allTypes types = 1<<(kindObject+1) - 1

func (t types) has(k kind) bool { return t&(1<<k) != 0 }

// spec is a conjunction of schemas without alternatives: what a value must satisfy.
type spec struct {
	types  types
	listed bool // values lists all that are allowed
	values []*value
	numbers
	patterns             []*dfa
	minLength, maxLength int    // characters; below 0: any
	lengthAt             *value // the keyword of the longer
	minItems, maxItems   int
	unique               *value   // the keyword uniqueItems, if it is true
	contains             []*value // the schemas with that keyword
	minProps, maxProps   int
	propsAt              *value // one of the keywords of those
	arrays, objects      []*value
	required, absent     []string
	keyNames             []*value // the schemas of propertyNames
	seen                 []*value // the schemas that are in it
}

func newSpec() *spec {
	return &spec{types: allTypes, maxLength: -1, maxItems: -1, maxProps: -1}
}

// clone returns a copy that grows on its own.
func (s *spec) clone() *spec {
	t := *s
	t.bounds, t.divisors = slices.Clip(t.bounds), slices.Clip(t.divisors)
	t.patterns, t.seen, t.required = slices.Clip(t.patterns), slices.Clip(t.seen), slices.Clip(t.required)
	t.arrays, t.objects = slices.Clip(t.arrays), slices.Clip(t.objects)
	t.contains, t.absent, t.keyNames = slices.Clip(t.contains), slices.Clip(t.absent), slices.Clip(t.keyNames)
	return &t
}

// free reports whether every value satisfies s.
func (s *spec) free() bool {
	return s.types == allTypes && !s.listed && !s.integer && len(s.bounds)+len(s.divisors)+len(s.patterns) == 0 &&
		s.minLength <= 0 && s.maxLength < 0 && s.freeArray() && s.freeObject()
}

func (s *spec) freeArray() bool {
	return len(s.arrays) == 0 && s.minItems <= 0 && s.maxItems < 0 && s.unique == nil && len(s.contains) == 0
}

func (s *spec) freeObject() bool {
	return len(s.objects)+len(s.required)+len(s.absent)+len(s.keyNames) == 0 && s.minProps <= 0 && s.maxProps < 0
}

// maxSpecs bounds the alternatives that one place of a schema comes to.
const maxSpecs = 256

// expand returns what satisfies all schemas as alternatives.
func (c *compiler) expand(all []*value) []*spec {
	specs := []*spec{newSpec()}
	for _, v := range all {
		specs = c.meet(specs, v, nil)
	}
	return specs
}

// meet returns the specs that satisfy one schema more. path are the schemas that led to
// it at the same place of the text.
func (c *compiler) meet(specs []*spec, v *value, path []*value) []*spec {
	if v.kind == kindBool {
		if v.yes {
			return specs
		}
		return nil
	}
	path = c.enter(v, path, len(specs))
	var done, out []*spec
	for _, s := range specs {
		if slices.Contains(s.seen, v) {
			done = append(done, s)
			continue
		}
		s = s.clone()
		s.seen = append(s.seen, v)
		out = append(out, s)
	}
	for _, key := range v.keys {
		for _, s := range out {
			c.keyword(s, v, key)
		}
	}
	for _, key := range v.keys {
		out = c.applicator(out, v, key, path)
		if len(out) > maxSpecs {
			fail(v.fields[key].pointer, key, "the schema comes to more than %d alternatives here", maxSpecs)
		}
	}
	return append(done, out...)
}

// enter returns the path with a schema that is no boolean added to it.
func (c *compiler) enter(v *value, path []*value, specs int) []*value {
	if v.kind != kindObject {
		fail(v.pointer, keyOf(v), "a schema is an object or a boolean")
	}
	if slices.Contains(path, v) {
		fail(v.pointer, "$ref", "the schema refers to itself without an object or array between")
	}
	c.lim.spend(specs + len(path))
	return append(slices.Clip(path), v)
}

// keyOf returns the last part of a value's pointer.
func keyOf(v *value) string {
	return v.pointer[strings.LastIndexByte(v.pointer, '/')+1:]
}

// applicator applies a keyword that holds schemas for the same place.
func (c *compiler) applicator(specs []*spec, v *value, key string, path []*value) []*spec {
	at := v.fields[key]
	switch key {
	case "$ref":
		return c.meet(specs, c.resolve(at), path)
	case "allOf":
		for _, sub := range schemas(at, key) {
			specs = c.meet(specs, sub, path)
		}
		return specs
	case "not":
		return c.deny(specs, at, path)
	case "if":
		return c.condition(specs, v, path)
	case "dependentRequired", "dependentSchemas", "dependencies":
		return c.depend(specs, at, key, path)
	case "anyOf", "oneOf":
		var out []*spec
		var branches [][]*spec
		for _, sub := range schemas(at, key) {
			branch := c.meet(specs, sub, path)
			branches = append(branches, branch)
			out = append(out, branch...)
		}
		if key == "oneOf" {
			c.disjoint(at, branches)
		}
		return out
	}
	return specs
}

func schemas(v *value, key string) []*value {
	if v.kind != kindArray || len(v.items) == 0 {
		fail(v.pointer, key, "an array of schemas is expected")
	}
	return v.items
}

// resolve finds what a $ref refers to.
func (c *compiler) resolve(at *value) *value {
	if at.kind != kindString {
		fail(at.pointer, "$ref", "a string is expected")
	}
	ref := at.text
	if id := c.root.fields["$id"]; id != nil && id.kind == kindString {
		if rest, ok := strings.CutPrefix(ref, strings.TrimSuffix(id.text, "#")); ok && (rest == "" || rest[0] == '#') {
			ref = "#" + strings.TrimPrefix(rest, "#")
		}
	}
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok {
		fail(at.pointer, "$ref", "%q is not within the schema, and nothing else is read", at.text)
	}
	fragment, ok = unescapeFragment(fragment)
	var to *value
	switch {
	case !ok:
	case fragment == "" || fragment[0] == '/':
		to = c.root.find(fragment)
	default:
		to = c.anchors[fragment]
	}
	if to == nil {
		fail(at.pointer, "$ref", "there is nothing at %q", at.text)
	}
	return to
}

// unescapeFragment resolves %XX.
func unescapeFragment(s string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		out.WriteByte(byte(b))
		i += 2
	}
	return out.String(), true
}

// maxDisjoint bounds the pairs of one oneOf that are compared.
const maxDisjoint = 4096

// disjoint checks, once all is compiled, that no value satisfies two branches of a
// oneOf: it is then the same as anyOf.
func (c *compiler) disjoint(at *value, branches [][]*spec) {
	pairs := 0
	for i, branch := range branches {
		for j, other := range branches[:i] {
			for _, a := range branch {
				for _, b := range other {
					if pairs++; pairs > maxDisjoint {
						fail(at.pointer, "oneOf", "too many alternatives to prove that they exclude each other; use anyOf")
					}
					c.exclude(at, a, b, j, i)
				}
			}
		}
	}
}

func (c *compiler) exclude(at *value, a, b *spec, i, j int) {
	both := &rule{}
	c.todo = append(c.todo, func() { c.define(both, []*spec{merge(a, b)}) })
	c.checks = append(c.checks, func() {
		if possible(both) {
			fail(at.pointer, "oneOf", "a value may satisfy the alternatives %d and %d both; use anyOf, or properties that tell them apart", i, j)
		}
	})
}

// possible reports whether a rule has any text.
func possible(r *rule) bool {
	return findProductive(reachable(r))[r]
}

// merge returns what satisfies both specs.
func merge(a, b *spec) *spec {
	s := a.clone()
	s.types &= b.types
	s.integer = s.integer || b.integer
	s.bounds = append(s.bounds, b.bounds...)
	s.divisors = append(s.divisors, b.divisors...)
	s.patterns = append(s.patterns, b.patterns...)
	s.minLength, s.maxLength = max(s.minLength, b.minLength), least(s.maxLength, b.maxLength)
	s.lengthAt = or(s.lengthAt, b.lengthAt)
	s.minItems, s.maxItems = max(s.minItems, b.minItems), least(s.maxItems, b.maxItems)
	s.minProps, s.maxProps = max(s.minProps, b.minProps), least(s.maxProps, b.maxProps)
	s.unique, s.propsAt = or(s.unique, b.unique), or(s.propsAt, b.propsAt)
	s.required, s.absent = append(s.required, b.required...), append(s.absent, b.absent...)
	s.keyNames = append(s.keyNames, b.keyNames...)
	s.arrays, s.contains, s.objects = join(s.arrays, b.arrays), join(s.contains, b.contains), join(s.objects, b.objects)
	if b.listed {
		s.list(b.values)
	}
	return s
}

// join adds the schemas of b to a that are not there.
func join(a, b []*value) []*value {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}

// list allows the values alone, and of them those that were allowed.
func (s *spec) list(values []*value) {
	if s.listed {
		values = slices.DeleteFunc(slices.Clone(values), func(v *value) bool {
			return !slices.ContainsFunc(s.values, v.equal)
		})
	}
	s.listed, s.values = true, values
}

func or(a, b *value) *value {
	if a != nil {
		return a
	}
	return b
}

// least returns the lower of two limits, of which those below 0 are none.
func least(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
