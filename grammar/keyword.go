package grammar

import (
	"strconv"
	"strings"
)

// kinds are the names of types; integer is a number.
var kinds = map[string]kind{
	"null": kindNull, "boolean": kindBool, "number": kindNumber, "integer": kindNumber,
	"string": kindString, "array": kindArray, "object": kindObject,
}

// uncompilable are the keywords of JSON Schema, of any draft, that change what is valid
// and have no automaton here, with what to do about it. All others that keyword does
// not know say nothing about validity.
var uncompilable = map[string]string{
	"unevaluatedItems":      "use items",
	"unevaluatedProperties": "use additionalProperties",
	"$dynamicRef":           "use $ref",
	"$recursiveRef":         "use $ref",
	"extends":               "use allOf",
	"disallow":              "say what is allowed instead",
	"divisibleBy":           "use multipleOf",
}

// keyword adds to s what a keyword of v says. Those with schemas for the same place are
// applicator's.
func (c *compiler) keyword(s *spec, v *value, key string) {
	at := v.fields[key]
	switch key {
	case "type":
		s.keepTypes(at)
	case "enum":
		s.list(choices(at))
	case "const":
		s.list([]*value{at})
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		s.bounds = append(s.bounds, limit(at, key))
	case "multipleOf":
		d := number(at, key)
		if d.neg || d.zero() {
			fail(at.pointer, key, "a number above 0 is expected")
		}
		s.divisors = append(s.divisors, divisor{d, at.pointer})
	case "minLength":
		s.minLength, s.lengthAt = max(s.minLength, count(at, key)), or(s.lengthAt, at)
	case "maxLength":
		s.maxLength, s.lengthAt = least(s.maxLength, count(at, key)), at
	case "pattern":
		if d := c.search(at, key); d != nil {
			s.patterns = append(s.patterns, d)
		}
	case "format":
		if d := c.format(at); d != nil {
			s.patterns = append(s.patterns, d)
		}
	case "prefixItems", "items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains":
		c.arrayKeyword(s, v, key)
	case "properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties", "maxProperties":
		c.objectKeyword(s, v, key)
	case "$id", "id":
		if v != c.root && at.kind == kindString && (key == "$id" || strings.Contains(at.text, ":")) {
			fail(at.pointer, key, "a schema within the schema that has an address of its own is not supported; use $defs")
		}
	default:
		if hint, ok := uncompilable[key]; ok {
			fail(at.pointer, key, "this keyword cannot be compiled; %s", hint)
		}
	}
}

func (s *spec) keepTypes(at *value) {
	names := []*value{at}
	if at.kind == kindArray {
		names = at.items
	}
	var allowed types
	integer, fractions := false, false
	for _, name := range names {
		k, ok := kinds[name.text]
		if !ok || name.kind != kindString {
			fail(at.pointer, "type", "null, boolean, number, integer, string, array or object is expected")
		}
		allowed |= 1 << k
		integer = integer || name.text == "integer"
		fractions = fractions || name.text == "number"
	}
	s.types &= allowed
	s.integer = s.integer || integer && !fractions
}

// choices returns the values of an enum.
func choices(at *value) []*value {
	if at.kind != kindArray {
		fail(at.pointer, "enum", "an array is expected")
	}
	return at.items
}

// limit reads what a minimum or maximum says.
func limit(at *value, key string) bound {
	return bound{decimal: number(at, key), upper: strings.HasSuffix(key, "aximum"), open: key[0] == 'e'}
}

// number reads a number of a schema.
func number(at *value, key string) decimal {
	if at.kind != kindNumber {
		fail(at.pointer, key, "a number is expected")
	}
	d, ok := parseDecimal(at.text)
	if !ok || len(d.whole)+len(d.frac) > maxExponent {
		fail(at.pointer, key, "the number %.20s has too many digits", at.text)
	}
	return d
}

// maxCount bounds lengths and counts, lest they wrap around. What is compiled is bounded
// by maxWork, well below.
const maxCount = 1 << 30

// count reads a whole number of 0 or more.
func count(at *value, key string) int {
	d := number(at, key)
	n, err := strconv.Atoi(d.whole)
	if d.neg || d.frac != "" || err != nil && len(d.whole) < 9 {
		fail(at.pointer, key, "a whole number of 0 or more is expected")
	}
	if err != nil || n > maxCount {
		n = maxCount
	}
	return n
}

// search accepts the insides of the strings within which an expression matches, or is
// nil where that is all of them.
func (c *compiler) search(at *value, key string) *dfa {
	if at.kind != kindString {
		fail(at.pointer, key, "a string is expected")
	}
	return c.expression(at, key, at.text)
}

func (c *compiler) expression(at *value, key, expr string) *dfa {
	looks, expr := lookaheads(expr)
	d := c.plain(at, key, expr)
	for _, l := range looks {
		if ahead := c.plain(at, key, "^(?:"+l.expr+")"); l.not {
			d = minus(c.lim, d, ahead)
		} else {
			d = intersect(c.lim, d, ahead)
		}
	}
	return d
}

// plain is expression without look-ahead.
func (c *compiler) plain(at *value, key, expr string) *dfa {
	re, err := parseRegex(expr)
	if err != nil {
		fail(at.pointer, key, "%v", err)
	}
	n := newNFA(c.lim)
	start, from, to, end := n.state(), n.state(), n.state(), n.state()
	n.repeat(start, from, jsonChar, 0, -1)
	n.regex(from, to, re, jsonRunes)
	n.repeat(to, end, jsonChar, 0, -1)
	return n.determinize(start, end)
}

// format accepts the insides of the strings of a format. It is nil for formats that
// JSON Schema does not define: those are notes.
func (c *compiler) format(at *value) *dfa {
	if at.kind != kindString {
		fail(at.pointer, "format", "a string is expected")
	}
	if expr, ok := formats[at.text]; ok {
		return regexDFA(c.lim, expr, jsonRunes)
	}
	if undefinedHere[at.text] {
		fail(at.pointer, "format", "the format %q is not supported", at.text)
	}
	return nil
}
