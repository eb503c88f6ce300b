package grammar

import (
	"slices"
)

// forbidden is satisfied by nothing.
var forbidden = &value{kind: kindBool, order: -1}

// keyNames narrows the keys of an object to what a schema of propertyNames takes. Names
// that it lists are the object's, in that order, unless others are left out.
func (o *object) keyNames(schema *value, name func(string)) {
	keys, names, free := o.insides(schema)
	if free {
		return
	}
	if o.keys != nil {
		keys = intersect(o.lim, o.keys, keys)
	}
	o.keys = keys
	if !o.closed() {
		for _, n := range names {
			name(n)
		}
	}
}

// insides accepts the insides of the strings that satisfy a schema, unless those are any.
// It returns those that are listed as well.
func (c *compiler) insides(schema *value) (d *dfa, listed []string, free bool) {
	n := newNFA(c.lim)
	start, end := n.state(), n.state()
	for _, s := range c.expand([]*value{schema}) {
		switch {
		case !s.types.has(kindString):
		case s.listed:
			for _, v := range s.values {
				if v.kind == kindString && c.allows(s, v) {
					n.literal(start, end, inside(v.text))
					listed = append(listed, v.text)
				}
			}
		case s.maxLength >= 0 && s.minLength > s.maxLength:
		case len(s.patterns) == 0 && s.minLength <= 0 && s.maxLength < 0:
			return nil, nil, true
		default:
			if d := c.inside(s); !d.empty() {
				n.embed(start, end, d)
			}
		}
	}
	return n.determinize(start, end), listed, false
}

// inside accepts the insides of the strings that satisfy a spec.
func (c *compiler) inside(s *spec) *dfa {
	n := newNFA(c.lim)
	start, end := n.state(), n.state()
	n.repeat(start, end, jsonChar, max(s.minLength, 0), s.maxLength)
	d := n.determinize(start, end)
	for _, p := range s.patterns {
		d = intersect(c.lim, d, p)
	}
	return d
}

// allowsKey reports whether a property may have a name.
func (o *object) allowsKey(name string) bool {
	return !slices.Contains(o.s.absent, name) && (o.keys == nil || o.keys.matchesInside(name))
}

// depend returns the alternatives of a keyword that asks for something where a property
// is there: objects with it, which satisfy that, and all that are without it.
func (c *compiler) depend(specs []*spec, at *value, key string, path []*value) []*spec {
	if at.kind != kindObject {
		fail(at.pointer, key, "an object is expected")
	}
	for _, name := range at.keys {
		needs := at.fields[name]
		var with, without []*spec
		for _, s := range specs {
			w := s.clone()
			w.types &= 1 << kindObject
			w.required = append(w.required, name)
			if needs.kind == kindArray && key != "dependentSchemas" {
				w.require(needs, key)
			}
			with = append(with, w)
			if !slices.Contains(s.required, name) || s.types != 1<<kindObject {
				s = s.clone()
				s.absent = append(s.absent, name)
				without = append(without, s)
			}
		}
		if needs.kind != kindArray || key == "dependentSchemas" {
			if key == "dependentRequired" {
				fail(needs.pointer, key, "an array of names is expected")
			}
			with = c.meet(with, needs, path)
		}
		if specs = append(without, with...); len(specs) > maxSpecs {
			fail(at.pointer, key, "the schema comes to more than %d alternatives here", maxSpecs)
		}
	}
	return specs
}

// require adds names to those that an object must have.
func (s *spec) require(names *value, key string) {
	if names.kind != kindArray {
		fail(names.pointer, key, "an array of names is expected")
	}
	for _, name := range names.items {
		if name.kind != kindString {
			fail(name.pointer, key, "a name is expected")
		}
		s.required = append(s.required, name.text)
	}
}
