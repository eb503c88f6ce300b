package grammar

import (
	"slices"
	"unicode/utf8"
)

// allows reports whether a value of the schema's enum or const satisfies the rest of s.
func (c *compiler) allows(s *spec, v *value) bool {
	c.lim.spend(1)
	if !s.types.has(v.kind) || s.listed && !slices.ContainsFunc(s.values, v.equal) {
		return false
	}
	switch v.kind {
	case kindNumber:
		d, ok := parseDecimal(v.text)
		return ok && s.holds(d.rat())
	case kindString:
		n := utf8.RuneCountInString(v.text)
		if n < s.minLength || s.maxLength >= 0 && n > s.maxLength {
			return false
		}
		for _, p := range s.patterns {
			if !p.matchesInside(v.text) {
				return false
			}
		}
	case kindArray:
		return c.allowsArray(s, v)
	case kindObject:
		return c.allowsObject(s, v)
	default:
	}
	return true
}

func (c *compiler) allowsArray(s *spec, v *value) bool {
	if len(v.items) < s.minItems || s.maxItems >= 0 && len(v.items) > s.maxItems {
		return false
	}
	for i, item := range v.items {
		if s.unique != nil && slices.ContainsFunc(v.items[:i], item.equal) {
			return false
		}
		if !c.satisfies(s.elements(i), item) {
			return false
		}
	}
	for _, at := range s.contains {
		fewest, most := containing(at)
		found := 0
		for _, item := range v.items {
			if c.satisfies([]*value{at.fields["contains"]}, item) {
				found++
			}
		}
		if found < fewest || most >= 0 && found > most {
			return false
		}
	}
	return true
}

func (c *compiler) allowsObject(s *spec, v *value) bool {
	if len(v.keys) < s.minProps || s.maxProps >= 0 && len(v.keys) > s.maxProps {
		return false
	}
	for _, name := range s.required {
		if v.fields[name] == nil {
			return false
		}
	}
	o := &object{compiler: c, s: s}
	o.collect()
	for _, key := range v.keys {
		if !c.satisfies(o.schemas(key), v.fields[key]) {
			return false
		}
	}
	return true
}

// satisfies reports whether a value satisfies all schemas.
func (c *compiler) satisfies(all []*value, v *value) bool {
	return slices.ContainsFunc(c.expand(all), func(s *spec) bool { return c.allows(s, v) })
}
