package grammar

// arrayKeyword adds what a keyword says about arrays.
func (c *compiler) arrayKeyword(s *spec, v *value, key string) {
	at := v.fields[key]
	switch key {
	case "minItems":
		s.minItems = max(s.minItems, count(at, key))
		return
	case "maxItems":
		s.maxItems = least(s.maxItems, count(at, key))
		return
	case "uniqueItems":
		if at.kind != kindBool {
			fail(at.pointer, key, "true or false is expected")
		}
		if at.yes {
			s.unique = at
		}
		return
	case "prefixItems":
		schemas(at, key)
	}
	if len(s.arrays) == 0 || s.arrays[len(s.arrays)-1] != v {
		s.arrays = append(s.arrays, v)
	}
}

// element returns the schema that v has for the element at i, or nil. Up to draft 2019-09
// an array in items is what prefixItems is now.
func element(v *value, i int) *value {
	first, rest := v.fields["prefixItems"], v.fields["items"]
	if first == nil && rest != nil && rest.kind == kindArray {
		first, rest = rest, v.fields["additionalItems"]
	}
	if first != nil && i < len(first.items) {
		return first.items[i]
	}
	return rest
}

// prefix returns how many elements v has schemas of their own for.
func prefix(v *value) int {
	for _, key := range []string{"prefixItems", "items"} {
		if at := v.fields[key]; at != nil && at.kind == kindArray {
			return len(at.items)
		}
	}
	return 0
}

// elements returns the schemas for the element at i.
func (s *spec) elements(i int) []*value {
	var all []*value
	for _, v := range s.arrays {
		if e := element(v, i); e != nil {
			all = append(all, e)
		}
	}
	return all
}

// never reports whether a false schema is among them.
func never(all []*value) bool {
	for _, v := range all {
		if v.kind == kindBool && !v.yes {
			return true
		}
	}
	return false
}

// addArray adds the arrays that satisfy a spec.
func (c *compiler) addArray(n *nfa, from, to int32, s *spec) {
	if s.freeArray() {
		n.call(from, to, c.array)
		return
	}
	most := s.maxItems
	own := 0 // elements that differ
	for _, v := range s.arrays {
		own = max(own, prefix(v))
	}
	for i := range own {
		if never(s.elements(i)) {
			most = least(most, i)
		}
	}
	if never(s.elements(own)) {
		most = least(most, own)
	}
	if s.unique != nil && (most < 0 || most > 1) {
		fail(s.unique.pointer, "uniqueItems", "this keyword cannot be compiled where there may be two items")
	}
	if most >= 0 && s.minItems > most {
		return
	}
	rest := c.rule(s.elements(own))
	n.openList(c.texts, from, to, "[]", max(own, s.minItems), most, func(i int) (part, bool) {
		r := rest
		if i < own {
			r = c.rule(s.elements(i))
		}
		return func(n *nfa, from, to int32) { n.call(from, to, r) }, i >= s.minItems
	})
}

// openList adds a list between brackets. element returns what stands at place i and
// whether the list may end before it; from place same on all are alike. most below 0 is
// without end.
func (n *nfa) openList(t *texts, from, to int32, brackets string, same, most int, element func(i int) (p part, mayEnd bool)) {
	at, end := n.state(), n.state()
	in := n.state()
	n.literal(from, in, brackets[:1])
	t.gap(n, in, at)
	n.literal(end, to, brackets[1:])
	for i := 0; ; i++ {
		p, mayEnd := element(i)
		if i == 0 && mayEnd {
			n.empty(at, end)
		} else if mayEnd {
			t.gap(n, at, end)
		}
		if i == most {
			return
		}
		start := at
		if i > 0 {
			comma := n.state()
			start = n.state()
			n.literal(at, comma, ",")
			t.gap(n, comma, start)
		}
		if most < 0 && i > same {
			p(n, start, at)
			return
		}
		next := n.state()
		p(n, start, next)
		at = next
	}
}
