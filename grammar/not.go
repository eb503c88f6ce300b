package grammar

import (
	"slices"
)

// condition returns what satisfies if, then that, or not, and else.
func (c *compiler) condition(specs []*spec, v *value, path []*value) []*spec {
	then, otherwise := v.fields["then"], v.fields["else"]
	if then == nil && otherwise == nil {
		return specs
	}
	yes, no := c.meet(specs, v.fields["if"], path), c.deny(specs, v.fields["if"], path)
	if then != nil {
		yes = c.meet(yes, then, path)
	}
	if otherwise != nil {
		no = c.meet(no, otherwise, path)
	}
	return append(slices.Clip(yes), no...)
}

// deny returns the specs that do not satisfy a schema, where that can be said: a value
// does not when one of the keywords turns it down.
func (c *compiler) deny(specs []*spec, v *value, path []*value) []*spec {
	if v.kind == kindBool {
		if v.yes {
			return nil
		}
		return specs
	}
	path = c.enter(v, path, len(specs))
	var out []*spec
	for _, s := range specs {
		if s.listed {
			s = s.clone()
			s.values = slices.DeleteFunc(slices.Clone(s.values), func(x *value) bool { return c.satisfies([]*value{v}, x) })
			out = append(out, s)
			continue
		}
		for _, key := range v.keys {
			out = append(out, c.denyKeyword(s, v, key, path)...)
		}
	}
	if len(out) > maxSpecs {
		fail(v.pointer, keyOf(v), "the schema comes to more than %d alternatives here", maxSpecs)
	}
	return out
}

// denyKeyword returns the values of s, which lists none, that a keyword turns down.
func (c *compiler) denyKeyword(s *spec, v *value, key string, path []*value) []*spec {
	at := v.fields[key]
	one := []*spec{s}
	switch key {
	case "type":
		return s.denyTypes(at)
	case "const":
		return c.denyValue(one, at)
	case "enum":
		for _, x := range choices(at) {
			one = c.denyValue(one, x)
		}
		return one
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		b := limit(at, key)
		return []*spec{s.with(kindNumber, func(s *spec) { s.bounds = append(s.bounds, bound{b.decimal, !b.upper, !b.open}) })}
	case "pattern":
		return []*spec{s.with(kindString, func(s *spec) { s.patterns = append(s.patterns, minus(c.lim, c.canonical, c.search(at, key))) })}
	case "required":
		var out []*spec
		names := newSpec()
		names.require(at, key)
		for _, name := range names.required {
			out = append(out, s.with(kindObject, func(s *spec) { s.absent = append(s.absent, name) }))
		}
		return out
	case "properties":
		return c.denyProperties(s, at)
	case "$ref":
		return c.deny(one, c.resolve(at), path)
	case "not":
		return c.meet(one, at, path)
	case "allOf":
		var out []*spec
		for _, sub := range schemas(at, key) {
			out = append(out, c.deny(one, sub, path)...)
		}
		return out
	case "anyOf":
		for _, sub := range schemas(at, key) {
			one = c.deny(one, sub, path)
		}
		return one
	}
	return c.denyCount(s, v, key)
}

// denyCount is denyKeyword for limits of lengths and counts, and for what says nothing.
func (c *compiler) denyCount(s *spec, v *value, key string) []*spec {
	at := v.fields[key]
	switch key {
	case "minLength", "minItems", "minProperties":
		n := count(at, key) - 1
		if n < 0 {
			return nil
		}
		switch key {
		case "minLength":
			return []*spec{s.with(kindString, func(s *spec) { s.maxLength, s.lengthAt = least(s.maxLength, n), at })}
		case "minItems":
			return []*spec{s.with(kindArray, func(s *spec) { s.maxItems = least(s.maxItems, n) })}
		}
		return []*spec{s.with(kindObject, func(s *spec) { s.maxProps, s.propsAt = least(s.maxProps, n), at })}
	case "maxLength":
		return []*spec{s.with(kindString, func(s *spec) { s.minLength, s.lengthAt = max(s.minLength, count(at, key)+1), at })}
	case "maxItems":
		return []*spec{s.with(kindArray, func(s *spec) { s.minItems = max(s.minItems, count(at, key)+1) })}
	case "maxProperties":
		return []*spec{s.with(kindObject, func(s *spec) { s.minProps, s.propsAt = max(s.minProps, count(at, key)+1), at })}
	}
	c.note(v, key)
	return nil
}

