package grammar

import (
	"slices"
)

// maxPatterns bounds the patternProperties that hold for one object: which of them a
// key matches is one of 2^n cases.
const maxPatterns = 6

// objectKeyword adds what a keyword says about objects.
func (c *compiler) objectKeyword(s *spec, v *value, key string) {
	at := v.fields[key]
	switch key {
	case "minProperties":
		s.minProps, s.propsAt = max(s.minProps, count(at, key)), at
		return
	case "maxProperties":
		s.maxProps, s.propsAt = least(s.maxProps, count(at, key)), at
		return
	case "required":
		s.require(at, key)
		return
	case "propertyNames":
		s.keyNames = append(s.keyNames, at)
		return
	case "properties", "patternProperties":
		if at.kind != kindObject {
			fail(at.pointer, key, "an object of schemas is expected")
		}
	}
	if len(s.objects) == 0 || s.objects[len(s.objects)-1] != v {
		s.objects = append(s.objects, v)
	}
}

// keyPattern is one of patternProperties.
type keyPattern struct {
	of     *value // the schema that has it
	keys   *dfa   // the insides of the keys that it matches
	schema *value
}

// member is a property, or all properties whose keys are alike.
type member struct {
	key      *dfa     // of the inside of its key
	schemas  []*value // of its value
	required bool
}

// object is what a spec says about objects.
type object struct {
	*compiler
	s        *spec
	names    []string
	patterns []keyPattern
	keys     *dfa // the insides of the keys that there may be; nil: any
}

// addObject adds the objects that satisfy a spec: properties in the order in which the
// schema names them, then those that only required names, then others.
func (c *compiler) addObject(n *nfa, from, to int32, s *spec) {
	if s.freeObject() {
		n.call(from, to, c.object)
		return
	}
	o := &object{compiler: c, s: s}
	o.collect()
	var members []member
	least := 0
	for _, name := range o.names {
		required := slices.Contains(s.required, name)
		all := o.schemas(name)
		if never(all) && !required {
			continue
		}
		if required {
			least++
		}
		members = append(members, member{c.literalKey(name), all, required})
	}
	others := o.others()
	if len(others) > 0 && s.minProps > least {
		fail(s.propsAt.pointer, keyOf(s.propsAt), "this keyword cannot be compiled where there may be properties without a name in the schema")
	}
	o.add(n, from, to, members, others, least)
}

// collect gathers names and patterns.
func (o *object) collect() {
	seen := map[string]bool{}
	name := func(name string) {
		if !seen[name] {
			seen[name] = true
			o.names = append(o.names, name)
		}
	}
	for _, v := range o.s.objects {
		if props := v.fields["properties"]; props != nil {
			for _, key := range props.keys {
				name(key)
			}
		}
	}
	for _, key := range slices.Concat(o.s.required, o.s.absent) {
		name(key)
	}
	for _, schema := range o.s.keyNames {
		o.keyNames(schema, name)
	}
	for _, v := range o.s.objects {
		at := v.fields["patternProperties"]
		if at == nil {
			continue
		}
		for _, expr := range at.keys {
			schema := at.fields[expr]
			o.patterns = append(o.patterns, keyPattern{v, o.expression(schema, "patternProperties", expr), schema})
		}
	}
	if len(o.patterns) > maxPatterns {
		last := o.patterns[len(o.patterns)-1]
		fail(last.schema.pointer, "patternProperties", "more than %d patterns in one place are not supported", maxPatterns)
	}
}

// schemas returns the schemas for the value of a property that is named.
func (o *object) schemas(name string) []*value {
	if !o.allowsKey(name) {
		return []*value{forbidden}
	}
	var all []*value
	for _, v := range o.s.objects {
		known := false
		if props := v.fields["properties"]; props != nil && props.fields[name] != nil {
			all, known = append(all, props.fields[name]), true
		}
		for _, p := range o.patterns {
			if p.of == v && p.keys.matchesInside(name) {
				all, known = append(all, p.schema), true
			}
		}
		if extra := v.fields["additionalProperties"]; extra != nil && !known {
			all = append(all, extra)
		}
	}
	return all
}

func (d *dfa) matchesInside(name string) bool { return !d.empty() && d.matches(inside(name)) }