// beyondNot are the applicators that deny does not know.
var beyondNot = []string{"oneOf", "if", "dependencies", "dependentRequired", "dependentSchemas"}

// note refuses a keyword that changes what is valid.
func (c *compiler) note(v *value, key string) {
	said := newSpec()
	c.keyword(said, v, key)
	if !said.free() || slices.Contains(beyondNot, key) {
		fail(v.fields[key].pointer, key, "this keyword cannot be compiled within not or if; say what is allowed instead")
	}
}

// with returns a copy that is of one kind alone and narrowed by fn.
func (s *spec) with(k kind, fn func(*spec)) *spec {
	t := s.clone()
	t.types &= 1 << k
	fn(t)
	return t
}

func (s *spec) denyTypes(at *value) []*spec {
	allowed := newSpec()
	allowed.keepTypes(at)
	if allowed.integer && !s.integer && s.types.has(kindNumber) {
		fail(at.pointer, "type", "numbers that are not integers cannot be told apart; name the types that are allowed")
	}
	t := s.clone()
	t.types &^= allowed.types
	return []*spec{t}
}

// denyValue returns what is of specs but a value.
func (c *compiler) denyValue(specs []*spec, v *value) []*spec {
	var out []*spec
	for _, s := range specs {
		if !s.types.has(v.kind) {
			out = append(out, s)
			continue
		}
		others := s.clone()
		others.types &^= 1 << v.kind
		out = append(out, others)
		switch v.kind {
		case kindNull:
		case kindBool:
			other := &value{kind: kindBool, yes: !v.yes}
			out = append(out, s.with(kindBool, func(s *spec) { s.list([]*value{other}) }))
		case kindNumber:
			d := number(v, keyOf(v))
			for _, upper := range []bool{true, false} {
				out = append(out, s.with(kindNumber, func(s *spec) { s.bounds = append(s.bounds, bound{d, upper, true}) }))
			}
		case kindString:
			rest := minus(c.lim, c.canonical, c.literalKey(v.text))
			out = append(out, s.with(kindString, func(s *spec) { s.patterns = append(s.patterns, rest) }))
		default:
			fail(v.pointer, keyOf(v), "arrays and objects that are not a certain one cannot be told apart; say what is allowed instead")
		}
	}
	return out
}

// denyProperties returns the objects of which a property does not satisfy its schema.
func (c *compiler) denyProperties(s *spec, at *value) []*spec {
	if at.kind != kindObject {
		fail(at.pointer, "properties", "an object of schemas is expected")
	}
	var out []*spec
	for _, name := range at.keys {
		out = append(out, s.with(kindObject, func(s *spec) {
			s.required = append(s.required, name)
			s.objects = append(s.objects, c.without(at, name))
		}))
	}
	return out
}

// without returns the schema of the objects of which one of some properties, if it is
// there, does not satisfy its schema.
func (c *compiler) without(properties *value, name string) *value {
	of := properties.fields[name]
	if v := c.denied[of]; v != nil {
		return v
	}
	v := c.node("properties", c.node(name, c.node("not", of)))
	c.denied[of] = v
	return v
}

// negated returns the schema of what does not satisfy one that is no property's.
func (c *compiler) negated(of *value) *value {
	v := c.denied[of]
	if v == nil {
		v = c.node("not", of)
		c.denied[of] = v
	}
	return v
}

// node makes an object of one key at the place of its value.
func (c *compiler) node(key string, v *value) *value {
	c.made--
	return &value{kind: kindObject, keys: []string{key}, fields: map[string]*value{key: v}, pointer: v.pointer, order: c.made}
}