// others returns the properties that the schema does not name, by the patterns that
// their keys match.
func (o *object) others() []member {
	named := newNFA(o.lim)
	start, end := named.state(), named.state()
	for _, name := range o.names {
		named.literal(start, end, inside(name))
	}
	free := minus(o.lim, o.canonical, named.determinize(start, end))
	if o.keys != nil {
		free = intersect(o.lim, free, o.keys)
	}
	var others []member
	for set := range 1 << len(o.patterns) {
		if set == 0 && o.closed() {
			continue
		}
		var all []*value
		for _, v := range o.s.objects {
			known := false
			for i, p := range o.patterns {
				if p.of == v && set&(1<<i) != 0 {
					all, known = append(all, p.schema), true
				}
			}
			if extra := v.fields["additionalProperties"]; extra != nil && !known {
				all = append(all, extra)
			}
		}
		if never(all) {
			continue
		}
		keys := free
		for i, p := range o.patterns {
			if set&(1<<i) != 0 {
				keys = intersect(o.lim, keys, p.keys)
			} else {
				keys = minus(o.lim, keys, p.keys)
			}
		}
		if !keys.empty() {
			others = append(others, member{key: keys, schemas: all})
		}
	}
	return others
}

// closed reports whether keys that nothing is said about are left out: the schema names
// some, and not the others.
func (o *object) closed() bool {
	if o.open {
		return false
	}
	named := false
	for _, v := range o.s.objects {
		if v.fields["additionalProperties"] != nil {
			return false
		}
		named = true
	}
	return named
}

func (c *compiler) literalKey(name string) *dfa {
	n := newNFA(c.lim)
	start, end := n.state(), n.state()
	n.literal(start, end, inside(name))
	return n.determinize(start, end)
}

// add adds the object, counting its members where that is asked for.
func (o *object) add(n *nfa, from, to int32, members, others []member, least int) {
	rows := 0 // members counted up to this many
	most := o.s.maxProps
	if most >= 0 && len(others) == 0 && most >= len(members) {
		most = -1
	}
	if o.s.minProps > least {
		rows = o.s.minProps
	}
	if most >= 0 {
		rows = max(rows, most)
	}
	if rows > len(members) && len(others) == 0 || most >= 0 && o.s.minProps > most {
		return
	}
	g := &grid{object: o, nfa: n, members: members, others: others, rows: rows, most: most}
	g.needed = len(members)
	for g.needed > 0 && !members[g.needed-1].required {
		g.needed--
	}
	for i := range g.places {
		g.places[i] = map[[2]int]int32{}
	}
	in, open := n.state(), n.state()
	g.end = n.state()
	n.literal(from, in, "{")
	o.gap(n, in, open)
	n.literal(g.end, to, "}")
	if o.s.minProps <= 0 && g.needed == 0 {
		n.empty(open, g.end)
	}
	if most != 0 {
		n.empty(open, g.next(0, 1))
	}
}

// grid has states for each place in the members and number of members written.
type grid struct {
	*object
	*nfa
	members, others []member
	needed          int // members up to the last that is required
	rows, most      int
	end             int32
	places          [2]map[[2]int]int32 // what after and next have made
}

// place returns the state for a key, made by fill the first time.
func (g *grid) place(kind, i, count int, fill func(at int32)) int32 {
	key := [2]int{i, min(count, g.rows)}
	at, ok := g.places[kind][key]
	if !ok {
		at = g.state()
		g.places[kind][key] = at
		fill(at)
	}
	return at
}

// after returns the state after a member that was the count-th, with those from i on to
// come.
func (g *grid) after(i, count int) int32 {
	return g.place(0, i, count, func(at int32) {
		if i >= g.needed && (g.rows == 0 || count >= g.s.minProps) {
			g.gap(g.nfa, at, g.end)
		}
		if g.most < 0 || count < g.most {
			comma, next := g.state(), g.next(i, count+1)
			g.literal(at, comma, ",")
			g.gap(g.nfa, comma, next)
		}
	})
}

// next returns the state at which a member begins, of those from i on, as the count-th.
func (g *grid) next(i, count int) int32 {
	return g.place(1, i, count, func(at int32) {
		if i == len(g.members) {
			for _, m := range g.others {
				g.member(at, g.after(i, count), m)
			}
			return
		}
		g.member(at, g.after(i+1, count), g.members[i])
		if !g.members[i].required {
			g.empty(at, g.next(i+1, count))
		}
	})
}

// member adds a key, a colon and a value.
func (g *grid) member(from, to int32, m member) {
	quote, closing, colon, value := g.state(), g.state(), g.state(), g.state()
	g.literal(from, quote, `"`)
	g.embed(quote, closing, m.key)
	g.literal(closing, colon, `":`)
	g.gap(g.nfa, colon, value)
	g.call(value, to, g.rule(m.schemas))
}
